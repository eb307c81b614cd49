using System.Buffers;

namespace Postern.Receiver;

/// <summary>
/// Decodes what follows 354: takes away the doubled dots (RFC 5321 §4.5.2), writes lines with LF as a Maildir wants them,
/// and knows exactly one end of data, CR LF . CR LF.
/// </summary>
internal sealed class DataDecoder
{
    private State _state = State.LineStart;

    private enum State
    {
        LineStart,
        InLine,
        AfterCr,
        AfterDot,
        AfterDotCr,
        End,
    }

    /// <summary>Bytes of the message as RFC 1870 counts them: with CR LF, without the added dots and the final one.</summary>
    public long Size { get; private set; }

    /// <summary>Whether the final dot was seen.</summary>
    public bool IsEnd => _state == State.End;

    /// <summary>What is wrong with the data; final.</summary>
    public LineViolation Violation { get; private set; }

    /// <summary>Decodes up to the final dot, the first violation, or the end of the input.</summary>
    /// <returns>The number of bytes that belonged to the data.</returns>
    public int Decode(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        var position = 0;
        while (position < input.Length && _state != State.End && Violation == LineViolation.None)
        {
            if (_state is State.LineStart && input[position] != '.')
                _state = State.InLine;
            if (_state is State.InLine)
            {
                var rest = input[position..];
                var run = rest.IndexOfAny((byte)'\r', (byte)'\n', (byte)0);
                if (run < 0)
                    run = rest.Length;
                Write(rest[..run], output);
                position += run;
                if (position == input.Length)
                    break;
            }

            Step(input[position++], output);
        }

        return position;
    }

    private void Step(byte octet, IBufferWriter<byte> output)
    {
        switch (_state)
        {
            case State.LineStart: // only for a dot
                _state = State.AfterDot;
                break;

            case State.InLine: // only for the three special bytes
                if (octet == '\r')
                    _state = State.AfterCr;
                else
                    Violation = octet == 0 ? LineViolation.Nul : LineViolation.BareLf;
                break;

            case State.AfterCr when octet == '\n':
                EndLine(output);
                break;

            case State.AfterDot when octet == '\r':
                _state = State.AfterDotCr;
                break;

            case State.AfterDot when octet is (byte)'\n' or 0:
                Violation = octet == 0 ? LineViolation.Nul : LineViolation.BareLf;
                break;

            case State.AfterDot:
                _state = State.InLine;
                Write([octet], output);
                break;

            case State.AfterDotCr when octet == '\n':
                _state = State.End;
                break;

            default:
                Violation = LineViolation.BareCr;
                break;
        }
    }

    private void EndLine(IBufferWriter<byte> output)
    {
        output.Write("\n"u8);
        Size += 2;
        _state = State.LineStart;
    }

    private void Write(ReadOnlySpan<byte> bytes, IBufferWriter<byte> output)
    {
        output.Write(bytes);
        Size += bytes.Length;
    }
}
