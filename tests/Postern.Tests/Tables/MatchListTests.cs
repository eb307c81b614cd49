using Postern.Core;
using Postern.Core.Tables;

namespace Postern.Tests.Tables;

public sealed class MatchListTests
{
    private readonly FakeTextFiles _files = new();
    private readonly WarningList _warnings = new();
    private readonly TableCatalog _tables;

    public MatchListTests() => _tables = new TableCatalog(_files);

    [Theory]
    [InlineData("", "127.0.0.1", MatchOutcome.No)]
    [InlineData("127.0.5.1", "127.0.5.1", MatchOutcome.Yes)]
    [InlineData("127.0.5.1", "127.0.5.2", MatchOutcome.No)]
    [InlineData("[127.0.5.1]", "127.0.5.1", MatchOutcome.Yes)]
    [InlineData("127.0.5.0/24", "127.0.5.1", MatchOutcome.Yes)]
    [InlineData("[127.0.5.0]/24", "127.0.5.1", MatchOutcome.Yes)]
    [InlineData("[127.0.5.0/24]", "127.0.5.1", MatchOutcome.Yes)]
    [InlineData("!127.0.5.1 127.0.0.0/8", "127.0.5.1", MatchOutcome.No)]
    [InlineData("!127.0.5.1 127.0.0.0/8", "127.0.5.2", MatchOutcome.Yes)]
    [InlineData("!!127.0.5.1", "127.0.5.1", MatchOutcome.Yes)]
    [InlineData("!!!127.0.5.1 127.0.0.0/8", "127.0.5.1", MatchOutcome.No)]
    [InlineData("0.0.0.0/0", "::1", MatchOutcome.No)]
    [InlineData("[::]/0", "127.0.0.1", MatchOutcome.No)]
    [InlineData("[::]/0", "2001:db8::1", MatchOutcome.Yes)]
    [InlineData("[2001:DB8::1]", "2001:db8::1", MatchOutcome.Yes)]
    [InlineData("[2001:0db8::0:1]", "2001:db8::1", MatchOutcome.Yes)] // not the canonical text, but a network of one
    [InlineData("[::ffff:127.0.0.1]", "127.0.0.1", MatchOutcome.No)]
    [InlineData("localhost 127.0.5.x/24 [127.0.5.0]x/24 127.0.5 {127.0.0.0/8}", "127.0.5.1", MatchOutcome.No)]
    [InlineData("static:all", "2001:db8::1", MatchOutcome.Yes)]
    [InlineData("inline:{127.0.5.1=}", "127.0.5.1", MatchOutcome.Yes)]
    [InlineData("!cidr:{{127.0.5.0/24 x}}, 127.0.0.0/8", "127.0.5.1", MatchOutcome.No)]
    [InlineData("!cidr:{{127.0.5.0/24 x}}, 127.0.0.0/8", "127.0.6.1", MatchOutcome.Yes)]
    public void The_first_pattern_that_matches_the_address_decides(string text, string address, MatchOutcome expected)
    {
        Assert.Equal(expected, Parse(text).Match(Address(address), _warnings));
        Assert.Empty(_warnings.Texts);
    }

    // Seen in Postfix 3.7.11.
    [Theory]
    [InlineData("127.0.5.1/24", "list: non-null host address bits in \"127.0.5.1/24\", perhaps you should use \"127.0.5.0/24\" instead")]
    [InlineData("127.0.5.0/33", "list: bad mask length in \"127.0.5.0/33\"")]
    [InlineData("127.0.5.1/", "list: bad mask value in \"127.0.5.1/\"")]
    [InlineData("[127.0.5.0]/2/4", "list: bad mask value in \"127.0.5.0/2/4\"")]
    [InlineData("127.0.5/24", "list: bad network value in \"127.0.5/24\"")]
    [InlineData("127.0.5.A/8", "list: bad network value in \"127.0.5.a/8\"")]
    [InlineData("fail:1", "list: fail:1: table lookup problem")]
    public void A_bad_pattern_is_an_error_when_a_client_gets_that_far(string text, string warning)
    {
        var list = Parse("127.0.9.9 " + text + " 127.0.0.0/8");
        Assert.Empty(_warnings.Texts);

        Assert.Equal(MatchOutcome.Yes, list.Match(Address("127.0.9.9"), _warnings));
        Assert.Empty(_warnings.Texts);
        Assert.Equal(MatchOutcome.Error, list.Match(Address("127.0.5.1"), _warnings));
        Assert.Equal([warning], _warnings.Texts);
    }

    [Theory]
    [InlineData("!", "list: no pattern after '!'")]
    [InlineData("127.0.0.1 !! 10.0.0.0/8", "list: no pattern after '!'")]
    public void A_bang_without_pattern_is_fatal(string text, string expected)
    {
        Assert.Null(MatchList.Parse("list", text, _tables, _warnings, out var fatal));
        Assert.Equal(expected, fatal);
    }

    [Theory]
    [InlineData("10.0.0.0/8 #foo bar, 127.0.0.0/8", "list: comment at end of line is not supported: #foo bar, 127.0.0.0/8")]
    [InlineData("10.0.0.0/8 # 127.0.0.0/8", "list: comment at end of line is not supported: # 127.0.0.0/8")]
    [InlineData("#", "list: comment at end of line is not supported: # ")]
    public void A_comment_drops_the_rest(string text, string warning)
    {
        var list = Parse(text);

        Assert.Equal([warning], _warnings.Take());
        Assert.Equal(MatchOutcome.No, list.Match(Address("127.0.0.1"), _warnings));
    }

    [Fact]
    public void A_file_stands_for_its_lines_and_a_bang_before_it_negates_each()
    {
        _files["/a"] = "# comment\n10.0.0.0/8, 127.0.5.2\n !127.0.5.3\n/b";
        _files["/b"] = "127.0.6.1 # note\n127.0.6.2\n";
        var list = Parse("!/a 127.0.0.0/8");

        Assert.Equal(["list: comment at end of line is not supported: # note\n"], _warnings.Take());
        Assert.Equal(MatchOutcome.No, list.Match(Address("127.0.5.2"), _warnings));
        Assert.Equal(MatchOutcome.Yes, list.Match(Address("127.0.5.3"), _warnings));
        Assert.Equal(MatchOutcome.No, list.Match(Address("127.0.6.1"), _warnings));
        Assert.Equal(MatchOutcome.No, list.Match(Address("127.0.6.2"), _warnings));
        Assert.Equal(MatchOutcome.Yes, list.Match(Address("127.0.7.1"), _warnings));
        Assert.Equal(MatchOutcome.No, list.Match(Address("10.1.1.1"), _warnings));
    }

    [Fact]
    public void A_file_that_is_missing_is_a_table_that_fails()
    {
        var list = Parse("127.0.0.2 /nonexist 127.0.0.0/8");

        Assert.Equal(["open file /nonexist: No such file or directory"], _tables.OpenErrors);
        Assert.Equal(MatchOutcome.Yes, list.Match(Address("127.0.0.2"), _warnings));
        Assert.Equal(MatchOutcome.Error, list.Match(Address("127.0.0.1"), _warnings));
        Assert.Equal(
            [
                "non-existent:/nonexist is unavailable. open file /nonexist: No such file or directory",
                "list: non-existent:/nonexist: table lookup problem",
            ],
            _warnings.Texts);
    }

    [Theory]
    [InlineData("/a", "10.0.0.0/8", "list: file /a includes itself")]
    [InlineData("/b", "/a", "list: file /b includes itself")]
    public void Files_in_a_circle_are_fatal(string inA, string inB, string expected)
    {
        _files["/a"] = inA;
        _files["/b"] = inB;

        Assert.Null(MatchList.Parse("list", "/a", _tables, _warnings, out var fatal));
        Assert.Equal(expected, fatal);
    }

    [Fact]
    public void A_bang_without_pattern_in_a_file_is_fatal_too()
    {
        _files["/a"] = "10.0.0.0/8\n!\n";

        Assert.Null(MatchList.Parse("list", "/a", _tables, _warnings, out var fatal));
        Assert.Equal("list: no pattern after '!'", fatal);
    }

    [Theory]
    [InlineData("connect", MatchOutcome.Yes)]
    [InlineData("CONNECT", MatchOutcome.Yes)]
    [InlineData("Get", MatchOutcome.No)]
    [InlineData("post", MatchOutcome.Yes)]
    [InlineData("delete", MatchOutcome.Yes)]
    [InlineData("EHLO", MatchOutcome.No)]
    [InlineData("10.0.0.1", MatchOutcome.No)]
    public void Words_are_compared_as_texts_in_any_case(string word, MatchOutcome expected)
    {
        _files["/words"] = "DELETE\n";
        var list = Parse("CONNECT, !GET, inline:{post=x} /words 10.0.0.0/8 1.2.3.4/8");

        Assert.Equal(expected, list.Match(word, _warnings));
        Assert.Empty(_warnings.Texts);
    }

    [Fact]
    public void A_list_of_everything_matches_everything()
    {
        Assert.Equal(MatchOutcome.Yes, MatchList.Everything.Match(Address("::1"), _warnings));
        Assert.Equal(MatchOutcome.Yes, MatchList.Everything.Match("word", _warnings));
    }

    private MatchList Parse(string text)
    {
        var list = MatchList.Parse("list", text, _tables, _warnings, out var fatal);
        Assert.Null(fatal);
        return list!;
    }

    private static IpAddress Address(string text)
    {
        Assert.True(IpAddress.TryParse(text, out var address));
        return address;
    }
}
