using System.Net.Sockets;

namespace Postern.Native;

/// <summary>Who is at the other end of a UNIX socket (SO_PEERCRED, unix(7)).</summary>
internal static unsafe class PeerCredentials
{
    /// <returns>Its process; -1: it cannot be told.</returns>
    public static int ProcessOf(Socket socket) => TryRead(socket, out var process, out _) ? process : -1;

    /// <returns>Its user; null: it cannot be told.</returns>
    public static uint? UserOf(Socket socket) => TryRead(socket, out _, out var user) ? user : null;

    private static bool TryRead(Socket socket, out int process, out uint user)
    {
        var credentials = stackalloc int[3]; // struct ucred: process, user, group
        uint length = 3 * sizeof(int);
        var known = Libc.getsockopt((int)socket.Handle, Libc.SOL_SOCKET, Libc.SO_PEERCRED, credentials, &length) == 0;
        (process, user) = (credentials[0], (uint)credentials[1]);
        return known;
    }
}
