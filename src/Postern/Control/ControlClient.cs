using System.Net.Sockets;
using System.Text;
using Postern.Native;

namespace Postern.Control;

/// <summary>A command's side of the control socket.</summary>
/// <param name="path">Of the socket.</param>
internal sealed class ControlClient(string path)
{
    private const int Patience = 30_000; // milliseconds for the daemon to go on

    /// <summary>Whether a daemon listens.</summary>
    public static bool IsServed(string path)
    {
        try
        {
            using var probe = Connect(path);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>The process of the daemon that listens; null: none does, or not for us.</summary>
    public static int? FindProcess(string path)
    {
        try
        {
            using var probe = Connect(path);
            return PeerCredentials.ProcessOf(probe) is > 0 and var process ? process : null;
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <summary>Asks, and waits for the whole answer.</summary>
    /// <param name="words">None with NUL or a line end in it.</param>
    /// <param name="body">What follows.</param>
    /// <param name="take">Takes the lines of the answer.</param>
    /// <returns>Why it did not work; null: it did.</returns>
    public string? Ask(IEnumerable<string> words, IEnumerable<string> body, Action<string> take)
    {
        try
        {
            using var socket = Connect(path);
            using var stream = new NetworkStream(socket);
            using (var request = new StreamWriter(stream, Encoding.Latin1, 16 * 1024, leaveOpen: true) { NewLine = "\n" })
            {
                request.WriteLine(string.Join('\0', words));
                foreach (var line in body)
                    request.WriteLine(line);
            }

            socket.Shutdown(SocketShutdown.Send);
            using var answer = new StreamReader(stream, Encoding.Latin1);
            string? last = null;
            while (answer.ReadLine() is { } line)
            {
                if (last is not null)
                    take(last);
                last = line;
            }

            return last switch
            {
                "ok" => null,
                not null when last.StartsWith("error ", StringComparison.Ordinal) => Printable(last["error ".Length..]),
                _ => "the daemon ended in the middle of its answer, or does not let this user ask",
            };
        }
        catch (Exception failure) when (failure is SocketException or IOException)
        {
            return $"{path}: {(failure as SocketException ?? failure.InnerException ?? failure).Message}";
        }
    }

    // It goes to a terminal, root's as a rule, and whoever broke into the daemon can answer in its place.
    private static string Printable(string text) => string.Concat(text.Select(static one => char.IsControl(one) ? '?' : one));

    private static Socket Connect(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = Patience, SendTimeout = Patience };
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(Latin1.ToText(path)));
            return socket;
        }
        catch (SocketException)
        {
            socket.Dispose();
            throw;
        }
    }
}
