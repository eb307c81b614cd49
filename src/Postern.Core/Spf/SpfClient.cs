namespace Postern.Core.Spf;

/// <summary>The connection that a policy is evaluated for; what the macros of RFC 7208 §7 stand for.</summary>
/// <param name="Address">The client's address.</param>
public sealed record SpfClient(IpAddress Address)
{
    /// <summary>The sender's local part; empty in the policy's own check, where it is "postmaster" (RFC 7208 §4.3).</summary>
    public string LocalPart { get; init; } = "";

    /// <summary>The sender's domain; empty: that of the check.</summary>
    public string SenderDomain { get; init; } = "";

    /// <summary>The name of HELO or EHLO; empty before it was said.</summary>
    public string HeloName { get; init; } = "";

    /// <summary>The receiving host, for <c>%{r}</c>.</summary>
    public string ReceivingHost { get; init; } = "unknown";

    /// <summary>Seconds since 1970 UTC, for <c>%{t}</c>.</summary>
    public long UnixSeconds { get; init; }
}
