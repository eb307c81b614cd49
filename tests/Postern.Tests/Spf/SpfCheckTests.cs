using Postern.Core;
using Postern.Core.Spf;

namespace Postern.Tests.Spf;

/// <summary>What the OpenSPF suite does not have: the limits of RFC 7208 §4.6.4 where they end, and what a gate adds.</summary>
public sealed class SpfCheckTests
{
    [Theory]
    [InlineData(10, SpfResult.Pass)]
    [InlineData(11, SpfResult.PermError)]
    public void Ten_terms_may_ask(int terms, SpfResult expected)
    {
        var answers = new Answers();
        answers.Txt("example.com", "v=spf1 " + string.Concat(Enumerable.Range(1, terms - 1).Select(static n => $"a:h{n}.example.com ")) + "include:good.example -all");
        for (var n = 1; n < terms; n++)
            answers.A($"h{n}.example.com", "198.51.100.1");
        answers.Txt("good.example", "v=spf1 ip4:192.0.2.0/24 -all");

        Assert.Equal(expected, Evaluate(answers).Result);
    }

    [Fact]
    public void Three_empty_lookups_are_too_many()
    {
        var answers = new Answers();
        answers.Txt("example.com", "v=spf1 a:a.example.com a:b.example.com a:c.example.com ip4:192.0.2.1");

        Assert.Equal(SpfResult.PermError, Evaluate(answers).Result);
    }

    [Fact]
    public void A_policy_that_includes_itself_ends()
    {
        var answers = new Answers();
        answers.Txt("example.com", "v=spf1 include:example.com -all");

        Assert.Equal(SpfResult.PermError, Evaluate(answers).Result);
    }

    [Fact]
    public void What_is_not_known_yet_is_named_in_lower_case_without_the_final_dot()
    {
        var answers = new Answers();
        answers.Txt("example.com", "v=spf1 include:_SPF.Example.COM. -all");

        var outcome = Evaluate(answers);

        Assert.Null(outcome.Result);
        Assert.Equal(new SpfQuestion("_spf.example.com", SpfRecordType.Txt), outcome.Missing);
    }

    [Theory]
    [InlineData("::ffff:192.0.2.1", SpfResult.Pass)] // a mapped address is an IPv4 client
    [InlineData("2001:db8::1", SpfResult.Fail)]
    public void Mapped_addresses_are_IPv4(string address, SpfResult expected)
    {
        var answers = new Answers();
        answers.Txt("example.com", "v=spf1 ip6:::ffff:0.0.0.0/96 ip4:192.0.2.1 -all");

        Assert.Equal(expected, Evaluate(answers, address).Result);
    }

    private static SpfOutcome Evaluate(Answers answers, string address = "192.0.2.1")
    {
        Assert.True(IpAddress.TryParse(address, out var client));
        return SpfCheck.Evaluate(new SpfClient(client), "example.com", answers);
    }

    private sealed class Answers : ISpfAnswers
    {
        private readonly Dictionary<SpfQuestion, SpfAnswer> _known = [];

        public void Txt(string name, string text) => _known[new(name, SpfRecordType.Txt)] = new(Failed: false, [text], []);

        public void A(string name, string text)
        {
            Assert.True(IpAddress.TryParse(text, out var address));
            _known[new(name, SpfRecordType.A)] = new(Failed: false, [], [address]);
        }

        public SpfAnswer? Find(SpfQuestion question) =>
            _known.TryGetValue(question, out var answer) ? answer : question.Type == SpfRecordType.Txt ? null : SpfAnswer.Empty;
    }
}
