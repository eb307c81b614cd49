using System.Diagnostics;
using Postern.Core.Allowlist;
using SQLitePCL;
using static Postern.Tests.Storage.AllowlistBench;

namespace Postern.Tests.Storage;

/// <summary>Whatever happens to the file, mail flows, memory works, and the administrator is told once.</summary>
public sealed class AllowlistStoreTroubleTests : IDisposable
{
    private readonly AllowlistBench _bench = new();

    private string Map => _bench.Options.MapName;

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void A_directory_that_appears_later_gets_all_that_was_remembered_meanwhile()
    {
        _bench.Options = _bench.Options with { MapName = $"btree:{_bench.Directory}/later/cache" };
        var allowlist = _bench.OpenLoaded();
        allowlist.Remember(Client, _bench.Passed);
        _bench.RunUntilLogged(allowlist, "could not update entry");
        allowlist.Remember(Address(2), _bench.Passed);
        for (var i = 0; i < 10; i++)
        {
            _bench.Clock.Advance(TimeSpan.FromSeconds(40));
            allowlist.Tick(_bench.Clock.GetUtcNow());
        }

        Assert.Equal(1, _bench.Logged($"Error: open database {_bench.Directory}/later/cache.postern.db: No such file or directory"));
        Assert.Equal(1, _bench.Logged($"Warning: {Map}: could not update entry for 192.0.2.7"));
        Assert.Equal(2, allowlist.Count);

        System.IO.Directory.CreateDirectory($"{_bench.Directory}/later");
        _bench.RunUntilLogged(allowlist, "works again");
        _bench.Save(allowlist);

        allowlist.Dispose();
        Assert.Equal(2, _bench.OpenLoaded().Count);
    }

    [Fact]
    public void At_the_end_of_the_process_an_unusable_store_is_tried_once_and_the_loss_told()
    {
        _bench.Options = _bench.Options with { MapName = $"btree:{_bench.Directory}/never/cache" };
        var allowlist = _bench.OpenLoaded();
        allowlist.Remember(Client, _bench.Passed);

        allowlist.Dispose();
        allowlist.Dispose();

        Assert.Equal(1, _bench.Logged($"Warning: {Map}: 1 entries could not be saved"));
    }

    [Fact]
    public void A_full_disk_is_told_once_and_the_passes_are_saved_when_there_is_room()
    {
        var disk = System.IO.Directory.CreateDirectory($"{_bench.Directory}/small").FullName;
        Assert.SkipUnless(Run("mount", "-t", "tmpfs", "-o", "size=192k", "none", disk), "cannot mount a small file system: not root");
        try
        {
            _bench.Options = _bench.Options with { MapName = $"btree:{disk}/cache" };
            var allowlist = _bench.OpenLoaded();
            _bench.Save(allowlist);
            for (var i = 0; i < 5000; i++)
                allowlist.Remember(Address(i), _bench.Passed);
            _bench.RunUntilLogged(allowlist, "could not update entry");
            Assert.False(allowlist.Flush(TimeSpan.FromSeconds(20)));

            Assert.Equal(5000, allowlist.Count);
            Assert.Equal(1, _bench.Logged("could not update entry"));
            Assert.Equal(1, _bench.Logged($"Warning: {Map}: cannot write {disk}/cache.postern.db: database or disk is full; passes are kept in memory until it works"));

            Assert.True(Run("mount", "-o", "remount,size=16m", disk));
            _bench.RunUntilLogged(allowlist, "works again");
            _bench.Save(allowlist);
            allowlist.Dispose();
            var next = _bench.OpenLoaded();
            Assert.Equal(5000, next.Count);
            next.Dispose();
        }
        finally
        {
            Assert.True(Run("umount", "-l", disk));
        }
    }

    [Fact]
    public void A_disk_that_becomes_read_only_is_told_once()
    {
        var disk = System.IO.Directory.CreateDirectory($"{_bench.Directory}/disk").FullName;
        Assert.SkipUnless(Run("mount", "-t", "tmpfs", "-o", "size=4m", "none", disk), "cannot mount a file system: not root");
        try
        {
            _bench.Options = _bench.Options with { MapName = $"btree:{disk}/cache" };
            using (var earlier = _bench.OpenLoaded())
                earlier.Remember(Client, _bench.Passed);
            Assert.True(Run("mount", "-o", "remount,ro", disk));

            var allowlist = _bench.OpenLoaded();
            allowlist.Remember(Address(2), _bench.Passed);
            _bench.RunUntilLogged(allowlist, "could not update entry");
            Assert.True(Run("mount", "-o", "remount,rw", disk));
            _bench.RunUntilLogged(allowlist, "works again");
            _bench.Save(allowlist);

            Assert.Equal(1, _bench.Logged("open database ") + _bench.Logged("cannot write "));
            Assert.True(allowlist.TryRecall(Client, out _));
            allowlist.Dispose();
        }
        finally
        {
            Assert.True(Run("umount", "-l", disk));
        }
    }

    [Fact]
    public void A_file_that_is_no_database_is_set_aside()
    {
        File.WriteAllText(_bench.Database, new string('x', 10_000));

        var allowlist = _bench.OpenLoaded();
        allowlist.Remember(Client, _bench.Passed);
        _bench.Save(allowlist);

        var damaged = $"{_bench.Database}.damaged-{_bench.Now}";
        Assert.Equal(new string('x', 10_000), File.ReadAllText(damaged));
        Assert.Equal(1, _bench.Logged($"Warning: {Map}: {_bench.Database} is damaged (file is not a database); it is now {damaged} and a new one is begun"));
        Assert.Equal(CacheRecord.Format(_bench.Passed), _bench.Record(Client));
    }

    [Fact]
    public void What_can_be_read_of_a_damaged_file_is_kept_and_saved_in_the_new_one()
    {
        using (var earlier = _bench.OpenLoaded())
        {
            for (var i = 0; i < 20_000; i++)
                earlier.Remember(Address(i), _bench.Passed);
        }

        using (var file = File.OpenWrite(_bench.Database))
        {
            file.Position = file.Length / 2;
            file.Write(new byte[100_000]);
        }

        var allowlist = _bench.OpenLoaded();
        _bench.RunUntil(allowlist, () => allowlist.Count > 0);
        _bench.Save(allowlist);

        Assert.InRange(allowlist.Count, 1000, 19_999);
        Assert.Single(System.IO.Directory.GetFiles(_bench.Directory, "*.damaged-*"));
        Assert.Equal(allowlist.Count, _bench.RecordCount());
    }

    [Fact]
    public void A_file_with_a_layout_from_the_future_is_set_aside_unchanged()
    {
        using (_bench.OpenLoaded())
        {
        }

        _bench.Query("PRAGMA user_version=3");

        _bench.OpenLoaded();

        Assert.Equal(1, _bench.Logged("unknown version 3 of the file's layout"));
        Assert.Single(System.IO.Directory.GetFiles(_bench.Directory, "*.damaged-*"));
    }

    [Fact]
    public void A_file_that_is_removed_is_made_again_with_all_that_memory_has()
    {
        var allowlist = _bench.OpenLoaded();
        allowlist.Remember(Address(1), _bench.Passed);
        _bench.Save(allowlist);

        foreach (var file in System.IO.Directory.GetFiles(_bench.Directory))
            File.Delete(file);
        allowlist.Remember(Address(2), _bench.Passed);
        _bench.Save(allowlist);

        Assert.NotNull(_bench.Record(Address(1)));
        Assert.NotNull(_bench.Record(Address(2)));
    }

    [Fact]
    public void A_lock_of_another_program_holds_up_the_writer_only()
    {
        var allowlist = _bench.OpenLoaded();
        _bench.Save(allowlist);
        using (var other = _bench.Connect())
        {
            Assert.Equal(raw.SQLITE_OK, raw.sqlite3_exec(other, "BEGIN IMMEDIATE"));
            allowlist.Remember(Client, _bench.Passed);
            _bench.RunUntilLogged(allowlist, $"could not update entry for {Client}");

            Assert.True(allowlist.TryRecall(Client, out _));
            Assert.Equal(1, _bench.Logged("database is locked"));
        }

        _bench.RunUntilLogged(allowlist, "works again");
        Assert.Equal(CacheRecord.Format(_bench.Passed), _bench.Record(Client));
    }

    [Fact]
    public void A_store_that_cannot_be_read_in_time_is_not_waited_for()
    {
        using (_bench.OpenLoaded())
        {
        }

        _bench.Options = _bench.Options with { BusyTimeout = TimeSpan.FromSeconds(10) };
        using var other = _bench.Connect();
        Assert.Equal(raw.SQLITE_OK, raw.sqlite3_exec(other, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE"));

        var allowlist = _bench.Open();
        Assert.False(allowlist.WaitUntilLoaded(TimeSpan.FromMilliseconds(10)));

        Assert.Equal(1, _bench.Logged($"Warning: {Map}: not read within 0 s; some clients may be tested again"));
        other.Dispose();
        Assert.True(allowlist.WaitUntilLoaded(TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public void Unsaved_changes_are_bounded_and_yet_all_saved_in_the_end()
    {
        _bench.Options = _bench.Options with { MapName = $"btree:{_bench.Directory}/later/cache", UnsavedLimit = 1000 };
        var allowlist = _bench.OpenLoaded();
        for (var i = 0; i < 5000; i++)
        {
            allowlist.Remember(Address(i), _bench.Passed);
            if (i == 500)
                _bench.RunUntilLogged(allowlist, "could not update entry");
        }

        Assert.Equal(1, _bench.Logged("1000 changes are unsaved"));

        System.IO.Directory.CreateDirectory($"{_bench.Directory}/later");
        _bench.RunUntilLogged(allowlist, "works again");
        _bench.Save(allowlist);
        allowlist.Dispose();
        Assert.Equal(5000, _bench.OpenLoaded().Count);
    }

    [Fact]
    public void Rows_of_unknown_shape_are_passed_over()
    {
        using (_bench.OpenLoaded())
        {
        }

        _bench.Query($"INSERT INTO clients(address, record) VALUES(zeroblob(5000), x'01'), ('not an address', x''), (x'', x''), ({Key(Address("192.0.2.1"))}, x''), ({Key(Address("192.0.2.2"))}, zeroblob(5000000)), ({Key(Address("192.0.2.3"))}, 'text')");

        var allowlist = _bench.OpenLoaded();

        Assert.Equal(3, allowlist.Count);
        Assert.True(allowlist.TryRecall(Address("192.0.2.1"), out var expiry));
        Assert.Equal(new TestExpiry(1, 1, 1, 1, 1), expiry);
    }

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
