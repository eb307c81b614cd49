namespace Postern.Core.Screening;

/// <summary>
/// Notices that every client seems to have one and the same private address, as behind a proxy that does not name its
/// clients, or an address translation: then one bad client spoils it for all, and mynetworks may let in everybody.
/// </summary>
public sealed class SoleAddress
{
    private const int Enough = 100; // clients, one after the other since the start

    private IpAddress _address;
    private int _clients;
    private bool _isSettled;

    /// <summary>A client has come.</summary>
    /// <returns>Once: what the administrator should know; else null.</returns>
    public string? See(IpAddress address)
    {
        if (_isSettled || Ignores(address))
            return null;
        if (!IsPrivate(address) || (_clients > 0 && address != _address))
        {
            _isSettled = true;
            return null;
        }

        _address = address;
        if (++_clients < Enough)
            return null;
        _isSettled = true;
        return $"all of the first {Enough} clients came from {_address}, a private address: a proxy or an address translation seems to hide who they are, "
            + "and one bad client fails the tests for all of them -- let the proxy say whose connection it is (postscreen_upstream_proxy_protocol = haproxy), "
            + "or keep the clients' addresses (Docker: network_mode: host; Kubernetes: externalTrafficPolicy: Local); see docs/behind/README.md";
    }

    /// <summary>This host's own health checks say nothing, unless there is nobody else.</summary>
    private bool Ignores(IpAddress address)
    {
        if (_clients > 0 && _address.IsLoopback && !address.IsLoopback)
            _clients = 0; // what counted so far were such
        return address.IsLoopback && _clients > 0 && !_address.IsLoopback;
    }

    // RFC 1918, RFC 6598, RFC 3927; RFC 4193, RFC 4291 §2.5.6.
    private static bool IsPrivate(IpAddress address) => address.IsIPv4
        ? address.IPv4Bits >> 24 == 10 || address.IPv4Bits >> 20 == 0xac1 || address.IPv4Bits >> 16 is 0xc0a8 or 0xa9fe
            || address.IPv4Bits >> 22 == 0x6440_0000 >> 22 || address.IsLoopback
        : address.High >> 57 == 0xfc >> 1 || address.High >> 54 == 0xfe80 >> 6 || address.IsLoopback;
}
