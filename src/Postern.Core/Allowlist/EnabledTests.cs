namespace Postern.Core.Allowlist;

/// <summary>A set of screening tests, in the column order of a cache record: those that the configuration asks for, or those that are due.</summary>
public readonly record struct EnabledTests(bool Pregreet, bool Dnsbl, bool Pipelining, bool NonSmtpCommand, bool BareNewline)
{
    /// <summary>Whether the set has at least one test.</summary>
    public bool Any => Pregreet || Dnsbl || Pipelining || NonSmtpCommand || BareNewline;
}
