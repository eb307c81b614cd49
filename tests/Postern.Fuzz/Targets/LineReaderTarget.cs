using Postern.Core.Smtp;

namespace Postern.Fuzz.Targets;

/// <summary>
/// Lines of a client: whatever the pieces in which they come, the lines are those of a plain model. The first two bytes
/// choose the limit and the pieces, the rest is the stream.
/// </summary>
internal static class LineReaderTarget
{
    public static readonly FuzzTarget Target = new(
        "line-reader", Run, MaxInput: 8192, MaxAllocated: (65_536, 800),
        ["\r\n", "\n", "\r", "\0", "\r\r\n", "EHLO x\r\n", "QUIT\n", "\n\n", new string('x', 60), new string('\r', 30)]);

    private static readonly int[] Limits = [1, 2, 3, 8, 63, 64, 65, 512, 2048];

    private static void Run(byte[] input)
    {
        if (input.Length < 2)
            return;
        var limit = Limits[input[0] % Limits.Length];
        var countsCr = input[0] >= 128;
        var stream = input.AsSpan(2);
        var expected = Model(stream, limit, countsCr);

        foreach (var seed in (ReadOnlySpan<int>)[-1, 0, input[1]])
        {
            var actual = Read(stream, limit, countsCr, seed);
            FuzzFailure.Unless(expected.SequenceEqual(actual), $"limit {limit}, pieces {seed}: '{Show(expected)}' became '{Show(actual)}'");
        }
    }

    /// <param name="seed">-1: all at once; 0: byte by byte; others: pieces of 1 to 40 bytes.</param>
    private static List<(LineEnd, string)> Read(ReadOnlySpan<byte> stream, int limit, bool countsCr, int seed)
    {
        var reader = new LineReader(limit, countsCr);
        var lines = new List<(LineEnd, string)>();
        var random = new Random(seed);
        while (!stream.IsEmpty)
        {
            var size = seed < 0 ? stream.Length : seed == 0 ? 1 : Math.Min(stream.Length, random.Next(1, 41));
            var piece = stream[..size];
            stream = stream[size..];
            while (!piece.IsEmpty)
            {
                var before = piece.Length;
                var end = reader.Read(ref piece, out var line);
                if (end is LineEnd.TooLong)
                {
                    lines.Add((end, ""));
                    return lines;
                }

                FuzzFailure.Unless(piece.Length < before, "every call uses some of the input");
                FuzzFailure.Unless(line.Length <= limit, $"a line of {line.Length} bytes passed the limit {limit}");
                if (end is LineEnd.Incomplete)
                    FuzzFailure.Unless(piece.IsEmpty && line.IsEmpty, "an incomplete line uses all input and shows nothing");
                else
                    lines.Add((end, Convert.ToHexString(line)));
            }
        }

        return lines;
    }

    // One line after the other, with everything at hand.
    private static List<(LineEnd, string)> Model(ReadOnlySpan<byte> stream, int limit, bool countsCr)
    {
        var lines = new List<(LineEnd, string)>();
        while (!stream.IsEmpty)
        {
            var newline = stream.IndexOf((byte)'\n');
            var line = newline < 0 ? stream : stream[..newline];
            var isCrLf = line.EndsWith("\r"u8);
            if (newline < 0)
            {
                // limit - 1 bytes and CR, or less, may still become a line; one byte more only after such a CR.
                var mayGrow = line.Length <= limit || (line.Length == limit + 1 && line[limit - 1] == '\r');
                if (!mayGrow)
                    lines.Add((LineEnd.TooLong, ""));
                return lines;
            }

            if (line.Length > (isCrLf && !countsCr ? limit : limit - 1))
            {
                lines.Add((LineEnd.TooLong, ""));
                return lines;
            }

            lines.Add(isCrLf ? (LineEnd.CrLf, Convert.ToHexString(line[..^1])) : (LineEnd.BareLf, Convert.ToHexString(line)));
            stream = stream[(newline + 1)..];
        }

        return lines;
    }

    private static string Show(List<(LineEnd, string)> lines) => string.Join(' ', lines);
}
