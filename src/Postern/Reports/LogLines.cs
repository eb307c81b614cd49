using System.IO.Compression;
using Postern.Native;

namespace Postern.Reports;

/// <summary>The lines of a log, plain or gzip, one after the other.</summary>
internal sealed class LogLines : IDisposable
{
    private const int BufferLength = 1 << 20;
    private const int FirstMagic = 0x1f, SecondMagic = 0x8b; // RFC 1952 §2.3.1

    private readonly Stream _log;
    private readonly CountingStream _counted;
    private readonly Stream _text;
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferLength);
    private int _start, _end;
    private (int Start, int Length) _line;
    private bool _isTail, _isOver;

    // The runtime takes compressed data without an end for complete, unless it is told not to.
    static LogLines() => AppContext.SetSwitch("System.IO.Compression.UseStrictValidation", true);

    /// <param name="log">Read to its end; need not be seekable. Owned from now on.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    public LogLines(Stream log)
    {
        (_log, CanReopen) = (log, log.CanSeek);
        _counted = new CountingStream(log);
        _text = _counted.Peek(2) is [FirstMagic, SecondMagic] ? new GZipStream(_counted, CompressionMode.Decompress) : _counted;
    }

    /// <summary>Whether it can be opened once more: it is a file, and no pipe.</summary>
    public bool CanReopen { get; }

    /// <summary>Bytes of the log that are done.</summary>
    public long Count => _counted.Count;

    /// <summary>What is wrong with the log; what could be read of it has been given. Null: nothing.</summary>
    public string? Problem { get; private set; }

    /// <summary>The line that was read last.</summary>
    public ReadOnlySpan<byte> Current => _buffer.AsSpan(_line.Start, _line.Length);

    /// <summary>The first bytes, which are still read afterwards.</summary>
    public ReadOnlySpan<byte> Peek(int length)
    {
        while (_end - _start < length && !_isOver)
            Fill();
        return _buffer.AsSpan(_start, Math.Min(length, _end - _start));
    }

    /// <summary>Reads a line. One that does not fit into the buffer is no line of ours: it is given by its beginning.</summary>
    /// <param name="line">Without its line end; good until the next call.</param>
    /// <returns>False at the end.</returns>
    public bool TryRead(out ReadOnlySpan<byte> line)
    {
        while (true)
        {
            var rest = _buffer.AsSpan(_start, _end - _start);
            var end = rest.IndexOf((byte)'\n');
            if (end < 0 && rest.Length < BufferLength && !_isOver)
            {
                Fill();
                continue;
            }

            if (end < 0 && rest.IsEmpty)
            {
                line = default;
                return false;
            }

            line = end < 0 ? rest : rest[..end].TrimEnd((byte)'\r');
            _line = (_start, line.Length);
            _start += end < 0 ? rest.Length : end + 1;
            var wasTail = _isTail;
            _isTail = end < 0;
            if (!wasTail)
                return true;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _text.Dispose();
        _counted.Dispose();
        _log.Dispose();
    }

    private void Fill()
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        (_start, _end) = (0, _end - _start);
        try
        {
            var read = _text.Read(_buffer, _end, BufferLength - _end);
            _end += read;
            _isOver = read == 0;
        }
        catch (InvalidDataException)
        {
            (Problem, _isOver) = ("the compressed data is damaged or cut off", true);
        }
        catch (IOException problem)
        {
            (Problem, _isOver) = (Errno.ReasonOf(problem), true);
        }
    }
}
