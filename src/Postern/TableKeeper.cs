using System.Collections.Concurrent;
using Postern.Core;
using Postern.Core.Tables;
using Postern.Loop;

namespace Postern;

/// <summary>
/// Reads lookup tables, and the configuration at a reload, on a thread of its own: however large they are and however slow
/// the disk is, the loop serves clients meanwhile. It looks at the tables' files once a second, whether clients come or not.
/// </summary>
internal sealed class TableKeeper : IDisposable
{
    private const int Interval = 1000; // milliseconds between two looks
    private const int StackSize = 1 << 20;
    private const long LargeTable = 1 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(1);

    private readonly IWarningSink _log;
    private readonly TableLookups _lookups;
    private readonly Func<CancellationToken, TableCatalog> _reload;
    private readonly bool _isBlind;
    private readonly ConcurrentQueue<Action> _jobs = [];
    private readonly AutoResetEvent _hasWork = new(initialState: false);
    private readonly CancellationTokenSource _end = new();
    private readonly Thread _thread;
    private TableCatalog _tables;
    private int _isReloadWanted;

    /// <param name="tables">Those in force. From now on nobody else opens or reads them.</param>
    /// <param name="lookups">Told when all tables have been read.</param>
    /// <param name="log">Takes warnings from any thread.</param>
    /// <param name="reload">Reads the configuration again and puts it into force. Gives the tables that are in force then.</param>
    /// <param name="isBlind">In a chroot no table's file can be seen; those that are open can be read.</param>
    public TableKeeper(TableCatalog tables, TableLookups lookups, IWarningSink log, Func<CancellationToken, TableCatalog> reload, bool isBlind)
    {
        (_tables, _lookups, _log, _reload, _isBlind) = (tables, lookups, log, reload, isBlind);
        if (tables.HasRest)
            lookups.BeginReading();
        _thread = new Thread(Work, StackSize) { IsBackground = true, Name = "table files" };
        _thread.Start();
    }

    /// <summary>Reads the configuration again. Any thread may call it; while one reload is pending others are the same.</summary>
    public void Reload()
    {
        Volatile.Write(ref _isReloadWanted, 1);
        _hasWork.Set();
    }

    /// <summary>Takes over what a file holds that was just written, and is complete. Waits for it; not for the loop's thread.</summary>
    /// <returns>Why that is not in force now, in the administrator's words; null: it is.</returns>
    /// <exception cref="TimeoutException">Another table is being read, and takes its time.</exception>
    public string? ReadNow(string path)
    {
        var done = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _jobs.Enqueue(() => done.TrySetResult(ReadFile(path)));
        _hasWork.Set();
        return done.Task.WaitAsync(Patience).GetAwaiter().GetResult();
    }

    public void Dispose()
    {
        _end.Cancel();
        _hasWork.Set();
        _thread.Join(EndPatience); // a disk that does not answer is not waited for
    }

    private void Work()
    {
        Guarded(() => _tables.ReadRest(_log));
        _lookups.EndReading();
        var lastLook = Environment.TickCount64;
        while (!_end.IsCancellationRequested)
        {
            _hasWork.WaitOne((int)Math.Clamp(lastLook + Interval - Environment.TickCount64, 0, Interval));
            if (_end.IsCancellationRequested)
                return;
            if (Interlocked.Exchange(ref _isReloadWanted, 0) != 0)
                Guarded(() => _tables = _reload(_end.Token));
            while (_jobs.TryDequeue(out var job))
                Guarded(job);
            if (Environment.TickCount64 - lastLook < Interval)
                continue;
            lastLook = Environment.TickCount64;
            if (!_isBlind)
                Guarded(() => _tables.Refresh(_log));
        }
    }

    private string? ReadFile(string path)
    {
        if (_isBlind)
            return $"{path} cannot be seen from the chroot: it counts after postfix reload";
        var warnings = new FirstWarning(_log);
        return _tables.ReadNow(path, warnings) switch
        {
            TableFileState.InForce => null,
            TableFileState.Unused => $"no table of the configuration is read from {path}: name it in postscreen_access_list",
            _ => warnings.Text ?? $"{path} has changed again",
        };
    }

    private void Guarded(Action action)
    {
        var (tables, taken) = (_tables, _tables.BytesTaken);
        try
        {
            action();
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
            // the process ends
        }
        catch (Exception bug) when (bug is not OutOfMemoryException)
        {
            _log.Warn($"internal error: {bug}".ReplaceLineEndings(" ")); // what was in force stays
        }

        // A table gives its memory back when nobody can reach it any more, which only a collection finds out.
        if (tables != _tables || _tables.BytesTaken - taken > LargeTable)
            GC.Collect();
    }

    /// <summary>Passes warnings on, and keeps what was wrong first.</summary>
    private sealed class FirstWarning(IWarningSink log) : IWarningSink
    {
        public string? Text { get; private set; }

        public void Warn(string text)
        {
            Text ??= text;
            log.Warn(text);
        }

        public void Note(string text) => log.Note(text);
    }
}
