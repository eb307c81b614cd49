using System.Diagnostics.CodeAnalysis;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Proxy;
using Postern.Core.Screening;
using Postern.Native;

namespace Postern.Loop;

/// <summary>
/// The connections of proxies that have not named their client yet: how many there are, and how their header is read,
/// so that not one byte of what stands behind it leaves the kernel.
/// </summary>
/// <param name="most">How many may wait; they are in no queue of a service, so nothing else bounds them.</param>
internal sealed unsafe class ProxyGate(int most)
{
    private readonly Queue<ulong> _tokens = []; // of those that wait, and of some that do no more
    private Endpoint? _lastServer; // proxies name few servers

    /// <summary>How many wait.</summary>
    public int Waiting { get; private set; }

    /// <summary>There is one too many.</summary>
    public bool IsTooFull => Waiting > most;

    /// <summary>Counts one in.</summary>
    /// <param name="token">That leads to it as long as it is there.</param>
    public void Enter(ulong token)
    {
        Waiting++;
        _tokens.Enqueue(token);
    }

    /// <summary>Counts one out: named, or gone.</summary>
    public void Leave() => Waiting--;

    /// <summary>The one that has waited longest.</summary>
    /// <param name="clients">Where tokens lead to.</param>
    /// <returns>Null: none waits.</returns>
    public Client? Oldest(ClientTable clients)
    {
        while (_tokens.TryPeek(out var token))
        {
            if (clients.Find(token) is { IsNamed: false } client)
                return client;
            _tokens.Dequeue();
        }

        return null;
    }

    /// <summary>Reads the header, if something has come.</summary>
    /// <param name="descriptor">The connection.</param>
    /// <param name="protocols"><c>inet_protocols</c>.</param>
    /// <param name="scratch">At least <see cref="ProxyHeader.LongestPeek"/> bytes.</param>
    /// <param name="actions">What is to be done when there is no client; empty: wait on.</param>
    /// <param name="client">Address and port of the client.</param>
    /// <param name="server">The endpoint it connected to.</param>
    public bool TryRead(
        int descriptor, InetProtocols protocols, Span<byte> scratch, SessionActions actions,
        out (IpAddress Address, ushort Port) client, [NotNullWhen(true)] out Endpoint? server)
    {
        (client, server) = (default, null);
        nint count;
        fixed (byte* bytes = scratch)
            count = Libc.recv(descriptor, bytes, ProxyHeader.LongestPeek, Libc.MSG_PEEK);
        if (count < 0 && Errno.Last is Errno.EAGAIN or Errno.EINTR)
            return false;
        if (!ProxyWait.TryRead(scratch[..(int)Math.Max(0, count)], protocols, actions, out var header))
            return false;

        fixed (byte* bytes = scratch)
            count = Libc.recv(descriptor, bytes, (nuint)header.Length, 0);
        if (count != header.Length)
        {
            ProxyWait.TryRead([], protocols, actions, out _); // gone in between
            return false;
        }

        return header.IsLocal ? TryReadSocket(descriptor, actions, out client, out server) : TryTake(header, out client, out server);
    }

    private bool TryTake(in ProxyHeader header, out (IpAddress Address, ushort Port) client, [NotNullWhen(true)] out Endpoint? server)
    {
        client = (header.ClientAddress, header.ClientPort);
        server = _lastServer is { } last && last.Address == header.ServerAddress && last.Port == header.ServerPort
            ? last : _lastServer = new Endpoint(header.ServerAddress, header.ServerPort);
        return true;
    }

    // For a connection that is the proxy's own.
    private static bool TryReadSocket(
        int descriptor, SessionActions actions, out (IpAddress Address, ushort Port) client, [NotNullWhen(true)] out Endpoint? server)
    {
        var peer = stackalloc byte[SockAddr.MaxLength];
        var own = stackalloc byte[SockAddr.MaxLength];
        uint peerLength = SockAddr.MaxLength, ownLength = SockAddr.MaxLength;
        (client, server) = (default, null);
        var failed = Libc.getpeername(descriptor, peer, &peerLength) != 0 ? "getpeername"
            : Libc.getsockname(descriptor, own, &ownLength) != 0 ? "getsockname" : null;
        if (failed is not null)
        {
            actions.Warn($"{failed}: {Errno.LastText} -- dropping this connection"); // a health check that has been reset by now
            ProxyWait.Refuse(actions);
            return false;
        }

        SockAddr.TryReadInet(new ReadOnlySpan<byte>(peer, (int)peerLength), out var address, out var port);
        SockAddr.TryReadInet(new ReadOnlySpan<byte>(own, (int)ownLength), out var ownAddress, out var ownPort);
        client = (address, (ushort)port);
        server = new Endpoint(ownAddress, (ushort)ownPort);
        return true;
    }
}
