using Postern.Core.Allowlist;
using Postern.Core.Dnsbl;

namespace Postern.Core.Screening;

/// <summary>
/// What all concurrent sessions of one client address share. It vanishes with the last of them; what outlives it is in
/// the temporary allowlist.
/// </summary>
public sealed class ClientAddressState(IpAddress address)
{
    /// <summary>The client address.</summary>
    public IpAddress Address { get; } = address;

    /// <summary>Sessions in progress, those included that the SMTP server has not taken over yet.</summary>
    public int Concurrency { get; set; }

    /// <summary>
    /// Sessions of its whole network, its own included, when the last of its own began: those in progress, and those that a server has
    /// through us (relayed, or in the built-in receiver). 65535: at least so many.
    /// (A parked client pays for each byte here.)
    /// </summary>
    public ushort SessionsOfNetwork { get; set; }

    /// <summary>Whether a session of its has logged PASS NEW.</summary>
    public bool HasLoggedPassNew { get; set; }

    /// <summary>Whether a session of its waits for the store behind the temporary allowlist, and none has its answer yet.</summary>
    public bool IsAsked { get; set; }

    /// <summary>Expiry times by test. Until a session reads the allowlist every test is due, and none makes the client new.</summary>
    public TestExpiry Expiry { get; set; } = Unread;

    /// <summary>Whether a session has looked for the address in the allowlist, or passed a test.</summary>
    public bool IsRead => Expiry != Unread;

    private static TestExpiry Unread => new(1, 1, 1, 1, 1);

    /// <summary>What DNS lists say of the address, while a session has yet to take the result; else null.</summary>
    public DnsblScore? Dnsbl { get; private set; }

    /// <summary>A session wants to know what the DNS lists say: it shares in the score that is there, or begins one.</summary>
    public DnsblScore JoinDnsbl(DnsblSites sites)
    {
        if (Dnsbl?.Sites != sites)
            Dnsbl = new DnsblScore(sites); // of another service or an older configuration: theirs goes on without this address
        Dnsbl.Sessions++;
        return Dnsbl;
    }

    /// <summary>A session has taken the result, or does not want it any more.</summary>
    public void LeaveDnsbl(DnsblScore score)
    {
        if (--score.Sessions == 0 && Dnsbl == score)
            Dnsbl = null;
    }

    /// <summary>Next in the same bucket of the table that holds it; the table's business.</summary>
    public ClientAddressState? NextInBucket { get; set; }
}
