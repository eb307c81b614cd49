using System.Buffers;
using System.Text;

namespace Postern.Core;

/// <summary>
/// Reads the logical lines of a file (<see cref="LogicalLine"/>) a piece at a time: the file may be large, and no line of it
/// becomes an object.
/// </summary>
public sealed class LogicalLineReader
{
    private const int PieceSize = 64 << 10;
    private const int SmallPiece = 1 << 10;
    private const int LongestQuote = 30;

    private static readonly SearchValues<char> WhiteSpace = SearchValues.Create(LogicalLines.WhiteSpace);

    private readonly IFileReader? _file;
    private readonly string _fileName;
    private readonly IWarningSink _warnings;
    private readonly byte[] _piece = [];
    private readonly ArrayBufferWriter<char> _joined = new(); // a line that has continuations
    private char[] _buffer;
    private int _next; // what has not been taken yet
    private int _end;
    private bool _isComplete; // nothing comes behind what is in the buffer
    private int _lineNumber;
    private int _start, _length; // of the line in hand, in the buffer; -1: it is joined
    private List<(int Offset, int Line)>? _continuations;

    /// <param name="file">Read by nobody else meanwhile.</param>
    /// <param name="fileName">How warnings name the file.</param>
    /// <param name="warnings">Told of dropped lines and of NUL bytes.</param>
    public LogicalLineReader(IFileReader file, string fileName, IWarningSink warnings)
    {
        (_file, _fileName, _warnings) = (file, fileName, warnings);
        _piece = new byte[Math.Clamp(file.Stamp.Size + 1, SmallPiece, PieceSize)]; // one more, to see the end
        _buffer = new char[2 * _piece.Length];
    }

    /// <param name="text">The whole file, each character standing for one byte.</param>
    /// <inheritdoc cref="LogicalLineReader(IFileReader, string, IWarningSink)" path="/param" />
    public LogicalLineReader(string text, string fileName, IWarningSink warnings)
    {
        (_fileName, _warnings) = (fileName, warnings);
        _buffer = text.ToCharArray();
        (_end, _isComplete) = (text.Length, true);
    }

    /// <inheritdoc cref="LogicalLine.Text" />
    public ReadOnlySpan<char> Text => _start < 0 ? _joined.WrittenSpan : _buffer.AsSpan(_start, _length);

    /// <inheritdoc cref="LogicalLine.LineNumber" />
    public int LineNumber { get; private set; }

    /// <inheritdoc cref="LogicalLine.LastLineNumber" />
    public int LastLineNumber => _lineNumber;

    /// <summary>What <see cref="LogicalLine.Continuations"/> of the line is.</summary>
    internal List<(int Offset, int Line)>? TakeContinuations()
    {
        var taken = _continuations;
        _continuations = null;
        return taken;
    }

    /// <summary>Goes on to the next line, which takes the place of the one before.</summary>
    /// <returns>False: there is none.</returns>
    public bool Read()
    {
        while (ReadAny())
        {
            if (!LogicalLines.IsSpace(Text[0]))
                return true;
            var quote = Text.Length > LongestQuote ? Text[..LongestQuote].ToString() + "..." : Text.ToString();
            _warnings.Warn($"{_fileName}: logical line must not start with whitespace: \"{quote}\"");
        }

        return false;
    }

    /// <returns>False: there is none any more.</returns>
    private bool ReadAny()
    {
        var (hasLine, hasNul) = (false, false);
        _continuations?.Clear();
        while (TryTakePhysical(out var start, out var length))
        {
            var physical = _buffer.AsSpan(start, length);
            if (++_lineNumber == 1 && physical.StartsWith("\xef\xbb\xbf"))
                _warnings.Warn($"{_fileName}, line 1: {LogicalLines.ByteOrderMark}");
            hasNul |= physical.Contains('\0');
            var isContinued = _next < _end && (_buffer[_next] == '#' || LogicalLines.IsSpace(_buffer[_next]));
            var content = physical.IndexOfAnyExcept(WhiteSpace);
            var isText = content >= 0 && physical[content] != '#';
            if (isText && !hasLine)
            {
                (hasLine, LineNumber, _start, _length) = (true, _lineNumber, start, length);
                if (isContinued)
                {
                    _joined.ResetWrittenCount();
                    _joined.Write(physical);
                    _start = -1;
                }
            }
            else if (isText)
            {
                (_continuations ??= []).Add((_joined.WrittenCount, _lineNumber));
                _joined.Write(physical);
            }

            if (hasLine && !isContinued)
                break;
        }

        if (hasNul)
        {
            var first = hasLine ? LineNumber : _lineNumber;
            var range = first == _lineNumber ? $"{first}" : $"{first}-{_lineNumber}";
            _warnings.Warn($"{_fileName}, line {range}: text after null byte may be ignored");
        }

        return hasLine;
    }

    /// <summary>Takes a line of the file. The character behind it is in the buffer, too, if there is one.</summary>
    private bool TryTakePhysical(out int start, out int length)
    {
        var known = 0; // characters that are no newline
        while (true)
        {
            var newline = _buffer.AsSpan(_next + known, _end - _next - known).IndexOf('\n');
            known = newline < 0 ? _end - _next : known + newline;
            if (_isComplete || (newline >= 0 && _next + known + 1 < _end))
            {
                (start, length) = (_next, known);
                _next += newline < 0 ? known : known + 1;
                return newline >= 0 || known > 0;
            }

            ReadPiece();
        }
    }

    private void ReadPiece()
    {
        _buffer.AsSpan(_next, _end - _next).CopyTo(_buffer);
        (_next, _end) = (0, _end - _next);
        if (_end > _buffer.Length / 2)
            Array.Resize(ref _buffer, 2 * _buffer.Length);
        var count = _file!.Read(_piece.AsSpan(0, Math.Min(_piece.Length, _buffer.Length - _end)));
        _isComplete = count == 0;
        Encoding.Latin1.GetChars(_piece.AsSpan(0, count), _buffer.AsSpan(_end));
        _end += count;
    }
}
