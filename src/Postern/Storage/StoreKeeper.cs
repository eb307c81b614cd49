using System.Diagnostics;
using Postern.Core;

namespace Postern.Storage;

/// <summary>
/// Keeps the store open: opens it again when another has taken its place, sets a damaged file aside and begins a new one, and
/// tells of each trouble once. For the writer's thread.
/// </summary>
/// <param name="log">Takes lines.</param>
internal sealed class StoreKeeper(AllowlistOptions options, AllowlistLocation location, TimeProvider clock, Action<LogSeverity, string> log) : IDisposable
{
    /// <summary>Bytes of an SQLite file that this connection keeps in memory: it is appended to in the order of its tree.</summary>
    private const int CacheSize = 512 << 10;

    /// <summary>Longest pause between two attempts to open a store that does not work.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly string _path = location.DatabasePath!;
    private (long Id, long Seen) _last;
    private Outage _outage;
    private long _triedAt;
    private TimeSpan _pause;

    /// <summary>What did not work, so that each trouble is told once.</summary>
    private enum Outage
    {
        None,
        Opening,
        Writing,
    }

    /// <summary>The store; null: it does not work.</summary>
    public IAllowlistStore? Store { get; private set; }

    /// <summary>Called for a store that was just opened, before it is used. The second argument tells whether it is the first, the same as before, or a new one.</summary>
    public required Func<IAllowlistStore, StoreArrival, StoreProblem?> Opened { get; init; }

    /// <summary>Whether it is too early to try again to open a store that does not work.</summary>
    public bool IsPausing => Store is null && Stopwatch.GetElapsedTime(_triedAt) < _pause;

    /// <summary>Does something with the store, on a new one if the old one proves damaged.</summary>
    /// <param name="isWrite">Whether success ends the trouble with writing.</param>
    public bool Attempt(Func<IAllowlistStore, StoreProblem?> action, bool isWrite)
    {
        if (Store is { HasMoved: true })
            Close();
        for (var isRetry = false; ; isRetry = true)
        {
            if (Store is null && !TryOpen())
                return false;
            var problem = action(Store!);
            if (problem is null)
            {
                if (isWrite)
                    EndOutage();
                return true;
            }

            if (problem.IsDamage && !isRetry)
            {
                var hasMoved = Store!.HasMoved;
                Close();
                if (hasMoved || SetAside(_path, problem.Reason))
                    continue;
                return false;
            }

            Report(isWrite ? Outage.Writing : Outage.Opening, problem.Reason);
            if (!problem.IsPassing)
                Close();
            return false;
        }
    }

    /// <summary>Opens the store, or a new one if it is damaged.</summary>
    public bool TryOpen()
    {
        _triedAt = Stopwatch.GetTimestamp();
        for (var isRetry = false; ; isRetry = true)
        {
            var problem = location.OpenStore(options, CacheSize, text => log(LogSeverity.Info, text), out var store);
            if (problem is null)
                problem = Begin(store!);
            if (problem is null)
            {
                Store = store;
                _pause = TimeSpan.Zero;
                if (_outage is Outage.Opening)
                    EndOutage();
                return true;
            }

            store?.Dispose();
            if (problem.IsDamage && !isRetry && (store is { HasMoved: true } || SetAside(_path, problem.Reason)))
                continue;
            Report(Outage.Opening, problem.Reason);
            _pause = TimeSpan.FromTicks(Math.Clamp(_pause.Ticks * 2, options.PollInterval.Ticks, LongestPause.Ticks));
            return false;
        }
    }

    /// <summary>Keeps a damaged file for the curious, out of the way. Another process may have done so already.</summary>
    public bool SetAside(string path, string reason)
    {
        var newPath = $"{path}.damaged-{clock.GetUtcNow().ToUnixTimeSeconds()}";
        try
        {
            // The journal goes first: beside a new file it would be taken for that file's.
            if (File.Exists(path + "-wal"))
                File.Move(path + "-wal", newPath + "-wal", overwrite: true);
            File.Delete(path + "-shm");
            File.Move(path, newPath, overwrite: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Report(Outage.Opening, $"{reason}, and the file cannot be moved: {failure.Message}");
            return false;
        }

        var next = path == _path ? "a new one is begun" : "its clients are tested again where they could not be read";
        log(LogSeverity.Warning, $"{location.Name}: {path} is damaged ({reason}); it is now {newPath} and {next}");
        return true;
    }

    public void Dispose() => Close();

    private StoreProblem? Begin(IAllowlistStore store)
    {
        var arrival = store.Id == _last.Id ? StoreArrival.Same : _last.Id == 0 ? StoreArrival.First : StoreArrival.New;
        if (arrival is StoreArrival.Same)
            store.Seen = _last.Seen;
        var problem = Opened(store, arrival);
        if (problem is null || problem.IsDamage)
            _last = (store.Id, store.Seen); // what was read of a damaged one belongs into the next
        return problem;
    }

    private void Close()
    {
        if (Store is null)
            return;
        _last = (Store.Id, Store.Seen);
        Store.Dispose();
        Store = null;
    }

    private void Report(Outage outage, string reason)
    {
        if (_outage is Outage.None && outage is Outage.Opening)
            log(LogSeverity.Error, $"open database {_path}: {reason}"); // Postfix's words
        else if (_outage is Outage.None)
            log(LogSeverity.Warning, $"{location.Name}: cannot write {_path}: {reason}; passes are kept in memory until it works");
        if (_outage < outage)
            _outage = outage;
    }

    private void EndOutage()
    {
        if (_outage is not Outage.None)
            log(LogSeverity.Info, $"{location.Name}: {_path} works again");
        _outage = Outage.None;
    }
}

/// <summary>Which store it is that was opened.</summary>
internal enum StoreArrival
{
    /// <summary>The first since the start.</summary>
    First,

    /// <summary>The one that was open before.</summary>
    Same,

    /// <summary>Another than before: it is to have all that memory has.</summary>
    New,
}
