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

    /// <summary>Rows that the end of the process writes to postscreen's own file: a second's work for postmap.</summary>
    private const int MaxWrittenBack = 100_000;

    /// <summary>How long that may take.</summary>
    private static readonly TimeSpan WriteBackLimit = TimeSpan.FromSeconds(3);

    /// <summary>Bytes of a record that are looked at; ours have 54.</summary>
    private const int LongestValue = 1024;

    /// <summary>Longest pause between two attempts to open a store that does not work.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

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
    private IAllowlistStore? _database;
    private (long Id, long Seen) _lastFile;
    private Outage _outage;
    private EarlierPasses? _importing;
    private long? _importedUntil;
    private bool _knowsClients; // the file had some, or we have written some
    private long? _lastCleanup;
    private long _polledAt;
    private long _triedAt;
    private TimeSpan _pause;
    private List<KeyValuePair<IpAddress, TestExpiry>> _chunk = [];

    /// <param name="wake">Makes the loop look for news soon; called on the writer thread.</param>
    public AllowlistWriter(AllowlistOptions options, AllowlistLocation location, TimeProvider clock, Action wake)
    {
        (_options, _location, _clock, _wake) = (options, location, clock, wake);
        _path = location.DatabasePath ?? throw new ArgumentException("a map without a file has no writer", nameof(location));
        _thread = new Thread(Run, maxStackSize: 256 * 1024) { IsBackground = true, Name = "allowlist" };
    }

    /// <summary>Orders from the loop. Closed.</summary>
    private abstract record Order
    {
        public sealed record Save(IReadOnlyDictionary<IpAddress, AllowlistChange> Changes, long? CleanupCompleted) : Order;

        public sealed record Import(EarlierPasses File, long StartedAt, PassesDump Dump) : Order;

        public sealed record Ask(IpAddress Client, ulong Number, long AskedAt) : Order;

        public sealed record Stop : Order;
    }

    /// <summary>What did not work, so that each trouble is told once.</summary>
    private enum Outage
    {
        None,
        Opening,
        Writing,
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
    public void Save(IReadOnlyDictionary<IpAddress, AllowlistChange> changes, long? cleanupCompleted) =>
        Give(new Order.Save(changes, cleanupCompleted));

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
        TryOpen();
        _polledAt = Stopwatch.GetTimestamp(); // all of it has just been read
        if (!StartImport(changed))
        {
            Post(new StoreNews.Loaded());
            Post(new StoreNews.Ready(_lastCleanup));
        }

        while (true)
        {
            var hasOrder = _ordered.WaitOne(_options.PollInterval);
            while (_orders.TryDequeue(out var order))
            {
                if (order is Order.Stop)
                {
                    WriteBack();
                    _database?.Dispose();
                    return;
                }

                Perform(order);
            }

            if (!hasOrder || Stopwatch.GetElapsedTime(_polledAt) >= _options.PollInterval)
                Poll();
        }
    }

    private void Perform(Order order)
    {
        switch (order)
        {
            case Order.Save(var changes, var cleanupCompleted):
                var isSaved = Attempt(database => database.Save(changes, cleanupCompleted, Learn), isWrite: true);
                Post(isSaved ? new StoreNews.Saved() : new StoreNews.NotSaved());
                break;
            case Order.Import(var file, var startedAt, var dump):
                Import(file, startedAt, dump);
                _importing = null;
                Post(new StoreNews.Loaded());
                Post(new StoreNews.Ready(_lastCleanup ?? dump.LastCleanup));
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
        if (_database is null && Stopwatch.GetElapsedTime(_triedAt) < _pause)
            return;
        Attempt(
            database => database.HasNew(out var hasNew) ?? (hasNew ? database.ReadNew(Learn) : null),
            isWrite: false);
    }

    /// <summary>Does something with the database, on a new one if the old one proves damaged.</summary>
    private bool Attempt(Func<IAllowlistStore, StoreProblem?> action, bool isWrite)
    {
        if (_database is { HasMoved: true })
            Close();
        for (var isRetry = false; ; isRetry = true)
        {
            if (_database is null && !TryOpen())
                return false;
            var problem = action(_database!);
            PostChunk();
            if (problem is null)
            {
                if (isWrite)
                    EndOutage();
                return true;
            }

            if (problem.IsDamage && !isRetry)
            {
                var hasMoved = _database!.HasMoved;
                Close();
                if (hasMoved || SetAside(problem.Reason))
                    continue;
                return false;
            }

            Report(isWrite ? Outage.Writing : Outage.Opening, problem.Reason);
            if (!problem.IsPassing)
                Close();
            return false;
        }
    }

    private bool TryOpen()
    {
        _triedAt = Stopwatch.GetTimestamp();
        for (var isRetry = false; ; isRetry = true)
        {
            var problem = Open(out var database);
            if (problem is null)
                problem = ReadFirst(database!);
            if (problem is null)
            {
                _database = database;
                _pause = TimeSpan.Zero;
                if (_outage is Outage.Opening)
                    EndOutage();
                return true;
            }

            database?.Dispose();
            if (problem.IsDamage && !isRetry && (database is { HasMoved: true } || SetAside(problem.Reason)))
                continue;
            Report(Outage.Opening, problem.Reason);
            _pause = TimeSpan.FromTicks(Math.Clamp(_pause.Ticks * 2, _options.PollInterval.Ticks, LongestPause.Ticks));
            return false;
        }
    }

    private StoreProblem? Open(out IAllowlistStore? store) =>
        _location.OpenStore(_options, text => Post(new StoreNews.Line(LogSeverity.Info, text)), out store);

    private StoreProblem? ReadFirst(IAllowlistStore database)
    {
        var isKnown = database.Id == _lastFile.Id;
        if (isKnown)
            database.Seen = _lastFile.Seen;
        else if (_lastFile.Id != 0)
            Post(new StoreNews.StartedFresh());
        _lastFile = (database.Id, database.Seen);
        var problem = database.ReadNew(Learn);
        PostChunk();
        return problem;
    }

    private void Close()
    {
        if (_database is null)
            return;
        _lastFile = (_database.Id, _database.Seen);
        _database.Dispose();
        _database = null;
    }

    /// <summary>Keeps a damaged file for the curious, out of the way. Another process may have done so already.</summary>
    private bool SetAside(string reason)
    {
        var newPath = $"{_path}.damaged-{_clock.GetUtcNow().ToUnixTimeSeconds()}";
        try
        {
            // The journal goes first: beside a new file it would be taken for that file's.
            if (File.Exists(_path + "-wal"))
                File.Move(_path + "-wal", newPath + "-wal", overwrite: true);
            File.Delete(_path + "-shm");
            File.Move(_path, newPath, overwrite: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Report(Outage.Opening, $"{reason}, and the file cannot be moved: {failure.Message}");
            return false;
        }

        Say(LogSeverity.Warning, $"{_path} is damaged ({reason}); it is now {newPath} and a new one is begun");
        return true;
    }

    private void Report(Outage outage, string reason)
    {
        if (_outage is Outage.None && outage is Outage.Opening)
            Post(new StoreNews.Line(LogSeverity.Error, $"open database {_path}: {reason}")); // Postfix's words
        else if (_outage is Outage.None)
            Say(LogSeverity.Warning, $"cannot write {_path}: {reason}; passes are kept in memory until it works");
        if (_outage < outage)
            _outage = outage;
    }

    private void EndOutage()
    {
        if (_outage is not Outage.None)
            Say(LogSeverity.Info, $"{_path} works again");
        _outage = Outage.None;
    }

    private void Learn(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (AllowlistRow.TryReadAddress(key, out var address))
        {
            _knowsClients = true;
            _chunk.Add(new(address, CacheRecord.Parse(value[..Math.Min(value.Length, LongestValue)])));
            if (_chunk.Count == ChunkSize)
                PostChunk();
        }
        else if (AllowlistRow.TryReadTime(key, CacheRecord.LastCleanupKey, value, out var time))
        {
            _lastCleanup = time;
        }
        else if (AllowlistRow.TryReadTime(key, AllowlistDatabase.ImportedKey, value, out var until))
        {
            _importedUntil = until;
        }
    }

    private void PostChunk()
    {
        if (_chunk.Count == 0)
            return;
        Post(new StoreNews.Learned(_chunk, IsImported: false));
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
        ? _knowsClients && file.Changed <= changed
        : new DateTimeOffset(file.Changed!.Value).ToUnixTimeSeconds() <= _importedUntil;

    private string Remedy(string map) =>
        $"{(_location.IsLmdb ? "" : "it is tried again at the next start; ")}where it can be read, \"postmap -s {map} | postern allowlist import -\" adds what it has";

    private void Import(EarlierPasses file, long startedAt, PassesDump dump)
    {
        if (dump.Problem is { } reason)
        {
            Say(LogSeverity.Warning, $"cannot import {file.Path}: {reason}{(file.Map is { } map ? "; " + Remedy(map) : "")}");
            return;
        }

        _importedUntil = startedAt;
        Attempt(database => database.Import(dump, startedAt, Learn), isWrite: true);
        for (var start = 0; start < dump.Entries.Count; start += ChunkSize)
        {
            var chunk = dump.Entries.GetRange(start, Math.Min(ChunkSize, dump.Entries.Count - start));
            Post(new StoreNews.Learned(chunk, IsImported: true));
        }

        Say(LogSeverity.Info, $"imported {dump.Entries.Count} entries from {file.Path}");
    }

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
        if (_location.PostscreenFile is not { Changed: not null } file || _options.PostmapPath is null || _importing is not null || _database is not AllowlistDatabase database)
            return;
        var records = new List<KeyValuePair<IpAddress, TestExpiry>>();
        var problem = database.ReadForPostscreen(MaxWrittenBack, (key, value) =>
        {
            if (AllowlistRow.TryReadAddress(key, out var client))
                records.Add(new(client, CacheRecord.Parse(value)));
        }, out var last)?.Reason;
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
