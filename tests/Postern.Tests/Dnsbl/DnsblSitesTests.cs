using Postern.Core.Dnsbl;
using Postern.Core.Tables;

namespace Postern.Tests.Dnsbl;

public sealed class DnsblSitesTests
{
    [Fact]
    public void Elements_with_the_same_domain_make_one_list()
    {
        var sites = Sites.Of("a.example=127.0.0.[2;3]*-2,B.example\t a.example*+7  ,b.example*0");

        Assert.Equal(["a.example", "B.example", "b.example"], sites.Lists.Select(list => list.Domain));
        Assert.Equal([("127.0.0.[2;3]", -2), (null, 7)], sites.Lists[0].Rules.Select(rule => (rule.Filter?.Text, rule.Weight)));
        Assert.Equal(1, Assert.Single(sites.Lists[1].Rules).Weight);
        Assert.Equal(0, Assert.Single(sites.Lists[2].Rules).Weight);
        Assert.Equal([0, 1, 2], sites.Lists.Select(list => list.Index));
    }

    [Theory]
    [InlineData("a.example*", "bad DNSBL weight factor \"\" in \"a.example*\"")]
    [InlineData("a.example*x", "bad DNSBL weight factor \"x\" in \"a.example*x\"")]
    [InlineData("a.example*2=127.0.0.2", "bad DNSBL weight factor \"2=127.0.0.2\" in \"a.example*2=127.0.0.2\"")]
    [InlineData("a.example*0x10", "bad DNSBL weight factor \"0x10\" in \"a.example*0x10\"")]
    [InlineData("{a.example}", "valid_hostname: invalid character 123(decimal): {a.example}", "bad DNSBL domain name \"{a.example}\" in \"{a.example}\"")]
    [InlineData("a.example*1*2", "bad DNSBL weight factor \"1*2\" in \"a.example*1*2\"")]
    [InlineData("a.example=127.0.0", "bad DNSBL filter syntax: need \".\" at \"127.0.0><\"")]
    [InlineData("a.example=", "bad DNSBL filter syntax: empty address pattern")]
    [InlineData("-.example*2", "valid_hostname: misplaced hyphen: -.example", "bad DNSBL domain name \"-.example\" in \"-.example*2\"")]
    [InlineData("*2", "valid_hostname: empty hostname", "bad DNSBL domain name \"\" in \"*2\"")]
    [InlineData("a.example.", "valid_hostname: misplaced delimiter: a.example.", "bad DNSBL domain name \"a.example.\" in \"a.example.\"")]
    [InlineData("127.0.0.2", "valid_hostname: numeric hostname: 127.0.0.2", "bad DNSBL domain name \"127.0.0.2\" in \"127.0.0.2\"")]
    public void Mistakes_are_named_in_Postfixs_words_and_the_rest_is_read(string element, params string[] expected)
    {
        var problems = new RecordedWarnings();

        var sites = DnsblSites.Parse($"{element} good.example", null, false, problems, problems);

        Assert.Equal(expected, problems.Texts);
        Assert.Equal("good.example", Assert.Single(sites.Lists).Domain);
    }

    [Fact]
    public void The_reply_map_renames_lists_and_is_asked_by_their_exact_name()
    {
        var map = new ChangingTable { ["secret.example"] = LookupResult.Found("public.example") };

        var sites = Sites.Of("secret.example Secret.example", replyMap: map);

        Assert.Equal("public.example", sites.Lists[0].PublicName(new RecordedWarnings()));
        Assert.Equal("Secret.example", sites.Lists[1].PublicName(new RecordedWarnings()));
    }

    [Fact]
    public void A_reply_map_that_breaks_later_gives_no_secret_away()
    {
        var map = new ChangingTable { ["secret.example"] = LookupResult.Found("public.example") };
        var list = Sites.Of("secret.example", replyMap: map).Lists[0];
        list.PublicName(new RecordedWarnings());

        map["secret.example"] = LookupResult.Error;
        Assert.Equal("public.example", list.PublicName(new RecordedWarnings()));
        map["secret.example"] = LookupResult.Found("other.example");
        Assert.Equal("other.example", list.PublicName(new RecordedWarnings()));
        map["secret.example"] = LookupResult.NotFound;
        Assert.Equal("secret.example", list.PublicName(new RecordedWarnings()));
    }

    [Theory]
    [InlineData("192.0.2.99", "bl.example", "99.2.0.192.bl.example")]
    [InlineData("127.0.0.1", "x", "1.0.0.127.x")]
    [InlineData("2001:db8::2", "bl.example", "2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.bl.example")]
    public void Addresses_are_asked_for_backwards(string address, string domain, string expected) =>
        Assert.Equal(expected, DnsblQuery.Text(Ip.Of(address), domain));

    private sealed class ChangingTable : Dictionary<string, LookupResult>, ILookupTable
    {
        public string Name => "changing:";

        public LookupResult Lookup(string key, Core.IWarningSink warnings) => TryGetValue(key, out var result) ? result : LookupResult.NotFound;
    }
}
