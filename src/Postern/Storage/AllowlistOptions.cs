using Postern.Core.Config;
using Postern.Native;
using Postern.ProcessLife;

namespace Postern.Storage;

/// <summary>Where the temporary allowlist is kept and by which rules. Texts are Latin-1 characters standing for bytes.</summary>
internal sealed record AllowlistOptions
{
    /// <summary><c>postscreen_cache_map</c>, expanded and not empty: <c>btree:/var/lib/postfix/postscreen_cache</c>.</summary>
    public required string MapName { get; init; }

    /// <summary>The map that stands for it where tables are redirected, or that is a memcache's backup; null: <see cref="MapName"/>, or none.</summary>
    public string? StoreName { get; init; }

    /// <summary>How long to keep what.</summary>
    public required AllowlistPolicy Policy { get; init; }

    /// <summary>What the file of a map <c>memcache:FILE</c> says; null: it is another map.</summary>
    public MemcacheFile? Memcache { get; init; }

    /// <summary><c>default_database_type</c>, for a map name without a type.</summary>
    public string DefaultDatabaseType { get; init; } = "hash";

    /// <summary><c>mail_owner</c>.</summary>
    public string MailOwner { get; init; } = "postfix";

    /// <summary>The user id of <see cref="MailOwner"/>; null: there is no such user, so nobody asks who owns the directory.</summary>
    public uint? MailOwnerId { get; init; }

    /// <summary><c>data_directory</c>: where the file goes when the directory of the map is not the mail owner's.</summary>
    public string DataDirectory { get; init; } = "/var/lib/postfix";

    /// <summary><c>lmdb_map_size</c>: bytes that a file of type lmdb may grow to before its limit is raised.</summary>
    public long LmdbMapSize { get; init; } = 16 << 20;

    /// <summary><c>$command_directory/postmap</c>, which reads the file that postscreen left; null: no import.</summary>
    public string? PostmapPath { get; init; }

    /// <summary>Whether main.cf redirects tables of Berkeley DB to others.</summary>
    public bool IsRedirected { get; init; }

    /// <summary><c>config_directory</c> for postmap's <c>-c</c>; null: its own default.</summary>
    public string? ConfigDirectory { get; init; }

    /// <summary>Most addresses that are known at a time, about 65 bytes each: clients choose IPv6 addresses freely.</summary>
    public int EntryLimit { get; init; } = 4_000_000;

    /// <summary>Most changes that wait for a store that does not work, before they are left to a later saving of everything.</summary>
    public int UnsavedLimit { get; init; } = 1_000_000;

    /// <summary>How often to ask whether another process has written to the store.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long the writer waits for another process's lock, each time.</summary>
    public TimeSpan BusyTimeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How long postmap may take.</summary>
    public TimeSpan ImportTimeLimit { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>The process is about to go into a jail that the file is outside of; null: it is not.</summary>
    public Jail? Jail { get; init; }

    /// <summary>What the configuration says about the map of a service that has one.</summary>
    public static AllowlistOptions Of(Configuration configuration, Settings settings, Jail? jail)
    {
        var process = configuration.Process!;
        return new AllowlistOptions
        {
            MapName = settings.CacheMap!,
            StoreName = settings.CacheStore,
            IsRedirected = configuration.Tables.Redirection is not null,
            Policy = AllowlistPolicy.Of(settings),
            Memcache = settings.CacheMemcache,
            DefaultDatabaseType = process.DefaultDatabaseType,
            LmdbMapSize = process.LmdbMapSize,
            MailOwner = process.MailOwner,
            MailOwnerId = OwnerId(process.MailOwner),
            DataDirectory = process.DataDirectory,
            PostmapPath = File.Exists(process.CommandDirectory + "/postmap") ? process.CommandDirectory + "/postmap" : null,
            ConfigDirectory = configuration.Directory,
            Jail = jail,
        };
    }

    /// <summary>Whoever we are or are about to be: without being root there is no becoming anybody else.</summary>
    private static uint OwnerId(string mailOwner) =>
        Libc.geteuid() == 0 && Privileges.TryFindOwner(mailOwner, out var owner, out _) ? owner.User : Libc.geteuid();
}
