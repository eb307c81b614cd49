using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Screening;

namespace Postern.Storage;

/// <summary>
/// The thread that does all the waiting for the store: opening, reading, batches of writes, other processes' locks. It
/// remembers nothing that the loop must not lose: a batch is the loop's until it is told <see cref="StoreNews.Saved"/>.
/// </summary>
internal sealed class AllowlistWriter : IDisposable
{
    private const int ChunkSize = 512;

    /// <summary>Records of an import that are written together.</summary>
    private const int ImportSize = 20_000;

    /// <summary>How long it may take to write to postscreen's own file at the end of the process.</summary>
    private static readonly TimeSpan WriteBackLimit = TimeSpan.FromSeconds(3);

    private readonly AllowlistOptions _options;
    private readonly AllowlistLocation _location;
    private readonly string _path;
    private readonly TimeProvider _clock;
    private readonly Action _wake;
    private readonly ConcurrentQueue<Order> _orders = new();
    private readonly ConcurrentQueue<StoreNews> _news = new();
    private readonly ConcurrentQueue<AllowlistAnswer> _answers = new();
    private readonly AutoResetEvent _ordered = new(false);
    private readonly AutoResetEvent _arrived = new(false);
    private readonly Thread _thread;

    // The writer thread's own.
    private readonly StoreKeeper _keeper;
    private FirstLayoutMove? _move; // null: there is nothing to move, or no more
    private StoreFacts _facts;
    private EarlierPasses? _importing;
    private long _polledAt;
    private TimeSpan _movePause;
    private List<KeyValuePair<IpAddress, TestExpiry>> _chunk = [];

    /// <param name="wake">Makes the loop look for news soon; called on the writer thread.</param>
    public AllowlistWriter(AllowlistOptions options, AllowlistLocation location, TimeProvider clock, Action wake)
    {
        (_options, _location, _clock, _wake) = (options, location, clock, wake);
        _path = location.DatabasePath ?? throw new ArgumentException("a map without a file has no writer", nameof(location));
        _keeper = new StoreKeeper(options, location, clock, (severity, text) => Post(new StoreNews.Line(severity, text))) { Opened = ReadFirst };
        _move = location.FirstLayoutPath is { } first && File.Exists(first) ? new FirstLayoutMove(first, options.BusyTimeout) : null;
        _thread = new Thread(Run, maxStackSize: 256 * 1024) { IsBackground = true, Name = "allowlist" };
    }

    /// <summary>Orders from the loop. Closed.</summary>
    private abstract record Order
    {
        public sealed record Save(StoreBatch Batch) : Order;

        public sealed record Import(EarlierPasses File, long StartedAt, PassesDump Dump) : Order;

        public sealed record Ask(IpAddress Client, ulong Number, long AskedAt) : Order;

        public sealed record Stop : Order;
    }

    /// <summary>Whether there are news to take.</summary>
    public bool HasNews => !_news.IsEmpty;

    /// <summary>Begins to open and read the store.</summary>
    public void Start()
    {
        _thread.Start();
        _options.Jail?.WaitForThread();
    }

    /// <summary>The next news, in the order of their events.</summary>
    public bool TryTake([NotNullWhen(true)] out StoreNews? news) => _news.TryDequeue(out news);

    /// <summary>Waits until something has been posted since the last waiting.</summary>
    public bool WaitForNews(TimeSpan limit) => _arrived.WaitOne(limit);

    /// <summary>Hands a batch over. It must not be changed, and no other be handed over, until its answer is here.</summary>
    public void Save(StoreBatch batch) => Give(new Order.Save(batch));

    /// <summary>Asks the file that is being imported for a client; the answer comes in any case.</summary>
    public void Ask(IpAddress client, ulong number) => Give(new Order.Ask(client, number, Stopwatch.GetTimestamp()));

    /// <summary>The next answer to <see cref="Ask"/>.</summary>
    public bool TryTakeAnswer(out AllowlistAnswer answer) => _answers.TryDequeue(out answer);

    /// <summary>Ends the thread after what it has been given; does not wait for a disk that hangs.</summary>
    public void Dispose()
    {
        Give(new Order.Stop());
        _thread.Join(TimeSpan.FromSeconds(2) + WriteBackLimit);
        // The events are left to the finalizer: postmap's thread, or one that hangs, may still use them.
    }

    private void Give(Order order)
    {
        _orders.Enqueue(order);
        _ordered.Set();
    }

    private void Post(StoreNews news)
    {
        _news.Enqueue(news);
        _arrived.Set();
        _wake();
    }

    private void Say(LogSeverity severity, string text) => Post(new StoreNews.Line(severity, $"{_location.Name}: {text}"));

    private void Run()
    {
        try
        {
            if (_options.Jail is null || _options.Jail.StayOutside())
                Work();
        }
#pragma warning disable CA1031 // mail goes on without a store, whatever befell it
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Say(LogSeverity.Error, $"the store has stopped, passes are kept in memory only: {failure}");
            Post(new StoreNews.Ended());
        }
    }

    private void Work()
    {
        DateTime? changed = File.Exists(_path) ? File.GetLastWriteTimeUtc(_path) : null;
        _keeper.TryOpen();
        ReadFirstLayout();
        _polledAt = Stopwatch.GetTimestamp(); // all of it has just been read
        if (!StartImport(changed))
        {
            Post(new StoreNews.Loaded());
            Post(new StoreNews.Ready(LastCleanup));
        }

        while (true)
        {
            var isMoving = _move is not null && _keeper.Store is not null;
            var hasOrder = _ordered.WaitOne(isMoving ? _movePause : _options.PollInterval);
            while (_orders.TryDequeue(out var order))
            {
                if (order is Order.Stop)
                {
                    WriteBack();
                    _keeper.Dispose();
                    _move?.Dispose();
                    return;
                }

                Perform(order);
            }

            if (isMoving && !hasOrder)
                MovePart();
            if ((!hasOrder && !isMoving) || Stopwatch.GetElapsedTime(_polledAt) >= _options.PollInterval)
                Poll();
        }
    }

    private void Perform(Order order)
    {
        switch (order)
        {
            case Order.Save(var batch):
                var isSaved = Attempt(store => store.Save(batch, Learn), isWrite: true);
                Post(isSaved ? new StoreNews.Saved() : new StoreNews.NotSaved());
                if (isSaved && batch.Merged.Count > 0)
                    Post(new StoreNews.Learned(batch.Merged, IsImported: false));
                break;
            case Order.Import(var file, var startedAt, var dump):
                Import(file, startedAt, dump);
                _importing = null;
                Post(new StoreNews.Loaded());
                Post(new StoreNews.Ready(LastCleanup ?? dump.LastCleanup));
                break;
            case Order.Ask(var client, var number, var askedAt):
                Answer(client, number, askedAt);
                break;
            default:
                throw new UnreachableException($"unhandled {order}");
        }
    }

    /// <summary>Learns what other processes have written, and tries again to open what could not be opened.</summary>
    private void Poll()
    {
        _polledAt = Stopwatch.GetTimestamp();
        if (!_keeper.IsPausing)
            Attempt(ReadNews, isWrite: false);
    }

    private bool Attempt(Func<IAllowlistStore, StoreProblem?> action, bool isWrite)
    {
        var isDone = _keeper.Attempt(action, isWrite);
        PostChunk();
        return isDone;
    }

    private StoreProblem? ReadFirst(IAllowlistStore store, StoreArrival arrival)
    {
        if (arrival is StoreArrival.New)
            Post(new StoreNews.StartedFresh());
        var problem = store.ReadFacts(out _facts) ?? ReadNews(store);
        if (arrival is not StoreArrival.Same)
            problem ??= store.ReadAll(ChunkSize, Learn);
        if (problem is { IsDamage: true })
            (store as AllowlistDatabase)?.Salvage(Learn);
        PostChunk();
        return problem;
    }

    private StoreProblem? ReadNews(IAllowlistStore store)
    {
        var problem = store.ReadNews(Learn, out var isIncomplete);
        return problem ?? (isIncomplete ? store.ReadAll(ChunkSize, Learn) : null);
    }

    private void ReadFirstLayout()
    {
        PostChunk();
        if (_move is null)
            return;
        if (_move.ReadAll(Learn) is { IsDamage: true } damage)
            GiveUpMove(damage);
        PostChunk(isImported: true);
    }

    /// <summary>Moves a part of the clients of the first layout, and then lets others at the file for as long as that took.</summary>
    private void MovePart()
    {
        var start = Stopwatch.GetTimestamp();
        var isOver = _move!.Step(batch => Attempt(store => store.Save(batch, Learn), isWrite: true), out var problem, out var moved);
        _movePause = Stopwatch.GetElapsedTime(start);
        if (problem is { IsDamage: true })
            GiveUpMove(problem);
        else if (problem is not null || _keeper.Store is null)
            _movePause = _options.PollInterval;
        if (!isOver)
            return;
        _move.Dispose();
        Say(LogSeverity.Info, FirstLayout.Remove(_move.Path) is { } reason
            ? $"the {moved} clients of {_move.Path} are in {_path} now; the old file stays: {reason}"
            : $"the {moved} clients of {_move.Path} are in {_path} now");
        _move = null;
    }

    private void GiveUpMove(StoreProblem damage)
    {
        _move!.Dispose();
        _keeper.SetAside(_move.Path, damage.Reason);
        _move = null;
    }

    private void Learn(IpAddress client, in TestExpiry record)
    {
        _chunk.Add(new(client, record));
        if (_chunk.Count == ChunkSize)
            PostChunk();
    }

    private void PostChunk(bool isImported = false)
    {
        if (_chunk.Count == 0)
            return;
        Post(new StoreNews.Learned(_chunk, isImported));
        _chunk = _chunk.Count == ChunkSize ? new(ChunkSize) : []; // after a full one another is likely
    }

    /// <summary>Sets somebody to work on the file that was used before this one, unless nobody has written to it since it was imported.</summary>
    /// <param name="changed">When our own file was last written to before it was opened; null: it is new.</param>
    /// <returns>Whether an import is under way.</returns>
    private bool StartImport(DateTime? changed)
    {
        if (EarlierPasses.Newest(_location.Earlier) is not { } file || IsImported(file, changed))
            return false;
        if (file.Map is { } map && _options.PostmapPath is null)
        {
            Say(LogSeverity.Warning, $"{file.Path} is not imported: that needs Postfix's postmap; {Remedy(map)}");
            return false;
        }

        _importing = file;
        Post(new StoreNews.Importing(file.Path));
        var startedAt = _clock.GetUtcNow().ToUnixTimeSeconds();
        new Thread(() => Give(new Order.Import(file, startedAt, file.Read(_options))))
        {
            IsBackground = true,
            Name = "allowlist import",
        }.Start();
        return true;
    }

    /// <remarks>In a file of postscreen's own kind there is no place for a key of ours: there its time says it.</remarks>
    private bool IsImported(EarlierPasses file, DateTime? changed) => _location.IsLmdb
        ? _facts.Clients > 0 && file.Changed <= changed
        : new DateTimeOffset(file.Changed!.Value).ToUnixTimeSeconds() <= (_facts.ImportedUntil ?? _move?.ImportedUntil);

    private string Remedy(string map) =>
        $"{(_location.IsLmdb ? "" : "it is tried again at the next start; ")}where it can be read, \"postmap -s {map} | postern allowlist import -\" adds what it has";

    private void Import(EarlierPasses file, long startedAt, PassesDump dump)
    {
        if (dump.Problem is { } reason)
        {
            Say(LogSeverity.Warning, $"cannot import {file.Path}: {reason}{(file.Map is { } map ? "; " + Remedy(map) : "")}");
            return;
        }

        var size = _location.IsLmdb ? ChunkSize : ImportSize; // others wait for the lock
        var (isWhole, isNew) = (true, _facts.Clients == 0); // then there is nothing that the earlier file has not
        for (var start = 0; start < dump.Entries.Count || start == 0; start += size)
        {
            var part = dump.Entries.GetRange(start, Math.Min(size, dump.Entries.Count - start));
            var isLast = start + size >= dump.Entries.Count;
            var changes = new Dictionary<IpAddress, AllowlistChange>(part.Count);
            foreach (var (client, record) in part)
                changes[client] = new AllowlistChange(record, IsForgotten: false, Seen: null);
            var batch = new StoreBatch(changes)
            {
                ImportedUntil = isLast && isWhole ? startedAt : null,
                IsAllOfPostscreen = isNew,
                CleanupCompleted = isLast && LastCleanup is null ? dump.LastCleanup : null,
            };
            isWhole &= Attempt(store => store.Save(batch, Learn), isWrite: true); // what cannot be written is known until the next start, which tries again
            Post(new StoreNews.Learned(part, IsImported: true));
        }

        Say(LogSeverity.Info, $"imported {dump.Entries.Count} entries from {file.Path}");
    }

    private long? LastCleanup => _facts.LastCleanup ?? _move?.LastCleanup;

    private void Answer(IpAddress client, ulong number, long askedAt)
    {
        var left = IAllowlistView.AnswerLimit - Stopwatch.GetElapsedTime(askedAt);
        var record = left > TimeSpan.Zero ? _importing?.Find(client, _options, left) : null;
        _answers.Enqueue(new AllowlistAnswer(number, client, record));
        _wake();
    }

    /// <summary>
    /// At the end of the process: who has passed here has passed with postscreen, too, if that is next. Not earlier, since a
    /// postscreen that finds its file locked ends, and its master leaves port 25 alone for a minute.
    /// </summary>
    private void WriteBack()
    {
        if (_location.PostscreenFile is not { Changed: not null } file || _options.PostmapPath is null || _importing is not null || _keeper.Store is not AllowlistDatabase database)
            return;
        var records = new List<KeyValuePair<IpAddress, TestExpiry>>();
        var problem = database.ReadForPostscreen((IpAddress client, in TestExpiry record) => records.Add(new(client, record)), out var last)?.Reason;
        if (problem is null && records.Count == 0)
            return;
        problem ??= file.IsInUse() ? "it is in use" : file.Write(records, _options, WriteBackLimit);
        if (problem is null)
            problem = database.NoteWrittenBack(last, _clock.GetUtcNow().ToUnixTimeSeconds())?.Reason;
        Say(LogSeverity.Info, problem is null
            ? $"{records.Count} new entries are in {file.Path}, for postscreen"
            : $"{records.Count} new entries are not in {file.Path}: {problem}; postscreen would test these clients again");
    }
}
