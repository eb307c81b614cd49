using Postern.Dns;

namespace Postern.Tests.Dns;

public sealed class DnsCacheTests
{
    [Fact]
    public void An_answer_is_remembered_as_long_as_it_may_be()
    {
        var cache = new DnsCache(10);
        cache.Remember(Question(1), Answer(60), TimeSpan.FromSeconds(100));

        Assert.NotNull(cache.Find(Question(1), TimeSpan.FromSeconds(159.9)));
        Assert.Null(cache.Find(Question(1), TimeSpan.FromSeconds(160)));
        Assert.Null(cache.Find(Question(2), TimeSpan.FromSeconds(100)));
        Assert.Null(cache.Find(Question(1) with { Type = DnsType.Mx }, TimeSpan.FromSeconds(100)));
    }

    [Fact]
    public void Failures_are_not_remembered()
    {
        var cache = new DnsCache(10);

        cache.Remember(Question(1), DnsAnswer.Failure("x"), TimeSpan.Zero);

        Assert.Equal(0, cache.Count);
    }

    [Fact]
    public void The_oldest_leave_when_there_is_no_room()
    {
        var cache = new DnsCache(3);

        for (var i = 0; i < 1000; i++)
        {
            cache.Remember(Question(i / 2), Answer(60), TimeSpan.Zero); // each twice
            Assert.InRange(cache.Count, 1, 3);
        }

        Assert.NotNull(cache.Find(Question(499), TimeSpan.Zero));
        Assert.NotNull(cache.Find(Question(497), TimeSpan.Zero));
        Assert.Null(cache.Find(Question(496), TimeSpan.Zero));
    }

    private static DnsQuestion Question(int number) => new($"{number}.example", DnsType.A);

    private static DnsAnswer Answer(int seconds) => new(DnsOutcome.NoData, [], TimeSpan.FromSeconds(seconds), null);
}
