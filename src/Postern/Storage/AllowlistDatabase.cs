using System.Diagnostics;
using System.Globalization;
using System.Text;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Native;
using SQLitePCL;

namespace Postern.Storage;

/// <summary>
/// The SQLite file with the passes, one connection, used by one thread. Rows have postscreen's key and value text:
/// <code>sqlite3 FILE 'SELECT address, record FROM allowlist'</code>
/// A written row gets a new, highest number, so "what did the others write?" is "which numbers have I not seen?".
/// SQLite is called directly: result codes are values, and nothing is allocated for a row.
/// </summary>
internal sealed class AllowlistDatabase : IAllowlistStore
{
    /// <summary>Special key: up to when earlier files were taken over, as decimal Unix time.</summary>
    public const string ImportedKey = "_POSTERN_IMPORT_COMPLETED_";

    /// <summary>Special key: the number of the last row that is in postscreen's own file as well, in decimal.</summary>
    public const string WrittenBackKey = "_POSTERN_WRITTEN_BACK_";

    private const int SchemaVersion = 1;

    // One page cache of 256 KB will do for a file that is read once and then only appended to. NORMAL: a commit is in the
    // system's hands at once, so a killed process loses nothing; fsync happens at checkpoints, so a crash of the machine
    // may cost the last passes, which costs their clients one more test.
    private const string Modes =
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-256; PRAGMA journal_size_limit=4194304;";

    private readonly sqlite3 _connection;
    private readonly ulong? _inode;
    private sqlite3_stmt? _read;
    private sqlite3_stmt? _put;
    private sqlite3_stmt? _putIfAbsent;
    private sqlite3_stmt? _find;
    private sqlite3_stmt? _forget;
    private sqlite3_stmt? _dataVersion;
    private long _knownDataVersion;

    static AllowlistDatabase() => Batteries_V2.Init();

    private AllowlistDatabase(sqlite3 connection, string path) =>
        (_connection, Path, _inode) = (connection, path, FileFacts.Of(path)?.Inode);

    /// <summary>Loads the library while the process may still read the folder it lies in.</summary>
    public static void LoadLibrary() => _ = raw.sqlite3_libversion_number();

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <inheritdoc />
    /// <remarks>A number given to each file when it is made: inode numbers come back. Zero: not known yet.</remarks>
    public long Id { get; private set; }

    /// <inheritdoc />
    /// <remarks>The highest number of a row that was read or written.</remarks>
    public long Seen { get; set; }

    /// <inheritdoc />
    public bool HasMoved => FileFacts.Of(Path)?.Inode != _inode;

    /// <summary>Opens the file, or makes one that only its owner can read.</summary>
    /// <param name="database">Null on failure, except for damage: then it is what there is to set aside.</param>
    public static StoreProblem? Open(string path, TimeSpan busyTimeout, out AllowlistDatabase? database)
    {
        database = null;
        if (CreateFile(path) is { } reason)
            return StoreProblem.OfSqlite(raw.SQLITE_CANTOPEN, reason);
        var code = raw.sqlite3_open_v2(path, out var connection, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_NOMUTEX, null);
        if (code != raw.SQLITE_OK)
        {
            var problem = StoreProblem.OfSqlite(code & 0xff, raw.sqlite3_errstr(code).utf8_to_string());
            connection?.Dispose();
            return problem;
        }

        raw.sqlite3_busy_timeout(connection, (int)busyTimeout.TotalMilliseconds);
        database = new AllowlistDatabase(connection, path);
        var failure = database.SetUp(busyTimeout);
        if (failure is { IsDamage: false })
        {
            database.Dispose();
            database = null;
        }

        return failure;
    }

    /// <inheritdoc />
    public StoreProblem? ReadNew(RowReader reader)
    {
        // Asked before the rows are read: what is written in between is then read twice rather than never.
        if (ReadDataVersion(out var version) is { } problem)
            return problem;
        if (ReadRows(reader) is { } failure)
            return failure;
        _knownDataVersion = version;
        return null;
    }

    /// <inheritdoc />
    public StoreProblem? HasNew(out bool hasNew)
    {
        var problem = ReadDataVersion(out var version);
        hasNew = version != _knownDataVersion;
        return problem;
    }

    /// <inheritdoc />
    public StoreProblem? Save(IReadOnlyDictionary<IpAddress, AllowlistChange> changes, long? cleanupCompleted, RowReader others)
    {
        return Execute("BEGIN IMMEDIATE") ?? Commit(ReadRows(others) ?? WriteChanges() ?? WriteCleanup());

        StoreProblem? WriteChanges()
        {
            Span<byte> key = stackalloc byte[IpAddress.MaxTextLength];
            Span<byte> value = stackalloc byte[CacheRecord.MaxLength];
            foreach (var (address, change) in changes)
            {
                var statement = change.IsForgotten ? _forget! : _put!;
                if (Write(statement, key[..address.Format(key)], value[..CacheRecord.Format(change.Expiry, value)]) is { } problem)
                    return problem;
            }

            return null;
        }

        StoreProblem? WriteCleanup() =>
            cleanupCompleted is { } time ? Write(_put!, CacheRecord.LastCleanupKey, time) : null;
    }

    /// <inheritdoc />
    public StoreProblem? Import(PassesDump dump, long until, RowReader others)
    {
        var isNew = Seen == 0; // then there is nothing that the earlier file has not
        return Execute("BEGIN IMMEDIATE") ?? Commit(ReadRows(others) ?? WriteEntries() ?? WriteSpecial());

        StoreProblem? WriteEntries()
        {
            Span<byte> key = stackalloc byte[IpAddress.MaxTextLength];
            Span<byte> value = stackalloc byte[CacheRecord.MaxLength];
            foreach (var (address, expiry) in dump.Entries)
            {
                var row = key[..address.Format(key)];
                var problem = Find(row, out var text);
                TestExpiry? known = text is null ? null : CacheRecord.Parse(text);
                var later = known is { } record ? RecordText.Later(record, expiry) : expiry;
                if (problem is null && later != known)
                    problem = Write(_put!, row, value[..CacheRecord.Format(later, value)]);
                if (problem is not null)
                    return problem;
            }

            return null;
        }

        StoreProblem? WriteSpecial() =>
            (dump.LastCleanup is { } time ? Write(_putIfAbsent!, CacheRecord.LastCleanupKey, time) : null)
            ?? (isNew ? Write(_put!, WrittenBackKey, raw.sqlite3_last_insert_rowid(_connection)) : null)
            ?? Write(_put!, ImportedKey, until);
    }

    /// <summary>Reads what is not in postscreen's own file yet (<see cref="NoteWrittenBack"/>): the last rows of it, where there are too many.</summary>
    /// <param name="last">The number of the last one.</param>
    public StoreProblem? ReadForPostscreen(int maxRows, RowReader reader, out long last)
    {
        last = Seen;
        if (Find(Encoding.ASCII.GetBytes(WrittenBackKey), out var value) is { } failure)
            return failure;
        _ = long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var written);
        var seen = Seen;
        Seen = Math.Max(written, seen - maxRows);
        var problem = ReadRows(reader);
        (last, Seen) = (Seen, Math.Max(Seen, seen));
        return problem;
    }

    /// <summary>Notes that postscreen's own file has all rows up to a number, and nothing that is not here.</summary>
    /// <param name="until">Unix time.</param>
    public StoreProblem? NoteWrittenBack(long last, long until) =>
        Execute("BEGIN IMMEDIATE") ?? Commit(Write(_put!, WrittenBackKey, last) ?? Write(_put!, ImportedKey, until));

    /// <inheritdoc />
    public void Dispose()
    {
        _read?.Dispose();
        _put?.Dispose();
        _putIfAbsent?.Dispose();
        _find?.Dispose();
        _forget?.Dispose();
        _dataVersion?.Dispose();
        _connection.Dispose();
    }

    /// <summary>SQLite would make the file readable by all; its journals follow the file's mode.</summary>
    /// <returns>Why that failed, in the system's words.</returns>
    private static string? CreateFile(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (OperatingSystem.IsLinux())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            // Only a new file is opened here: closing any descriptor of an existing one would drop SQLite's locks on it.
            new FileStream(path, options).Dispose();
            return null;
        }
        catch (IOException) when (File.Exists(path))
        {
            return null; // the usual case
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return Errno.ReasonOf(failure);
        }
    }

    private StoreProblem? SetUp(TimeSpan busyTimeout)
    {
        if (SetModes(busyTimeout) is { } refusal)
            return refusal;
        if (ReadNumber("PRAGMA user_version", out var version) is { } problem)
            return problem;
        if (version is not (0 or SchemaVersion))
            return StoreProblem.OfSqlite(raw.SQLITE_NOTADB, $"unknown version {version} of the file's layout");
        var failure = (version == 0 ? Execute(CreateTable) : null)
            ?? Compile("SELECT number, address, record FROM allowlist WHERE number > ? ORDER BY number", out _read)
            ?? Compile("REPLACE INTO allowlist(address, record) VALUES(?, ?)", out _put)
            ?? Compile("INSERT OR IGNORE INTO allowlist(address, record) VALUES(?, ?)", out _putIfAbsent)
            ?? Compile("SELECT record FROM allowlist WHERE address = ?", out _find)
            ?? Compile("DELETE FROM allowlist WHERE address = ? AND record = ?", out _forget)
            ?? Compile("PRAGMA data_version", out _dataVersion)
            ?? ReadNumber("PRAGMA application_id", out version);
        Id = version;
        return failure;
    }

    /// <summary>SQLite does not wait for the lock it needs to make a new file a WAL one: another process may be at it.</summary>
    private StoreProblem? SetModes(TimeSpan busyTimeout)
    {
        var start = Stopwatch.GetTimestamp();
        while (true)
        {
            var problem = Execute(Modes);
            if (problem is not { Code: raw.SQLITE_BUSY } || Stopwatch.GetElapsedTime(start) >= busyTimeout)
                return problem;
            Thread.Sleep(5);
        }
    }

    private static string CreateTable =>
        "BEGIN IMMEDIATE;"
        + "CREATE TABLE IF NOT EXISTS allowlist(number INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL UNIQUE, record TEXT NOT NULL);"
        + $"PRAGMA application_id={Random.Shared.Next(1, int.MaxValue)}; PRAGMA user_version={SchemaVersion}; COMMIT";

    private StoreProblem? Compile(string sql, out sqlite3_stmt? statement)
    {
        var code = raw.sqlite3_prepare_v3(_connection, sql, raw.SQLITE_PREPARE_PERSISTENT, out statement);
        if (code == raw.SQLITE_OK)
            return null;
        // Our own few statements fail to compile only against a table that is not ours.
        return code == raw.SQLITE_ERROR ? StoreProblem.OfSqlite(raw.SQLITE_NOTADB, Problem(code).Reason) : Problem(code);
    }

    private StoreProblem? ReadDataVersion(out long version) => ReadNumber(_dataVersion!, out version);

    private StoreProblem? ReadNumber(string sql, out long number)
    {
        number = 0;
        if (Compile(sql, out var statement) is { } problem)
            return problem;
        using (statement)
            return ReadNumber(statement!, out number);
    }

    private StoreProblem? ReadNumber(sqlite3_stmt statement, out long number)
    {
        var code = raw.sqlite3_step(statement);
        number = code == raw.SQLITE_ROW ? raw.sqlite3_column_int64(statement, 0) : 0;
        var problem = code == raw.SQLITE_ROW ? null : Problem(code);
        raw.sqlite3_reset(statement);
        return problem;
    }

    private StoreProblem? ReadRows(RowReader reader)
    {
        var read = _read!;
        raw.sqlite3_bind_int64(read, 1, Seen);
        int code;
        while ((code = raw.sqlite3_step(read)) == raw.SQLITE_ROW)
        {
            reader(raw.sqlite3_column_blob(read, 1), raw.sqlite3_column_blob(read, 2));
            Seen = raw.sqlite3_column_int64(read, 0);
        }

        var problem = code == raw.SQLITE_DONE ? null : Problem(code);
        raw.sqlite3_reset(read);
        return problem;
    }

    /// <param name="value">Null: there is no such row.</param>
    private StoreProblem? Find(ReadOnlySpan<byte> key, out byte[]? value)
    {
        var find = _find!;
        raw.sqlite3_bind_text(find, 1, key);
        var code = raw.sqlite3_step(find);
        value = code == raw.SQLITE_ROW ? raw.sqlite3_column_blob(find, 0).ToArray() : null;
        var problem = code is raw.SQLITE_ROW or raw.SQLITE_DONE ? null : Problem(code);
        raw.sqlite3_reset(find);
        return problem;
    }

    private StoreProblem? Write(sqlite3_stmt statement, string key, long seconds)
    {
        Span<byte> value = stackalloc byte[20];
        seconds.TryFormat(value, out var length);
        return Write(statement, Encoding.ASCII.GetBytes(key), value[..length]);
    }

    private StoreProblem? Write(sqlite3_stmt statement, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        raw.sqlite3_bind_text(statement, 1, key);
        raw.sqlite3_bind_text(statement, 2, value);
        var code = raw.sqlite3_step(statement);
        var problem = code == raw.SQLITE_DONE ? null : Problem(code);
        raw.sqlite3_reset(statement);
        return problem;
    }

    private StoreProblem? Commit(StoreProblem? problem)
    {
        problem ??= Execute("COMMIT");
        if (problem is null)
            Seen = Math.Max(Seen, raw.sqlite3_last_insert_rowid(_connection)); // our own rows are no news
        else
            Execute("ROLLBACK"); // fails where SQLite has rolled back by itself
        return problem;
    }

    private StoreProblem? Execute(string sql)
    {
        var code = raw.sqlite3_exec(_connection, sql);
        return code == raw.SQLITE_OK ? null : Problem(code);
    }

    private StoreProblem Problem(int code) => StoreProblem.OfSqlite(code & 0xff, raw.sqlite3_errmsg(_connection).utf8_to_string());
}
