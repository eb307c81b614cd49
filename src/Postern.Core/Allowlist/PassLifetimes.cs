namespace Postern.Core.Allowlist;

/// <summary>How long a pass of each test counts at most, in the column order of a cache record.</summary>
public readonly record struct PassLifetimes(TimeSpan Pregreet, TimeSpan Dnsbl, TimeSpan Pipelining, TimeSpan NonSmtpCommand, TimeSpan BareNewline)
{
    /// <summary>The longest of them. An expiry further away was written by a clock that was wrong.</summary>
    public TimeSpan Longest => new(Math.Max(Math.Max(Pregreet.Ticks, Dnsbl.Ticks), Math.Max(Math.Max(Pipelining.Ticks, NonSmtpCommand.Ticks), BareNewline.Ticks)));
}
