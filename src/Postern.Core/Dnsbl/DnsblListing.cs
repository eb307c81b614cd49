namespace Postern.Core.Dnsbl;

/// <summary>An answer of a DNS list that lists a client.</summary>
/// <param name="List">The list.</param>
/// <param name="Address">The A record, a.b.c.d with a in the most significant byte.</param>
public readonly record struct DnsblListing(DnsblList List, uint Address);
