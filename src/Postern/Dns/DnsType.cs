namespace Postern.Dns;

/// <summary>The record types that are asked for or followed, with their numbers on the wire (RFC 1035 §3.2.2, RFC 3596).</summary>
public enum DnsType : ushort
{
    /// <summary>No type; never asked for.</summary>
    None = 0,

    /// <summary>An IPv4 address.</summary>
    A = 1,

    /// <summary>The canonical name of an alias; followed within an answer, never asked for.</summary>
    Cname = 5,

    /// <summary>The start of a zone of authority: how long "there is nothing" may be remembered (RFC 2308).</summary>
    Soa = 6,

    /// <summary>The name of an address (PTR).</summary>
    Reverse = 12,

    /// <summary>A mail exchanger.</summary>
    Mx = 15,

    /// <summary>Text: SPF policies, and what a resolver says of an answer that it blocked.</summary>
    Text = 16,

    /// <summary>An IPv6 address.</summary>
    Aaaa = 28,

    /// <summary>The OPT record, which is no record but more room in the header (RFC 6891); never asked for.</summary>
    Edns = 41,
}
