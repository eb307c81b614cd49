using System.Net.Sockets;
using System.Text;
using Postern.Native;

namespace Postern.Control;

/// <summary>Answers one request.</summary>
/// <param name="words">What is asked, at least one word.</param>
/// <param name="body">What follows, a line at a time, to its end.</param>
/// <param name="answer">Takes the lines of the answer.</param>
/// <returns>Why the request cannot be met; null: it was.</returns>
internal delegate string? ControlCommand(string[] words, IEnumerable<string> body, TextWriter answer);

/// <summary>
/// <c>postern_control_socket</c>: commands talk to the daemon through it, one request a connection, root and the owner
/// only. A request is a line of words with NUL between them, then lines of data until the client is done; the answer is
/// lines of data, then <c>ok</c> or <c>error WHY</c>. Texts are Latin-1. All on a thread of its own, one request at a
/// time: the loop is asked for its share by posts.
/// </summary>
internal sealed class ControlSocket : IDisposable
{
    /// <summary>Bytes of a line, of a request and of its data.</summary>
    public const int MostLine = 4096;

    private const int Patience = 10_000; // milliseconds for the client to send or to take the next piece
    private const int Backlog = 16;

    private readonly SerialListener _listener;
    private readonly string _path;
    private readonly ulong? _inode;
    private readonly ControlCommand _command;

    private ControlSocket(Socket listener, string path, ControlCommand command)
    {
        (_path, _inode, _command) = (path, ListeningSocket.InodeOf(path), command);
        _listener = new SerialListener(listener, "control", Patience, static _ => true, Answer);
    }

    /// <param name="isTakenOver">Whether a process that still listens there is about to end.</param>
    /// <param name="problem">In the administrator's words.</param>
    /// <returns>Null on failure.</returns>
    public static ControlSocket? Open(string path, bool isTakenOver, ControlCommand command, out string? problem)
    {
        var listener = ListeningSocket.Open(path, Backlog, isTakenOver, out problem);
        return listener is null ? null : new ControlSocket(listener, path, command);
    }

    /// <summary>Whether commands still find us at its path.</summary>
    public bool IsInPlace => ListeningSocket.InodeOf(_path) == _inode;

    /// <summary>Listens no more. A request that is being answered may be cut.</summary>
    public void Dispose()
    {
        if (IsInPlace) // else the next process listens there
            _ = Libc.unlink(_path);
        _listener.Dispose();
    }

    private bool Answer(Socket client)
    {
        if (!MayAsk(client))
            return true;
        using var stream = new NetworkStream(client);
        using var writer = new StreamWriter(stream, Encoding.Latin1, 16 * 1024) { NewLine = "\n" };
        var lines = new LineSource(stream);
        if (lines.Next() is not { Length: > 0 } request)
            return true;
        string? problem;
        try
        {
            problem = _command(request.Split('\0'), lines.Rest(), writer);
        }
        catch (TimeoutException)
        {
            problem = "the daemon is too busy to answer";
        }
        catch (Exception bug) when (bug is not (OutOfMemoryException or SocketException or IOException or ObjectDisposedException))
        {
            problem = $"internal error: {bug}"; // who asks must not end the daemon
        }

        writer.WriteLine(problem is null ? "ok" : "error " + problem.ReplaceLineEndings(" "));
        return true;
    }

    /// <summary>The file's mode says so already; that it was changed should not be enough.</summary>
    private static bool MayAsk(Socket client) => PeerCredentials.UserOf(client) is { } user && (user == 0 || user == Libc.geteuid());

    /// <summary>Lines of bounded length; a longer one ends them.</summary>
    private sealed class LineSource(Stream stream)
    {
        private readonly byte[] _buffer = new byte[MostLine];
        private int _start, _end;

        /// <returns>Null: there is none any more.</returns>
        public string? Next()
        {
            while (true)
            {
                var length = _buffer.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
                if (length >= 0)
                {
                    var line = Encoding.Latin1.GetString(_buffer, _start, length);
                    _start += length + 1;
                    return line;
                }

                _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
                (_start, _end) = (0, _end - _start);
                if (_end == _buffer.Length || stream.Read(_buffer, _end, _buffer.Length - _end) is not (> 0 and var read))
                    return null;
                _end += read;
            }
        }

        public IEnumerable<string> Rest()
        {
            while (Next() is { } line)
                yield return line;
        }
    }
}
