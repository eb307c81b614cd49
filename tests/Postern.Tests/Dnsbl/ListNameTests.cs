using Postern.Core;
using Postern.Core.Dnsbl;
using Postern.Core.Tables;

namespace Postern.Tests.Dnsbl;

public sealed class ListNameTests
{
    [Theory]
    [InlineData("zen.spamhaus.org=127.0.0.[2..11]*3 b.barracudacentral.org*2", null)]
    [InlineData("hostkarma.junkemailfilter.com=127.0.0.3, dnsbl-1.uceprotect.net, bl.a1b2.example", null)]
    [InlineData("a-label-with-hyphens-1234567890.example", null)]
    [InlineData("texthash:/etc/postfix/dnsbl_reply_map, inline:{ x.example=y.example }", null)]
    [InlineData("", null)]
    [InlineData("abcdefghij1234567890abcdef.zen.dq.spamhaus.net*3", "(key).zen.dq.spamhaus.net*3")]
    [InlineData("0123456789ABCDEF0123456789abcdef.combined.mail.abusix.zone", "(key).combined.mail.abusix.zone")]
    [InlineData("inline:{ abcdefgh12345678.zen.dq.spamhaus.net=zen.spamhaus.org }", "inline:{ (key).zen.dq.spamhaus.net=zen.spamhaus.org }")]
    [InlineData("abcdefghijklmnopqrstuvwxyz.list.example", "(key).list.example")]
    [InlineData("list.abcdefgh12345678.example", "list.(key).example")]
    [InlineData("list.example.abcdefgh12345678", null)] // no list has its key at the end
    public void A_key_is_a_long_label_of_letters_and_digits(string text, string? shown) => Assert.Equal(shown ?? text, ListName.WithoutKeys(text));

    [Fact]
    public void The_reply_map_has_a_better_name()
    {
        var lists = Sites.Of("short.zen.example abcdefgh12345678.zen.example", replyMap: new Renamed()).Lists;

        Assert.Equal(["zen.example", "(key).zen.example"], lists.Select(static list => ListName.ToShow(list, new RecordedWarnings())));
    }

    private sealed class Renamed : ILookupTable
    {
        public string Name => "renamed";

        public LookupResult Lookup(string key, IWarningSink warnings) => key == "short.zen.example" ? LookupResult.Found("zen.example") : LookupResult.NotFound;
    }
}
