using Postern.Core;
using Postern.Native;

namespace Postern.Loop;

/// <summary>A listening TCP socket of a service.</summary>
internal sealed unsafe class Listener : IDisposable
{
    private readonly Dictionary<(IpAddress, ushort), Endpoint> _endpoints = [];

    private Listener(int descriptor, Endpoint endpoint)
    {
        Descriptor = descriptor;
        Endpoint = endpoint;
    }

    public int Descriptor { get; }

    /// <summary>Where it listens; the wildcard address stands for every address of its kind.</summary>
    public Endpoint Endpoint { get; }

    /// <summary>The service whose clients come here.</summary>
    public required RunningService Service { get; set; }

    /// <summary>Opens the socket and listens.</summary>
    /// <param name="endpoint">Where.</param>
    /// <param name="backlog"><c>postern_listen_backlog</c>; the kernel's net.core.somaxconn bounds it.</param>
    /// <param name="service">Whose clients come here.</param>
    /// <param name="problem">On failure, for the administrator.</param>
    /// <param name="isShared">Whether another listener has this port for the wildcard address, or for one of those.</param>
    public static Listener? Open(Endpoint endpoint, int backlog, RunningService service, out string? problem, bool isShared = false)
    {
        var descriptor = InetSocket.Bind(endpoint, out var error, isShared);
        if (descriptor >= 0 && Libc.listen(descriptor, backlog) != 0)
        {
            error = Errno.Last;
            _ = Libc.close(descriptor);
        }

        problem = error == 0 ? null : InetSocket.Refusal(endpoint, error);
        if (problem is not null)
            return null;
        if (endpoint.Port == 0 && TryReadLocal(descriptor, out _, out var chosen))
            endpoint = endpoint with { Port = chosen };
        return new Listener(descriptor, endpoint) { Service = service };
    }

    /// <summary>Takes over a socket that listens already.</summary>
    /// <param name="descriptor">Owned from now on.</param>
    /// <param name="service">Whose clients come here.</param>
    /// <param name="problem">On failure, for the administrator.</param>
    public static Listener? Adopt(int descriptor, RunningService service, out string? problem)
    {
        problem = null;
        if (TryReadLocal(descriptor, out var address, out var port)
            && Libc.fcntl(descriptor, Libc.F_SETFD, Libc.FD_CLOEXEC) == 0
            && Libc.fcntl(descriptor, Libc.F_SETFL, Libc.fcntl(descriptor, Libc.F_GETFL, 0) | Libc.O_NONBLOCK) == 0)
        {
            return new Listener(descriptor, new Endpoint(address, port)) { Service = service };
        }

        problem = $"descriptor {descriptor} is no listening internet socket";
        return null;
    }

    /// <summary>Takes the next client.</summary>
    /// <param name="address">The client's address.</param>
    /// <param name="port">The client's port.</param>
    /// <param name="server">The endpoint it connected to.</param>
    /// <returns>The client's socket, not blocking; negative: the error number, negated (EAGAIN: nobody is waiting).</returns>
    public int Accept(out IpAddress address, out ushort port, out Endpoint server)
    {
        (address, port, server) = (default, 0, Endpoint);
        var buffer = stackalloc byte[SockAddr.MaxLength];
        uint length = SockAddr.MaxLength;
        var fd = Libc.accept4(Descriptor, buffer, &length, Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC);
        if (fd < 0)
            return -Errno.Last;
        SockAddr.TryReadInet(new ReadOnlySpan<byte>(buffer, (int)length), out address, out var clientPort);
        port = (ushort)clientPort;
        if (Endpoint.Address.IsWildcard)
            server = FindServerEndpoint(fd);
        return fd;
    }

    public void Dispose() => _ = Libc.close(Descriptor);

    /// <summary>The address that the client connected to; endpoints are shared, as there are few of them.</summary>
    private Endpoint FindServerEndpoint(int fd)
    {
        if (!TryReadLocal(fd, out var address, out var port))
            return Endpoint;
        if (_endpoints.TryGetValue((address, port), out var endpoint))
            return endpoint;
        if (_endpoints.Count >= 1024) // a host with that many addresses pays with an allocation a client
            _endpoints.Clear();
        return _endpoints[(address, port)] = new Endpoint(address, port);
    }

    private static bool TryReadLocal(int fd, out IpAddress address, out ushort port)
    {
        var buffer = stackalloc byte[SockAddr.MaxLength];
        uint length = SockAddr.MaxLength;
        var found = Libc.getsockname(fd, buffer, &length) == 0;
        found &= SockAddr.TryReadInet(new ReadOnlySpan<byte>(buffer, (int)length), out address, out var number);
        port = (ushort)number;
        return found;
    }
}
