using System.Diagnostics;
using System.Globalization;
using System.Text;
using Postern.Lmdb;
using Postern.Tests.ProcessLife;
using static Postern.Tests.Lmdb.LmdbBench;

namespace Postern.Tests.Lmdb;

/// <summary>LMDB files as Postfix keeps them, with its own postmap(1) as the judge.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class LmdbFileTests : IDisposable
{
    private readonly LmdbBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void What_we_write_postmap_reads()
    {
        var file = _bench.Open();
        Put(file, "192.0.2.7", "1795575641;1;1;1;1");
        Put(file, "2001:db8::2", "5;6");

        Assert.Equal("192.0.2.7\t1795575641;1;1;1;1\n2001:db8::2\t5;6\n", _bench.Postmap("", "-s", $"lmdb:{_bench.Folder}/t"));
        Assert.Equal("5;6\n", _bench.Postmap("", "-q", "2001:db8::2", $"lmdb:{_bench.Folder}/t"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(_bench.Path));
        Assert.False(File.Exists(_bench.Path + "-lock"));
    }

    [Fact]
    public void What_postmap_writes_we_read_also_while_the_file_is_open()
    {
        _bench.Postmap("a one\nb two words\n", "-i", $"lmdb:{_bench.Folder}/t");
        var file = _bench.Open(isReadOnly: true);
        Assert.Null(file.ReadLastTransaction(out var before));

        _bench.Postmap("c three\n", "-i", $"lmdb:{_bench.Folder}/t");

        Assert.Equal(["a=one", "b=two words", "c=three"], Rows(file));
        Assert.Equal("three", Find(file, "c"));
        Assert.Null(Find(file, "d"));
        Assert.Null(file.ReadLastTransaction(out var after));
        Assert.True(after > before);
    }

    [Fact]
    public void A_file_whose_keys_do_not_end_in_NUL_is_read_and_written_in_its_own_way()
    {
        // One row without NULs, by taking them off in the file: the value first, so that nothing moves.
        Put(_bench.Open(), "plain", "word");
        var bytes = File.ReadAllBytes(_bench.Path);
        var row = bytes.AsSpan().IndexOf("plain\0word\0"u8);
        (bytes[row - 2], bytes[row - 8]) = (5, 4); // key length 6 to 5, value length 5 to 4
        "plainword"u8.CopyTo(bytes.AsSpan(row));
        File.WriteAllBytes(_bench.Path + ".new", bytes);
        File.Move(_bench.Path + ".new", _bench.Path, overwrite: true);
        var file = _bench.Open();

        Assert.Equal("word", Find(file, "plain"));
        Put(file, "plain", "other");

        Assert.Equal(["plain=other"], Rows(file));
    }

    [Fact]
    public void Rows_come_in_order_and_once_however_they_are_cut()
    {
        var file = _bench.Open();
        Assert.Null(file.Write(Patience, change =>
        {
            for (var i = 0; i < 500; i++)
                Assert.Equal(0, change.Put(Encoding.ASCII.GetBytes($"key{i:000}"), "value"u8));
            return 0;
        }));

        foreach (var size in (int[])[1, 7, 499, 500, 501])
            Assert.Equal(Enumerable.Range(0, 500).Select(i => $"key{i:000}=value"), Rows(file, size));
    }

    [Fact]
    public void Reading_goes_on_behind_a_row_that_was_deleted_meanwhile()
    {
        var file = _bench.Open();
        foreach (var key in (string[])["a", "b", "c"])
            Put(file, key, "1");
        Assert.Null(file.ReadPart(null, 2, Patience, (_, _) => { }, out var last));

        Assert.Null(file.Write(Patience, change => change.DeleteIf("b"u8, _ => true)));

        var rest = new List<string>();
        Assert.Null(file.ReadPart(last, 10, Patience, (key, _) => rest.Add(Encoding.ASCII.GetString(key)), out last));
        Assert.Equal(["c"], rest);
        Assert.Null(last);
    }

    [Fact]
    public void A_row_is_deleted_only_while_it_says_what_was_judged()
    {
        var file = _bench.Open();
        Put(file, "a", "1");

        Assert.Null(file.Write(Patience, change => change.DeleteIf("a"u8, value => value.SequenceEqual("2\0"u8))));
        Assert.Equal("1", Find(file, "a"));
        Assert.Null(file.Write(Patience, change => change.DeleteIf("a"u8, value => value.SequenceEqual("1\0"u8))));
        Assert.Null(Find(file, "a"));
        Assert.Null(file.Write(Patience, change => change.DeleteIf("a"u8, _ => true)));
    }

    [Fact]
    public void A_full_map_is_doubled_and_others_follow()
    {
        var file = _bench.Open(mapSize: 64 << 10);
        var other = _bench.Open(mapSize: 64 << 10);
        var noted = _bench.Notes.Count;
        for (var part = 0; part < 20; part++)
        {
            Assert.Null(file.Write(Patience, change =>
            {
                var code = 0;
                for (var i = 0; i < 200 && code == 0; i++)
                    code = change.Put(Encoding.ASCII.GetBytes($"key{part}-{i}"), new byte[100]);
                return code;
            }));
        }

        Assert.Equal(0, noted);
        Assert.Equal($"database lmdb:{_bench.Folder}/t: using size limit 131072 after MDB_MAP_FULL", _bench.Notes[0]);
        Assert.Equal(4000, Rows(file).Count);
        Assert.Equal(4000, Rows(other).Count);
        Put(other, "one", "more");
        Assert.Equal("more", Find(file, "one"));
        Assert.EndsWith("after MDB_MAP_RESIZED", _bench.Notes[^1]);
    }

    [Fact]
    public void Another_process_lock_is_waited_for_and_then_told()
    {
        var file = _bench.Open();
        Put(file, "a", "1");
        using (LockOfAnotherProcess(_bench.Path, "LOCK_SH"))
        {
            Assert.Equal("1", Find(file, "a"));
            Assert.Equal(LmdbProblem.Locked, file.Write(TimeSpan.FromMilliseconds(5), change => change.Put("a"u8, "2"u8)));
        }

        using (LockOfAnotherProcess(_bench.Path, "LOCK_EX"))
        {
            Assert.Equal(LmdbProblem.Locked, file.Find("a"u8, TimeSpan.FromMilliseconds(5), out _));
            Assert.True(LmdbProblem.Locked.IsPassing);
        }

        Assert.Equal("1", Find(file, "a"));
    }

    [Fact]
    public void Two_of_us_in_one_process_do_not_lose_what_the_other_counts()
    {
        var (one, other) = (_bench.Open(), _bench.Open());
        Put(one, "n", "0");

        Parallel.Invoke(() => Count(one), () => Count(other));

        Assert.Equal("200", Find(one, "n"));

        static void Count(LmdbFile file)
        {
            for (var i = 0; i < 100; i++)
                Assert.Null(file.Write(Patience, change =>
                {
                    var count = 0;
                    var code = change.DeleteIf("n"u8, value => int.TryParse(value[..^1], CultureInfo.InvariantCulture, out count));
                    return code != 0 ? code : change.Put("n"u8, Encoding.ASCII.GetBytes($"{count + 1}"));
                }));
        }
    }

    [Fact]
    public void A_file_that_took_the_place_of_ours_is_noticed()
    {
        var file = _bench.Open();
        Assert.False(file.HasMoved);

        File.Delete(_bench.Path);
        Assert.True(file.HasMoved);
        var next = _bench.Open();

        Assert.True(file.HasMoved);
        Assert.False(next.HasMoved);
        Assert.NotEqual(file.Id, next.Id);
    }

    [Fact]
    public void A_file_that_is_cut_under_us_is_damaged_and_not_touched()
    {
        var file = _bench.Open();
        Put(file, "a", "1");

        File.WriteAllBytes(_bench.Path, []);

        var problem = file.Find("a"u8, Patience, out _);
        Assert.True(problem is { IsDamage: true }, problem?.Reason);
        Assert.True(file.ReadLastTransaction(out _) is { IsDamage: true });
        Assert.True(file.Write(Patience, change => change.Put("a"u8, "1"u8)) is { IsDamage: true });
    }

    [Fact]
    public void A_file_that_cannot_be_opened_says_why_in_the_systems_words()
    {
        Assert.Equal("No such file or directory", _bench.TryOpen(out _, isReadOnly: true)?.Reason);
        File.WriteAllText(_bench.Path, new string('x', 100_000));
        Assert.Equal("MDB_INVALID: File is not an LMDB file", _bench.TryOpen(out _)?.Reason);
    }

    [Fact]
    public void A_writer_that_is_killed_leaves_a_whole_file_with_all_it_had_reported()
    {
        for (var round = 0; round < 5; round++)
        {
            using var child = ChildProgram.Start($"lmdb {_bench.Path}");
            var reported = 0;
            while (reported < 20 + 7 * round)
                reported = int.Parse(child.StandardOutput.ReadLine()!, CultureInfo.InvariantCulture);
            _ = ChildProgram.Kill(child.Id, 9);
            while (child.StandardOutput.ReadLine() is { Length: > 0 } line && int.TryParse(line, out var more))
                reported = more;
            child.WaitForExit();

            var file = _bench.Open();
            Assert.InRange(int.Parse(Find(file, "last")!, CultureInfo.InvariantCulture), reported, reported + 1);
            Assert.InRange(Rows(file).Count, reported, int.MaxValue);
        }
    }

    /// <summary>Python's fcntl.lockf makes the lock that Postfix makes.</summary>
    private static Ended LockOfAnotherProcess(string path, string kind)
    {
        Assert.SkipUnless(File.Exists("/usr/bin/python3"), "needs python3");
        var start = new ProcessStartInfo("/usr/bin/python3", ["-c", $"import fcntl; f = open('{path}', 'r+'); fcntl.lockf(f, fcntl.{kind}); print('locked', flush=True); input()"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var process = Process.Start(start)!;
        Assert.Equal("locked", process.StandardOutput.ReadLine());
        return new Ended(process);
    }

    private sealed class Ended(Process process) : IDisposable
    {
        public void Dispose()
        {
            process.StandardInput.Close();
            process.WaitForExit();
            process.Dispose();
        }
    }
}
