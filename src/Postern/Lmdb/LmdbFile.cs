using System.Text;
using Postern.Native;
using static Postern.Lmdb.LmdbLibrary;

namespace Postern.Lmdb;

/// <summary>Takes one row, without the NULs at the ends of key and value; good until it returns.</summary>
internal delegate void LmdbRowReader(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

/// <summary>
/// An LMDB file as Postfix keeps it: one file, no lock file beside it, fcntl(2) locks for each access, one unnamed
/// database whose keys and values end in NUL. For one thread. Nothing is read before the file was checked: the library
/// trusts what it finds, and a damaged page or a file cut short would end the process.
/// </summary>
internal sealed unsafe class LmdbFile : IDisposable
{
    private static readonly nuint PageSize = (nuint)Environment.SystemPageSize;

    private nint _environment;
    private readonly int _descriptor;
    private readonly bool _isReadOnly;
    private readonly Action<string>? _note;
    private uint _database;
    private ulong _length;

    // As Postfix does it: both forms of a key are tried until the first success tells which one this file has.
    private bool? _keysEndInNul;

    private LmdbFile(nint environment, int descriptor, string path, bool isReadOnly, Action<string>? note) =>
        (_environment, _descriptor, Path, _isReadOnly, _note) = (environment, descriptor, path, isReadOnly, note);

    /// <summary>The file; characters stand for bytes.</summary>
    public string Path { get; }

    /// <summary>Tells this file from others, also from one that gets its inode number later.</summary>
    public long Id { get; private init; }

    /// <summary>Whether the name leads to another file by now, or to none.</summary>
    public bool HasMoved => !TryIdentify(Libc.AT_FDCWD, Path, out var id, out _) || id != Id;

    /// <summary>Opens the file; one that is to be written is made, for its owner's eyes only, where it is missing.</summary>
    /// <param name="path">With its suffix.</param>
    /// <param name="mapSize"><c>lmdb_map_size</c>: bytes that the file may grow to before the limit is raised.</param>
    /// <param name="lockLimit">How long to wait for other processes' locks.</param>
    /// <param name="note">Told of raised limits, in Postfix's words; null: nobody.</param>
    public static LmdbProblem? Open(string path, bool isReadOnly, long mapSize, TimeSpan lockLimit, Action<string>? note, out LmdbFile? file)
    {
        file = null;
        if (!IsInstalled)
            return new LmdbProblem(Errno.ENOENT, "liblmdb.so.0 is not on this machine (package liblmdb0: apt install liblmdb0)");

        // The making of a new file is not safe against another process that does the same, so it is done under the lock.
        // Root reads tables, but writes nothing: allowlists are opened as mail_owner.
        OpenProblem? refused = null;
        var descriptor = isReadOnly ? SafeFile.OpenToRead(path, out refused)
            : Libc.open(path, Libc.O_RDWR | Libc.O_CREAT | Libc.O_CLOEXEC | Libc.O_NONBLOCK, 0b110_000_000);
        if (descriptor < 0)
            return refused is null ? LmdbProblem.OfSystem() : new LmdbProblem(refused.Error, refused.Text);
        try
        {
            if (LmdbLock.Take(descriptor, exclusive: !isReadOnly, lockLimit) is { } refusal)
                return refusal;
            if (LmdbCheck.Run(descriptor, out var length) is { } check)
                return check;
            var problem = OpenChecked(path, isReadOnly, Math.Max(mapSize, 2 * length), note, out var opened);
            if (problem is null && Libc.geteuid() == 0 && (!TryIdentify(descriptor, "", out var id, out _) || id != opened!.Id))
            {
                opened!.Dispose();
                return new LmdbProblem(Errno.EAGAIN, "another file has taken its place meanwhile");
            }

            file = opened;
            return problem;
        }
        finally
        {
            _ = Libc.close(descriptor); // and the lock with it
        }
    }

    /// <summary>Looks one key up.</summary>
    /// <param name="key">Without NUL.</param>
    /// <param name="value">Without NUL; null: there is none.</param>
    public LmdbProblem? Find(ReadOnlySpan<byte> key, TimeSpan lockLimit, out byte[]? value)
    {
        byte[]? found = null;
        Span<byte> terminated = stackalloc byte[key.Length < 511 ? key.Length + 1 : 0]; // no longer keys exist
        if (!key.TryCopyTo(terminated))
        {
            value = null;
            return null;
        }

        fixed (byte* start = terminated)
        {
            var (data, length) = ((nint)start, key.Length);
            var problem = Access(exclusive: false, lockLimit, transaction => Get(transaction, (byte*)data, length, out found));
            value = found;
            return problem;
        }
    }

    /// <summary>Reads the rows after a key, in the order of their bytes.</summary>
    /// <param name="after">The last row of the part before, as it was given; null: from the start.</param>
    /// <param name="most">How many at once: the file is locked meanwhile.</param>
    /// <param name="last">The last row read, to go on with; null: there are no more.</param>
    public LmdbProblem? ReadPart(byte[]? after, int most, TimeSpan lockLimit, LmdbRowReader reader, out byte[]? last)
    {
        byte[]? reached = null;
        var problem = Access(exclusive: false, lockLimit, transaction => ReadPart(transaction, after, most, reader, out reached));
        last = reached;
        return problem;
    }

    /// <summary>Changes the file in one transaction, which is on disk when this returns.</summary>
    /// <param name="change">Called again from the start when the file's size limit had to be raised.</param>
    public LmdbProblem? Write(TimeSpan lockLimit, Func<LmdbChange, int> change) => Access(
        exclusive: true, lockLimit, transaction => change(new LmdbChange(transaction, _database, _keysEndInNul ?? true)));

    /// <summary>Number of rows.</summary>
    public LmdbProblem? Count(TimeSpan lockLimit, out long rows)
    {
        var found = 0L;
        var problem = Access(exclusive: false, lockLimit, transaction =>
        {
            LmdbStatistics statistics;
            var code = mdb_stat(transaction, _database, &statistics);
            found = (long)statistics.Entries;
            return code;
        });
        rows = found;
        return problem;
    }

    /// <summary>The number of the last change, whoever made it. Asks without the lock; for comparing only.</summary>
    public LmdbProblem? ReadLastTransaction(out ulong number)
    {
        number = 0;
        if (CheckLength() is { } problem)
            return problem;
        var info = default(LmdbInfo);
        var code = mdb_env_info(_environment, &info);
        number = info.LastTransaction;
        return code == 0 ? null : LmdbProblem.Of(code);
    }

    public void Dispose()
    {
        if (_environment != 0)
            mdb_env_close(_environment);
        _environment = 0;
    }

    private static LmdbProblem? OpenChecked(string path, bool isReadOnly, long mapSize, Action<string>? note, out LmdbFile? file)
    {
        file = null;
        var code = mdb_env_create(out var environment);
        if (code != 0)
            return LmdbProblem.Of(code);
        var descriptor = -1;
        long id = 0;
        ulong length = 0;
        code = mdb_env_set_mapsize(environment, ((nuint)mapSize + PageSize - 1) / PageSize * PageSize);
        if (code == 0)
            code = mdb_env_open(environment, [.. Encoding.Latin1.GetBytes(path), 0], MDB_NOSUBDIR | MDB_NOLOCK | (isReadOnly ? MDB_RDONLY : 0), 0b110_000_000);
        if (code == 0)
            code = mdb_env_get_fd(environment, out descriptor);
        if (code == 0 && (Libc.fcntl(descriptor, Libc.F_SETFD, Libc.FD_CLOEXEC) != 0 || !TryIdentify(descriptor, "", out id, out length)))
            code = Errno.Last;
        if (code == 0)
        {
            file = new LmdbFile(environment, descriptor, path, isReadOnly, note) { Id = id, _length = length };
            code = file.OpenDatabase();
        }

        if (code == 0)
            return null;
        mdb_env_close(environment);
        file = null;
        return LmdbProblem.Of(code);
    }

    private int OpenDatabase()
    {
        var code = mdb_txn_begin(_environment, 0, MDB_RDONLY, out var transaction);
        if (code != 0)
            return code;
        code = mdb_dbi_open(transaction, null, 0, out _database);
        var end = mdb_txn_commit(transaction);
        return code == 0 ? end : code;
    }

    /// <summary>Runs one transaction under the lock, and again as often as the size limit has to be raised for it.</summary>
    private LmdbProblem? Access(bool exclusive, TimeSpan lockLimit, Func<nint, int> action)
    {
        if (LmdbLock.Take(_descriptor, exclusive, lockLimit) is { } refusal)
            return refusal;
        try
        {
            if (CheckLength() is { } problem)
                return problem;
            while (true)
            {
                var code = RunTransaction(exclusive, action);
                if (code is MDB_MAP_FULL or MDB_MAP_RESIZED)
                    code = RaiseLimit(code);
                else if (code is 0 or MDB_NOTFOUND)
                    return null;
                if (code != 0)
                    return LmdbProblem.Of(code);
            }
        }
        finally
        {
            LmdbLock.Release(_descriptor);
        }
    }

    private int RunTransaction(bool isWrite, Func<nint, int> action)
    {
        var code = mdb_txn_begin(_environment, 0, isWrite ? 0 : MDB_RDONLY, out var transaction);
        if (code != 0)
            return code;
        try
        {
            code = action(transaction);
            if (isWrite && code == 0)
            {
                var toCommit = transaction;
                transaction = 0;
                code = mdb_txn_commit(toCommit);
            }
        }
        finally
        {
            if (transaction != 0)
                mdb_txn_abort(transaction);
        }

        return code;
    }

    private int RaiseLimit(int reason)
    {
        var info = default(LmdbInfo);
        var code = mdb_env_info(_environment, &info);
        if (code != 0)
            return code;
        code = mdb_env_set_mapsize(_environment, reason == MDB_MAP_FULL ? info.MapSize * 2 : 0); // 0: what the file says
        if (code != 0)
            return code;
        code = mdb_env_info(_environment, &info);
        _note?.Invoke($"database lmdb:{WithoutSuffix(Path)}: using size limit {info.MapSize} after {(reason == MDB_MAP_FULL ? "MDB_MAP_FULL" : "MDB_MAP_RESIZED")}");
        return code;
    }

    private int Get(nint transaction, byte* key, int length, out byte[]? value)
    {
        value = null;
        var code = MDB_NOTFOUND;
        foreach (var withNul in (ReadOnlySpan<bool>)[true, false])
        {
            if (code != MDB_NOTFOUND || (_keysEndInNul ?? withNul) != withNul)
                continue;
            var (wanted, found) = (new LmdbValue { Data = key, Length = (nuint)(length + (withNul ? 1 : 0)) }, default(LmdbValue));
            if (wanted.Length == 0)
                continue;
            code = mdb_get(transaction, _database, &wanted, &found);
            if (code != 0)
                continue;
            _keysEndInNul = withNul;
            value = WithoutNul(found.Bytes).ToArray();
        }

        return code;
    }

    private int ReadPart(nint transaction, byte[]? after, int most, LmdbRowReader reader, out byte[]? last)
    {
        last = null;
        var code = mdb_cursor_open(transaction, _database, out var cursor);
        if (code != 0)
            return code;
        try
        {
            LmdbValue key = default, value = default;
            fixed (byte* start = after)
            {
                if (after is not null)
                    key = new LmdbValue { Data = start, Length = (nuint)after.Length };
                code = mdb_cursor_get(cursor, &key, &value, after is null ? MDB_FIRST : MDB_SET_RANGE);
            }

            if (code == 0 && after is not null && key.Bytes.SequenceEqual(after))
                code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
            for (var count = 1; code == 0; count++)
            {
                _keysEndInNul ??= key.Bytes is [.., 0];
                reader(WithoutNul(key.Bytes), WithoutNul(value.Bytes));
                if (count == most)
                {
                    last = key.Bytes.ToArray();
                    break;
                }

                code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
            }

            return code;
        }
        finally
        {
            mdb_cursor_close(cursor);
        }
    }

    /// <summary>These files only grow. One that is shorter than it was has been cut, and touching the map behind its end kills.</summary>
    private LmdbProblem? CheckLength()
    {
        if (!TryIdentify(_descriptor, "", out _, out var length))
            return LmdbProblem.OfSystem();
        if (length < _length)
            return LmdbProblem.Damage("the file has been cut short");
        _length = length;
        return null;
    }

    private static bool TryIdentify(int directory, string path, out long id, out ulong length)
    {
        FileStatus status;
        var isThere = Libc.statx(directory, path, path.Length == 0 ? Libc.AT_EMPTY_PATH : 0, Libc.STATX_BASIC_STATS | Libc.STATX_BTIME, &status) == 0;
        id = isThere ? (uint)HashCode.Combine(status.Inode, status.DeviceMajor, status.DeviceMinor, status.BornSeconds, status.BornNanoseconds) | 1L << 32 : 0;
        length = isThere ? status.Length : 0;
        return isThere;
    }

    private static ReadOnlySpan<byte> WithoutNul(ReadOnlySpan<byte> bytes) => bytes is [.. var text, 0] ? text : bytes;

    private static string WithoutSuffix(string path) => path.EndsWith(".lmdb", StringComparison.Ordinal) ? path[..^5] : path;
}
