namespace Postern.Core.Tables;

/// <summary><c>debug:type:name</c>: the table, and a line for each look-up in it.</summary>
/// <param name="name">With <c>debug:</c>.</param>
internal sealed class DebugTable(string name, ILookupTable table, string inner) : ILookupTable
{
    /// <inheritdoc />
    public string Name => name;

    /// <inheritdoc />
    public LookupWait Wait => table.Wait;

    /// <summary>Opens the table.</summary>
    public static ILookupTable? Compose(TableSource source, TableCatalog tables, IWarningSink warnings, out string? problem)
    {
        problem = null;
        return new DebugTable(source.Name, tables.Open(source.Argument, source.FoldCase, source.Duplicates, warnings), source.Argument);
    }

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings)
    {
        var result = table.Lookup(key, warnings);
        var answer = result.Status switch
        {
            LookupStatus.Found => result.Value,
            LookupStatus.NotFound => "not_found",
            _ => "error",
        };
        warnings.Note($"{inner} lookup: \"{key}\" = \"{answer}\"");
        return result;
    }
}
