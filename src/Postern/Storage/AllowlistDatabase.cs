using System.Buffers.Binary;
using System.Text;
using Postern.Core;
using Postern.Core.Allowlist;
using SQLitePCL;

namespace Postern.Storage;

/// <summary>
/// The SQLite file with the passes, one connection, used by one thread.
/// <code>
/// clients   address (4 or 16 bytes, network order), record (PackedRecord); the file is this one tree
/// news      number, address: the last 100,000 that were written, each with a new, highest number
/// facts     name, value: how many clients there are; when the cleanup ended, up to when earlier files are here
/// </code>
/// "What did the others write?" is "which numbers have I not seen?". <c>postern allowlist export</c> gives the text.
/// </summary>
internal sealed class AllowlistDatabase : IAllowlistStore
{
    /// <summary>Version 1, in a file of another name, had text (<see cref="FirstLayout"/>).</summary>
    private const int SchemaVersion = 2;

    /// <summary>Numbers that are kept: some minutes of a busy server. Who was away for longer reads everything.</summary>
    private const int NewsKept = 100_000;

    private const string ClientsFact = "clients", CleanupFact = "cleanup", ImportFact = "import", WrittenBackFact = "written back";

    private readonly SqliteFile _file;
    private sqlite3_stmt? _find, _part, _put, _forget, _tell, _trim, _news, _fact, _setFact, _dataVersion, _oldest, _newest;
    private long _knownDataVersion = -1;

    private AllowlistDatabase(SqliteFile file) => _file = file;

    /// <inheritdoc cref="SqliteFile.Path" />
    public string Path => _file.Path;

    /// <inheritdoc />
    /// <remarks>A number given to each file when it is made: inode numbers come back. Zero: not known yet.</remarks>
    public long Id { get; private set; }

    /// <inheritdoc />
    public long Seen { get; set; } = -1;

    /// <inheritdoc />
    public bool HasMoved => _file.HasMoved;

    /// <summary>Opens the file, or makes one that only its owner can read.</summary>
    /// <param name="cacheSize">Bytes of it to keep in memory.</param>
    /// <param name="database">Null on failure, except for damage: then it is what there is to set aside.</param>
    public static StoreProblem? Open(string path, int cacheSize, TimeSpan busyTimeout, out AllowlistDatabase? database)
    {
        var failure = SqliteFile.Open(path, mayCreate: true, cacheSize, busyTimeout, out var file);
        database = file is null ? null : new AllowlistDatabase(file);
        failure ??= database!.SetUp();
        if (failure is { IsDamage: false })
        {
            database?.Dispose();
            database = null;
        }

        return failure;
    }

    /// <inheritdoc />
    public StoreProblem? ReadFacts(out StoreFacts facts)
    {
        long cleanup = 0, import = 0;
        var problem = ReadFact(ClientsFact, out var clients) ?? ReadFact(CleanupFact, out cleanup) ?? ReadFact(ImportFact, out import);
        facts = new StoreFacts(clients, cleanup == 0 ? null : cleanup, import == 0 ? null : import);
        return problem;
    }

    /// <inheritdoc />
    public StoreProblem? Find(IpAddress client, out TestExpiry? record)
    {
        record = null;
        Span<byte> key = stackalloc byte[16];
        var find = _find!;
        raw.sqlite3_bind_blob(find, 1, WriteKey(client, key));
        StoreProblem? problem = null;
        if (!_file.TryRead(find, ref problem))
            return problem;
        record = PackedRecord.Read(raw.sqlite3_column_blob(find, 0));
        raw.sqlite3_reset(find);
        return null;
    }

    /// <inheritdoc />
    public StoreProblem? ReadPart(byte[]? after, int most, RecordReader take, out byte[]? last)
    {
        var part = _part!;
        raw.sqlite3_bind_blob(part, 1, after ?? []);
        raw.sqlite3_bind_int(part, 2, most);
        last = null;
        StoreProblem? problem = null;
        for (var count = 1; _file.TryRead(part, ref problem); count++)
        {
            var key = raw.sqlite3_column_blob(part, 0);
            if (count == most)
                last = key.ToArray();
            if (key.Length is 4 or 16)
                take(IpAddress.FromBytes(key), PackedRecord.Read(raw.sqlite3_column_blob(part, 1)));
        }

        return problem;
    }

    /// <summary>Reads what can still be read of a damaged file, on both sides of the pages that cannot.</summary>
    public void Salvage(RecordReader take)
    {
        const int Prefixes = 1 << 16;
        for (var prefix = 0; prefix < Prefixes; prefix++)
        {
            byte[]? after = [(byte)(prefix >> 8), (byte)prefix];
            var reached = prefix;
            StoreProblem? problem;
            do
                problem = ReadPart(after, most: 100, (IpAddress client, in TestExpiry record) => Note(client, record), out after);
            while (problem is null && after is not null);
            if (problem is null)
                return;
            prefix = Math.Max(prefix, reached);

            void Note(IpAddress client, in TestExpiry record)
            {
                Span<byte> room = stackalloc byte[16];
                reached = BinaryPrimitives.ReadUInt16BigEndian(WriteKey(client, room));
                take(client, record);
            }
        }
    }

    /// <inheritdoc />
    public StoreProblem? ReadNews(RecordReader take, out bool isIncomplete)
    {
        // Asked before the rows are read: what is written in between is then read twice rather than never.
        isIncomplete = false;
        if (_file.ReadNumber(_dataVersion!, out var version) is { } problem)
            return problem;
        if (version == _knownDataVersion)
            return null;
        if (ReadRows(take, out isIncomplete) is { } failure)
            return failure;
        _knownDataVersion = version;
        return null;
    }

    /// <inheritdoc />
    public StoreProblem? Save(StoreBatch batch, RecordReader others)
    {
        if (_file.Execute("BEGIN IMMEDIATE") is { } refusal)
            return refusal;
        var isIncomplete = false;
        var wrote = false;
        var seen = Seen;
        var problem = _file.End(ReadRows(others, out isIncomplete) ?? Write(batch, out wrote));
        if (problem is not null || isIncomplete)
            Seen = seen; // the whole is read when its turn comes
        else if (wrote)
            Seen = Math.Max(Seen, _file.LastRow); // our own rows are no news
        return problem;
    }

    /// <summary>Reads what is not in postscreen's own file yet (<see cref="NoteWrittenBack"/>), as far back as there are news.</summary>
    /// <param name="last">The number of the last one.</param>
    public StoreProblem? ReadForPostscreen(RecordReader take, out long last)
    {
        var seen = Seen;
        last = Math.Max(seen, 0);
        if (ReadFact(WrittenBackFact, out var written) is { } failure)
            return failure;
        Seen = written;
        var problem = ReadRows(take, out _);
        (last, Seen) = (Seen, Math.Max(Seen, seen));
        return problem;
    }

    /// <summary>Notes that postscreen's own file has all rows up to a number, and nothing that is not here.</summary>
    /// <param name="until">Unix time.</param>
    public StoreProblem? NoteWrittenBack(long last, long until) =>
        _file.Execute("BEGIN IMMEDIATE") ?? _file.End(SetFact(WrittenBackFact, last) ?? SetFact(ImportFact, until));

    /// <inheritdoc />
    public void Dispose() => _file.Dispose();

    private StoreProblem? SetUp()
    {
        if (_file.ReadNumber("PRAGMA user_version", out var version) is { } problem)
            return problem;
        if (version is not (0 or SchemaVersion))
            return StoreProblem.OfSqlite(raw.SQLITE_NOTADB, $"unknown version {version} of the file's layout");
        var failure = (version == 0 ? _file.Execute(CreateTables) : null)
            ?? _file.Compile("SELECT record FROM clients WHERE address = ?", out _find)
            ?? _file.Compile("SELECT address, record FROM clients WHERE address > coalesce(?, x'') ORDER BY address LIMIT ?", out _part)
            ?? _file.Compile("REPLACE INTO clients(address, record) VALUES(?, ?)", out _put)
            ?? _file.Compile("DELETE FROM clients WHERE address = ?1 AND (?2 IS NULL OR record = ?2)", out _forget)
            ?? _file.Compile("INSERT INTO news(address) VALUES(?)", out _tell)
            ?? _file.Compile("DELETE FROM news WHERE number <= ?", out _trim)
            ?? _file.Compile("SELECT n.number, n.address, c.record FROM news n LEFT JOIN clients c ON c.address = n.address WHERE n.number > ? ORDER BY n.number", out _news)
            ?? _file.Compile("SELECT value FROM facts WHERE name = ?", out _fact)
            ?? _file.Compile("REPLACE INTO facts(name, value) VALUES(?, ?)", out _setFact)
            ?? _file.Compile("PRAGMA data_version", out _dataVersion)
            ?? _file.Compile("SELECT min(number) FROM news", out _oldest)
            ?? _file.Compile("SELECT seq FROM sqlite_sequence WHERE name = 'news'", out _newest)
            ?? _file.ReadNumber("PRAGMA application_id", out version);
        Id = version;
        return failure;
    }

    private static string CreateTables =>
        "BEGIN IMMEDIATE;"
        + "CREATE TABLE IF NOT EXISTS clients(address BLOB PRIMARY KEY NOT NULL, record BLOB NOT NULL) WITHOUT ROWID;"
        + "CREATE TABLE IF NOT EXISTS news(number INTEGER PRIMARY KEY AUTOINCREMENT, address BLOB NOT NULL);"
        + "CREATE TABLE IF NOT EXISTS facts(name TEXT PRIMARY KEY NOT NULL, value INTEGER NOT NULL) WITHOUT ROWID;"
        + $"PRAGMA application_id={Random.Shared.Next(1, int.MaxValue)}; PRAGMA user_version={SchemaVersion}; COMMIT";

    private static ReadOnlySpan<byte> WriteKey(IpAddress client, Span<byte> room)
    {
        client.WriteBytes(room);
        return client.IsIPv4 ? room[12..16] : room[..16];
    }

    private StoreProblem? ReadFact(string name, out long value)
    {
        raw.sqlite3_bind_text(_fact!, 1, Encoding.ASCII.GetBytes(name));
        return _file.ReadNumber(_fact!, out value);
    }

    private StoreProblem? SetFact(string name, long? value)
    {
        if (value is null)
            return null;
        raw.sqlite3_bind_text(_setFact!, 1, Encoding.ASCII.GetBytes(name));
        raw.sqlite3_bind_int64(_setFact!, 2, value.Value);
        return _file.Write(_setFact!, out _);
    }

    /// <summary>Reads the news behind <see cref="Seen"/>, and the first time only where they end.</summary>
    private StoreProblem? ReadRows(RecordReader take, out bool isIncomplete)
    {
        isIncomplete = false;
        if (Seen < 0)
        {
            var refusal = _file.ReadNumber(_newest!, out var newest);
            Seen = refusal is null ? newest : -1;
            return refusal;
        }

        if (_file.ReadNumber(_oldest!, out var oldest) is { } problem)
            return problem;
        isIncomplete = oldest > Seen + 1;
        var news = _news!;
        raw.sqlite3_bind_int64(news, 1, Seen);
        StoreProblem? failure = null;
        while (_file.TryRead(news, ref failure))
        {
            Seen = raw.sqlite3_column_int64(news, 0);
            var key = raw.sqlite3_column_blob(news, 1);
            if (key.Length is 4 or 16 && raw.sqlite3_column_type(news, 2) == raw.SQLITE_BLOB)
                take(IpAddress.FromBytes(key), PackedRecord.Read(raw.sqlite3_column_blob(news, 2)));
        }

        return failure;
    }

    private StoreProblem? Write(StoreBatch batch, out bool wrote)
    {
        wrote = false;
        batch.Merged.Clear();
        if (ReadFact(ClientsFact, out var clients) is { } problem)
            return problem;
        var before = clients;
        Span<byte> room = stackalloc byte[16];
        Span<byte> value = stackalloc byte[PackedRecord.MaxLength];
        foreach (var client in InOrder(batch.Changes))
        {
            var change = batch.Changes[client];
            var key = WriteKey(client, room);
            if (change.IsForgotten)
            {
                if (Forget(key, change.Seen, out var gone) is { } refusal)
                    return refusal;
                clients -= gone;
                continue;
            }

            if (Find(client, out var stored) is { } failure)
                return failure;
            var record = stored is { } known ? ExpiryRules.Merged(known, change.Seen, change.Expiry, batch.Horizon) : change.Expiry;
            if (record != change.Expiry)
                batch.Merged.Add(new(client, record));
            if (record == stored)
                continue;
            if ((Put(key, value[..PackedRecord.Write(record, value)]) ?? Tell(key)) is { } trouble)
                return trouble;
            clients += stored is null ? 1 : 0;
            wrote = true;
        }

        if (wrote)
        {
            raw.sqlite3_bind_int64(_trim!, 1, _file.LastRow - NewsKept);
            if (_file.Write(_trim!, out _) is { } failure)
                return failure;
        }

        return (clients != before ? SetFact(ClientsFact, clients) : null)
            ?? SetFact(CleanupFact, batch.CleanupCompleted) ?? SetFact(ImportFact, batch.ImportedUntil)
            ?? SetFact(WrittenBackFact, batch.IsAllOfPostscreen && wrote ? _file.LastRow : null);
    }

    private StoreProblem? Tell(ReadOnlySpan<byte> key)
    {
        raw.sqlite3_bind_blob(_tell!, 1, key);
        return _file.Write(_tell!, out _);
    }

    private StoreProblem? Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        raw.sqlite3_bind_blob(_put!, 1, key);
        raw.sqlite3_bind_blob(_put!, 2, value);
        return _file.Write(_put!, out _);
    }

    /// <param name="judged">The record that may go; null: any.</param>
    private StoreProblem? Forget(ReadOnlySpan<byte> key, TestExpiry? judged, out int gone)
    {
        Span<byte> value = stackalloc byte[PackedRecord.MaxLength];
        raw.sqlite3_bind_blob(_forget!, 1, key);
        if (judged is { } record)
            raw.sqlite3_bind_blob(_forget!, 2, value[..PackedRecord.Write(record, value)]);
        else
            raw.sqlite3_bind_null(_forget!, 2);
        return _file.Write(_forget!, out gone);
    }

    /// <summary>In the order of the tree: neighbours are on one page, which is then read and written once.</summary>
    private static IpAddress[] InOrder(IReadOnlyDictionary<IpAddress, AllowlistChange> changes)
    {
        IpAddress[] clients = [.. changes.Keys];
        Array.Sort(clients, static (one, other) => one.High != other.High ? one.High.CompareTo(other.High) : one.Low.CompareTo(other.Low));
        return clients;
    }
}
