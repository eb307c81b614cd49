using System.Net.Sockets;
using Postern.Core;
using Postern.Core.Config;
using Postern.Native;
using Postern.Tls;

namespace Postern.Relay;

/// <summary>Connections to relay targets: non-blocking system calls, on the loop's thread or the prober's.</summary>
internal static unsafe class ServerSocket
{
    /// <summary>The socket addresses of a target, as connect(2) wants them. Waits for DNS where the target is a name.</summary>
    /// <returns>Empty: the name has no address.</returns>
    public static byte[][] Resolve(RelayTarget target)
    {
        var buffer = new byte[SockAddr.MaxLength];
        if (target.SocketPath is { } path)
            return [buffer[..SockAddr.WriteUnix(buffer, path)]];
        if (IpAddress.TryParse(target.Host, out var address))
            return [buffer[..SockAddr.WriteInet(buffer, address, target.Port)]];
        try
        {
            return [.. System.Net.Dns.GetHostAddresses(target.Host).Select(found =>
                buffer[..SockAddr.WriteInet(buffer, IpAddress.FromBytes(found.GetAddressBytes()), target.Port)])];
        }
        catch (SocketException)
        {
            return [];
        }
    }

    /// <summary>Whether <see cref="Resolve"/> answers at once.</summary>
    public static bool IsNumeric(RelayTarget target) => target.SocketPath is not null || IpAddress.TryParse(target.Host, out _);

    /// <summary>Begins to connect.</summary>
    /// <param name="address">A socket address.</param>
    /// <param name="error">On failure, the error number.</param>
    /// <returns>The socket, which is writable once it is connected or has failed; -1 on failure.</returns>
    public static int Open(byte[] address, out int error)
    {
        error = 0;
        var family = SockAddr.Family(address);
        var fd = Libc.socket(family, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (fd < 0)
        {
            error = Errno.Last;
            return -1;
        }

        if (family != Libc.AF_UNIX)
            SendAtOnce(fd);
        fixed (byte* bytes = address)
        {
            if (Libc.connect(fd, bytes, (uint)address.Length) == 0 || Errno.Last == Errno.EINPROGRESS)
                return fd;
        }

        error = Errno.Last;
        _ = Libc.close(fd);
        return -1;
    }

    /// <summary>How the attempt to connect came out.</summary>
    /// <returns>0, or the error number.</returns>
    public static int Result(int fd)
    {
        int error;
        uint length = sizeof(int);
        return Libc.getsockopt(fd, Libc.SOL_SOCKET, Libc.SO_ERROR, &error, &length) < 0 ? Errno.Last : error;
    }

    /// <summary>Puts TLS between us and a server.</summary>
    /// <param name="fd">The connection to the server, which the tunnel takes; afterwards the near end, with the plain text.</param>
    /// <param name="server">The server.</param>
    /// <returns>Null: there are no descriptors left, and nothing has changed.</returns>
    public static ServerTunnel? OpenTunnel(ref int fd, RelayServer server)
    {
        var pair = stackalloc int[2];
        if (Libc.socketpair(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0, pair) < 0)
            return null;
        var tunnel = new ServerTunnel(fd, pair[1], server.Tls);
        fd = pair[0];
        return tunnel;
    }

    /// <summary>Short messages are not held back until earlier ones are acknowledged.</summary>
    public static void SendAtOnce(int fd)
    {
        var on = 1;
        _ = Libc.setsockopt(fd, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, &on, sizeof(int));
    }

    /// <summary>Sends a short text whole.</summary>
    /// <returns>False: the connection is broken, or takes not even that much.</returns>
    public static bool TrySend(int fd, ByteBuffer text)
    {
        fixed (byte* bytes = text.Written)
        {
            var sent = Libc.send(fd, bytes, (nuint)text.Length, Libc.MSG_NOSIGNAL);
            var isWhole = sent == text.Length;
            text.Truncate(0);
            return isWhole;
        }
    }
}
