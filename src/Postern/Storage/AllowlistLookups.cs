using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Screening;
using Postern.Lmdb;
using Postern.Memcache;
using Postern.ProcessLife;

namespace Postern.Storage;

/// <summary>
/// The thread that asks stores which others write to for single clients, at the moment when these connect: memcached first,
/// then the LMDB file. It also tells memcached what is new. The questions come first, and each has its time: a store that
/// is slow or gone costs its clients a test, and nobody else anything.
/// </summary>
internal sealed class AllowlistLookups : IDisposable
{
    /// <summary>Most questions, and most changes, that wait.</summary>
    private const int MostWaiting = 10_000;

    private static readonly TimeSpan EndTime = TimeSpan.FromSeconds(1);

    private readonly string _name;
    private readonly LmdbReader? _file;
    private readonly MemcacheClient? _memcache;
    private readonly bool _hasBackup;
    private readonly Action _wake;
    private readonly ConcurrentQueue<Question> _questions = new();
    private readonly ConcurrentQueue<Change> _changes = new();
    private readonly ConcurrentQueue<AllowlistAnswer> _answers = new();
    private readonly ConcurrentQueue<StoreNews> _news = new();
    private readonly Dictionary<string, long> _warnedAt = [];
    private readonly AutoResetEvent _ordered = new(false);
    private readonly Thread _thread;
    private readonly Jail? _jail;
    private volatile bool _isEnding;

    /// <param name="name">The map, as log lines name it.</param>
    /// <param name="file">Null: the file behind memory is not LMDB's, or there is none.</param>
    /// <param name="memcache">Null: there is no memcached.</param>
    /// <param name="hasBackup">Whether what memory and <paramref name="file"/> know is all there is, with or without memcached.</param>
    /// <param name="jail">The process is about to go into a jail that the file is outside of; null: it is not.</param>
    /// <param name="wake">Makes the loop look for answers soon; called on this thread.</param>
    public AllowlistLookups(string name, LmdbReader? file, MemcacheClient? memcache, bool hasBackup, Jail? jail, Action wake)
    {
        (_name, _file, _memcache, _hasBackup, _jail, _wake) = (name, file, memcache, hasBackup, jail, wake);
        _thread = new Thread(Work, maxStackSize: 256 * 1024) { IsBackground = true, Name = "allowlist lookups" };
        _thread.Start();
        jail?.WaitForThread();
    }

    private readonly record struct Question(IpAddress Address, ulong Client, long AskedAt);

    private readonly record struct Change(IpAddress Address, AllowlistChange What);

    /// <summary>Asks for an address; the answer comes in any case.</summary>
    public void Ask(IpAddress address, ulong client)
    {
        if (_questions.Count >= MostWaiting)
        {
            _answers.Enqueue(new AllowlistAnswer(client, address, Record: null));
            _wake();
            return;
        }

        _questions.Enqueue(new Question(address, client, Stopwatch.GetTimestamp()));
        _ordered.Set();
    }

    /// <summary>Tells memcached. What it does not take it does not know: clients are then tested again elsewhere.</summary>
    public void Tell(IpAddress address, AllowlistChange change)
    {
        if (_memcache is null)
            return;
        if (_changes.Count < MostWaiting)
            _changes.Enqueue(new Change(address, change));
        else
            WarnOfChange(address, change);
        _ordered.Set();
    }

    public bool TryTake(out AllowlistAnswer answer) => _answers.TryDequeue(out answer);

    /// <summary>A line for the log.</summary>
    public bool TryTakeNews([NotNullWhen(true)] out StoreNews? news) => _news.TryDequeue(out news);

    /// <summary>Ends the thread when memcached has been told everything, or after a second.</summary>
    public void Dispose()
    {
        _isEnding = true;
        _ordered.Set();
        _thread.Join(EndTime + IAllowlistView.AnswerLimit);
        // The event is left to the finalizer: a thread that hangs may still use it.
    }

    private void Work()
    {
        if (_jail is not null && !_jail.StayOutside())
            return;
        while (!_isEnding)
        {
            _ordered.WaitOne();
            while (!_isEnding && DoNext())
            {
            }
        }

        var start = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(start) < EndTime && DoNext())
        {
        }

        _file?.Dispose();
        _memcache?.Dispose();
    }

    private bool DoNext()
    {
        try
        {
            if (_questions.TryDequeue(out var question))
                Answer(question);
            else if (_changes.TryDequeue(out var change))
                Send(change);
            else
                return false;
        }
#pragma warning disable CA1031 // clients are tested, whatever befell it
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Warn("failure", $"{_name}: {failure}".ReplaceLineEndings(" "), LogSeverity.Error);
        }

        return true;
    }

    private void Answer(Question question)
    {
        TestExpiry? record = null;
        var left = IAllowlistView.AnswerLimit - Stopwatch.GetElapsedTime(question.AskedAt);
        if (left <= TimeSpan.Zero || !TryFind(question.Address, left, out record))
            Warn("lookup", $"{_name}: cache lookup for '{question.Address}' failed due to error");
        _answers.Enqueue(new AllowlistAnswer(question.Client, question.Address, record));
        _wake();
    }

    /// <returns>False: it cannot be said whether there is a record.</returns>
    private bool TryFind(IpAddress address, TimeSpan left, out TestExpiry? record)
    {
        record = null;
        var isSure = _hasBackup || _memcache is null;
        if (_memcache is not null && UsesMemcache(address, out record))
            isSure = true;
        if (record is not null || _file is null)
            return isSure;

        Span<byte> key = stackalloc byte[IpAddress.MaxTextLength];
        if (_file.Find(key[..address.Format(key)], left, out var value) is { } problem)
        {
            Warn("file", $"{_name}: {problem.Reason}");
            return false;
        }

        if (value is null)
            return true;
        record = AllowlistRow.ReadRecord(value);
        Tell(address, new AllowlistChange(record.Value, IsForgotten: false, Seen: null));
        return true;
    }

    private bool UsesMemcache(IpAddress address, out TestExpiry? record)
    {
        record = null;
        if (!_memcache!.IsResolved)
            _memcache.Resolve();
        if (_memcache.Get(address.ToString(), out var value) is { } problem)
        {
            Warn("memcache", problem);
            return false;
        }

        if (value is not null)
            record = AllowlistRow.ReadRecord(value);
        return true;
    }

    private void Send(Change change)
    {
        var key = change.Address.ToString();
        var problem = change.What.IsForgotten
            ? _memcache!.Delete(key)
            : _memcache!.Set(key, Encoding.ASCII.GetBytes(CacheRecord.Format(change.What.Expiry)));
        if (problem is null)
            return;
        Warn("memcache", problem);
        if (!_hasBackup)
            WarnOfChange(change.Address, change.What);
    }

    private void WarnOfChange(IpAddress address, AllowlistChange change)
    {
        var what = change.IsForgotten ? "delete" : "update";
        Warn(what, $"{_name}: could not {what} entry for {address}");
    }

    /// <summary>Warns, at most once a second of each kind.</summary>
    private void Warn(string kind, string text, LogSeverity severity = LogSeverity.Warning)
    {
        lock (_warnedAt)
        {
            if (_warnedAt.TryGetValue(kind, out var last) && Stopwatch.GetElapsedTime(last) < TimeSpan.FromSeconds(1))
                return;
            _warnedAt[kind] = Stopwatch.GetTimestamp();
        }

        _news.Enqueue(new StoreNews.Line(severity, text));
        _wake();
    }
}
