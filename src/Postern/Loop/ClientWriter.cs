using Postern.Core;
using Postern.Native;

namespace Postern.Loop;

/// <summary>
/// Sends the replies of one event in one write. What a client does not take is kept and sent before its next reply, as
/// postscreen does; nobody waits for it, and at the end of the session it is lost.
/// </summary>
internal sealed unsafe class ClientWriter
{
    private const int MaxUnsent = 64 * 1024;

    private readonly ByteBuffer _output = new();
    private readonly Dictionary<Client, byte[]> _unsent = []; // almost always empty, so it is no field of every client

    /// <summary>Adds to what is sent next.</summary>
    public void Append(ReadOnlySpan<byte> text) => _output.Append(text);

    /// <summary>Sends what was appended.</summary>
    /// <returns>The system's words when it failed in a way worth a log line; else null.</returns>
    public string? Send(Client client)
    {
        if (_output.Length == 0)
            return null;
        if (_unsent.Remove(client, out var unsent))
        {
            var rest = _output.Written.ToArray();
            _output.Truncate(0);
            _output.Append(unsent).Append(rest);
        }

        var sent = Send(client.Descriptor, _output.Written);
        var error = sent < 0 ? Errno.Last : 0;
        var left = _output.Written[Math.Max(0, sent)..];
        if (!left.IsEmpty && left.Length <= MaxUnsent)
            _unsent[client] = left.ToArray();
        _output.Truncate(0);
        return error is 0 or Errno.EAGAIN or Errno.EPIPE or Errno.ECONNRESET ? null : Errno.Text(error);
    }

    /// <summary>Gives out what was appended, for somebody else to send.</summary>
    /// <returns>Valid until the next append.</returns>
    public ReadOnlySpan<byte> Take()
    {
        var output = _output.Written;
        _output.Truncate(0);
        return output;
    }

    /// <summary>Drops what is not sent yet.</summary>
    public void Forget(Client client)
    {
        _output.Truncate(0);
        if (_unsent.Count > 0)
            _unsent.Remove(client);
    }

    /// <summary>Sends last words on a socket that is closed next.</summary>
    public static void SendAtOnce(int descriptor, ReadOnlySpan<byte> text) => Send(descriptor, text);

    private static int Send(int descriptor, ReadOnlySpan<byte> text)
    {
        fixed (byte* bytes = text)
            return (int)Libc.send(descriptor, bytes, (nuint)text.Length, Libc.MSG_NOSIGNAL);
    }
}
