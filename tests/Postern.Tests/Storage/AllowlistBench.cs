using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Screening;
using Postern.Storage;
using SQLitePCL;

namespace Postern.Tests.Storage;

/// <summary>A directory of its own, a clock, a log, and allowlists opened with them.</summary>
internal sealed class AllowlistBench : IDisposable
{
    public static readonly IpAddress Client = Address("192.0.2.7");
    public static readonly EnabledTests PregreetOnly = new(true, false, false, false, false);

    /// <summary>Long enough for a machine under load; only a test that fails waits so long.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly List<TemporaryAllowlist> _opened = [];
    private readonly AutoResetEvent _woken = new(false);

    public AllowlistBench()
    {
        Directory = System.IO.Directory.CreateTempSubdirectory("postern-allowlist-").FullName;
        Options = new AllowlistOptions
        {
            MapName = $"btree:{Directory}/cache",
            Policy = new AllowlistPolicy(PregreetOnly, ScreeningTest.LifetimesIn(new Settings()), Retention: TimeSpan.FromDays(7), CleanupInterval: TimeSpan.FromHours(12)),
            PollInterval = TimeSpan.FromMilliseconds(5),
            BusyTimeout = TimeSpan.FromMilliseconds(20),
        };
    }

    public string Directory { get; }

    public AllowlistOptions Options { get; set; }

    public FakeClock Clock { get; } = new();

    public List<string> Log { get; } = [];

    public string Database => $"{Directory}/cache.postern.db";

    public uint Now => CacheRecord.Seconds(Clock.GetUtcNow());

    /// <summary>Passed pregreet, for an hour from the start of the test.</summary>
    public TestExpiry Passed { get; } = new(1_800_003_600, 1, 1, 1, 1);

    public static IpAddress Address(string text) =>
        IpAddress.TryParse(text, out var address) ? address : throw new ArgumentException(text);

    public static IpAddress Address(int number) => IpAddress.FromIPv4(0x0a00_0000u + (uint)number);

    public TemporaryAllowlist Open()
    {
        var allowlist = TemporaryAllowlist.Open(Options, Clock, (severity, text) => Log.Add($"{severity}: {text}"), () => _woken.Set());
        _opened.Add(allowlist);
        return allowlist;
    }

    public TemporaryAllowlist OpenLoaded()
    {
        var allowlist = Open();
        Assert.True(allowlist.WaitUntilLoaded(Patience));
        return allowlist;
    }

    /// <summary>
    /// Runs the allowlist as a loop does until something is the case. Time flies over short pauses (gathering, retries),
    /// not over the wait for the next cleanup.
    /// </summary>
    public void RunUntil(TemporaryAllowlist allowlist, Func<bool> condition)
    {
        var deadline = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, "nothing happened; log: " + string.Join(" | ", Log.TakeLast(10)));
            if (allowlist.NextTick is { TotalSeconds: <= 30 } next)
                Clock.Advance(next);
            else
                _woken.WaitOne(5);
            allowlist.Tick(Clock.GetUtcNow());
        }
    }

    public void RunUntilLogged(TemporaryAllowlist allowlist, string text) =>
        RunUntil(allowlist, () => Log.Exists(line => line.Contains(text, StringComparison.Ordinal)));

    public int Logged(string text) => Log.FindAll(line => line.Contains(text, StringComparison.Ordinal)).Count;

    public void Save(TemporaryAllowlist allowlist) => Assert.True(allowlist.Flush(Patience), string.Join(" | ", Log));

    /// <summary>Talks to the database file as another program would.</summary>
    public sqlite3 Connect()
    {
        Batteries_V2.Init();
        Assert.Equal(raw.SQLITE_OK, raw.sqlite3_open(Database, out var connection));
        return connection;
    }

    public string? Query(string sql)
    {
        using var connection = Connect();
        Assert.Equal(raw.SQLITE_OK, raw.sqlite3_prepare_v2(connection, sql, out var statement));
        using (statement)
            return raw.sqlite3_step(statement) == raw.SQLITE_ROW ? raw.sqlite3_column_text(statement, 0).utf8_to_string() : null;
    }

    /// <summary>What the file has of a client, as text; null: nothing.</summary>
    public string? Record(IpAddress client)
    {
        var packed = Query($"SELECT hex(record) FROM clients WHERE address = {Key(client)}");
        return packed is null ? null : CacheRecord.Format(PackedRecord.Read(Convert.FromHexString(packed)));
    }

    /// <summary>A client's key in the file, as SQL has it.</summary>
    public static string Key(IpAddress client)
    {
        var bytes = new byte[16];
        client.WriteBytes(bytes);
        return $"x'{Convert.ToHexString(client.IsIPv4 ? bytes[12..] : bytes)}'";
    }

    /// <summary>Number of clients in the file, by its rows and by its own word.</summary>
    public int RecordCount()
    {
        var rows = Query("SELECT count(*) FROM clients");
        Assert.Equal(rows, Query("SELECT ifnull(max(value), 0) FROM facts WHERE name = 'clients'"));
        return int.Parse(rows!, System.Globalization.CultureInfo.InvariantCulture);
    }

    public string? Fact(string name) => Query($"SELECT value FROM facts WHERE name = '{name}'");

    public void Dispose()
    {
        foreach (var allowlist in _opened)
            allowlist.Dispose();
        System.IO.Directory.Delete(Directory, recursive: true);
    }
}
