using System.Text;
using CsCheck;
using Postern.Core.Smtp;

namespace Postern.Tests.Smtp;

public sealed class LineReaderTests
{
    [Theory]
    [InlineData("a\r\nb\nc", "a:CrLf b:BareLf")]
    [InlineData("a\r\r\n", "a\\r:CrLf")]
    [InlineData("\n\r\n", ":BareLf :CrLf")]
    [InlineData("a\rb\r\n", "a\\rb:CrLf")]
    [InlineData("123456789\r\n", "123456789:CrLf")]
    [InlineData("123456789\n", "123456789:BareLf")]
    [InlineData("1234567890\r\n", ":TooLong")]
    [InlineData("1234567890\n", ":TooLong")]
    [InlineData("12345678901", ":TooLong")]
    [InlineData("\r\r\r\r\r\r\r\r\r\r\r\r", ":TooLong")]
    public void Lines_of_a_reader_with_limit_10(string input, string expected) => Assert.Equal(expected, ReadAll(input, input.Length, 10));

    [Fact]
    public void Every_chunking_gives_the_same_lines()
    {
        var input = Gen.OneOf(Gen.Const("\r"), Gen.Const("\n"), Gen.Const("\r\n"), Gen.Const("x"), Gen.Const("EHLO a"), Gen.Const("\0"), Gen.Const("0123456789")).Array[0, 40].Select(string.Concat);

        Gen.Select(input, Gen.Int[1, 7], Gen.Int[2, 30]).Sample((text, chunk, limit) =>
            Assert.Equal(ReadAll(text, text.Length, limit), ReadAll(text, chunk, limit)));
    }

    [Fact]
    public void A_client_that_never_ends_its_line_is_stopped_at_the_limit()
    {
        var reader = new LineReader(2048);
        var total = 0;

        for (; ; total += 100)
        {
            ReadOnlySpan<byte> input = new byte[100];
            if (reader.Read(ref input, out _) is LineEnd.TooLong)
                break;
        }

        Assert.InRange(total, 1900, 2100);
    }

    private static string ReadAll(string text, int chunk, int limit)
    {
        var reader = new LineReader(limit);
        var bytes = Encoding.Latin1.GetBytes(text);
        var lines = new List<string>();
        for (var start = 0; start < bytes.Length; start += chunk)
        {
            ReadOnlySpan<byte> input = bytes.AsSpan(start, Math.Min(chunk, bytes.Length - start));
            while (!input.IsEmpty)
            {
                var end = reader.Read(ref input, out var line);
                if (end is LineEnd.Incomplete)
                    break;
                lines.Add(Encoding.Latin1.GetString(line).Replace("\r", "\\r") + ":" + end);
                if (end is LineEnd.TooLong)
                    return string.Join(' ', lines);
            }
        }

        return string.Join(' ', lines);
    }
}
