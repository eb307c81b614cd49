using Postern.Core;
using Postern.Core.Allowlist;
using SQLitePCL;

namespace Postern.Storage;

/// <summary>
/// The file that Postern kept passes in before version 2 of the layout, <c>PATH.postern.sqlite</c>: rows of postscreen's key and
/// value text. It is read, in parts, until all of it is in the new file.
/// </summary>
internal sealed class FirstLayout : IDisposable
{
    /// <summary>The key beside the addresses that says up to when earlier files were taken over, as decimal Unix time.</summary>
    public const string ImportedKey = "_POSTERN_IMPORT_COMPLETED_";

    private const int CacheSize = 256 << 10;

    private readonly SqliteFile _file;
    private sqlite3_stmt? _find, _part;

    private FirstLayout(SqliteFile file) => _file = file;

    /// <summary>Opens the file.</summary>
    /// <param name="layout">Null on failure.</param>
    public static StoreProblem? Open(string path, TimeSpan busyTimeout, out FirstLayout? layout)
    {
        layout = null;
        var problem = SqliteFile.Open(path, mayCreate: false, CacheSize, busyTimeout, out var file);
        if (problem is null)
        {
            layout = new FirstLayout(file!);
            problem = file!.Compile("SELECT record FROM allowlist WHERE address = ?", out layout._find)
                ?? file.Compile("SELECT address, record FROM allowlist WHERE address > coalesce(?, '') ORDER BY address LIMIT ?", out layout._part);
        }

        if (problem is null)
            return null;
        file?.Dispose();
        layout = null;
        return problem;
    }

    /// <summary>Removes the file and its journals.</summary>
    /// <returns>Why not; null: it is gone.</returns>
    public static string? Remove(string path)
    {
        try
        {
            foreach (var suffix in (string[])["-shm", "-wal", ""])
                File.Delete(path + suffix);
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return failure.Message;
        }
    }

    /// <summary>Looks one client up.</summary>
    /// <param name="record">Null: there is none.</param>
    public StoreProblem? Find(IpAddress client, out TestExpiry? record)
    {
        record = null;
        Span<byte> key = stackalloc byte[IpAddress.MaxTextLength];
        raw.sqlite3_bind_text(_find!, 1, key[..client.Format(key)]);
        StoreProblem? problem = null;
        if (!_file.TryRead(_find!, ref problem))
            return problem;
        record = AllowlistRow.ReadRecord(raw.sqlite3_column_blob(_find!, 0));
        raw.sqlite3_reset(_find!);
        return null;
    }

    /// <summary>Reads the rows after a key, in the order of their text.</summary>
    /// <param name="after">Null: from the start.</param>
    /// <param name="fact">Takes the times under special keys.</param>
    /// <param name="last">The key to go on with; null: there are no more.</param>
    public StoreProblem? ReadPart(byte[]? after, int most, RecordReader take, Action<string, long> fact, out byte[]? last)
    {
        last = null;
        var part = _part!;
        raw.sqlite3_bind_text(part, 1, after ?? []);
        raw.sqlite3_bind_int(part, 2, most);
        StoreProblem? problem = null;
        for (var count = 1; _file.TryRead(part, ref problem); count++)
        {
            var key = raw.sqlite3_column_blob(part, 0);
            var value = raw.sqlite3_column_blob(part, 1);
            if (count == most)
                last = key.ToArray();
            if (AllowlistRow.TryReadAddress(key, out var client))
                take(client, AllowlistRow.ReadRecord(value));
            else if (AllowlistRow.TryReadTime(key, CacheRecord.LastCleanupKey, value, out var cleanup))
                fact(CacheRecord.LastCleanupKey, cleanup);
            else if (AllowlistRow.TryReadTime(key, ImportedKey, value, out var until))
                fact(ImportedKey, until);
        }

        return problem;
    }

    public void Dispose() => _file.Dispose();
}
