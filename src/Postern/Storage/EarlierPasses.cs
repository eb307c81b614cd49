using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Native;

namespace Postern.Storage;

/// <summary>A file with passes that were learned before the present store was used: Postfix's, or our own of another kind.</summary>
internal sealed record EarlierPasses
{
    private readonly string? _type;
    private readonly string? _name;

    /// <param name="path">As .NET's file functions want it.</param>
    /// <param name="type">Postfix's table type, <c>btree</c> for both of Berkeley DB's; null: it is an SQLite file of ours.</param>
    /// <param name="name">What Postfix calls it, without the suffix.</param>
    private EarlierPasses(string path, string? type, string? name) => (Path, _type, _name) = (path, type, name);

    /// <summary>As .NET's file functions want it.</summary>
    public string Path { get; }

    /// <summary>Whether it is a file of ours of the layout that was before.</summary>
    public bool IsFirstLayout { get; private init; }

    /// <summary>What postmap(1) calls it, <c>btree:/path</c>; null: it is an SQLite file of ours.</summary>
    public string? Map => _type is null ? null : $"{(_type == "btree" && IsHash(Path) ? "hash" : _type)}:{_name}";

    /// <summary>When it was last written to; null: there is no such file.</summary>
    public DateTime? Changed => new FileInfo(Path) is { Exists: true } file ? file.LastWriteTimeUtc : null;

    /// <param name="name">The map without its type.</param>
    public static EarlierPasses BerkeleyDb(string name) => new(name + ".db", "btree", name);

    /// <inheritdoc cref="BerkeleyDb" />
    public static EarlierPasses Lmdb(string name) => new(name + ".lmdb", "lmdb", name);

    /// <summary>A file of ours.</summary>
    public static EarlierPasses Sqlite(string path) => new(path, type: null, name: null);

    /// <summary>A file of ours, of the layout that was before.</summary>
    public static EarlierPasses FirstLayout(string path) => new(path, type: null, name: null) { IsFirstLayout = true };

    /// <summary>The one that was used last; null: there is none.</summary>
    public static EarlierPasses? Newest(IReadOnlyList<EarlierPasses> candidates) =>
        candidates.Where(static file => file.Changed is not null).MaxBy(static file => file.Changed);

    /// <summary>Reads all of it.</summary>
    /// <param name="options">Postmap, and its time limit.</param>
    public PassesDump Read(AllowlistOptions options) => Map is { } map
        ? PassesDump.OfPostmap(options, map, client: null, options.ImportTimeLimit)
        : PassesDump.OfDatabase(Path, IsFirstLayout, options.BusyTimeout);

    /// <summary>Looks for one client.</summary>
    /// <returns>Null: there is no record, or nobody could say in time.</returns>
    public TestExpiry? Find(IpAddress client, AllowlistOptions options, TimeSpan limit) =>
        Map is { } map && PassesDump.OfPostmap(options, map, client, limit) is { Problem: null, Entries: [var entry, ..] } ? entry.Value : null;

    /// <summary>Adds records to a file of Postfix's, in place of those that it has of these clients.</summary>
    /// <returns>Null on success.</returns>
    public string? Write(IEnumerable<KeyValuePair<IpAddress, TestExpiry>> records, AllowlistOptions options, TimeSpan limit) =>
        Postmap.Run(options, ["-f", "-r", "-i", Map!], records.Select(static record => $"{record.Key}\t{CacheRecord.Format(record.Value)}\n"), static _ => true, limit);

    /// <summary>Whether another process has the file for itself, as postscreen has one of Berkeley DB's: flock(2), for as long as it runs.</summary>
    public bool IsInUse()
    {
        var descriptor = Libc.open(Latin1.OfText(Path), Libc.O_RDONLY | Libc.O_CLOEXEC, 0);
        if (descriptor < 0)
            return true;
        var isFree = Libc.flock(descriptor, Libc.LOCK_EX | Libc.LOCK_NB) == 0;
        _ = Libc.close(descriptor);
        return !isFree;
    }

    /// <summary>Berkeley DB has two kinds of files, which postmap wants to be told: a number at byte 12 says it, in the order of the machine that made it.</summary>
    private static bool IsHash(string path)
    {
        ReadOnlySpan<byte> magic = [0x61, 0x15, 0x06, 0x00];
        Span<byte> start = stackalloc byte[16];
        try
        {
            using var file = File.OpenRead(path);
            if (file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false) < start.Length)
                return false;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false; // postmap says what is wrong with it
        }

        var kind = start[12..];
        if (kind[0] == 0)
            kind.Reverse();
        return kind.SequenceEqual(magic);
    }
}
