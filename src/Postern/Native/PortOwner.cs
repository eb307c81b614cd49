using System.Globalization;

namespace Postern.Native;

/// <summary>Which process listens on a TCP port.</summary>
/// <param name="Process">Its id.</param>
/// <param name="Name">Its short name: <c>master</c>.</param>
internal readonly record struct PortOwner(int Process, string Name)
{
    private const string Listening = "0A";

    /// <summary>Looks through /proc, which shows the sockets of others to root only.</summary>
    /// <returns>Null: it cannot be told.</returns>
    public static PortOwner? Find(int port)
    {
        var sockets = ListeningSockets(port);
        if (sockets.Count == 0)
            return null;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var process) && HasOne(folder, sockets))
                return new PortOwner(process, NameOf(folder));
        }

        return null;
    }

    private static HashSet<string> ListeningSockets(int port)
    {
        var sockets = new HashSet<string>(StringComparer.Ordinal);
        var wanted = port.ToString("X4", CultureInfo.InvariantCulture);
        foreach (var table in (ReadOnlySpan<string>)["/proc/net/tcp", "/proc/net/tcp6"])
        {
            try
            {
                foreach (var line in File.ReadLines(table))
                {
                    // number, local address:port, remote, state, queues, timer, retransmits, user, timeout, inode
                    var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
                    if (words is [_, var local, _, Listening, _, _, _, _, _, var inode, ..] && local.EndsWith(":" + wanted, StringComparison.Ordinal))
                        sockets.Add($"socket:[{inode}]");
                }
            }
            catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
            {
                // without /proc, or without IPv6, there is nothing to find
            }
        }

        return sockets;
    }

    private static bool HasOne(string folder, HashSet<string> sockets)
    {
        try
        {
            return Directory.EnumerateFiles(folder + "/fd").Any(descriptor => new FileInfo(descriptor).LinkTarget is { } target && sockets.Contains(Path.GetFileName(target)));
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
        {
            return false; // it has ended, or is somebody else's
        }
    }

    private static string NameOf(string folder)
    {
        try
        {
            return File.ReadAllText(folder + "/comm").TrimEnd();
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
        {
            return "?";
        }
    }
}
