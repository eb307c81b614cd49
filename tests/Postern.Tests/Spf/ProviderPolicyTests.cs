using CsCheck;
using Postern.Core;
using Postern.Core.Spf;

namespace Postern.Tests.Spf;

public sealed class ProviderPolicyTests
{
    private static readonly Dictionary<SpfQuestion, SpfAnswer> Dns = new()
    {
        [Txt("good.example")] = Text("v=spf1 redirect=_spf.good.example"),
        [Txt("_spf.good.example")] = Text("v=spf1 include:_a.good.example include:_b.good.example ~all"),
        [Txt("_a.good.example")] = Text("v=spf1 ip4:192.0.2.0/25 ip4:192.0.2.128/25 ip6:2001:db8:1::/48 ~all"),
        [Txt("_b.good.example")] = Text("v=spf1 -ip4:198.51.100.7 ip4:198.51.100.0/24 mx:good.example/30 ~all"),
        [new("good.example", SpfRecordType.Mx)] = new(false, ["mx.good.example"], []),
        [new("mx.good.example", SpfRecordType.A)] = new(false, [], [At("203.0.113.9")]),
        [new("mx.good.example", SpfRecordType.Aaaa)] = SpfAnswer.Empty,
        [Txt("asks.example")] = Text("v=spf1 ip4:192.0.2.1 exists:%{i}._spf.asks.example -all"),
        [Txt("open.example")] = Text("v=spf1 ip4:192.0.2.1 +all"),
        [Txt("nested.example")] = Text("v=spf1 include:open.example -all"),
        [Txt("wide.example")] = Text("v=spf1 ip4:128.0.0.0/1 -all"),
        [Txt("there.example")] = Text("v=spf1 exists:good.example -all"),
        [Txt("loop.example")] = Text("v=spf1 include:loop.example ip4:192.0.2.1 -all"),
        [Txt("none.example")] = Text("hello"),
        [Txt("two.example")] = new(false, ["v=spf1 -all", "v=spf1 +all"], []),
        [Txt("wrong.example")] = Text("v=spf1 ipv4:192.0.2.1 -all"),
        [Txt("down.example")] = SpfAnswer.Failure,
    };

    [Theory]
    [InlineData("192.0.2.200", true)]
    [InlineData("192.0.3.0", false)]
    [InlineData("198.51.100.255", true)]
    [InlineData("203.0.113.10", true)] // the mx's /30
    [InlineData("203.0.113.12", false)]
    [InlineData("2001:db8:1:ffff::1", true)]
    [InlineData("2001:db8:2::", false)]
    public void Who_may_pass_is_known_without_an_evaluation(string address, bool may)
    {
        var policy = Read("good.example", out _)!;

        Assert.Equal(may, policy.MayPass(At(address)));
        Assert.False(policy.DependsOnClient);
        Assert.Equal(5, policy.Ranges); // 198.51.100.7 is in a range with its network
    }

    [Fact]
    public void Whoever_passes_the_evaluation_may_pass() => Gen.UInt.Sample(
        bits =>
        {
            var policy = Read("good.example", out _)!;
            foreach (var address in (IpAddress[])[IpAddress.FromIPv4(bits), IpAddress.FromIPv4(0xc000_0200 | bits & 0x3ff), IpAddress.FromIPv4(0xc633_6400 | bits & 0xff)])
            {
                var passes = SpfCheck.Evaluate(new SpfClient(address), "good.example", policy).Result is SpfResult.Pass;
                Assert.True(policy.MayPass(address) || !passes, address.ToString());
            }
        },
        iter: 2000);

    [Fact]
    public void An_entry_that_is_excluded_does_not_pass() =>
        Assert.Equal(SpfResult.SoftFail, SpfCheck.Evaluate(new SpfClient(At("198.51.100.7")), "good.example", Read("good.example", out _)!).Result);

    [Theory]
    [InlineData("open.example", "the SPF policy of open.example passes everybody")]
    [InlineData("nested.example", "the SPF policy of open.example passes everybody")]
    [InlineData("there.example", "the SPF policy of there.example passes everybody")]
    [InlineData("wide.example", "the SPF policy of wide.example passes 128.0.0.0/1, which is too much")]
    [InlineData("none.example", "none.example has no SPF policy")]
    [InlineData("two.example", "two.example has more than one SPF policy")]
    [InlineData("wrong.example", "the SPF policy of wrong.example has a syntax error")]
    [InlineData("down.example", "DNS does not answer for down.example")]
    public void What_cannot_be_used_says_why(string domain, string expected)
    {
        Assert.Null(Read(domain, out var problem));
        Assert.Equal(expected, problem);
    }

    [Fact]
    public void A_policy_that_asks_about_the_client_is_for_evaluation()
    {
        var policy = Read("asks.example", out _)!;

        Assert.True(policy.DependsOnClient);
        Assert.Equal(
            new SpfQuestion("203.0.113.1._spf.asks.example", SpfRecordType.A),
            SpfCheck.Evaluate(new SpfClient(At("203.0.113.1")), "asks.example", policy).Missing);
    }

    [Fact]
    public void A_policy_that_includes_itself_is_read_once() => Assert.Equal(1, Read("loop.example", out _)!.Ranges);

    [Theory]
    [InlineData("Gmail.com", "gmail.com", false)]
    [InlineData("example.com.=permit", "example.com", true)]
    public void An_entry_is_a_domain_and_an_action(string entry, string domain, bool isPermit)
    {
        Assert.True(Provider.TryParse(entry, out var provider, out _));
        Assert.Equal(new Provider(domain, isPermit), provider);
    }

    [Theory]
    [InlineData("com", "bad domain in \"com\"")]
    [InlineData("a..b", "bad domain in \"a..b\"")]
    [InlineData("example.com=yes", "bad action in \"example.com=yes\"")]
    public void A_bad_entry_is_quoted(string entry, string expected)
    {
        Assert.False(Provider.TryParse(entry, out _, out var problem));
        Assert.Equal(expected, problem);
    }

    private static ProviderPolicy? Read(string domain, out string? problem)
    {
        var policy = ProviderPolicy.Read(domain, Dns, out var missing, out problem);
        Assert.True(policy is not null || problem is not null, $"not in the test's DNS: {missing}");
        return policy;
    }

    private static IpAddress At(string text)
    {
        Assert.True(IpAddress.TryParse(text, out var address));
        return address;
    }

    private static SpfQuestion Txt(string name) => new(name, SpfRecordType.Txt);

    private static SpfAnswer Text(string text) => new(Failed: false, [text], []);
}
