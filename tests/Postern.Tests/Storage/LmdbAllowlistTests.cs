using System.Text;
using Postern.Core.Allowlist;
using Postern.Lmdb;
using Postern.Native;
using Postern.Storage;
using static Postern.Tests.Storage.AllowlistBench;

namespace Postern.Tests.Storage;

/// <summary>The allowlist in an LMDB file that several processes use, of which some may be postscreen.</summary>
public sealed class LmdbAllowlistTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly AllowlistBench _bench = new();

    public LmdbAllowlistTests()
    {
        Assert.SkipUnless(LmdbLibrary.IsInstalled, "needs liblmdb.so.0 (package liblmdb0)");
        _bench.Options = _bench.Options with { MapName = $"lmdb:{_bench.Directory}/cache" };
    }

    private string Path => $"{_bench.Directory}/cache.lmdb";

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Passes_and_the_time_of_the_cleanup_are_in_the_file_in_postscreens_form()
    {
        using (var allowlist = _bench.OpenLoaded())
        {
            allowlist.Remember(Client, _bench.Passed);
            _bench.RunUntilLogged(allowlist, "full cleanup: retained=1 dropped=0 entries");
            _bench.Save(allowlist);
        }

        using var file = OpenFile();
        Assert.Equal(CacheRecord.Format(_bench.Passed), Record(file, "192.0.2.7"));
        Assert.Equal($"{_bench.Now}", Record(file, CacheRecord.LastCleanupKey));
        var next = _bench.OpenLoaded();
        Assert.True(next.TryRecall(Client, out var expiry));
        Assert.Equal(_bench.Passed, expiry);
        _bench.RunUntil(next, () => next.NextTick > TimeSpan.FromHours(11)); // the cleanup is not done again
    }

    [Fact]
    public void What_another_process_wrote_this_moment_is_found_on_asking()
    {
        _bench.Options = _bench.Options with { PollInterval = TimeSpan.FromHours(1) };
        var (one, other) = (_bench.OpenLoaded(), _bench.OpenLoaded());
        one.Remember(Client, _bench.Passed);
        _bench.Save(one);
        Assert.False(other.TryRecall(Client, out _));
        Assert.True(other.CanAsk);

        Assert.Equal(_bench.Passed, Ask(other, Client));

        Assert.True(other.TryRecall(Client, out _)); // and is kept in memory
        Assert.Null(Ask(other, Address(5)));
        Assert.Equal(0, _bench.Logged("Warning"));
    }

    [Fact]
    public void What_another_process_wrote_becomes_known_without_asking()
    {
        var (one, other) = (_bench.OpenLoaded(), _bench.OpenLoaded());

        one.Remember(Client, _bench.Passed);
        _bench.Save(one);

        _bench.RunUntil(other, () => other.TryRecall(Client, out _));
    }

    [Fact]
    public void An_answer_does_not_replace_what_we_have_not_saved_yet()
    {
        _bench.Options = _bench.Options with { PollInterval = TimeSpan.FromHours(1) };
        var (one, other) = (_bench.OpenLoaded(), _bench.OpenLoaded());
        other.Remember(Client, default);
        _bench.Save(other);

        one.Remember(Client, _bench.Passed);

        Assert.Equal(_bench.Passed, Ask(one, Client));
    }

    [Fact]
    public void Cleanup_does_not_delete_what_another_process_has_renewed()
    {
        _bench.Options = _bench.Options with { PollInterval = TimeSpan.FromHours(1) };
        var (one, other) = (_bench.OpenLoaded(), _bench.OpenLoaded());
        one.Remember(Client, default);
        one.Remember(Address(1), default);
        _bench.Save(one);
        other.Remember(Client, _bench.Passed);
        _bench.Save(other);

        _bench.RunUntilLogged(one, "dropped=2"); // it has not heard of the renewal
        _bench.Save(one);

        using var file = OpenFile();
        Assert.Equal(CacheRecord.Format(_bench.Passed), Record(file, "192.0.2.7"));
        Assert.Null(Record(file, "10.0.0.1"));
    }

    [Fact]
    public void A_lock_of_another_program_costs_a_test_and_nothing_else()
    {
        var allowlist = _bench.OpenLoaded();
        _bench.RunUntilLogged(allowlist, "full cleanup");
        _bench.Save(allowlist);
        var holder = Libc.open(Path, Libc.O_RDWR, 0);
        Assert.Null(LmdbLock.Take(holder, exclusive: true, Patience));

        Assert.Null(Ask(allowlist, Client));
        allowlist.Remember(Client, _bench.Passed);
        _bench.RunUntilLogged(allowlist, "could not update entry for 192.0.2.7");

        Assert.Equal(1, _bench.Logged("Warning: " + _bench.Options.MapName + ": cache lookup for '192.0.2.7' failed due to error"));
        Assert.True(allowlist.TryRecall(Client, out _));
        _ = Libc.close(holder);
        _bench.RunUntilLogged(allowlist, "works again");
        using var file = OpenFile();
        Assert.Equal(CacheRecord.Format(_bench.Passed), Record(file, "192.0.2.7"));
    }

    [Fact]
    public void A_file_that_is_removed_is_made_again_with_all_that_memory_has()
    {
        var allowlist = _bench.OpenLoaded();
        allowlist.Remember(Address(1), _bench.Passed);
        _bench.Save(allowlist);

        File.Delete(Path);
        allowlist.Remember(Address(2), _bench.Passed);
        _bench.Save(allowlist);

        Assert.Equal(_bench.Passed, Ask(allowlist, Address(1)));
        using var file = OpenFile();
        Assert.NotNull(Record(file, "10.0.0.1"));
        Assert.NotNull(Record(file, "10.0.0.2"));
    }

    [Fact]
    public void A_damaged_file_is_set_aside_once()
    {
        File.WriteAllText(Path, new string('x', 10_000));

        var allowlist = _bench.OpenLoaded();
        allowlist.Remember(Client, _bench.Passed);
        _bench.Save(allowlist);

        var damaged = $"{Path}.damaged-{_bench.Now}";
        Assert.Equal(new string('x', 10_000), File.ReadAllText(damaged));
        Assert.Equal([$"Warning: {_bench.Options.MapName}: {Path} is damaged (MDB_INVALID: File is not an LMDB file); it is now {damaged} and a new one is begun"], _bench.Log.Take(1));
        Assert.Equal(_bench.Passed, Ask(allowlist, Client));
    }

    [Fact]
    public void A_file_that_is_cut_while_it_is_open_is_set_aside_and_all_saved_again()
    {
        var allowlist = _bench.OpenLoaded();
        allowlist.Remember(Address(1), _bench.Passed);
        _bench.Save(allowlist);

        using (var stream = new FileStream(Path, FileMode.Open))
            stream.SetLength(100);
        allowlist.Remember(Address(2), _bench.Passed);
        _bench.Save(allowlist);
        _bench.RunUntilLogged(allowlist, "the file has been cut short");
        _bench.Save(allowlist);

        using var file = OpenFile();
        Assert.NotNull(Record(file, "10.0.0.1"));
        Assert.NotNull(Record(file, "10.0.0.2"));
    }

    [Fact]
    public void A_full_disk_is_told_once_and_the_passes_are_saved_when_there_is_room()
    {
        var disk = System.IO.Directory.CreateDirectory($"{_bench.Directory}/small").FullName;
        Assert.SkipUnless(Run("mount", "-t", "tmpfs", "-o", "size=64k", "none", disk), "cannot mount a small file system: not root");
        try
        {
            _bench.Options = _bench.Options with { MapName = $"lmdb:{disk}/cache" };
            var allowlist = _bench.OpenLoaded();
            for (var i = 0; i < 3000; i++)
                allowlist.Remember(Address(i), _bench.Passed);
            _bench.RunUntilLogged(allowlist, "could not update entry");

            // LMDB takes a write that was done in part for an I/O error.
            Assert.Equal(1, _bench.Logged($"cannot write {disk}/cache.lmdb: "));
            Assert.True(Run("mount", "-o", "remount,size=16m", disk));
            _bench.RunUntilLogged(allowlist, "works again");
            _bench.Save(allowlist);
            allowlist.Dispose();
            var next = _bench.OpenLoaded();
            Assert.Equal(3000, next.Count);
            next.Dispose();
        }
        finally
        {
            Assert.True(Run("umount", "-l", disk));
        }
    }

    private TestExpiry? Ask(TemporaryAllowlist allowlist, Core.IpAddress client)
    {
        allowlist.Ask(client, 42);
        AllowlistAnswer answer = default;
        _bench.RunUntil(allowlist, () => allowlist.TryTakeAnswer(out answer));
        Assert.Equal((42ul, client), (answer.Client, answer.Address));
        return answer.Record;
    }

    private LmdbFile OpenFile()
    {
        Assert.Null(LmdbFile.Open(Path, isReadOnly: true, 16 << 20, Patience, null, out var file));
        return file!;
    }

    private static string? Record(LmdbFile file, string key)
    {
        Assert.Null(file.Find(Encoding.ASCII.GetBytes(key), Patience, out var value));
        return value is null ? null : Encoding.ASCII.GetString(value);
    }

    private static bool Run(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
