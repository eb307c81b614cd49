using System.Diagnostics;
using System.Text;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Lmdb;
using Postern.Storage;
using static Postern.Tests.Storage.AllowlistBench;

namespace Postern.Tests.Storage;

public sealed class PassesDumpTests : IDisposable
{
    private const string RealPostmap = "/usr/sbin/postmap";

    private readonly AllowlistBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Reads_keys_and_values_however_they_are_cut()
    {
        var text = "192.0.2.7\t1795574805;1;1;1;1\n2001:db8::2\t5;6\n" + CacheRecord.LastCleanupKey + "\t1795489182\nnonsense\n\t\nx\ty\n"
            + new string('z', 100_000) + "\t1\n198.51.100.1\t7\n";
        foreach (var size in (int[])[1, 7, 1000, 1 << 20])
        {
            var dump = new PassesDump();
            dump.Read(new Dripping(Encoding.ASCII.GetBytes(text), size));

            Assert.Equal(
                [new(Client, new(1795574805, 1, 1, 1, 1)), new(Address("2001:db8::2"), new(5, 6, 1, 1, 1)), new(Address("198.51.100.1"), new(7, 1, 1, 1, 1))],
                dump.Entries);
            Assert.Equal(1795489182, dump.LastCleanup);
            Assert.Null(dump.Problem);
        }
    }

    [Fact]
    public void What_postscreen_left_is_taken_over_once()
    {
        UseScript($"echo x >> {_bench.Directory}/runs; printf '192.0.2.7\\t{_bench.Now + 50};1;1;1;1\\n{CacheRecord.LastCleanupKey}\\t{_bench.Now - 3600}\\n'");
        using (var first = _bench.OpenLoaded())
        {
            Assert.True(first.TryRecall(Client, out var expiry)); // before the first client is judged
            Assert.Equal(new TestExpiry(_bench.Now + 50, 1, 1, 1, 1), expiry);
            Assert.Equal([$"Info: {_bench.Options.MapName}: imported 1 entries from {_bench.Directory}/cache.db"], _bench.Log);
            _bench.RunUntil(first, () => first.NextTick is not null);
            Assert.Equal(TimeSpan.FromHours(11), first.NextTick);
        }

        _bench.Query($"DELETE FROM clients WHERE address = {Key(Client)}");
        var second = _bench.OpenLoaded();
        _bench.RunUntil(second, () => second.NextTick is not null);

        Assert.False(second.TryRecall(Client, out _));
        Assert.Equal("x\n", File.ReadAllText($"{_bench.Directory}/runs"));
    }

    [Fact]
    public void What_we_learned_meanwhile_is_not_replaced_by_the_import()
    {
        UseScript($"{Gate}; printf '192.0.2.7\\t5\\n192.0.2.8\\t5\\n'");
        var allowlist = _bench.Open();
        Assert.False(allowlist.WaitUntilLoaded(TimeSpan.FromMilliseconds(50)));
        allowlist.Remember(Client, _bench.Passed);
        _bench.Save(allowlist);

        OpenGate();
        _bench.RunUntilLogged(allowlist, "imported 2");

        Assert.True(allowlist.TryRecall(Client, out var expiry));
        Assert.Equal(_bench.Passed, expiry);
        Assert.Equal(CacheRecord.Format(_bench.Passed), _bench.Record(Client));
        Assert.Equal("5;1;1;1;1", _bench.Record(Address("192.0.2.8")));
    }

    [Fact]
    public void Who_comes_before_the_import_has_ended_is_asked_for_in_the_file()
    {
        UseScript($"[ \"$2\" != -q ] || {{ [ \"$3\" != 192.0.2.7 ] || echo '{_bench.Now + 50};1;1;1;1'; exit; }}; {Gate}; printf '192.0.2.7\\t{_bench.Now + 50};1;1;1;1\\n'");
        var allowlist = _bench.Open();
        _bench.RunUntil(allowlist, () => allowlist.CanAsk);
        Assert.False(allowlist.WaitUntilLoaded(TimeSpan.FromMilliseconds(1)));
        Assert.Equal([$"Info: {_bench.Options.MapName}: {_bench.Directory}/cache.db is being imported; until then it is asked for each new client"], _bench.Log);
        Assert.False(allowlist.TryRecall(Client, out _));

        Assert.True(allowlist.CanAsk);
        Assert.Equal(new TestExpiry(_bench.Now + 50, 1, 1, 1, 1), Ask(allowlist, Client));
        Assert.Null(Ask(allowlist, Address("192.0.2.8")));
        Assert.True(allowlist.TryRecall(Client, out _));

        OpenGate();
        _bench.RunUntilLogged(allowlist, "imported 1");
        _bench.RunUntil(allowlist, () => !allowlist.CanAsk);
    }

    [Fact]
    public void A_file_that_postscreen_has_written_to_since_is_imported_again_and_the_later_times_stay()
    {
        UseScript("printf '192.0.2.7\\t1800000050;1;1;1;1800000070\\n'");
        using (var first = _bench.OpenLoaded())
        {
            Assert.Equal(1, _bench.Logged("imported 1 entries"));
            first.Remember(Client, new TestExpiry(1_800_000_060, 1, 1, 1, 1));
            _bench.Save(first);
        }

        using (var second = _bench.OpenLoaded())
            Assert.Equal(1, _bench.Logged("imported 1 entries"));

        File.SetLastWriteTimeUtc($"{_bench.Directory}/cache.db", _bench.Clock.GetUtcNow().UtcDateTime.AddSeconds(10));
        using (var third = _bench.OpenLoaded())
        {
            Assert.Equal(2, _bench.Logged("imported 1 entries"));
            Assert.True(third.TryRecall(Client, out var expiry));
            Assert.Equal(new TestExpiry(1_800_000_060, 1, 1, 1, 1_800_000_070), expiry);
        }

        Assert.Equal("1800000060;1;1;1;1800000070", _bench.Record(Client));
    }

    [Theory]
    [InlineData("cache.db", "btree:")]
    [InlineData("cache.lmdb", "lmdb:")]
    public void Of_two_files_the_one_that_was_used_last_is_imported(string newer, string type)
    {
        UseScript($"echo $* >> {_bench.Directory}/runs");
        File.WriteAllText($"{_bench.Directory}/cache.lmdb", "");
        foreach (var name in (string[])["cache.db", "cache.lmdb"])
            File.SetLastWriteTimeUtc($"{_bench.Directory}/{name}", DateTime.UnixEpoch.AddDays(name == newer ? 20_000 : 19_000));

        _bench.OpenLoaded();

        Assert.Equal($"-s {type}{_bench.Directory}/cache\n", File.ReadAllText($"{_bench.Directory}/runs"));
    }

    [Fact]
    public void Where_tables_are_redirected_postmap_reads_the_old_file_itself()
    {
        UseScript($"[ \"$1\" = -c ] && cp $2/main.cf {_bench.Directory}/seen; echo $3 $4 >> {_bench.Directory}/seen; printf '192.0.2.7\\t5\\n'");
        _bench.Options = _bench.Options with { MapName = $"btree:{_bench.Directory}/cache", ConfigDirectory = "/etc/postfix", IsRedirected = true };

        _bench.OpenLoaded();

        Assert.Equal(1, _bench.Logged("imported 1 entries"));
        Assert.Equal($"compatibility_level = 3.6\nnon_bdb_migration_level = disable\n-s btree:{_bench.Directory}/cache\n", File.ReadAllText($"{_bench.Directory}/seen"));
    }

    [Fact]
    public void A_postmap_that_fails_is_quoted_and_tried_again_at_the_next_start()
    {
        UseScript("printf 'postmap: fatal: \\033 no\\n' >&2; exit 1");
        using (var first = _bench.OpenLoaded())
            _bench.RunUntilLogged(first, "cannot import");
        Assert.Equal(1, _bench.Logged($"cache.db: postmap: fatal: ? no; it is tried again at the next start; where it can be read, \"postmap -s btree:{_bench.Directory}/cache | postern allowlist import -\" adds what it has"));

        UseScript("printf '192.0.2.7\\t5\\n'");
        var second = _bench.OpenLoaded();
        _bench.RunUntilLogged(second, "imported 1");
    }

    [Fact]
    public void A_postmap_that_hangs_is_ended()
    {
        UseScript("exec sleep 1000");
        _bench.Options = _bench.Options with { ImportTimeLimit = TimeSpan.FromMilliseconds(50) };
        var allowlist = _bench.OpenLoaded();

        _bench.RunUntilLogged(allowlist, "no end after 0 s");
    }

    [Fact]
    public void Without_postmap_the_file_is_mentioned_and_left()
    {
        UseScript("");
        _bench.Options = _bench.Options with { PostmapPath = null };
        var allowlist = _bench.OpenLoaded();

        _bench.RunUntilLogged(allowlist, $"{_bench.Directory}/cache.db is not imported: that needs Postfix's postmap; it is tried again");
    }

    [Theory]
    [InlineData("btree", "btree")]
    [InlineData("hash", "btree")]
    [InlineData("btree", "lmdb")]
    [InlineData("hash", "lmdb")]
    public void The_real_postmap_is_understood(string type, string storeType)
    {
        Assert.SkipWhen(storeType == "lmdb" && !LmdbLibrary.IsInstalled, "needs liblmdb.so.0 (package liblmdb0)");
        var source = UseRealPostmap(type, storeType);

        foreach (var _ in (int[])[1, 2]) // the second time it is known
        {
            using var allowlist = _bench.OpenLoaded();
            Assert.True(allowlist.TryRecall(Client, out var expiry));
            Assert.Equal(_bench.Now + 50, expiry.Pregreet);
        }

        Assert.Equal([$"Info: {_bench.Options.MapName}: imported 1 entries from {source}.db"], _bench.Log);
    }

    [Theory]
    [InlineData("btree")]
    [InlineData("hash")]
    public void Who_passed_here_has_passed_with_postscreen_after_the_way_back(string type)
    {
        var source = UseRealPostmap(type, storeType: "btree");
        using (var allowlist = _bench.OpenLoaded())
        {
            allowlist.Remember(Address("2001:db8::1"), _bench.Passed);
            allowlist.Remember(Client, _bench.Passed);
        }

        Assert.Equal(1, _bench.Logged($"Info: {_bench.Options.MapName}: 2 new entries are in {source}.db, for postscreen"));
        var written = PassesDump.OfPostmap(_bench.Options, $"{type}:{source}", client: null, TimeSpan.FromSeconds(20));
        Assert.Equivalent(new KeyValuePair<IpAddress, TestExpiry>[] { new(Client, _bench.Passed), new(Address("2001:db8::1"), _bench.Passed) }, written.Entries, strict: true);
        _bench.OpenLoaded().Dispose();
        Assert.Equal(1, _bench.Logged("imported")); // what we wrote is no news
        Assert.Equal(1, _bench.Logged("new entries"));
    }

    [Fact]
    public void A_file_that_postscreen_has_open_is_left_alone()
    {
        var source = UseRealPostmap("btree", storeType: "btree");
        var allowlist = _bench.OpenLoaded();
        allowlist.Remember(Address(1), _bench.Passed);

        using (new FileStream(source + ".db", FileMode.Open, FileAccess.ReadWrite, FileShare.None)) // flock(2), as postscreen does
            allowlist.Dispose();
        Assert.Equal(1, _bench.Logged($"1 new entries are not in {source}.db: it is in use; postscreen would test these clients again"));

        _bench.OpenLoaded().Dispose();
        Assert.Equal(1, _bench.Logged($"1 new entries are in {source}.db")); // the next time
    }

    /// <summary>A file of Postfix's with one client and the time of a cleanup.</summary>
    /// <returns>Its name as Postfix gives it.</returns>
    private string UseRealPostmap(string type, string storeType)
    {
        Assert.SkipUnless(File.Exists(RealPostmap), "Postfix is not installed");
        var source = $"{_bench.Directory}/cache";
        File.WriteAllText(source, $"192.0.2.7 {_bench.Now + 50};1;1;1;1\n{CacheRecord.LastCleanupKey} {_bench.Now}\n");
        File.WriteAllText($"{_bench.Directory}/main.cf", "compatibility_level = 3.6\n");
        using (var postmap = Process.Start(RealPostmap, ["-c", _bench.Directory, "-f", $"{type}:{source}"])) // -f: keys as they are
            postmap.WaitForExit();
        _bench.Options = _bench.Options with { MapName = $"{storeType}:{source}", PostmapPath = RealPostmap, ConfigDirectory = _bench.Directory };
        return source;
    }

    private string Gate => $"read go < {_bench.Directory}/gate";

    private void OpenGate() => File.WriteAllText($"{_bench.Directory}/gate", "go\n");

    private TestExpiry? Ask(TemporaryAllowlist allowlist, IpAddress client)
    {
        allowlist.Ask(client, 1);
        AllowlistAnswer answer = default;
        _bench.RunUntil(allowlist, () => allowlist.TryTakeAnswer(out answer));
        Assert.Equal(client, answer.Address);
        return answer.Record;
    }

    /// <summary>Puts a script in postmap's place and a file where postscreen's would be.</summary>
    private void UseScript(string script)
    {
        var path = $"{_bench.Directory}/postmap";
        File.WriteAllText($"{_bench.Directory}/cache.db", "");
        File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
        if (File.Exists($"{_bench.Directory}/gate"))
            return;
        using var gate = Process.Start("mkfifo", $"{_bench.Directory}/gate");
        gate.WaitForExit();
        if (OperatingSystem.IsLinux())
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        _bench.Options = _bench.Options with { PostmapPath = path };
    }

    /// <summary>Gives its bytes in pieces.</summary>
    private sealed class Dripping(byte[] bytes, int size) : MemoryStream(bytes)
    {
        public override int Read(byte[] buffer, int offset, int count) => base.Read(buffer, offset, Math.Min(count, size));
    }
}
