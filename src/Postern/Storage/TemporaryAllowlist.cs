using System.Diagnostics;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Screening;
using Postern.Lmdb;
using Postern.Memcache;
using Postern.Native;

namespace Postern.Storage;

/// <summary>
/// The temporary allowlist: which client passed which test until when. It lives in memory, for the loop thread alone; a
/// writer thread keeps the store behind it up to date. What the loop remembers is in the store within about 100 ms,
/// what other processes write to the same store is known here within about a second.
/// </summary>
internal sealed class TemporaryAllowlist : IAllowlist, IDisposable
{
    /// <summary>How long one <see cref="Tick"/> may keep the loop from its clients.</summary>
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(1);

    /// <summary>How long changes gather before they are handed to the writer.</summary>
    private static readonly TimeSpan GatherTime = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRetryDelay = TimeSpan.FromSeconds(30);

    /// <summary>How long the end of the process waits for the last batch.</summary>
    private static readonly TimeSpan FlushTime = TimeSpan.FromSeconds(5);

    /// <summary>A walk over all entries pauses when so many changes wait for the writer.</summary>
    private const int EnoughUnsaved = 20_000;

    private const int ManyEntries = 20_000;

    private readonly AllowlistOptions _options;
    private readonly TimeProvider _clock;
    private readonly Action<LogSeverity, string> _log;
    private readonly ExpiryTable _table = new();
    private readonly AllowlistCleanup _cleanup;
    private readonly AllowlistEviction _eviction;
    private readonly UnsavedChanges _unsaved;
    private readonly Action<IpAddress, TestExpiry> _forget;

    private readonly AllowlistLookups? _lookups; // null: nobody else writes to the store, or what they write comes by itself
    private AllowlistWriter? _writer; // null: there is no file
    private bool _awaitsAnswer;
    private long _delayFrom;
    private TimeSpan _delay = GatherTime;
    private bool _isFailing;
    private int? _saveAllFrom; // saving all that memory has: the part to go on with
    private bool _mustSaveAll;
    private bool _isFull, _forgotSoon; // that was told
    private bool _isLoaded;
    private string? _importing; // the earlier file that can be asked for single clients until it is imported; null: none

    private TemporaryAllowlist(
        AllowlistOptions options, AllowlistLocation location, TimeProvider clock, Action<LogSeverity, string> log, Action wake)
    {
        (_options, _clock, _log, Name) = (options, clock, log, location.Name);
        _unsaved = new UnsavedChanges(options.UnsavedLimit);
        _cleanup = new AllowlistCleanup(Name, _table, clock, log) { Policy = options.Policy };
        _eviction = new AllowlistEviction(_table, clock);
        _forget = (client, expiry) => Change(client, new AllowlistChange(expiry, IsForgotten: true, expiry));
        if (location.IsLmdb || options.Memcache is not null)
        {
            _lookups = new AllowlistLookups(
                Name,
                location.IsLmdb ? new LmdbReader(Latin1.OfText(location.DatabasePath!), options.LmdbMapSize) : null,
                options.Memcache is { } memcache ? new MemcacheClient(memcache, IAllowlistView.AnswerLimit) : null,
                hasBackup: location.DatabasePath is not null,
                options.Jail,
                wake);
        }

        if (location.DatabasePath is null)
        {
            _isLoaded = true;
            _cleanup.Schedule(lastCompleted: null);
            return;
        }

        _writer = new AllowlistWriter(options, location, clock, wake);
        _writer.Start();
    }

    /// <summary>The map's name in the log: as configured, after redirection.</summary>
    public string Name { get; }

    /// <summary>Number of addresses.</summary>
    public int Count => _table.Count;

    /// <summary>Number of parts, for <see cref="CopyParts"/>.</summary>
    public const int PartCount = ExpiryTable.PartCount;

    /// <summary>How long to keep what. A reload sets it.</summary>
    public AllowlistPolicy Policy
    {
        get => _cleanup.Policy;
        set => _cleanup.Policy = value;
    }

    /// <summary>When <see cref="Tick"/> wants to be called, from now; null: when woken.</summary>
    public TimeSpan? NextTick
    {
        get
        {
            if (_writer is { HasNews: true } || (_saveAllFrom is not null && HasRoom))
                return TimeSpan.Zero;
            var next = MayCleanUp ? _cleanup.NextStep : null;
            return MayHandOver && (next is null || HandOverIn < next) ? HandOverIn : next;
        }
    }

    /// <inheritdoc />
    public bool CanAsk => _lookups is not null || _importing is not null;

    /// <inheritdoc />
    public bool ForgetsSoon => _eviction.ForgetsSoon;

    private bool IsAllSaved => _unsaved.IsEmpty && _saveAllFrom is null && !_mustSaveAll;

    private bool MayHandOver => _writer is not null && !_awaitsAnswer && !_unsaved.IsEmpty;

    private TimeSpan HandOverIn =>
        _delay - _clock.GetElapsedTime(_delayFrom) is { Ticks: > 0 } left ? left : TimeSpan.Zero;

    private bool HasRoom => _unsaved.GatheredCount < Math.Min(EnoughUnsaved, _options.UnsavedLimit / 2);

    /// <summary>Memory is cleaned up even if the store cannot follow.</summary>
    private bool MayCleanUp => HasRoom || _isFailing;

    /// <summary>Opens the allowlist; its file is read by another thread, see <see cref="WaitUntilLoaded"/>.</summary>
    /// <param name="log">Takes lines without severity prefix; called on the calling thread only.</param>
    /// <param name="wake">Makes the loop call <see cref="Tick"/> soon; called on another thread.</param>
    public static TemporaryAllowlist Open(
        AllowlistOptions options, TimeProvider clock, Action<LogSeverity, string> log, Action wake)
    {
        var location = AllowlistLocation.Find(options, directory => FileFacts.Of(directory)?.Owner, log);
        return new TemporaryAllowlist(options, location, clock, log, wake);
    }

    /// <summary>
    /// Waits for the file to be read, so that no client is tested again for our own haste; but not for ever: then we go
    /// on with what there is, and the rest comes as it comes.
    /// </summary>
    public bool WaitUntilLoaded(TimeSpan limit)
    {
        var start = Stopwatch.GetTimestamp();
        ApplyNews(sliceStart: null);
        while (!_isLoaded && limit - Stopwatch.GetElapsedTime(start) is { Ticks: > 0 } left)
        {
            _writer?.WaitForNews(left);
            ApplyNews(sliceStart: null);
        }

        if (_isLoaded && Count >= ManyEntries)
            GC.Collect(2, GCCollectionMode.Aggressive); // growing has left as much garbage again; nobody is being served yet
        if (!_isLoaded && _importing is not null)
            _log(LogSeverity.Info, $"{Name}: {_importing} is being imported; until then it is asked for each new client");
        else if (!_isLoaded)
            _log(LogSeverity.Warning, $"{Name}: not read within {limit.TotalSeconds:0.#} s; some clients may be tested again");
        return _isLoaded;
    }

    /// <summary>What the client passed, if it is known.</summary>
    public bool TryRecall(IpAddress client, out TestExpiry expiry) => _table.TryGet(client, out expiry);

    /// <summary>Keeps what the client passed, in place of what was known.</summary>
    public void Remember(IpAddress client, TestExpiry expiry)
    {
        TestExpiry? seen = _table.TryGet(client, out var before) ? before : null;
        Set(client, expiry);
        Change(client, new AllowlistChange(expiry, IsForgotten: false, seen));
    }

    /// <summary>Forgets a client, here and in the store.</summary>
    /// <returns>Whether it was known.</returns>
    public bool Forget(IpAddress client)
    {
        if (!_table.TryGet(client, out var expiry))
            return false;
        _table.Remove(client);
        Change(client, new AllowlistChange(expiry, IsForgotten: true, Seen: null));
        return true;
    }

    /// <summary>The records of some parts of memory: a walk over all of it in steps.</summary>
    public List<KeyValuePair<IpAddress, TestExpiry>> CopyParts(int first, int count)
    {
        var copy = new List<KeyValuePair<IpAddress, TestExpiry>>();
        for (var part = first; part < Math.Min(first + count, PartCount); part++)
        {
            if (_table.Part(part) is { } records)
                copy.AddRange(records);
        }

        return copy;
    }

    /// <inheritdoc />
    public void Ask(IpAddress address, ulong client)
    {
        if (_importing is not null && _writer is not null)
            _writer.Ask(address, client);
        else
            _lookups!.Ask(address, client);
    }

    /// <inheritdoc />
    public bool TryTakeAnswer(out AllowlistAnswer answer)
    {
        answer = default;
        if ((_writer is null || !_writer.TryTakeAnswer(out answer)) && (_lookups is null || !_lookups.TryTake(out answer)))
            return false;
        if (answer.Record is not { } record)
            return true;
        if (KnowsBetter(answer.Address, record, out var change))
            answer = answer with { Record = change.IsForgotten ? null : change.Expiry };
        else
            Set(answer.Address, record);
        return true;
    }

    /// <summary>
    /// Does what is due, for about a millisecond: takes what came from the store, hands changes over, cleans up. To be
    /// called when <see cref="NextTick"/> says, or when woken.
    /// </summary>
    /// <param name="now">Wall time.</param>
    public void Tick(DateTimeOffset now)
    {
        var start = _clock.GetTimestamp();
        ApplyNews(start);
        if (MayHandOver && HandOverIn == TimeSpan.Zero)
            HandOver();
        while (_saveAllFrom is not null && HasRoom && !IsSliceOver(start))
            SavePart();
        while (MayCleanUp && _cleanup.NextStep == TimeSpan.Zero && !IsSliceOver(start))
        {
            if (_cleanup.Step(now, _forget))
                EndCleanup(now);
        }
    }

    /// <summary>Saves what is unsaved and ends the writer, within some seconds.</summary>
    public void Dispose()
    {
        _cleanup.Interrupt();
        _lookups?.Dispose();
        if (_writer is null)
            return;
        if (!Flush(FlushTime))
            _log(LogSeverity.Warning, $"{Name}: {_unsaved.Count} entries could not be saved");
        _writer?.Dispose();
        ApplyNews(sliceStart: null);
        _writer = null;
    }

    /// <summary>Waits until the store has everything.</summary>
    /// <returns>False if that did not work.</returns>
    internal bool Flush(TimeSpan limit)
    {
        var start = Stopwatch.GetTimestamp();
        for (var attempts = 0; ;)
        {
            ApplyNews(sliceStart: null);
            while (_saveAllFrom is not null && HasRoom)
                SavePart();
            if (_writer is null || IsAllSaved)
                return IsAllSaved;
            if (!_awaitsAnswer)
            {
                if (_isFailing && attempts > 0)
                    return false;
                HandOver();
                attempts++;
            }

            if (limit - Stopwatch.GetElapsedTime(start) is not { Ticks: > 0 } left)
                return false;
            _writer.WaitForNews(left);
        }
    }

    private bool IsSliceOver(long start) => _clock.GetElapsedTime(start) >= Slice;

    private void Set(IpAddress client, TestExpiry expiry)
    {
        if (_table.Count >= _options.EntryLimit && !_table.TryGet(client, out _))
            MakeRoom();
        _table.Set(client, expiry);
    }

    private void MakeRoom()
    {
        if (!_isFull)
            _log(LogSeverity.Warning, $"{Name}: {_table.Count} clients are known, as many as may be; for each new one another is forgotten, those first whose passes expired longest ago");
        _isFull = true;
        _eviction.MakeRoom(Policy, _forget);
        if (ForgetsSoon && !_forgotSoon)
            _log(LogSeverity.Warning, $"{Name}: so many new clients come that some are forgotten before they can come back; until that ends none has to take the tests after the greeting");
        _forgotSoon = ForgetsSoon;
    }

    private void Change(IpAddress client, AllowlistChange change)
    {
        _lookups?.Tell(client, change);
        Note(client, change);
    }

    private void Note(IpAddress client, AllowlistChange change)
    {
        if (_writer is null)
            return;
        if (_unsaved.IsEmpty && !_isFailing)
            (_delayFrom, _delay) = (_clock.GetTimestamp(), GatherTime);
        if (_unsaved.Add(client, change))
            return;
        if (!_mustSaveAll)
            _log(LogSeverity.Warning, $"{Name}: {_options.UnsavedLimit} changes are unsaved; a restart before the store works again loses some");
        _mustSaveAll = true;
    }

    private void HandOver()
    {
        _unsaved.TakeBatch();
        _writer!.Save(new StoreBatch(_unsaved.Batch)
        {
            CleanupCompleted = _unsaved.BatchCleanupCompleted,
            Horizon = CacheRecord.Seconds(_clock.GetUtcNow() + Policy.Lifetimes.Longest),
        });
        _awaitsAnswer = true;
    }

    private void SavePart()
    {
        var part = _saveAllFrom!.Value;
        foreach (var (client, expiry) in _table.Part(part) ?? [])
        {
            if (!_unsaved.TryGet(client, out _))
                Note(client, new AllowlistChange(expiry, IsForgotten: false, Seen: null));
        }

        _saveAllFrom = part + 1 < PartCount ? part + 1 : null;
    }

    private void EndCleanup(DateTimeOffset now)
    {
        _isFull &= _table.Count >= _options.EntryLimit / 8 * 7; // it is no news that it is full again soon
        if (_writer is null)
            return;
        if (_unsaved.IsEmpty && !_isFailing)
            (_delayFrom, _delay) = (_clock.GetTimestamp(), GatherTime);
        _unsaved.CleanupCompleted = now.ToUnixTimeSeconds();
    }

    /// <param name="sliceStart">When this tick began; null: take all there is.</param>
    private void ApplyNews(long? sliceStart)
    {
        while (_lookups is not null && _lookups.TryTakeNews(out var line))
            Apply(line);
        while (_writer is { } writer && writer.TryTake(out var news))
        {
            Apply(news);
            if (sliceStart is { } start && IsSliceOver(start))
                return;
        }
    }

    private void Apply(StoreNews news)
    {
        switch (news)
        {
            case StoreNews.Learned(var entries, var isImported):
                Learn(entries, isImported);
                break;
            case StoreNews.Importing(var path):
                _importing = path;
                break;
            case StoreNews.Loaded:
                (_isLoaded, _importing) = (true, null);
                break;
            case StoreNews.Ready(var lastCleanup):
                _cleanup.Schedule(lastCleanup is { } seconds ? Moment(seconds) : null);
                break;
            case StoreNews.Saved:
                BatchSaved();
                break;
            case StoreNews.NotSaved:
                BatchNotSaved();
                break;
            case StoreNews.StartedFresh:
                _saveAllFrom = 0;
                break;
            case StoreNews.Line(var severity, var text):
                _log(severity, text);
                break;
            case StoreNews.Ended:
                GoOnWithoutStore();
                break;
            default:
                throw new UnreachableException($"unhandled {news}");
        }
    }

    private void Learn(List<KeyValuePair<IpAddress, TestExpiry>> entries, bool isImported)
    {
        foreach (var (client, expiry) in entries)
        {
            if (KnowsBetter(client, expiry, out _))
                continue;
            var isKnown = _table.TryGet(client, out var known);

            // With changes that were given up, memory may know better than the store.
            _table.Set(client, isKnown && (isImported || _mustSaveAll) ? RecordText.Later(known, expiry) : expiry);
            if (_table.Count > _options.EntryLimit)
                MakeRoom(); // it may be itself that goes
        }
    }

    /// <summary>What we have not saved yet is newer than what the store had; what we forgot is not, unless it is just this.</summary>
    private bool KnowsBetter(IpAddress client, in TestExpiry expiry, out AllowlistChange change) =>
        _unsaved.TryGet(client, out change) && (!change.IsForgotten || change.Expiry == expiry);

    private void BatchSaved()
    {
        _awaitsAnswer = false;
        _unsaved.ForgetBatch();
        (_delayFrom, _delay) = (_clock.GetTimestamp(), TimeSpan.Zero);
        _isFailing = false;
        if (_mustSaveAll)
            _saveAllFrom = 0;
        _mustSaveAll = false;
    }

    private void BatchNotSaved()
    {
        _awaitsAnswer = false;
        if (!_isFailing)
        {
            foreach (var (client, change) in _unsaved.Batch)
            {
                _log(LogSeverity.Warning, $"{Name}: could not {(change.IsForgotten ? "delete" : "update")} entry for {client}");
                break;
            }
        }

        var next = _isFailing ? _delay * 2 : FirstRetryDelay;
        (_delayFrom, _delay) = (_clock.GetTimestamp(), next < LongestRetryDelay ? next : LongestRetryDelay);
        _isFailing = true;
    }

    private void GoOnWithoutStore()
    {
        _writer = null;
        (_isLoaded, _importing) = (true, null);
        if (_cleanup.NextStep is null)
            _cleanup.Schedule(lastCompleted: null);
    }

    /// <summary>A time from a file, which may be any number.</summary>
    private static DateTimeOffset Moment(long seconds) => DateTimeOffset.FromUnixTimeSeconds(Math.Clamp(seconds, 0, uint.MaxValue));
}
