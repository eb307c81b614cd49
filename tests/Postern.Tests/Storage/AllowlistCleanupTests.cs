using Postern.Core.Allowlist;
using static Postern.Tests.Storage.AllowlistBench;

namespace Postern.Tests.Storage;

public sealed class AllowlistCleanupTests : IDisposable
{
    private readonly AllowlistBench _bench = new();

    private string Map => _bench.Options.MapName;

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void A_fresh_store_is_scanned_at_once()
    {
        var allowlist = _bench.OpenLoaded();

        _bench.RunUntilLogged(allowlist, "cleanup");
        _bench.Save(allowlist);

        Assert.Equal([$"Info: cache {Map} full cleanup: retained=0 dropped=0 entries"], _bench.Log);
        Assert.Equal($"{_bench.Now}", _bench.Fact("cleanup"));
    }

    [Fact]
    public void Old_records_go_from_memory_and_store()
    {
        var start = _bench.Now;
        var allowlist = _bench.OpenLoaded();
        _bench.RunUntilLogged(allowlist, "cleanup");
        allowlist.Remember(Address(1), new TestExpiry(start, 1, 1, 1, 1));
        allowlist.Remember(Address(2), new TestExpiry(start + 1_000_000, 1, 1, 1, 1));
        allowlist.Remember(Address(3), new TestExpiry(0, start + 1_000_000, 1, 1, 1)); // never passed what is enabled
        _bench.Save(allowlist);
        _bench.Log.Clear();

        _bench.Clock.Advance(TimeSpan.FromDays(7.5));
        _bench.RunUntilLogged(allowlist, "cleanup");
        _bench.Save(allowlist);

        Assert.Equal([$"Info: cache {Map} full cleanup: retained=1 dropped=2 entries"], _bench.Log);
        Assert.True(allowlist.TryRecall(Address(2), out _));
        Assert.False(allowlist.TryRecall(Address(1), out _));
        Assert.Null(_bench.Record(Address(1)));
        Assert.Null(_bench.Record(Address(3)));
        Assert.NotNull(_bench.Record(Address(2)));
    }

    [Fact]
    public void Records_from_the_future_go()
    {
        var allowlist = _bench.OpenLoaded();
        _bench.RunUntilLogged(allowlist, "cleanup");
        allowlist.Remember(Address(1), new TestExpiry(_bench.Now + 3600 * 24 * 365, 1, 1, 1, 1));
        allowlist.Remember(Address(2), new TestExpiry(_bench.Now + 3600 * 24 * 8, 1, 1, 1, 1));
        _bench.Log.Clear();

        _bench.Clock.Advance(TimeSpan.FromHours(13));
        _bench.RunUntilLogged(allowlist, "cleanup");

        Assert.Equal([$"Info: cache {Map} full cleanup: retained=1 dropped=1 entries"], _bench.Log);
    }

    [Fact]
    public void The_next_process_waits_for_the_rest_of_the_interval()
    {
        using (var earlier = _bench.OpenLoaded())
            _bench.RunUntilLogged(earlier, "cleanup");
        var completed = _bench.Clock.GetUtcNow();
        _bench.Clock.Advance(TimeSpan.FromHours(5));

        var later = _bench.OpenLoaded();
        TimeSpan? next = null;
        _bench.RunUntil(later, () => (next = later.NextTick) is { Ticks: > 0 }); // zero: there is news to take first

        Assert.Equal(completed.AddHours(12), _bench.Clock.GetUtcNow() + next);
    }

    [Fact]
    public void A_last_cleanup_in_the_future_does_not_put_the_next_off_for_longer_than_the_interval()
    {
        using (_bench.OpenLoaded())
        {
        }

        _bench.Query("REPLACE INTO facts(name, value) VALUES('cleanup', 9000000000000000000)");

        var later = _bench.OpenLoaded();
        _bench.RunUntil(later, () => later.NextTick is not null);

        Assert.Equal(TimeSpan.FromHours(12), later.NextTick);
    }

    [Fact]
    public void A_walk_is_made_in_steps_of_a_millisecond_and_the_end_of_the_process_cuts_it_short()
    {
        var allowlist = _bench.OpenLoaded();
        _bench.RunUntilLogged(allowlist, "cleanup");
        for (var i = 0; i < 5000; i++)
            allowlist.Remember(Address(i), _bench.Passed);
        _bench.Save(allowlist);
        var completed = _bench.Fact("cleanup");
        _bench.Log.Clear();

        _bench.Clock.Advance(TimeSpan.FromHours(12));
        _bench.Clock.Drift = TimeSpan.FromMilliseconds(0.1);
        allowlist.Tick(_bench.Clock.GetUtcNow());
        _bench.Clock.Drift = TimeSpan.Zero;
        Assert.Equal(TimeSpan.Zero, allowlist.NextTick);
        allowlist.Dispose();

        var line = Assert.Single(_bench.Log);
        Assert.Matches($"^Info: cache {Map} partial cleanup: retained=[0-9]+ dropped=0 entries$", line);
        Assert.DoesNotContain("retained=5000 ", line, StringComparison.Ordinal);
        Assert.Equal(completed, _bench.Fact("cleanup"));
    }

    [Fact]
    public void Clients_come_and_go_during_a_walk()
    {
        var allowlist = _bench.OpenLoaded();
        for (var i = 0; i < 5000; i++)
            allowlist.Remember(Address(i), default);

        _bench.Clock.Drift = TimeSpan.FromMilliseconds(0.1);
        for (var i = 5000; _bench.Log.Count == 0; i++)
        {
            allowlist.Tick(_bench.Clock.GetUtcNow());
            allowlist.Remember(Address(i), _bench.Passed);
        }

        _bench.Clock.Drift = TimeSpan.Zero;
        Assert.Contains("dropped=5000 entries", Assert.Single(_bench.Log), StringComparison.Ordinal);
        _bench.Save(allowlist);
        Assert.Equal(allowlist.Count, _bench.RecordCount());
    }

    [Fact]
    public void A_pass_during_the_walk_is_not_lost_with_the_old_record()
    {
        var allowlist = _bench.OpenLoaded();
        allowlist.Remember(Client, default);
        _bench.Save(allowlist);
        _bench.RunUntilLogged(allowlist, "dropped=1");

        allowlist.Remember(Client, _bench.Passed);
        _bench.Save(allowlist);

        Assert.Equal(CacheRecord.Format(_bench.Passed), _bench.Record(Client));
    }

    [Fact]
    public void A_newly_enabled_test_clears_the_list_at_the_next_run()
    {
        var allowlist = _bench.OpenLoaded();
        _bench.RunUntilLogged(allowlist, "cleanup");
        allowlist.Remember(Client, _bench.Passed);

        allowlist.Policy = allowlist.Policy with { Enabled = PregreetOnly with { BareNewline = true }, CleanupInterval = TimeSpan.FromHours(1) };
        _bench.Clock.Advance(TimeSpan.FromMinutes(59));
        allowlist.Tick(_bench.Clock.GetUtcNow());
        Assert.True(allowlist.TryRecall(Client, out _));
        _bench.Clock.Advance(TimeSpan.FromMinutes(1));
        _bench.RunUntilLogged(allowlist, "dropped=1");

        Assert.False(allowlist.TryRecall(Client, out _));
    }

    [Fact]
    public void Without_an_interval_there_is_no_cleanup()
    {
        _bench.Options = _bench.Options with { Policy = _bench.Options.Policy with { CleanupInterval = TimeSpan.Zero } };
        var allowlist = _bench.OpenLoaded();
        allowlist.Remember(Client, default);

        _bench.Save(allowlist);
        allowlist.Dispose();

        Assert.Empty(_bench.Log);
        Assert.NotNull(_bench.Record(Client));
    }
}
