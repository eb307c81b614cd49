namespace Postern.Core.Relay;

/// <summary>What a relay target can be told of a client.</summary>
/// <param name="Address">The client's address.</param>
/// <param name="Port">The client's TCP port.</param>
/// <param name="Server">The endpoint that the client connected to.</param>
/// <param name="UniqueId">Names this session in the target's log as in ours; ASCII, at most 128 bytes.</param>
/// <param name="Tls">Null: the client's connection is not encrypted, or not by us.</param>
public sealed record ClientIdentity(IpAddress Address, ushort Port, Endpoint Server, string UniqueId, TlsFacts? Tls = null)
{
    /// <summary>In place of a name: the address has none.</summary>
    public const string Unavailable = "[UNAVAILABLE]";

    /// <summary>In place of a name: DNS could not say.</summary>
    public const string TemporarilyUnavailable = "[TEMPUNAVAIL]";

    /// <summary>The host name that the address leads to and that leads back to it, or what stands in its place.</summary>
    public string Name { get; init; } = Unavailable;

    /// <summary>The host name that the address leads to, whether it leads back or not, or what stands in its place.</summary>
    public string ReverseName { get; init; } = Unavailable;

    /// <summary>In its place somebody whom nobody can know: an address for documentation (RFC 5737, RFC 3849), of the same family.</summary>
    /// <param name="number">1 or more: which.</param>
    public ClientIdentity AsStranger(byte number) => this with
    {
        Address = Address.IsIPv4 ? IpAddress.FromIPv4(0xc000_0200u | number) : IpAddress.FromBytes([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, number]),
    };
}

/// <summary>The client's TLS session, in OpenSSL's words.</summary>
/// <param name="Version"><c>TLSv1.3</c>.</param>
/// <param name="Cipher"><c>TLS_AES_256_GCM_SHA384</c>.</param>
public sealed record TlsFacts(string Version, string Cipher);
