using Postern.Core;
using Postern.Core.Tables;
using Postern.Loop;
using Postern.Storage;
using Postern.Tests.Logging;
using Postern.Tests.Loop;

namespace Postern.Tests.Tables;

/// <summary>Tables are read and followed on a thread of their own, and reloads are one at a time.</summary>
public sealed class TableKeeperTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly LockedWarnings _log = new();
    private readonly TableLookups _lookups = new(static _ => { });

    private string FilePath => _folder["access.cidr"];

    public void Dispose()
    {
        _lookups.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void An_edited_table_is_in_force_without_anybody_coming()
    {
        File.WriteAllText(FilePath, "192.0.2.7 old\n");
        var tables = new TableCatalog(new TextFiles());
        var table = tables.Open("cidr:" + FilePath, foldCase: true, _log);
        using var keeper = Keep(tables);

        File.WriteAllText(FilePath, "192.0.2.7 newer\n");

        LoopHarness.Until(() => Value(table) == "newer", "the new version is not in force");
        LoopHarness.Until(() => _log.Texts.Contains($"table cidr:{FilePath} has changed - using the new version"), "nothing is logged");
    }

    [Fact]
    public void What_was_only_opened_is_read_although_it_cannot_be_seen_any_more()
    {
        File.WriteAllText(FilePath, "192.0.2.7 large\n" + new string('#', 100_000));
        var tables = new TableCatalog(new TextFiles()) { ReadsLater = true };
        var table = tables.OpenUtf8("cidr:" + FilePath, foldCase: true, _log, mayReadLater: true);
        File.Delete(FilePath);

        using var keeper = Keep(tables, isBlind: true);

        LoopHarness.Until(() => table.Wait is LookupWait.None, "it is not read");
        Assert.Equal("large", Value(table));
        Assert.Equal($"{FilePath} cannot be seen from the chroot: it counts after postfix reload", keeper.ReadNow(FilePath));
    }

    [Fact]
    public void What_was_just_written_is_in_force_when_it_says_so()
    {
        File.WriteAllText(FilePath, "192.0.2.7 old\n");
        var tables = new TableCatalog(new TextFiles());
        var table = tables.Open("cidr:" + FilePath, foldCase: true, _log);
        using var keeper = Keep(tables);

        File.WriteAllText(FilePath, "192.0.2.7 newer\n");
        Assert.Null(keeper.ReadNow(FilePath));
        Assert.Equal("newer", Value(table));

        File.WriteAllText(FilePath, "192.0.2.7 newest\n10.0.0.0/112 permit\n");
        Assert.Equal($"cidr map {FilePath}, line 2: bad mask length in \"10.0.0.0/112\": skipping this rule", keeper.ReadNow(FilePath));
        Assert.Equal("newer", Value(table));

        Assert.Equal("no table of the configuration is read from /elsewhere: name it in postscreen_access_list", keeper.ReadNow("/elsewhere"));
    }

    [Fact]
    public void A_storm_of_reloads_is_one_that_runs_and_one_that_is_to_come()
    {
        using var mayGoOn = new SemaphoreSlim(0);
        using var hasBegun = new SemaphoreSlim(0);
        var tables = new TableCatalog(new TextFiles());
        var reloads = 0;
        using var keeper = new TableKeeper(tables, _lookups, _log, Reload, isBlind: false);

        keeper.Reload();
        Assert.True(hasBegun.Wait(20_000, TestContext.Current.CancellationToken));
        for (var i = 0; i < 200; i++)
            keeper.Reload();
        mayGoOn.Release(10);

        Assert.True(hasBegun.Wait(20_000, TestContext.Current.CancellationToken));
        Assert.Equal("no table of the configuration is read from /x: name it in postscreen_access_list", keeper.ReadNow("/x")); // behind all reloads
        Assert.Equal(2, Volatile.Read(ref reloads));

        TableCatalog Reload(CancellationToken end)
        {
            Interlocked.Increment(ref reloads);
            hasBegun.Release();
            mayGoOn.Wait(end);
            return tables;
        }
    }

    [Fact]
    public void A_reload_that_fails_badly_is_reported_and_the_next_one_works()
    {
        var tables = new TableCatalog(new TextFiles());
        var reloads = 0;
        using var keeper = new TableKeeper(
            tables, _lookups, _log, _ => Interlocked.Increment(ref reloads) == 1 ? throw new InvalidOperationException("a bug") : tables, isBlind: false);

        keeper.Reload();
        LoopHarness.Until(() => _log.Texts.Any(static text => text.StartsWith("internal error: ", StringComparison.Ordinal)), "nothing is logged");
        keeper.Reload();

        LoopHarness.Until(() => Volatile.Read(ref reloads) == 2, "there is no second reload");
    }

    private TableKeeper Keep(TableCatalog tables, bool isBlind = false) => new(tables, _lookups, _log, _ => tables, isBlind);

    private string Value(ILookupTable table) => table.Lookup("192.0.2.7", _log).Value;

    private sealed class LockedWarnings : IWarningSink
    {
        private readonly List<string> _texts = [];

        public string[] Texts
        {
            get
            {
                lock (_texts)
                    return [.. _texts];
            }
        }

        public void Warn(string text)
        {
            lock (_texts)
                _texts.Add(text);
        }
    }
}
