namespace Postern.Core.Relay;

/// <summary>A whole reply of a server: lines in canonical form, each with CR LF.</summary>
/// <param name="Code">The three digits of its last line.</param>
/// <param name="Lines">As they are to be sent on.</param>
public sealed record ServerReply(int Code, byte[] Lines)
{
    private const int MaxLogged = 200;

    /// <summary>2: success, 3: go on, 4: try later, 5: never.</summary>
    public int Class => Code / 100;

    /// <summary>Its last line, cut for the log; Latin-1.</summary>
    public string LastLine
    {
        get
        {
            var lines = Lines.AsSpan()[..^2];
            var line = lines[(lines.LastIndexOf((byte)'\n') + 1)..];
            return System.Text.Encoding.Latin1.GetString(line[..Math.Min(line.Length, MaxLogged)]);
        }
    }
}

/// <summary>Puts a server's replies together from whatever pieces they come in. Bounded; a server can be hostile too.</summary>
public sealed class ReplyReader
{
    /// <summary>Most bytes of one reply.</summary>
    public const int Limit = 16 * 1024;

    private readonly ByteBuffer _lines = new();
    private int _lineStart;

    /// <summary>Nothing of a reply has come yet.</summary>
    public bool IsEmpty => _lines.Length == 0;

    /// <summary>Reads up to the end of one reply, and moves <paramref name="input"/> behind what was used.</summary>
    /// <param name="input">The bytes that have come and are not used yet.</param>
    /// <param name="reply">The reply; null: it has not ended yet.</param>
    /// <returns>False: this is no SMTP reply, or too long a one.</returns>
    public bool TryRead(ref ReadOnlySpan<byte> input, out ServerReply? reply)
    {
        reply = null;
        while (!input.IsEmpty)
        {
            var newline = input.IndexOf((byte)'\n');
            var part = newline < 0 ? input : input[..newline];
            if (_lines.Length + part.Length > Limit)
                return false;
            _lines.Append(part);
            if (newline < 0)
            {
                input = default;
                return true;
            }

            input = input[(newline + 1)..];
            if (_lines.Length > _lineStart && _lines[_lines.Length - 1] == '\r')
                _lines.Truncate(_lines.Length - 1);
            var line = _lines.Written[_lineStart..];
            if (!TryReadCode(line, out var code))
                return false;
            var isLast = line.Length == 3 || line[3] != '-';
            _lines.Append("\r\n"u8);
            _lineStart = _lines.Length;
            if (!isLast)
                continue;
            reply = new ServerReply(code, _lines.Written.ToArray());
            _lines.Truncate(0);
            _lineStart = 0;
            return true;
        }

        return true;
    }

    // Three digits, 2 to 5 the first of them; then the end, a blank or a hyphen. A bare CR would be a line's end to some.
    private static bool TryReadCode(ReadOnlySpan<byte> line, out int code)
    {
        code = 0;
        if (line.Length < 3 || line[..3].ContainsAnyExceptInRange((byte)'0', (byte)'9') || line[0] is < (byte)'2' or > (byte)'5'
            || (line.Length > 3 && line[3] is not ((byte)' ' or (byte)'-')) || line.Contains((byte)'\r'))
        {
            return false;
        }

        code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
        return true;
    }
}
