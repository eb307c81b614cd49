using Postern.Core.Config;
using Postern.Memcache;
using Postern.Native;
using Postern.Storage;

namespace Postern.Checks;

/// <summary>Whether passes can be kept where <c>postscreen_cache_map</c> says.</summary>
internal static class AllowlistCheck
{
    private const string Parameter = "postscreen_cache_map";
    private const string Sample = "198.51.100.77"; // nobody's: RFC 5737
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <param name="keeper">Who the daemon becomes; null: nobody else.</param>
    public static IEnumerable<ConfigProblem> Find(Configuration configuration, FileKeeper? keeper) => configuration.Services
        .Where(static service => service.Settings.CacheMap is not null).DistinctBy(static service => service.Settings.CacheMap).SelectMany(service => Find(configuration, service, keeper));

    private static IEnumerable<ConfigProblem> Find(Configuration configuration, ScreeningService service, FileKeeper? keeper)
    {
        var origin = service.OriginOf(Parameter);
        var options = AllowlistOptions.Of(configuration, service.Settings, jail: null);
        var warnings = new List<string>();
        var location = AllowlistLocation.Find(options, static directory => FileFacts.Of(directory)?.Owner, (_, text) => warnings.Add(text));
        if (warnings.Count > 0)
            yield return HostCheck.Problem(ProblemSeverity.Warning, origin, warnings[0], $"write {Parameter} = btree:$data_directory/postscreen_cache") with { AtClients = warnings[1..] };
        if (location.DatabasePath is { } path && FindFileProblem(location, Latin1.OfText(path), options, keeper) is { } problem)
            yield return HostCheck.Problem(ProblemSeverity.Degraded, origin, $"open database {path}: {problem}", $"give {options.MailOwner} the file, or move it away: until then passes are kept in memory only");
        else if (location is { IsLmdb: false, DatabasePath: { } file } && FindDamage(Latin1.OfText(file), keeper) is { } damage)
            yield return HostCheck.Problem(
                ProblemSeverity.Warning, origin, $"{file} is damaged ({damage})", $"put a good copy there, or leave it: postern serve renames it to {file}.damaged-TIME and begins a new one, so clients are tested again");
        if (service.Settings.CacheMemcache is not { } memcache)
            yield break;
        using var client = new MemcacheClient(memcache, Patience);
        if (!client.IsResolved)
            client.Resolve();
        if (client.Get(Sample, out _) is { } silence)
            yield return HostCheck.Problem(ProblemSeverity.Degraded, origin, silence, $"start memcached there, or mend {options.MapName}: until then every client is tested at each visit") with
            {
                AtClients = memcache.Backup.Length > 0 ? [] : [$"{location.Name}: cache lookup for '{Sample}' failed due to error", $"{location.Name}: could not update entry for {Sample}"],
            };
    }

    private static unsafe string? FindDamage(string path, FileKeeper? keeper)
    {
        string? damage = null;
        SafeFile.As(keeper, () =>
        {
            var file = Libc.open(path, Libc.O_RDONLY | Libc.O_NONBLOCK | Libc.O_NOFOLLOW | Libc.O_CLOEXEC, 0);
            if (file < 0)
                return; // it is made when the daemon starts, or cannot be read, which is said elsewhere
            var header = stackalloc byte[SqliteHeader.Length];
            FileStatus status;
            if (Libc.statx(file, "", Libc.AT_EMPTY_PATH, Libc.STATX_BASIC_STATS, &status) == 0 && (status.Mode & Libc.S_IFMT) == Libc.S_IFREG
                && Libc.pread(file, header, SqliteHeader.Length, 0) is >= 0 and var count)
                damage = SqliteHeader.FindDamage(new ReadOnlySpan<byte>(header, (int)count), (long)status.Length);
            _ = Libc.close(file);
        });
        return damage;
    }

    private static string? FindFileProblem(AllowlistLocation location, string path, AllowlistOptions options, FileKeeper? keeper)
    {
        if (PathTrial.Exists(path))
            return PathTrial.Use(path, keeper)?.Text;
        var folder = PathTrial.FolderOf(path);
        return PathTrial.Exists(folder) || folder != options.DataDirectory ? PathTrial.MakeIn(folder, keeper)?.Text : null; // else it is made with it
    }
}
