using CsCheck;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Storage;
using static Postern.Tests.Storage.AllowlistBench;

namespace Postern.Tests.Storage;

/// <summary>As many clients are known as may be, and others come.</summary>
public sealed class AllowlistEvictionTests : IDisposable
{
    private const uint Hour = 3600, Day = 24 * Hour;
    private static readonly EnabledTests WithDeepTest = new(true, false, true, false, false);

    private readonly AllowlistBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Those_go_first_that_expired_longest_ago_then_those_that_expire_soonest()
    {
        _bench.Options = _bench.Options with { EntryLimit = 4 };
        var allowlist = _bench.OpenLoaded();
        foreach (var (client, days) in ((int, int)[])[(1, 1), (2, -2), (3, 2), (4, -1)])
            allowlist.Remember(Address(client), Until(days));

        var left = new List<string> { Known() };
        foreach (var client in (int[])[5, 6, 7])
        {
            allowlist.Remember(Address(client), Until(20));
            left.Add(Known());
        }

        Assert.Equal(["1 2 3 4", "1 3 4 5", "1 3 5 6", "3 5 6 7"], left);
        Assert.Equal(1, _bench.Logged("4 clients are known, as many as may be"));
        _bench.Save(allowlist);
        Assert.Equal(4, _bench.RecordCount());

        string Known() => string.Join(' ', Enumerable.Range(1, 7).Where(client => allowlist.TryRecall(Address(client), out _)));

        TestExpiry Until(int days) => new((uint)(_bench.Now + days * Day), 1, 1, 1, 1);
    }

    [Fact]
    public void Of_many_the_lowest_go_bit_by_bit_and_nobody_who_counts_before_the_expired()
    {
        const int Limit = 40_000, Expired = 4_000;
        _bench.Options = _bench.Options with { EntryLimit = Limit };
        var allowlist = _bench.OpenLoaded();
        for (var i = 0; i < Limit; i++)
            allowlist.Remember(Address(i), new TestExpiry(i < Expired ? _bench.Now - 1 - (uint)i : _bench.Now + Hour + (uint)i, 1, 1, 1, 1));

        for (var i = Limit; i < Limit + Expired - 100; i++)
        {
            allowlist.Remember(Address(i), new TestExpiry(_bench.Now + Day, 1, 1, 1, 1));
            Assert.InRange(allowlist.Count, Limit - Limit / 100, Limit);
        }

        Assert.All(Enumerable.Range(Expired, Limit - 100), client => Assert.True(allowlist.TryRecall(Address(client), out _)));
    }

    [Fact]
    public void A_record_that_is_known_already_needs_no_room()
    {
        _bench.Options = _bench.Options with { EntryLimit = 2 };
        var allowlist = _bench.OpenLoaded();
        allowlist.Remember(Address(1), default);
        allowlist.Remember(Address(2), default);

        allowlist.Remember(Address(2), _bench.Passed);

        Assert.True(allowlist.TryRecall(Address(1), out _));
        Assert.Equal(0, _bench.Logged("as many as may be"));
    }

    [Fact]
    public void A_file_with_more_records_than_may_be_is_read_as_far_as_it_matters()
    {
        using (var earlier = _bench.OpenLoaded())
        {
            for (var i = 0; i < 100; i++)
                earlier.Remember(Address(i), new TestExpiry(_bench.Now + (uint)(i * 37 % 100), 1, 1, 1, 1));
        }

        _bench.Options = _bench.Options with { EntryLimit = 20 };
        var later = _bench.OpenLoaded();

        Assert.Equal(20, later.Count);
        Assert.All(Enumerable.Range(0, 100), i => Assert.Equal(i * 37 % 100 >= 80, later.TryRecall(Address(i), out _)));
    }

    /// <summary>Others that count for longer do not push it out: an attacker may have filled the list, or an import.</summary>
    [Fact]
    public void Who_was_told_to_come_back_is_known_when_it_does()
    {
        _bench.Options = _bench.Options with { EntryLimit = 100, Policy = _bench.Options.Policy with { Enabled = WithDeepTest } };
        var allowlist = _bench.OpenLoaded();
        for (var i = 0; i < 100; i++)
            allowlist.Remember(Address(i), new TestExpiry(_bench.Now + 29 * Day, 1, _bench.Now + 25 * Day, 1, 1));

        for (var i = 100; i < 1000; i++)
        {
            allowlist.Remember(Address(i), new TestExpiry(_bench.Now + Day, 1, _bench.Now + 30 * Day, 1, 1));
            Assert.True(i < 120 || allowlist.TryRecall(Address(i - 20), out _));
            _bench.Clock.Advance(TimeSpan.FromHours(1));
        }

        Assert.False(allowlist.ForgetsSoon);
        Assert.Equal(0, _bench.Logged("before they can come back"));
    }

    [Fact]
    public void While_those_are_forgotten_who_were_told_to_come_back_it_is_said_and_for_a_day_after()
    {
        _bench.Options = _bench.Options with { EntryLimit = 10, Policy = _bench.Options.Policy with { Enabled = WithDeepTest } };
        var allowlist = _bench.OpenLoaded();
        for (var i = 0; i < 10; i++)
            Tell(allowlist, Address(i));
        Assert.False(allowlist.ForgetsSoon);

        Tell(allowlist, Address(10));
        Assert.True(allowlist.ForgetsSoon);
        _bench.Clock.Advance(TimeSpan.FromHours(24));
        Assert.True(allowlist.ForgetsSoon);
        _bench.Clock.Advance(TimeSpan.FromSeconds(1));

        Assert.False(allowlist.ForgetsSoon);
        Assert.Equal(1, _bench.Logged("so many new clients come that some are forgotten before they can come back"));
    }

    /// <summary>The rule itself, at any bound and with a store that does not work, too.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void No_client_is_told_to_come_back_twice_in_a_row(bool storeWorks)
    {
        if (!storeWorks)
            _bench.Options = _bench.Options with { MapName = $"btree:{_bench.Directory}/never/cache" };
        var visits = Gen.Select(Gen.Int[0, 30], Gen.Int[0, 4 * (int)Hour]);
        Gen.Select(Gen.Int[1, 12], visits.Array[1, 300]).Sample(
            (limit, story) =>
            {
                var options = _bench.Options with { EntryLimit = limit, Policy = _bench.Options.Policy with { Enabled = WithDeepTest } };
                using var allowlist = TemporaryAllowlist.Open(options, _bench.Clock, static (_, _) => { }, static () => { });
                allowlist.WaitUntilLoaded(TimeSpan.FromSeconds(20));
                var told = new Dictionary<int, DateTimeOffset>();
                foreach (var (client, seconds) in story)
                {
                    _bench.Clock.Advance(TimeSpan.FromSeconds(seconds));
                    var isKnown = allowlist.TryRecall(Address(client), out var record) && record.Pipelining >= _bench.Now;
                    if (isKnown || allowlist.ForgetsSoon)
                    {
                        told.Remove(client);
                        continue;
                    }

                    Assert.False(told.TryGetValue(client, out var last) && _bench.Clock.GetUtcNow() - last <= EvictionOrder.ReturnTime);
                    told[client] = _bench.Clock.GetUtcNow();
                    Tell(allowlist, Address(client));
                    Assert.InRange(allowlist.Count, 1, limit);
                }

                foreach (var client in Enumerable.Range(0, 31))
                    allowlist.Forget(Address(client));
            },
            iter: 200,
            threads: 1);
    }

    private void Tell(TemporaryAllowlist allowlist, IpAddress client) => allowlist.Remember(client, new TestExpiry(_bench.Now + Day, 1, _bench.Now + 30 * Day, 1, 1));
}
