using Postern.Core.Tables;
using Postern.Core.Versions;

namespace Postern.Core.Config;

/// <summary>Reads <c>non_bdb_migration_level</c> and its kin.</summary>
internal static class TableRedirections
{
    /// <returns>Null: tables of type hash and btree are what they say.</returns>
    public static TableRedirection? Read(ProcessSettings process, PostfixVersion postfix, TableCatalog tables, MainCf mainCf, ProblemList problems)
    {
        const string Level = "non_bdb_migration_level", Mapping = "non_bdb_custom_mapping";
        if (!postfix.Has(PostfixDifferences.RedirectedTables))
            return null;
        switch (process.NonBdbMigrationLevel)
        {
            case "disable":
                return null;
            case "enable-redirect" or "enable-reindex":
                break;
            default:
                problems.Error(OriginOf(Level), $"invalid non-Berkeley-DB migration level: '{process.NonBdbMigrationLevel}'", "write disable, enable-redirect or enable-reindex");
                return null;
        }

        var sink = problems.Sink(OriginOf(Mapping), "mend the table, or remove the parameter", static _ => ProblemSeverity.Degraded);
        var mapping = process.NonBdbCustomMapping;
        var known = tables.OpenErrors.Count;
        var custom = mapping.Length == 0 ? null : tables.Open(mapping, foldCase: false, sink);
        foreach (var error in tables.OpenErrors.Skip(known))
            problems.Error(OriginOf(Mapping), error, "make the table, or remove the parameter: without it nobody knows which tables are meant");
        return new TableRedirection(process.DefaultDatabaseType, process.DefaultCacheType, custom)
        {
            IsLogged = process.LogsRedirections,
            KeepsOldFiles = process.NonBdbMigrationLevel == "enable-reindex",
        };

        ConfigOrigin? OriginOf(string name) => mainCf.Entries.GetValueOrDefault(name)?.Origin;
    }
}
