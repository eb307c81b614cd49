using System.Text;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Tables;
using Postern.Core.Versions;
using Postern.Memcache;

namespace Postern.Tables;

/// <summary>
/// <c>memcache:FILE</c>: memcached first, then the table that backs it up. A server that does not answer soon is not asked
/// for a while; without a backup each lookup is then an error.
/// </summary>
internal sealed class MemcacheTable : ILookupTable
{
    /// <summary>How long a lookup may keep the loop waiting.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(50);

    private readonly MemcacheClient _client;
    private readonly ILookupTable? _backup;

    private MemcacheTable(string name, MemcacheClient client, ILookupTable? backup) =>
        (Name, _client, _backup) = (name, client, backup);

    /// <inheritdoc />
    public string Name { get; }

    /// <summary>Opens the file that the argument names.</summary>
    public static MemcacheTable? Compose(TableSource source, TableCatalog tables, IWarningSink warnings, out string? problem)
    {
        if (tables.Files.TryOpen(source.Argument, out var file, out var reason))
        {
            using (file)
                return Parse(source with { File = file }, tables.Postfix, backup => tables.Open(backup, source.FoldCase, warnings), warnings, out problem);
        }

        problem = $"open {source.Argument}: {reason}";
        return null;
    }

    /// <summary>Reads the file.</summary>
    /// <param name="postfix">Which names the file may have.</param>
    /// <param name="openBackup">Opens the table that the file names as its backup.</param>
    /// <param name="problem">In Postfix's words.</param>
    /// <param name="limit">How long a lookup may wait; null: as long as is good for the loop.</param>
    public static MemcacheTable? Parse(
        TableSource source, PostfixVersion postfix, Func<string, ILookupTable> openBackup, IWarningSink warnings, out string? problem, TimeSpan? limit = null)
    {
        if (!MemcacheFile.TryParse(Encoding.Latin1.GetString(source.File!.ReadToEnd()), source.Argument, postfix, warnings, out var file, out problem))
            return null;
        var client = new MemcacheClient(file, limit ?? Limit);
        if (!client.IsResolved)
            client.Resolve(); // now, as a lookup must not wait for the name service
        return new MemcacheTable(source.Name, client, file.Backup.Length > 0 ? openBackup(file.Backup) : null);
    }

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings)
    {
        var problem = _client.Get(key, out var value);
        if (problem is not null)
            warnings.Warn(problem);
        if (value is not null)
            return LookupResult.Found(Encoding.Latin1.GetString(value));
        if (_backup is null)
            return problem is null ? LookupResult.NotFound : LookupResult.Error;

        var result = _backup.Lookup(key, warnings);
        if (result.Status is LookupStatus.Found && problem is null && _client.Set(key, Encoding.Latin1.GetBytes(result.Value)) is { } failure)
            warnings.Warn(failure);
        return result;
    }
}
