using Postern.Core.Allowlist;
using Postern.Storage;
using static Postern.Tests.Storage.AllowlistBench;

namespace Postern.Tests.Storage;

public sealed class TemporaryAllowlistTests : IDisposable
{
    private readonly AllowlistBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Recalls_what_it_was_told_to_remember()
    {
        var allowlist = _bench.OpenLoaded();

        allowlist.Remember(Client, new TestExpiry(5, 6, 7, 8, 9));

        Assert.True(allowlist.TryRecall(Client, out var expiry));
        Assert.Equal(new TestExpiry(5, 6, 7, 8, 9), expiry);
        Assert.False(allowlist.TryRecall(Address("192.0.2.8"), out _));
        Assert.Equal(1, allowlist.Count);
    }

    [Fact]
    public void A_later_process_knows_what_an_earlier_one_remembered()
    {
        using (var earlier = _bench.OpenLoaded())
        {
            earlier.Remember(Client, _bench.Passed);
            earlier.Remember(Address("2001:db8::2"), _bench.Passed);
        }

        var later = _bench.OpenLoaded();

        Assert.Equal(2, later.Count);
        Assert.True(later.TryRecall(Address("2001:db8::2"), out var expiry));
        Assert.Equal(_bench.Passed, expiry);
    }

    [Fact]
    public void The_file_has_few_bytes_a_client_and_is_for_its_owner_only()
    {
        using (var allowlist = _bench.OpenLoaded())
            allowlist.Remember(Address("2001:DB8:0::2"), new TestExpiry(1795574805, 0, 1, 1, 1));

        Assert.Equal("1795574805;0;1;1;1", _bench.Record(Address("2001:db8::2")));
        Assert.Equal("16 6", _bench.Query("SELECT length(address) || ' ' || length(record) FROM clients"));
        if (OperatingSystem.IsLinux())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_bench.Database));
    }

    [Fact]
    public void Changes_gather_for_50_ms_and_are_then_handed_over()
    {
        var allowlist = Idle();

        allowlist.Remember(Client, _bench.Passed);
        _bench.Clock.Advance(TimeSpan.FromMilliseconds(20));
        allowlist.Remember(Address("192.0.2.8"), _bench.Passed);

        Assert.Equal(TimeSpan.FromMilliseconds(30), allowlist.NextTick);
    }

    [Fact]
    public void With_nothing_to_do_the_next_tick_is_the_cleanup()
    {
        var allowlist = Idle();

        Assert.Equal(TimeSpan.FromHours(12), allowlist.NextTick);
        allowlist.Policy = allowlist.Policy with { CleanupInterval = TimeSpan.Zero };
        Assert.Null(allowlist.NextTick);
    }

    [Fact]
    public void A_killed_process_loses_only_what_was_not_handed_over()
    {
        var allowlist = Idle();
        allowlist.Remember(Client, _bench.Passed);
        _bench.RunUntil(allowlist, () => _bench.Record(Client) is not null);
        allowlist.Remember(Address("192.0.2.8"), _bench.Passed);

        // What the system has of the files at this moment is what a killed process leaves.
        var crashed = System.IO.Directory.CreateDirectory($"{_bench.Directory}/crashed").FullName;
        foreach (var suffix in (string[])["", "-wal"])
            File.Copy(_bench.Database + suffix, $"{crashed}/cache.postern.db{suffix}");
        _bench.Options = _bench.Options with { MapName = $"btree:{crashed}/cache" };
        var next = _bench.OpenLoaded();

        Assert.True(next.TryRecall(Client, out var expiry));
        Assert.Equal(_bench.Passed, expiry);
        Assert.False(next.TryRecall(Address("192.0.2.8"), out _));
    }

    [Fact]
    public void A_later_pass_replaces_an_earlier_one_in_the_file_too()
    {
        var allowlist = _bench.OpenLoaded();
        allowlist.Remember(Client, new TestExpiry(5, 6, 7, 8, 9));
        _bench.Save(allowlist);

        allowlist.Remember(Client, new TestExpiry(15, 6, 7, 8, 9));
        allowlist.Remember(Client, new TestExpiry(25, 6, 7, 8, 9));
        _bench.Save(allowlist);

        Assert.Equal("25;6;7;8;9", _bench.Record(Client));
        Assert.Equal(1, _bench.RecordCount());
    }

    [Fact]
    public void A_hundred_thousand_records_are_read_before_the_start_is_over()
    {
        using (var earlier = _bench.OpenLoaded())
        {
            for (var i = 0; i < 100_000; i++)
                earlier.Remember(Address(i), _bench.Passed);
        }

        var start = System.Diagnostics.Stopwatch.GetTimestamp();
        var later = _bench.OpenLoaded();
        var elapsed = System.Diagnostics.Stopwatch.GetElapsedTime(start);

        Assert.Equal(100_000, later.Count); // so they were read while the daemon waits for them

        TestContext.Current.TestOutputHelper?.WriteLine($"100,000 records read in {elapsed.TotalMilliseconds:0} ms");
    }

    [Fact]
    public void A_type_without_a_file_keeps_passes_in_memory()
    {
        _bench.Options = _bench.Options with { MapName = "foo:bar" };
        var allowlist = _bench.OpenLoaded();

        allowlist.Remember(Client, _bench.Passed);
        allowlist.Tick(_bench.Clock.GetUtcNow());

        Assert.True(allowlist.TryRecall(Client, out _));
        Assert.Equal(
            ["Warning: foo:bar: passes are kept in memory only and are lost at the next start",
                "Info: cache foo:bar full cleanup: retained=1 dropped=0 entries"],
            _bench.Log);
    }

    /// <summary>An allowlist whose first cleanup is over and written.</summary>
    private TemporaryAllowlist Idle()
    {
        var allowlist = _bench.OpenLoaded();
        _bench.RunUntilLogged(allowlist, "full cleanup");
        _bench.Save(allowlist);
        return allowlist;
    }
}
