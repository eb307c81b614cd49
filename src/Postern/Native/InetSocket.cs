using Postern.Core;

namespace Postern.Native;

/// <summary>TCP sockets of our own that are to listen.</summary>
internal static unsafe class InetSocket
{
    /// <summary>Makes a socket for an address and port; IPv4 and IPv6 are apart, also the wildcards.</summary>
    /// <param name="error">On failure, as in errno(3); else 0.</param>
    /// <param name="isShared">
    /// Whether another socket of ours has the wildcard address, or one that it stands for, on this port. The kernel takes the one
    /// that says the client's address of ours exactly. Any process of this user may listen there, too.
    /// </param>
    /// <returns>Not blocking, and not listening yet; negative on failure.</returns>
    public static int Bind(Endpoint endpoint, out int error, bool isShared = false)
    {
        var isIPv4 = endpoint.Address.IsIPv4;
        var descriptor = Libc.socket(isIPv4 ? Libc.AF_INET : Libc.AF_INET6, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        var on = 1;
        var address = stackalloc byte[SockAddr.MaxLength];
        var length = SockAddr.WriteInet(new Span<byte>(address, SockAddr.MaxLength), endpoint.Address, endpoint.Port);
        if (descriptor >= 0
            && Libc.setsockopt(descriptor, Libc.SOL_SOCKET, Libc.SO_REUSEADDR, &on, sizeof(int)) == 0
            && (!isShared || Libc.setsockopt(descriptor, Libc.SOL_SOCKET, Libc.SO_REUSEPORT, &on, sizeof(int)) == 0)
            && (isIPv4 || Libc.setsockopt(descriptor, Libc.IPPROTO_IPV6, Libc.IPV6_V6ONLY, &on, sizeof(int)) == 0)
            && Libc.bind(descriptor, address, (uint)length) == 0)
        {
            error = 0;
            return descriptor;
        }

        error = Errno.Last;
        if (descriptor >= 0)
            _ = Libc.close(descriptor);
        return -1;
    }

    /// <summary>Why it cannot listen there, for the administrator.</summary>
    public static string Refusal(Endpoint endpoint, int error) => $"cannot listen on [{endpoint.Address}]:{endpoint.Port}: " + error switch
    {
        Errno.EACCES or Errno.EPERM when endpoint.Port < 1024 => $"{Errno.Text(error)} (ports below 1024 need root, or the capability CAP_NET_BIND_SERVICE)",
        Errno.EADDRINUSE => $"{Errno.Text(error)} (another program listens there: see 'ss -ltnp')",
        _ => Errno.Text(error),
    };
}
