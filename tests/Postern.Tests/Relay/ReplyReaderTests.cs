using System.Text;
using CsCheck;
using Postern.Core.Relay;

namespace Postern.Tests.Relay;

public sealed class ReplyReaderTests
{
    [Theory]
    [InlineData("220 x\r\n", 220, "220 x\r\n")]
    [InlineData("250\r\n", 250, "250\r\n")]
    [InlineData("250-a\r\n250-b\n250 c\n", 250, "250-a\r\n250-b\r\n250 c\r\n")]
    [InlineData("421-\r\n554 mixed\r\n", 554, "421-\r\n554 mixed\r\n")]
    public void Reads_a_reply_and_makes_its_lines_canonical(string text, int code, string lines)
    {
        ReadOnlySpan<byte> input = Encoding.Latin1.GetBytes(text);

        Assert.True(new ReplyReader().TryRead(ref input, out var reply));
        Assert.Equal((code, lines), (reply!.Code, Encoding.Latin1.GetString(reply.Lines)));
        Assert.True(input.IsEmpty);
    }

    [Theory]
    [InlineData("hello\r\n")]
    [InlineData("\r\n")]
    [InlineData("25\r\n")]
    [InlineData("25x ok\r\n")]
    [InlineData("250_ok\r\n")]
    [InlineData("650 ok\r\n")]
    [InlineData("150 ok\r\n")]
    [InlineData("250 a\r250 b\r\n")]
    [InlineData("250-a\r\nnonsense\r\n")]
    public void What_is_no_reply_is_refused(string text)
    {
        ReadOnlySpan<byte> input = Encoding.Latin1.GetBytes(text);

        Assert.False(new ReplyReader().TryRead(ref input, out var reply));
        Assert.Null(reply);
    }

    [Fact]
    public void A_reply_without_end_is_refused()
    {
        var reader = new ReplyReader();
        var sent = 0;
        for (; sent < 10 * ReplyReader.Limit; sent += 9)
        {
            ReadOnlySpan<byte> input = "250-abc\r\n"u8;
            if (!reader.TryRead(ref input, out _))
                break;
        }

        Assert.InRange(sent, ReplyReader.Limit - 100, ReplyReader.Limit + 100);
    }

    [Fact]
    public void Replies_do_not_depend_on_how_they_are_cut() => Gen.Int[1, 30].Sample(chunk =>
    {
        var text = "220-a\r\n220 b\r\n250 c\r\n354\r\n554-x\r\n554 y\r\n"u8.ToArray();
        var reader = new ReplyReader();
        var replies = new List<string>();
        for (var start = 0; start < text.Length; start += chunk)
        {
            ReadOnlySpan<byte> input = text.AsSpan(start, Math.Min(chunk, text.Length - start));
            while (!input.IsEmpty)
            {
                Assert.True(reader.TryRead(ref input, out var reply));
                if (reply is not null)
                    replies.Add(Encoding.Latin1.GetString(reply.Lines));
            }
        }

        Assert.Equal(["220-a\r\n220 b\r\n", "250 c\r\n", "354\r\n", "554-x\r\n554 y\r\n"], replies);
        Assert.True(reader.IsEmpty);
    });
}
