namespace Postern.Core.Smtp;

/// <summary>How a line ended, or why there is none yet.</summary>
public enum LineEnd
{
    /// <summary>The input is used up in the middle of a line.</summary>
    Incomplete,

    /// <summary>CR LF: what RFC 5321 §2.3.8 asks for.</summary>
    CrLf,

    /// <summary>LF without CR: the bare newline test's business.</summary>
    BareLf,

    /// <summary>The line is longer than the limit; nothing more is read.</summary>
    TooLong,
}

/// <summary>
/// Cuts a stream of bytes into lines, in whatever pieces it comes. Holds at most <c>limit + 1</c> bytes.
/// A CR that no LF follows is data.
/// </summary>
/// <param name="limit">
/// <c>line_length_limit</c>, in bytes. A line that ends in LF has less than that; one that ends in CR LF, too, and whether
/// its CR counts depends on <paramref name="countsCr"/>. A row of CRs has the same bound as everything else.
/// </param>
/// <param name="countsCr">Whether the CR of CR LF counts.</param>
public sealed class LineReader(int limit, bool countsCr = false)
{
    private byte[] _line = [];
    private int _length;

    /// <summary>Reads up to the end of one line, and moves <paramref name="input"/> behind what was used.</summary>
    /// <param name="input">The bytes that have come and are not used yet.</param>
    /// <param name="line">The line without its end; valid until the next call. Empty unless a line ended.</param>
    public LineEnd Read(ref ReadOnlySpan<byte> input, out ReadOnlySpan<byte> line)
    {
        line = default;
        var newline = input.IndexOf((byte)'\n');
        var part = newline < 0 ? input : input[..newline];
        if (_length + part.Length > limit + 1)
            return LineEnd.TooLong;

        if (newline < 0)
        {
            Keep(part);
            input = default;
            return _length == limit + 1 && _line[limit - 1] != '\r' ? LineEnd.TooLong : LineEnd.Incomplete;
        }

        if (_length > 0)
        {
            Keep(part);
            line = _line.AsSpan(0, _length);
            _length = 0;
        }
        else
        {
            line = part;
        }

        input = input[(newline + 1)..];
        var isCrLf = line.Length > 0 && line[^1] == '\r';
        if (line.Length > (isCrLf && !countsCr ? limit : limit - 1))
        {
            line = default;
            return LineEnd.TooLong;
        }

        if (isCrLf)
            line = line[..^1];
        return isCrLf ? LineEnd.CrLf : LineEnd.BareLf;
    }

    private void Keep(ReadOnlySpan<byte> part)
    {
        if (_line.Length < _length + part.Length)
            Array.Resize(ref _line, Math.Min(limit + 1, Math.Max(64, Math.Max(_line.Length * 2, _length + part.Length))));
        part.CopyTo(_line.AsSpan(_length));
        _length += part.Length;
    }
}
