using System.Diagnostics;
using System.Text;
using Postern.Core.Allowlist;
using Postern.Storage;
using static Postern.Tests.Storage.AllowlistBench;

namespace Postern.Tests.Storage;

public sealed class PostmapDumpTests : IDisposable
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
            var dump = new PostmapDump();
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
            _bench.RunUntilLogged(first, "imported");

            Assert.True(first.TryRecall(Client, out var expiry));
            Assert.Equal(new TestExpiry(_bench.Now + 50, 1, 1, 1, 1), expiry);
            Assert.Equal([$"Info: {_bench.Options.MapName}: imported 1 entries from {_bench.Directory}/cache.db"], _bench.Log);
            _bench.RunUntil(first, () => first.NextTick is not null);
            Assert.Equal(TimeSpan.FromHours(11), first.NextTick);
        }

        _bench.Query($"DELETE FROM allowlist WHERE address = '{Client}'");
        var second = _bench.OpenLoaded();
        _bench.RunUntil(second, () => second.NextTick is not null);

        Assert.False(second.TryRecall(Client, out _));
        Assert.Equal("x\n", File.ReadAllText($"{_bench.Directory}/runs"));
    }

    [Fact]
    public void What_we_learned_meanwhile_is_not_replaced_by_the_import()
    {
        UseScript($"read go < {_bench.Directory}/gate; printf '192.0.2.7\\t5\\n192.0.2.8\\t5\\n'");
        using (var gate = Process.Start("mkfifo", $"{_bench.Directory}/gate"))
            gate.WaitForExit();
        var allowlist = _bench.OpenLoaded();
        allowlist.Remember(Client, _bench.Passed);
        _bench.Save(allowlist);

        File.WriteAllText($"{_bench.Directory}/gate", "go\n");
        _bench.RunUntilLogged(allowlist, "imported 2");

        Assert.True(allowlist.TryRecall(Client, out var expiry));
        Assert.Equal(_bench.Passed, expiry);
        Assert.Equal(CacheRecord.Format(_bench.Passed), _bench.Record(Client));
        Assert.Equal("5;1;1;1;1", _bench.Record(Address("192.0.2.8")));
    }

    [Fact]
    public void A_postmap_that_fails_is_quoted_and_tried_again_at_the_next_start()
    {
        UseScript("printf 'postmap: fatal: \\033 no\\n' >&2; exit 1");
        using (var first = _bench.OpenLoaded())
            _bench.RunUntilLogged(first, "cannot import");
        Assert.Equal(1, _bench.Logged("cache.db: postmap: fatal: ? no; it is tried again at the next start"));

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

        _bench.RunUntilLogged(allowlist, $"{_bench.Directory}/cache.db is not imported");
    }

    [Fact]
    public void The_real_postmap_is_understood()
    {
        Assert.SkipUnless(File.Exists(RealPostmap), "Postfix is not installed");
        var source = $"{_bench.Directory}/cache";
        File.WriteAllText(source, $"192.0.2.7 {_bench.Now + 50};1;1;1;1\n{CacheRecord.LastCleanupKey} {_bench.Now}\n");
        File.WriteAllText($"{_bench.Directory}/main.cf", "compatibility_level = 3.6\n");
        using (var postmap = Process.Start(RealPostmap, ["-c", _bench.Directory, "-f", $"btree:{source}"])) // -f: keys as they are
            postmap.WaitForExit();
        _bench.Options = _bench.Options with { PostmapPath = RealPostmap, ConfigDirectory = _bench.Directory };

        var allowlist = _bench.OpenLoaded();
        _bench.RunUntilLogged(allowlist, "imported 1 entries");

        Assert.True(allowlist.TryRecall(Client, out var expiry));
        Assert.Equal(_bench.Now + 50, expiry.Pregreet);
    }

    /// <summary>Puts a script in postmap's place and a file where postscreen's would be.</summary>
    private void UseScript(string script)
    {
        var path = $"{_bench.Directory}/postmap";
        File.WriteAllText($"{_bench.Directory}/cache.db", "");
        File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
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
