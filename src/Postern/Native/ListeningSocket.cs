using System.Net.Sockets;

namespace Postern.Native;

/// <summary>Binds a UNIX socket for our own user only, also over what a run that ended badly left behind.</summary>
internal static class ListeningSocket
{
    /// <returns>Null with a <paramref name="problem"/>.</returns>
    public static Socket? Open(string path, int backlog, out string? problem)
    {
        problem = null;
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            var address = new UnixDomainSocketEndPoint(path);
            if (File.Exists(path) && !TryRemoveStale(path, address, out problem))
            {
                listener.Dispose();
                return null;
            }

            listener.Bind(address);
            if (OperatingSystem.IsLinux())
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            listener.Listen(backlog);
            return listener;
        }
        catch (SocketException refusal)
        {
            problem = $"cannot listen on {path}: {refusal.Message}";
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
        {
            problem = $"cannot listen on {path}: {Errno.ReasonOf(refusal)}";
        }
        catch (ArgumentException)
        {
            problem = $"cannot listen on {path}: the path is too long for a UNIX socket";
        }

        listener.Dispose();
        return null;
    }

    private static bool TryRemoveStale(string path, UnixDomainSocketEndPoint address, out string? problem)
    {
        problem = null;
        try
        {
            using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            probe.Connect(address);
            problem = $"cannot listen on {path}: another process listens there";
            return false;
        }
        catch (SocketException)
        {
            // Nobody listens. A file with content is no socket, and not ours to remove.
        }

        if (new FileInfo(path).Length > 0)
        {
            problem = $"cannot listen on {path}: there is a file of that name";
            return false;
        }

        File.Delete(path);
        return true;
    }
}
