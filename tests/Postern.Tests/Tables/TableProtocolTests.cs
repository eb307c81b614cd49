using System.Text;
using Postern.Core.Tables;

namespace Postern.Tests.Tables;

/// <summary>The words of tables on servers. Each row was seen with postmap -q of Postfix 3.7.11.</summary>
public sealed class TableProtocolTests
{
    [Theory]
    [InlineData("192.0.2.7", "get 192.0.2.7\n")]
    [InlineData("UPPER Key%\u00c3\u00a9/:", "get UPPER%20Key%25%C3%A9/:\n")]
    [InlineData("", "get \n")]
    public void A_key_is_encoded_for_tcp(string key, string request) =>
        Assert.Equal(request, Encoding.Latin1.GetString(TcpTableProtocol.Request(key)));

    [Theory]
    [InlineData("200 found", "found")]
    [InlineData("200\tfound", "found")]
    [InlineData("201 x", "x")]
    [InlineData("200 ", "")]
    [InlineData("200   lead", "  lead")]
    [InlineData("200 a%20b%25c%2F%2f", "a b%c//")]
    [InlineData("200 a%00b", "a")]
    [InlineData("200 found\r", "found\r")]
    public void A_200_is_an_answer(string line, string value)
    {
        Assert.Equal(LookupResult.Found(value), TcpTableProtocol.Parse(line, out var problem));
        Assert.Null(problem);
    }

    [Theory]
    [InlineData("500 no such key", LookupStatus.NotFound, null)]
    [InlineData("500 ", LookupStatus.NotFound, null)]
    [InlineData("400 come back", LookupStatus.Error, null)]
    [InlineData("300 y", LookupStatus.Error, "bad status code: 300 y")]
    [InlineData("400", LookupStatus.Error, "malformed reply: 400")]
    [InlineData("500", LookupStatus.Error, "malformed reply: 500")]
    [InlineData("200", LookupStatus.Error, "malformed reply: 200")]
    [InlineData("20 y", LookupStatus.Error, "malformed reply: 20 y")]
    [InlineData("2000 y", LookupStatus.Error, "malformed reply: 2000 y")]
    [InlineData("2xx y", LookupStatus.Error, "malformed reply: 2xx y")]
    [InlineData("200x y", LookupStatus.Error, "malformed reply: 200x y")]
    [InlineData(" 200 found", LookupStatus.Error, "malformed reply:  200 found")]
    [InlineData("200 bad%zz", LookupStatus.Error, "malformed reply: 200 bad%zz")]
    [InlineData("200 bad%4", LookupStatus.Error, "malformed reply: 200 bad%4")]
    [InlineData("500 %zz", LookupStatus.Error, "malformed reply: 500 %zz")]
    [InlineData("200%20found", LookupStatus.Error, "malformed reply: 200%20found")]
    [InlineData("hello", LookupStatus.Error, "malformed reply: hello")]
    [InlineData("", LookupStatus.Error, "malformed reply: ")]
    public void All_else_is_none(string line, LookupStatus status, string? problem)
    {
        Assert.Equal(status, TcpTableProtocol.Parse(line, out var found).Status);
        Assert.Equal(problem, found);
    }

    [Theory]
    [InlineData(4096, true)]
    [InlineData(4097, false)]
    public void A_reply_of_tcp_has_4096_bytes_at_most(int length, bool isTaken)
    {
        var reply = "200 ".PadRight(length - 1, 'x') + "\n";

        Assert.Equal(isTaken, TcpTableProtocol.TryRead(Encoding.Latin1.GetBytes(reply), out _, out var taken, out var problem));

        Assert.Equal(isTaken ? length : 0, taken);
        Assert.Equal(isTaken ? null : "text longer than 4096", problem);
    }

    [Theory]
    [InlineData("200 on")]
    [InlineData("")]
    public void Half_a_reply_of_tcp_is_waited_for(string received)
    {
        Assert.False(TcpTableProtocol.TryRead(Encoding.Latin1.GetBytes(received), out _, out _, out var problem));
        Assert.Null(problem);
    }

    [Theory]
    [InlineData("clients", "UPPER key", "17:clients UPPER key,")]
    [InlineData("", "a", "2: a,")]
    public void A_socketmap_is_asked_in_a_netstring(string map, string key, string request) =>
        Assert.Equal(request, Encoding.Latin1.GetString(SocketmapProtocol.Request(map, key)));

    [Theory]
    [InlineData("8:OK found,", "OK found", null)]
    [InlineData("08:OK found,", "OK found", null)]
    [InlineData("8:OK found,junk", "OK found", null)]
    [InlineData("6:OK a\0b,", "OK a", null)]
    [InlineData("0:,", "", null)]
    [InlineData("8:OK foun", null, null)]
    [InlineData("8:OK found", null, null)]
    [InlineData("8", null, null)]
    [InlineData("8:OK found;", null, "input format error")]
    [InlineData("4:OK ab,", null, "input format error")]
    [InlineData("x5:OK a,", null, "input format error")]
    [InlineData("-1:a,", null, "input format error")]
    [InlineData(":OK,", null, "input format error")]
    [InlineData("00000000008:OK found,", null, "input format error")]
    [InlineData("100001:", null, "input exceeds size limit")]
    [InlineData("99999999999999:", null, "input exceeds size limit")]
    public void A_reply_is_taken_out_of_its_netstring(string received, string? reply, string? problem)
    {
        SocketmapProtocol.TryRead(Encoding.Latin1.GetBytes(received), out var found, out _, out var why);

        Assert.Equal((reply, problem), (found, why));
    }

    [Fact]
    public void A_reply_of_a_socketmap_has_100000_bytes_at_most()
    {
        var reply = "OK ".PadRight(100_000, 'x');

        Assert.True(SocketmapProtocol.TryRead(Encoding.Latin1.GetBytes($"100000:{reply},"), out var found, out var length, out _));

        Assert.Equal((reply, 100_008), (found, length));
    }

    [Theory]
    [InlineData("OK found", LookupStatus.Found, "found", null)]
    [InlineData("OK ", LookupStatus.Found, "", null)]
    [InlineData("OK  two  words ", LookupStatus.Found, " two  words ", null)]
    [InlineData("OK", LookupStatus.NotFound, "", null)]
    [InlineData("NOTFOUND ", LookupStatus.NotFound, "", null)]
    [InlineData("NOTFOUND", LookupStatus.NotFound, "", null)]
    [InlineData("NOTFOUND because", LookupStatus.NotFound, "", null)]
    [InlineData("TEMP reason here", LookupStatus.Error, "", "socketmap server temporary error: reason here")]
    [InlineData("TEMP", LookupStatus.Error, "", "socketmap server temporary error")]
    [InlineData("TIMEOUT slow", LookupStatus.Error, "", "socketmap server timeout error: slow")]
    [InlineData("PERM never", LookupStatus.Error, "", "socketmap server permanent error: never")]
    [InlineData("WHAT is", LookupStatus.Error, "", "socketmap server unknown error: is")]
    [InlineData("ok found", LookupStatus.Error, "", "socketmap server unknown error: found")]
    [InlineData(" OK a", LookupStatus.Error, "", "socketmap server unknown error: OK a")]
    [InlineData("OK\ta", LookupStatus.Error, "", "socketmap server unknown error")]
    [InlineData("", LookupStatus.Error, "", "socketmap server unknown error")]
    public void The_first_word_of_a_reply_decides(string reply, LookupStatus status, string value, string? problem)
    {
        Assert.Equal(new LookupResult(status, value), SocketmapProtocol.Parse(reply, out var found));
        Assert.Equal(problem, found);
    }
}
