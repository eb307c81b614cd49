using Postern.Core;
using Postern.Native;

namespace Postern.Dns;

/// <summary>
/// A UDP socket that is connected to one name server, from a random port: the kernel drops what others send, and tells of
/// refusals.
/// </summary>
internal sealed unsafe class ServerSocket
{
    private ServerSocket(NameServer server, int descriptor, ushort number, long born) => (Server, Descriptor, Number, Born) = (server, descriptor, number, born);

    /// <summary>Whom it is connected to.</summary>
    public NameServer Server { get; }

    public int Descriptor { get; }

    /// <summary>Tells its queries from those of other sockets.</summary>
    public ushort Number { get; }

    /// <summary>Monotonic milliseconds.</summary>
    public long Born { get; }

    /// <summary>Queries sent.</summary>
    public int Uses { get; private set; }

    /// <summary>Queries that wait for an answer here.</summary>
    public int Outstanding { get; set; }

    /// <summary>No more queries go out here; it is closed with its last answer.</summary>
    public bool IsRetired { get; set; }

    /// <returns>Null when the server cannot be reached or descriptors are used up.</returns>
    public static ServerSocket? Open(NameServer nameServer, ushort number, long now)
    {
        var server = nameServer.Address;
        Span<byte> bytes = stackalloc byte[16];
        server.Address.TryWriteBytes(bytes, out var written);
        var address = IpAddress.FromBytes(bytes[..written]);
        var destination = stackalloc byte[SockAddr.MaxLength];
        var room = new Span<byte>(destination, SockAddr.MaxLength);
        var length = address.IsIPv4
            ? SockAddr.WriteInet(room, address, server.Port)
            : SockAddr.WriteInet6(room, address, server.Port, (uint)server.Address.ScopeId);
        var descriptor = Libc.socket(
            address.IsIPv4 ? Libc.AF_INET : Libc.AF_INET6, Libc.SOCK_DGRAM | Libc.SOCK_CLOEXEC | Libc.SOCK_NONBLOCK, 0);
        if (descriptor < 0)
            return null;
        if (Libc.connect(descriptor, destination, (uint)length) == 0)
            return new ServerSocket(nameServer, descriptor, number, now);
        _ = Libc.close(descriptor);
        return null;
    }

    /// <returns>False when it did not go out.</returns>
    public bool Send(ReadOnlySpan<byte> query)
    {
        Uses++;
        fixed (byte* data = query)
            return Libc.send(Descriptor, data, (nuint)query.Length, Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL) == query.Length;
    }

    /// <returns>The length of the next message; -1: there is none; -2: the server refuses, or cannot be reached.</returns>
    public int Receive(Span<byte> buffer)
    {
        nint length;
        fixed (byte* data = buffer)
            length = Libc.recv(Descriptor, data, (nuint)buffer.Length, Libc.MSG_DONTWAIT);
        return length >= 0 ? (int)length : Errno.Last is Errno.EAGAIN or Errno.EINTR ? -1 : -2;
    }
}
