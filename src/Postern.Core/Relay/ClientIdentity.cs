namespace Postern.Core.Relay;

/// <summary>What a relay target can be told of a client.</summary>
/// <param name="Address">The client's address.</param>
/// <param name="Port">The client's TCP port.</param>
/// <param name="Server">The endpoint that the client connected to.</param>
/// <param name="UniqueId">Names this session in the target's log as in ours; ASCII, at most 128 bytes.</param>
/// <param name="Tls">Null: the client's connection is not encrypted, or not by us.</param>
public sealed record ClientIdentity(IpAddress Address, ushort Port, Endpoint Server, string UniqueId, TlsFacts? Tls = null);

/// <summary>The client's TLS session, in OpenSSL's words.</summary>
/// <param name="Version"><c>TLSv1.3</c>.</param>
/// <param name="Cipher"><c>TLS_AES_256_GCM_SHA384</c>.</param>
public sealed record TlsFacts(string Version, string Cipher);
