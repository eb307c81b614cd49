using Postern.Core.Allowlist;
using Postern.Storage;
using SQLitePCL;
using static Postern.Tests.Storage.AllowlistBench;

namespace Postern.Tests.Storage;

/// <summary>A file of the layout that was before.</summary>
public sealed class FirstLayoutTests : IDisposable
{
    private readonly AllowlistBench _bench = new();

    private string Old => $"{_bench.Directory}/cache.postern.sqlite";

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Its_clients_are_known_at_once_and_then_in_the_new_file()
    {
        Write(12_000);
        var allowlist = _bench.OpenLoaded();
        Assert.True(Knows(allowlist, 11_999));

        _bench.RunUntilLogged(allowlist, $"the 12000 clients of {Old} are in {_bench.Database} now");

        Assert.Empty(Directory.GetFiles(_bench.Directory, "*.sqlite*"));
        Assert.Equal(12_000, _bench.RecordCount());
        Assert.Equal("1799999000", _bench.Fact("cleanup"));
        allowlist.Dispose();
        Assert.True(Knows(_bench.OpenLoaded(), 11_999));
    }

    [Fact]
    public void What_is_newer_in_the_new_file_stays()
    {
        var known = new TestExpiry(_bench.Passed.Pregreet + 500, 1, 1, 1, 1);
        using (var earlier = _bench.OpenLoaded())
            earlier.Remember(Address(1), known);
        Write(10);

        var allowlist = _bench.OpenLoaded();
        _bench.RunUntilLogged(allowlist, "are in ");

        Assert.Equal(CacheRecord.Format(known), _bench.Record(Address(1)));
        Assert.Equal(10, _bench.RecordCount());
        Assert.True(allowlist.TryRecall(Address(1), out var record));
        Assert.Equal(known, record);
    }

    [Fact]
    public void A_move_that_was_cut_short_is_begun_again()
    {
        Write(12_000);
        using (var move = new FirstLayoutMove(Old, TimeSpan.FromSeconds(1)))
        {
            Assert.Null(AllowlistDatabase.Open(_bench.Database, 1 << 20, TimeSpan.FromSeconds(1), out var store));
            using (store)
                Assert.False(move.Step(batch => store!.Save(batch, static (Core.IpAddress _, in TestExpiry _) => { }) is null, out _, out _));
        }

        Assert.InRange(_bench.RecordCount(), 1, 11_999);
        var allowlist = _bench.OpenLoaded();
        _bench.RunUntilLogged(allowlist, "are in ");

        Assert.Equal(12_000, _bench.RecordCount());
        Assert.False(File.Exists(Old));
    }

    [Fact]
    public void A_damaged_one_is_set_aside()
    {
        File.WriteAllText(Old, new string('x', 10_000));

        var allowlist = _bench.OpenLoaded();
        allowlist.Remember(Client, _bench.Passed);
        _bench.Save(allowlist);

        Assert.Equal(1, _bench.Logged($"{Old} is damaged"));
        Assert.Single(Directory.GetFiles(_bench.Directory, "*.damaged-*"));
        Assert.Equal(1, _bench.RecordCount());
    }

    [Fact]
    public void Rows_of_unknown_shape_are_passed_over()
    {
        _bench.Options = _bench.Options with { Policy = _bench.Options.Policy with { CleanupInterval = TimeSpan.Zero } };
        Write(1);
        Query($"INSERT INTO allowlist(address, record) VALUES('{new string('9', 5000)}', '1'), ('not an address', ''), ('', ''), ('192.0.2.1', ''), ('192.0.2.2', CAST(zeroblob(5000000) AS TEXT))");

        var allowlist = _bench.OpenLoaded();
        _bench.RunUntilLogged(allowlist, "the 3 clients of");

        Assert.Equal("1;1;1;1;1", _bench.Record(Address("192.0.2.1")));
    }

    [Fact]
    public void The_tools_read_both_files_and_move_when_they_write()
    {
        Write(5);
        using (var earlier = _bench.OpenLoaded())
            _bench.RunUntilLogged(earlier, "are in ");
        Write(7);

        using var records = StoredRecords.Open(_bench.Options, out var problem);
        Assert.Null(problem);
        var all = new HashSet<Core.IpAddress>();
        Assert.Null(records!.ReadAll((client, _) => Assert.True(all.Add(client))));
        Assert.Equal(7, all.Count);
        Assert.Null(records.Find(Address(6), out var found));
        Assert.NotNull(found);
        Assert.True(File.Exists(Old));

        Assert.Null(records.Forget(Address(6), out var wasKnown));

        Assert.True(wasKnown);
        Assert.False(File.Exists(Old));
        Assert.Equal(6, _bench.RecordCount());
    }

    private bool Knows(TemporaryAllowlist allowlist, int client) => allowlist.TryRecall(Address(client), out var record) && record == _bench.Passed;

    private void Write(int clients)
    {
        Query("PRAGMA journal_mode=WAL; CREATE TABLE allowlist(number INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL UNIQUE, record TEXT NOT NULL);"
            + $"PRAGMA application_id=77; PRAGMA user_version=1; INSERT INTO allowlist(address, record) VALUES('{CacheRecord.LastCleanupKey}', '1799999000');"
            + "INSERT INTO allowlist(address, record) VALUES " + string.Join(',', Enumerable.Range(0, clients).Select(i => $"('{Address(i)}', '{CacheRecord.Format(_bench.Passed)}')")));
    }

    private void Query(string sql)
    {
        Batteries_V2.Init();
        Assert.Equal(raw.SQLITE_OK, raw.sqlite3_open(Old, out var connection));
        using (connection)
            Assert.Equal(raw.SQLITE_OK, raw.sqlite3_exec(connection, sql));
    }
}
