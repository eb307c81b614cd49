using Postern.Core;
using Postern.Native;

namespace Postern.Storage;

/// <summary>What the name in <c>postscreen_cache_map</c> stands for on this machine (ADR 2).</summary>
internal sealed class AllowlistLocation
{
    /// <summary>Table types whose place is a file.</summary>
    private static readonly string[] FileTypes = ["btree", "hash", "cdb", "lmdb", "sqlite"];

    private AllowlistLocation(string name) => Name = name;

    /// <summary>The map's name in the log: as configured, after redirection.</summary>
    public string Name { get; }

    /// <summary>Our database file, as .NET's file functions want it; null: nothing to keep passes in but memory.</summary>
    public string? DatabasePath { get; private init; }

    /// <summary>Whether that file is LMDB's, in Postfix's own format, which postscreen may use at the same time; else it is SQLite's.</summary>
    public bool IsLmdb { get; private init; }

    /// <summary>The file of ours that had the passes before (<see cref="FirstLayout"/>), likewise; null: there never was one.</summary>
    public string? FirstLayoutPath { get; private init; }

    /// <summary>The files where passes may be from before this one was used.</summary>
    public IReadOnlyList<EarlierPasses> Earlier { get; private init; } = [];

    /// <summary>The file that postscreen would use in our place, if it is not ours as well; null: it is.</summary>
    public EarlierPasses? PostscreenFile { get; private init; }

    /// <summary>Opens the file. Where there is a <see cref="DatabasePath"/>.</summary>
    /// <param name="note">Takes what an LMDB file gives rise to.</param>
    /// <param name="cacheSize">Bytes of an SQLite file to keep in memory.</param>
    /// <returns>Null on success.</returns>
    public StoreProblem? OpenStore(AllowlistOptions options, int cacheSize, Action<string> note, out IAllowlistStore? store)
    {
        StoreProblem? problem;
        if (IsLmdb)
        {
            problem = LmdbAllowlist.Open(DatabasePath!, options, note, out var lmdb);
            store = lmdb;
        }
        else
        {
            problem = AllowlistDatabase.Open(DatabasePath!, cacheSize, options.BusyTimeout, out var database);
            store = database;
        }

        return problem;
    }

    /// <summary>Finds the place for a map; what the administrator should know goes to <paramref name="log"/>.</summary>
    /// <param name="ownerOf">User id of the owner of a directory; null when it is not there.</param>
    public static AllowlistLocation Find(AllowlistOptions options, Func<string, uint?> ownerOf, Action<LogSeverity, string> log)
    {
        if (options.Memcache is { Backup.Length: 0 })
            return new AllowlistLocation(options.MapName);
        var (_, type, path) = Split(options.StoreName ?? options.Memcache?.Backup ?? options.MapName, options.DefaultDatabaseType);
        var (prefix, nameType, _) = Split(options.MapName, options.DefaultDatabaseType);
        if (!FileTypes.Contains(type))
        {
            // Why is a problem of the configuration, which has been told.
            log(LogSeverity.Warning, $"{type}:{path}: passes are kept in memory only and are lost at the next start");
            return new AllowlistLocation(Name());
        }

        var directory = DirectoryOf(path);
        if (options.MailOwnerId is { } wanted && ownerOf(Latin1.ToText(directory)) is { } actual && actual != wanted)
        {
            log(LogSeverity.Warning, $"request to update table {options.MapName} in non-{options.MailOwner} directory {directory}");
            log(LogSeverity.Warning, $"redirecting the request to {options.MailOwner}-owned data_directory {options.DataDirectory}");
            path = $"{options.DataDirectory}/{path[(path.LastIndexOf('/') + 1)..]}";
        }

        var isLmdb = type == "lmdb";
        var file = Latin1.ToText(path);
        var berkeleyDb = EarlierPasses.BerkeleyDb(file);
        var (own, first) = (file + ".postern.db", file + ".postern.sqlite");
        return new AllowlistLocation(Name())
        {
            DatabasePath = isLmdb ? file + ".lmdb" : own,
            IsLmdb = isLmdb,
            FirstLayoutPath = isLmdb ? null : first,
            Earlier = isLmdb ? [berkeleyDb, EarlierPasses.Sqlite(own), EarlierPasses.FirstLayout(first)] : [berkeleyDb, EarlierPasses.Lmdb(file)],
            PostscreenFile = type is "btree" or "hash" ? berkeleyDb : null,
        };

        string Name() => options.Memcache is null ? $"{prefix}{nameType}:{path}" : options.MapName;
    }

    /// <summary>proxy: is dropped for the file's sake: the store can be shared by processes without a server between them.</summary>
    private static (string Prefix, string Type, string Path) Split(string map, string defaultType)
    {
        const string proxy = "proxy:";
        var prefix = map.StartsWith(proxy, StringComparison.Ordinal) ? proxy : "";
        var rest = map[prefix.Length..];
        var colon = rest.IndexOf(':');
        return colon <= 0 ? (prefix, defaultType, rest) : (prefix, rest[..colon], rest[(colon + 1)..]);
    }

    private static string DirectoryOf(string path) => path.LastIndexOf('/') switch
    {
        < 0 => ".",
        0 => "/",
        var slash => path[..slash],
    };
}
