using System.Diagnostics;
using Postern.Native;
using SQLitePCL;

namespace Postern.Storage;

/// <summary>
/// One connection to an SQLite file, used by one thread. SQLite is called directly: result codes are values, and nothing is
/// allocated for a row.
/// </summary>
internal sealed class SqliteFile : IDisposable
{
    // NORMAL: a commit is in the system's hands at once, so a killed process loses nothing; fsync happens at checkpoints, so a
    // crash of the machine may cost the last passes, which costs their clients one more test.
    private const string Modes = "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA journal_size_limit=4194304;";

    private readonly sqlite3 _connection;
    private readonly ulong? _inode;
    private readonly List<sqlite3_stmt> _statements = [];

    static SqliteFile() => Batteries_V2.Init();

    private SqliteFile(sqlite3 connection, string path) => (_connection, Path, _inode) = (connection, path, FileFacts.Of(path)?.Inode);

    /// <summary>Loads the library while the process may still read the folder it lies in.</summary>
    public static void LoadLibrary() => _ = raw.sqlite3_libversion_number();

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>Whether the name leads to another file by now, or to none.</summary>
    public bool HasMoved => FileFacts.Of(Path)?.Inode != _inode;

    /// <summary>The number of the row that was inserted last.</summary>
    public long LastRow => raw.sqlite3_last_insert_rowid(_connection);

    /// <summary>Opens the file.</summary>
    /// <param name="mayCreate">Whether to make one that only its owner can read, where there is none.</param>
    /// <param name="cacheSize">Bytes of it to keep in memory.</param>
    /// <param name="busyTimeout">How long to wait for another process's lock, each time.</param>
    /// <param name="file">Null on failure, except for damage: then it is what there is to set aside.</param>
    public static StoreProblem? Open(string path, bool mayCreate, int cacheSize, TimeSpan busyTimeout, out SqliteFile? file)
    {
        file = null;
        if (mayCreate && CreateFile(path) is { } reason)
            return StoreProblem.OfSqlite(raw.SQLITE_CANTOPEN, reason);
        var code = raw.sqlite3_open_v2(path, out var connection, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_NOMUTEX, null);
        if (code != raw.SQLITE_OK)
        {
            var problem = StoreProblem.OfSqlite(code & 0xff, raw.sqlite3_errstr(code).utf8_to_string());
            connection?.Dispose();
            return problem;
        }

        raw.sqlite3_busy_timeout(connection, (int)busyTimeout.TotalMilliseconds);
        file = new SqliteFile(connection, path);
        var failure = file.SetModes(busyTimeout) ?? file.Execute($"PRAGMA cache_size=-{cacheSize / 1024}");
        if (failure is { IsDamage: false })
        {
            file.Dispose();
            file = null;
        }

        return failure;
    }

    /// <summary>Runs statements that give no rows, or whose rows nobody wants.</summary>
    public StoreProblem? Execute(string sql)
    {
        var code = raw.sqlite3_exec(_connection, sql);
        return code == raw.SQLITE_OK ? null : Problem(code);
    }

    /// <summary>Compiles a statement, which ends with the connection.</summary>
    public StoreProblem? Compile(string sql, out sqlite3_stmt? statement)
    {
        var code = raw.sqlite3_prepare_v3(_connection, sql, raw.SQLITE_PREPARE_PERSISTENT, out statement);
        if (code == raw.SQLITE_OK)
        {
            _statements.Add(statement);
            return null;
        }

        // Our own few statements fail to compile only against a table that is not ours.
        return code == raw.SQLITE_ERROR ? StoreProblem.OfSqlite(raw.SQLITE_NOTADB, Problem(code).Reason) : Problem(code);
    }

    /// <summary>The number that a statement gives; 0 if it gives no row, or NULL.</summary>
    public StoreProblem? ReadNumber(sqlite3_stmt statement, out long number)
    {
        var code = raw.sqlite3_step(statement);
        number = code == raw.SQLITE_ROW ? raw.sqlite3_column_int64(statement, 0) : 0;
        var problem = code is raw.SQLITE_ROW or raw.SQLITE_DONE ? null : Problem(code);
        raw.sqlite3_reset(statement);
        return problem;
    }

    /// <inheritdoc cref="ReadNumber(sqlite3_stmt, out long)" />
    public StoreProblem? ReadNumber(string sql, out long number)
    {
        number = 0;
        return Compile(sql, out var statement) ?? ReadNumber(statement!, out number);
    }

    /// <summary>The next row.</summary>
    /// <returns>False at the end, or with a problem; the statement is then ready to be run again.</returns>
    public bool TryRead(sqlite3_stmt statement, ref StoreProblem? problem)
    {
        var code = raw.sqlite3_step(statement);
        if (code == raw.SQLITE_ROW)
            return true;
        problem = code == raw.SQLITE_DONE ? null : Problem(code);
        raw.sqlite3_reset(statement);
        return false;
    }

    /// <summary>Runs a statement that writes.</summary>
    /// <param name="changed">How many rows it changed.</param>
    public StoreProblem? Write(sqlite3_stmt statement, out int changed)
    {
        var code = raw.sqlite3_step(statement);
        changed = code == raw.SQLITE_DONE ? raw.sqlite3_changes(_connection) : 0;
        var problem = code == raw.SQLITE_DONE ? null : Problem(code);
        raw.sqlite3_reset(statement);
        return problem;
    }

    /// <summary>Commits what has been written since BEGIN, or undoes it.</summary>
    /// <param name="problem">Null: all went well.</param>
    public StoreProblem? End(StoreProblem? problem)
    {
        problem ??= Execute("COMMIT");
        if (problem is not null)
            Execute("ROLLBACK"); // fails where SQLite has rolled back by itself
        return problem;
    }

    public void Dispose()
    {
        foreach (var statement in _statements)
            statement.Dispose();
        _statements.Clear();
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

    private StoreProblem Problem(int code) => StoreProblem.OfSqlite(code & 0xff, raw.sqlite3_errmsg(_connection).utf8_to_string());
}
