using System.Buffers;

namespace Postern.Core.Tables;

/// <summary>
/// What stands for tables of Berkeley DB's types where Postfix is on its way to live without it
/// (<c>non_bdb_migration_level</c>).
/// </summary>
/// <param name="hashType"><c>default_database_type</c>.</param>
/// <param name="btreeType"><c>default_cache_db_type</c>.</param>
/// <param name="custom"><c>non_bdb_custom_mapping</c>, a table by <c>type:name</c> or type; null: none.</param>
public sealed class TableRedirection(string hashType, string btreeType, ILookupTable? custom)
{
    private static readonly SearchValues<char> TypeCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

    /// <summary>Whether each is worth a line (<c>non_bdb_migration_log_redirect</c>).</summary>
    public bool IsLogged { get; init; } = true;

    /// <summary>
    /// Whether Postfix makes a new file from the old one's source where there is none yet (<c>enable-reindex</c>). Postern makes
    /// none: it reads the old one for as long.
    /// </summary>
    public bool KeepsOldFiles { get; init; }

    /// <param name="spec"><c>type:name</c>.</param>
    /// <param name="problem">Postfix's words when the mapping makes no sense; null: it does.</param>
    /// <returns>Null: it is not redirected.</returns>
    internal string? Apply(string spec, ITextFiles files, IWarningSink warnings, out string? problem)
    {
        problem = null;
        var colon = spec.IndexOf(':');
        var type = colon < 0 ? spec : spec[..colon];
        if (type is not ("hash" or "btree") || colon == spec.Length - 1)
            return null;
        var other = FindCustom(spec, warnings) ?? FindCustom(type, warnings) ?? (type == "hash" ? hashType : btreeType);
        var path = spec[(colon + 1)..];
        if (other.Length == 0 || other.AsSpan().ContainsAnyExcept(TypeCharacters))
        {
            problem = $"Berkeley DB type mapping lookup error for '{spec}': bad non-legacy database type syntax: '{other}'";
            warnings.Warn($"non-Berkeley-DB type mapping lookup error for '{spec}': bad non-legacy database type syntax: '{other}'");
            return null;
        }

        if (other is "hash" or "btree" || (KeepsOldFiles && files.Stamp($"{path}.{other}") is null && files.Stamp(path + ".db") is not null))
            return null;
        return $"{other}:{path}";
    }

    private string? FindCustom(string key, IWarningSink warnings) =>
        custom?.Lookup(key, warnings) is { Status: LookupStatus.Found } found ? found.Value : null;
}
