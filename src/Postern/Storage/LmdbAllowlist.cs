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
    public StoreProblem? ReadNew(RowReader reader)
    {
        // Asked before the rows are read: what is written in between is then read twice rather than never.
        var start = Stopwatch.GetTimestamp();
        var problem = _file.ReadLastTransaction(out var number);
        byte[]? last = null;
        do
            problem ??= _file.ReadPart(last, PartSize, _lockLimit, (key, value) => reader(key, value), out last);
        while (problem is null && last is not null);
        if (problem is null)
            (_known, _readAt, _pause) = (number, Stopwatch.GetTimestamp(), Stopwatch.GetElapsedTime(start) * ReadingShare);
        return StoreProblem.OfLmdb(problem);
    }

    /// <inheritdoc />
    public StoreProblem? HasNew(out bool hasNew)
    {
        var problem = _file.ReadLastTransaction(out var number);
        hasNew = problem is null && number != _known && Stopwatch.GetElapsedTime(_readAt) >= _pause;
        return StoreProblem.OfLmdb(problem);
    }

    /// <inheritdoc />
    public StoreProblem? Save(IReadOnlyDictionary<IpAddress, AllowlistChange> changes, long? cleanupCompleted, RowReader others)
    {
        ulong number = 0;
        var problem = _file.ReadLastTransaction(out var before) ?? _file.Write(_lockLimit, change =>
        {
            foreach (var (address, what) in changes)
            {
                if (Write(change, address, what) is not 0 and var code)
                    return code;
            }

            number = change.Number;
            return cleanupCompleted is { } time
                ? change.Put(Encoding.ASCII.GetBytes(CacheRecord.LastCleanupKey), Encoding.ASCII.GetBytes($"{time}"))
                : 0;
        });
        if (problem is null && before == _known && number == before + 1)
            _known = number; // nobody wrote but us
        return StoreProblem.OfLmdb(problem);
    }

    /// <inheritdoc />
    /// <remarks>Up to when that holds the file's own time says: postscreen, whose file it is, knows no keys of ours.</remarks>
    public StoreProblem? Import(PassesDump dump, long until, RowReader others)
    {
        var known = new Dictionary<IpAddress, TestExpiry>();
        var hasCleanup = false;
        var problem = ReadNew((key, value) =>
        {
            others(key, value);
            if (AllowlistRow.TryReadAddress(key, out var client))
                known[client] = CacheRecord.Parse(value);
            hasCleanup |= Ascii.Equals(key, CacheRecord.LastCleanupKey);
        });
        var cleanup = hasCleanup ? null : dump.LastCleanup;
        foreach (var part in dump.Entries.Chunk(PartSize)) // no lock is held for long
        {
            var changes = new Dictionary<IpAddress, AllowlistChange>();
            foreach (var (client, expiry) in part)
            {
                var later = known.TryGetValue(client, out var record) ? RecordText.Later(record, expiry) : expiry;
                if (later != record)
                    changes[client] = new AllowlistChange(later, IsForgotten: false);
            }

            problem ??= Save(changes, cleanup, others);
            cleanup = null;
        }

        return problem;
    }

    /// <inheritdoc />
    public void Dispose() => _file.Dispose();

    private static int Write(LmdbChange change, IpAddress address, AllowlistChange what)
    {
        Span<byte> key = stackalloc byte[IpAddress.MaxTextLength];
        Span<byte> value = stackalloc byte[CacheRecord.MaxLength];
        key = key[..address.Format(key)];
        if (!what.IsForgotten)
            return change.Put(key, value[..CacheRecord.Format(what.Expiry, value)]);
        var judged = what.Expiry;
        return change.DeleteIf(key, found => CacheRecord.Parse(found) == judged); // else another process knows better
    }
}
