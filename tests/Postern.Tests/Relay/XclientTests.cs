using System.Text;
using Postern.Core;
using Postern.Core.Relay;

namespace Postern.Tests.Relay;

public sealed class XclientTests
{
    private const string All = "NAME ADDR PORT PROTO HELO DESTADDR DESTPORT";

    [Theory]
    [InlineData(All, "192.0.2.7", "foo.test", "XCLIENT ADDR=192.0.2.7 NAME=[UNAVAILABLE] PORT=40000 DESTADDR=192.0.2.25 DESTPORT=25 PROTO=ESMTP HELO=foo.test\r\n")]
    [InlineData("addr port login", "2001:db8::7", "foo.test", "XCLIENT ADDR=IPV6:2001:db8::7 PORT=40000\r\n")]
    [InlineData(All, "192.0.2.7", "", "XCLIENT ADDR=192.0.2.7 NAME=[UNAVAILABLE] PORT=40000 DESTADDR=192.0.2.25 DESTPORT=25\r\n")]
    [InlineData("ADDR HELO", "192.0.2.7", "a b=c+d\xe9\x7f", "XCLIENT ADDR=192.0.2.7 HELO=a+20b+3Dc+2Bd+E9+7F\r\n")]
    public void Says_what_the_server_takes(string offered, string client, string helo, string expected)
    {
        Assert.True(TryWrite(offered, client, helo, out var command));
        Assert.Equal(expected, command);
    }

    [Fact]
    public void A_name_that_is_none_is_left_out()
    {
        Assert.True(TryWrite("ADDR HELO", "192.0.2.7", new string('x', 256), out var command));
        Assert.Equal("XCLIENT ADDR=192.0.2.7\r\n", command);
    }

    [Fact]
    public void Names_are_told_as_they_were_found()
    {
        var facts = new ClientIdentity(Ip.Of("192.0.2.7"), 40000, new Endpoint(Ip.Of("192.0.2.25"), 25), "id")
        {
            Name = ClientIdentity.TemporarilyUnavailable,
            ReverseName = "mail.good.test",
        };
        var output = new ByteBuffer();

        Assert.True(Xclient.TryAppend(output, "NAME ADDR REVERSE_NAME", facts, [], extended: false));

        Assert.Equal("XCLIENT ADDR=192.0.2.7 NAME=[TEMPUNAVAIL] REVERSE_NAME=mail.good.test\r\n", Encoding.Latin1.GetString(output.Written));
    }

    [Fact]
    public void What_makes_the_command_too_long_is_the_HELO_name_and_is_left_out()
    {
        var name = string.Join('.', Enumerable.Repeat(new string('x', 60), 4));
        var facts = new ClientIdentity(Ip.Of("192.0.2.7"), 40000, new Endpoint(Ip.Of("192.0.2.25"), 25), "id") { Name = name, ReverseName = name[..180] };
        var output = new ByteBuffer();

        Assert.True(Xclient.TryAppend(output, "NAME ADDR REVERSE_NAME HELO", facts, Encoding.Latin1.GetBytes(new string('h', 60)), extended: true));

        Assert.Equal($"XCLIENT ADDR=192.0.2.7 NAME={name} REVERSE_NAME={name[..180]}\r\n", Encoding.Latin1.GetString(output.Written));
    }

    [Theory]
    [InlineData("")]
    [InlineData("NAME PORT HELO")]
    public void Without_the_address_there_is_no_command(string offered)
    {
        Assert.False(TryWrite(offered, "192.0.2.7", "foo.test", out var command));
        Assert.Empty(command);
    }

    private static bool TryWrite(string offered, string client, string helo, out string command)
    {
        var output = new ByteBuffer();
        var facts = new ClientIdentity(Ip.Of(client), 40000, new Endpoint(Ip.Of("192.0.2.25"), 25), "id");
        var written = Xclient.TryAppend(output, offered, facts, Encoding.Latin1.GetBytes(helo), extended: true);
        command = Encoding.Latin1.GetString(output.Written);
        return written;
    }
}
