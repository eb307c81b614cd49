using System.Diagnostics;
using System.Text;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Lmdb;
using Postern.Native;

namespace Postern.Storage;

/// <summary>
/// The passes in an LMDB file that postscreen and other Posterns may use at the same time. The file does not say what is
/// new in it: a change is seen by the number of the last transaction, and then all is read again, so seldom that it takes
/// a small part of the time. Who cannot wait for that asks for one client (<see cref="AllowlistLookups"/>).
/// </summary>
internal sealed class LmdbAllowlist : IAllowlistStore
{
    /// <summary>Rows read under one lock, about a quarter of a millisecond: postscreen waits for the lock in its event loop.</summary>
    private const int PartSize = 512;

    /// <summary>Reading all again may take one part in so many of the time.</summary>
    private const int ReadingShare = 50;

    private readonly LmdbFile _file;
    private readonly TimeSpan _lockLimit;
    private ulong _known;
    private ulong _reading;
    private long _readAt;
    private TimeSpan _pause;

    private LmdbAllowlist(LmdbFile file, TimeSpan lockLimit) => (_file, _lockLimit) = (file, lockLimit);

    /// <inheritdoc />
    public long Id => _file.Id;

    /// <inheritdoc />
    /// <remarks>Rows have no numbers.</remarks>
    public long Seen { get; set; }

    /// <inheritdoc />
    public bool HasMoved => _file.HasMoved;

    /// <summary>Opens the file, or makes one that only its owner can read.</summary>
    /// <param name="note">Told when the file's size limit is raised.</param>
    public static StoreProblem? Open(string path, AllowlistOptions options, Action<string> note, out LmdbAllowlist? store)
    {
        var problem = LmdbFile.Open(Latin1.OfText(path), isReadOnly: false, options.LmdbMapSize, options.BusyTimeout, note, out var file);
        store = file is null ? null : new LmdbAllowlist(file, options.BusyTimeout);
        return StoreProblem.OfLmdb(problem);
    }

    /// <inheritdoc />
    public StoreProblem? ReadFacts(out StoreFacts facts)
    {
        var key = Encoding.ASCII.GetBytes(CacheRecord.LastCleanupKey);
        byte[]? cleanup = null;
        var problem = _file.Count(_lockLimit, out var rows) ?? _file.Find(key, _lockLimit, out cleanup);
        var isSaid = AllowlistRow.TryReadTime(key, CacheRecord.LastCleanupKey, cleanup, out var time);
        facts = new StoreFacts(Math.Max(0, rows - (cleanup is null ? 0 : 1)), isSaid ? time : null);
        return StoreProblem.OfLmdb(problem);
    }

    /// <inheritdoc />
    public StoreProblem? Find(IpAddress client, out TestExpiry? record)
    {
        Span<byte> key = stackalloc byte[IpAddress.MaxTextLength];
        var problem = _file.Find(key[..client.Format(key)], _lockLimit, out var value);
        record = value is null ? null : AllowlistRow.ReadRecord(value);
        return StoreProblem.OfLmdb(problem);
    }

    /// <inheritdoc />
    public StoreProblem? ReadPart(byte[]? after, int most, RecordReader take, out byte[]? last)
    {
        if (after is null)
        {
            _file.ReadLastTransaction(out _reading);
            _readAt = Stopwatch.GetTimestamp();
        }

        var problem = _file.ReadPart(after, Math.Min(most, PartSize), _lockLimit, Take, out last);
        if (problem is null && last is null)
        {
            _known = _reading; // what was written meanwhile is read twice rather than never
            (_readAt, _pause) = (Stopwatch.GetTimestamp(), Stopwatch.GetElapsedTime(_readAt) * ReadingShare);
        }

        return StoreProblem.OfLmdb(problem);

        void Take(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
        {
            if (AllowlistRow.TryReadAddress(key, out var client))
                take(client, AllowlistRow.ReadRecord(value));
        }
    }

    /// <inheritdoc />
    public StoreProblem? ReadNews(RecordReader take, out bool isIncomplete)
    {
        var problem = _file.ReadLastTransaction(out var number);
        isIncomplete = problem is null && number != _known && Stopwatch.GetElapsedTime(_readAt) >= _pause;
        return StoreProblem.OfLmdb(problem);
    }

    /// <inheritdoc />
    public StoreProblem? Save(StoreBatch batch, RecordReader others)
    {
        ulong number = 0;
        var problem = _file.ReadLastTransaction(out var before) ?? _file.Write(_lockLimit, change =>
        {
            batch.Merged.Clear();
            foreach (var (address, what) in batch.Changes)
            {
                if (Write(change, address, what, batch) is not 0 and var code)
                    return code;
            }

            number = change.Number;
            return batch.CleanupCompleted is { } time
                ? change.Put(Encoding.ASCII.GetBytes(CacheRecord.LastCleanupKey), Encoding.ASCII.GetBytes($"{time}"))
                : 0;
        });
        if (problem is null && before == _known && number == before + 1)
            _known = number; // nobody wrote but us
        return StoreProblem.OfLmdb(problem);
    }

    /// <inheritdoc />
    public void Dispose() => _file.Dispose();

    private static int Write(LmdbChange change, IpAddress address, AllowlistChange what, StoreBatch batch)
    {
        Span<byte> key = stackalloc byte[IpAddress.MaxTextLength];
        Span<byte> value = stackalloc byte[CacheRecord.MaxLength];
        key = key[..address.Format(key)];
        if (what.IsForgotten)
        {
            var judged = what.Seen;
            return change.DeleteIf(key, found => judged is null || AllowlistRow.ReadRecord(found) == judged); // else another process knows better
        }

        var code = change.Find(key, out var stored);
        if (code is not (0 or LmdbLibrary.MDB_NOTFOUND))
            return code;
        var record = code == 0 ? ExpiryRules.Merged(AllowlistRow.ReadRecord(stored), what.Seen, what.Expiry, batch.Horizon) : what.Expiry;
        if (record != what.Expiry)
            batch.Merged.Add(new(address, record));
        return change.Put(key, value[..CacheRecord.Format(record, value)]);
    }
}
