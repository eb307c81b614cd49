namespace Postern.Core;

/// <summary>A TCP endpoint. A class, because clients share the few server endpoints there are.</summary>
/// <param name="Address">IPv4 or IPv6 address.</param>
/// <param name="Port">TCP port.</param>
public sealed record Endpoint(IpAddress Address, ushort Port);
