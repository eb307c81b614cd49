using Postern.Core;

namespace Postern.Dns;

/// <summary>One resource record of an answer, as far as its type is understood.</summary>
/// <param name="Owner">In presentation form, lower case, without a final dot.</param>
/// <param name="TimeToLive">Seconds.</param>
public sealed record DnsRecord(string Owner, DnsType Type, uint TimeToLive)
{
    /// <summary>The address of an A or AAAA record; otherwise unset.</summary>
    public IpAddress Address { get; init; }

    /// <summary>The name that a CNAME or MX record points to; empty for the root, which in an MX means "no mail" (RFC 7505).</summary>
    public string Target { get; init; } = "";

    /// <summary>The strings of a TXT record, joined, a char a byte (RFC 7208 §3.3).</summary>
    public string Text { get; init; } = "";

    /// <summary>The preference of an MX record; lower is tried first.</summary>
    public ushort Preference { get; init; }

    /// <summary>Seconds for which an SOA record lets a negative answer be remembered (its last field, RFC 2308 §5).</summary>
    public uint NegativeTimeToLive { get; init; }
}
