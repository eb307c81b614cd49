namespace Postern.Receiver;

/// <summary>Collects bytes to command lines that end in CR LF, whatever the pieces they arrive in.</summary>
internal sealed class CommandReader
{
    /// <summary>Longest line without its CR LF, in bytes (line_length_limit).</summary>
    public const int MaxLength = 2048;

    private readonly byte[] _line = new byte[MaxLength + 1]; // one more for the CR
    private int _length;
    private bool _isComplete;

    /// <summary>What is wrong with the line; final.</summary>
    public LineViolation Violation { get; private set; }

    /// <summary>Whether part of a line is waiting for its end.</summary>
    public bool IsWithinLine => _length > 0 && !_isComplete;

    /// <summary>The complete line without its end; valid until the next <see cref="TryRead"/>.</summary>
    public ReadOnlySpan<byte> Line => _line.AsSpan(0, _length);

    /// <summary>Reads up to the end of one line and not further.</summary>
    /// <returns>True when <see cref="Line"/> is complete. False when input or patience (<see cref="Violation"/>) ran out.</returns>
    public bool TryRead(ReadOnlySpan<byte> input, out int consumed)
    {
        if (_isComplete)
            (_isComplete, _length) = (false, 0);
        for (consumed = 0; consumed < input.Length && Violation == LineViolation.None;)
        {
            var octet = input[consumed++];
            var afterCr = _length > 0 && _line[_length - 1] == '\r';
            if (octet == '\n' && afterCr)
            {
                _length--;
                _isComplete = true;
                return true;
            }

            if (afterCr)
                Violation = LineViolation.BareCr;
            else if (octet == '\n')
                Violation = LineViolation.BareLf;
            else if (octet == 0)
                Violation = LineViolation.Nul;
            else if (_length == MaxLength && octet != '\r')
                Violation = LineViolation.TooLong;
            else
                _line[_length++] = octet;
        }

        return false;
    }
}
