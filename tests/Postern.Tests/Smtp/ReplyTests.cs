using System.Text;
using Postern.Core;
using Postern.Core.Smtp;

namespace Postern.Tests.Smtp;

public sealed class ReplyTests
{
    [Theory]
    [InlineData("550 5.3.2 x", "450 4.3.2 x")]
    [InlineData("500 Syntax: ETRN domain", "400 Syntax: ETRN domain")]
    [InlineData("250 5host.example", "250 4host.example")]
    [InlineData("421 4.3.2 x", "421 4.3.2 x")]
    [InlineData("5", "4")]
    [InlineData("", "")]
    public void Soft_bounce_looks_at_two_places_and_at_nothing_else(string text, string softened)
    {
        var output = new ByteBuffer();
        output.Append("555 5"u8);

        new Reply(text).AppendTo(output, softBounce: true);

        Assert.Equal("555 5" + softened, Encoding.Latin1.GetString(output.Written));
    }
}
