using System.Text;
using Postern.Core;
using Postern.Core.Smtp;

namespace Postern.Tests.Smtp;

public sealed class MailAddressTests
{
    [Theory]
    [InlineData("<\"a b\\\"c\"@d>", "\"a b\\\"c\"@d")]
    [InlineData("<@x,@y:foo@bar>", "foo@bar")]
    [InlineData("  <foo", "foo")]
    [InlineData("\"a\"b@c d", "ab@c")]
    [InlineData("<>", "")]
    [InlineData("<a\\", "a")]
    [InlineData("<@d>", "\"\"@d")]
    [InlineData("<b@>", "b@")]
    [InlineData(">", "\">\"")]
    [InlineData("<b\\\r@d>", "\"b\\\r\"@d")]
    [InlineData("<.a@d>", "\".a\"@d")]
    [InlineData("<a..b@d>", "\"a..b\"@d")]
    [InlineData("<\u00e9@d>", "\u00e9@d")]
    [InlineData("<a>b>", "a")]
    [InlineData("<a b>", "\"a b\"")]
    public void Addresses_are_read_as_leniently_as_postscreen_reads_them(string argument, string logged)
    {
        var line = new ByteBuffer();

        MailAddress.AppendQuoted(line, MailAddress.Extract(Encoding.Latin1.GetBytes(argument)));

        Assert.Equal(logged, Encoding.Latin1.GetString(line.Written));
    }
}
