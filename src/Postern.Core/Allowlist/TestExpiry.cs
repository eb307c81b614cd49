namespace Postern.Core.Allowlist;

/// <summary>
/// When each test's pass expires, in seconds since 1970 UTC. 0: enabled when written, never passed. 1: never passed,
/// disabled when written, or failed. The order is the column order of a cache record.
/// </summary>
public readonly record struct TestExpiry(uint Pregreet, uint Dnsbl, uint Pipelining, uint NonSmtpCommand, uint BareNewline);
