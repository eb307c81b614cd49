using Postern.Dns;

namespace Postern.Tests.Dns;

public sealed class DnsReplyTests
{
    private static readonly DnsQuestion Question = new("example.com", DnsType.A);

    [Fact]
    public void Aliases_are_followed_as_answered_and_the_shortest_time_counts()
    {
        var answer = Judge(0, null, Alias("example.com", "b.example", 30), Alias("b.example", "c.example", 20), Address("c.example", 50), Address("d.example", 1));

        Assert.Equal(DnsOutcome.Found, answer.Outcome);
        Assert.Equal("c.example", Assert.Single(answer.Records).Owner);
        Assert.Equal(TimeSpan.FromSeconds(20), answer.TimeToLive);
    }

    [Fact]
    public void An_alias_to_nothing_is_no_data() => Assert.Equal(DnsOutcome.NoData, Judge(0, null, Alias("example.com", "b.example", 30)).Outcome);

    [Fact]
    public void An_alias_loop_is_a_failure()
    {
        var answer = Judge(0, null, Alias("example.com", "b.example", 30), Alias("b.example", "example.com", 30));

        Assert.Equal(DnsOutcome.TemporaryFailure, answer.Outcome);
        Assert.Equal("too many aliases", answer.Problem);
    }

    [Fact]
    public void Negative_answers_hold_as_long_as_the_zone_says()
    {
        var authority = new DnsRecord("example.com", DnsType.Soa, 100) { NegativeTimeToLive = 40 };

        Assert.Equal(new DnsAnswer(DnsOutcome.NoSuchName, [], TimeSpan.FromSeconds(40), null), Judge(3, authority));
        Assert.Equal(new DnsAnswer(DnsOutcome.NoData, [], TimeSpan.FromSeconds(40), null), Judge(0, authority));
        Assert.Equal(TimeSpan.FromSeconds(5), Judge(3, null).TimeToLive);
    }

    [Fact]
    public void Nothing_holds_longer_than_an_hour() => Assert.Equal(TimeSpan.FromHours(1), Judge(0, null, Address("example.com", 86400)).TimeToLive);

    [Theory]
    [InlineData(2, "server answered SERVFAIL")]
    [InlineData(5, "server answered REFUSED")]
    [InlineData(9, "server answered response code 9")]
    public void Other_codes_are_failures_that_are_not_remembered(int code, string problem) =>
        Assert.Equal(new DnsAnswer(DnsOutcome.TemporaryFailure, [], TimeSpan.Zero, problem), Judge(code, null, Address("example.com", 60)));

    private static DnsAnswer Judge(int code, DnsRecord? authority, params DnsRecord[] answers)
    {
        var answer = new DnsReply(IsTruncated: false, code, answers, authority).Judge(Question);
        return answer with { Records = answer.Records.Count == 0 ? [] : answer.Records };
    }

    private static DnsRecord Alias(string owner, string target, uint timeToLive) => new(owner, DnsType.Cname, timeToLive) { Target = target };

    private static DnsRecord Address(string owner, uint timeToLive) =>
        new(owner, DnsType.A, timeToLive) { Address = Core.IpAddress.FromBytes([192, 0, 2, 1]) };
}
