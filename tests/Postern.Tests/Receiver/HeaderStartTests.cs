using System.Buffers;
using System.Text;
using Postern.Receiver;

namespace Postern.Tests.Receiver;

public sealed class HeaderStartTests
{
    [Theory]
    [InlineData("Subject: x\nbody\n", "Subject: x\nbody\n")]
    [InlineData("Subject : x\n", "Subject : x\n")]
    [InlineData("\nbody\n", "\nbody\n")]
    [InlineData("", "")]
    [InlineData("no header: here\n", "\nno header: here\n")]
    [InlineData("body\n", "\nbody\n")]
    [InlineData(" folded\n", "\n folded\n")]
    [InlineData(": x\n", "\n: x\n")]
    [InlineData("From x\nA: b\n", "X-Mailbox-Line: From x\nA: b\n")]
    [InlineData(">From x\nA: b\n", "X-Mailbox-Line: >From x\nA: b\n")]
    [InlineData("From: x\n", "From: x\n")]
    [InlineData("Fro\n", "\nFro\n")]
    public void The_first_line_decides(string message, string stored)
    {
        for (var piece = 1; piece <= Math.Max(1, message.Length); piece++)
            Assert.Equal(stored, Run(message, piece));
    }

    [Fact]
    public void An_endless_name_is_no_header_and_is_not_held_back()
    {
        var start = new HeaderStart();
        var output = new ArrayBufferWriter<byte>();

        for (var i = 0; i < 1000; i++)
            start.Write("x"u8, output);

        Assert.Equal(1001, output.WrittenCount);
        Assert.Equal((byte)'\n', output.WrittenSpan[0]);
    }

    private static string Run(string message, int piece)
    {
        var start = new HeaderStart();
        var output = new ArrayBufferWriter<byte>();
        for (var i = 0; i < message.Length; i += piece)
            start.Write(Encoding.Latin1.GetBytes(message.Substring(i, Math.Min(piece, message.Length - i))), output);
        start.Finish(output);
        return Encoding.Latin1.GetString(output.WrittenSpan);
    }
}
