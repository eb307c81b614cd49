namespace Postern.Core.Tables;

/// <summary>Tables that are asked one after the other, until one has the key or cannot say.</summary>
public sealed class TableList
{
    private readonly string _title;
    private readonly ILookupTable[] _tables;

    private TableList(string title, ILookupTable[] tables) => (_title, _tables) = (title, tables);

    /// <summary>The tables' names, in order.</summary>
    public IEnumerable<string> Tables => _tables.Select(static table => table.Name);

    /// <summary>Opens the tables of a list.</summary>
    /// <param name="title">What log lines call it.</param>
    /// <param name="text">The parameter's value, expanded.</param>
    /// <param name="tables">Opens them.</param>
    /// <param name="warnings">Told of bad lines.</param>
    /// <param name="foldCase">Whether keys match in any letter case.</param>
    /// <returns>Null: the list is empty.</returns>
    public static TableList? Parse(string title, string text, TableCatalog tables, IWarningSink warnings, bool foldCase = false)
    {
        var opened = new List<ILookupTable>();
        ReadOnlySpan<char> rest = text;
        while (ListText.TryTakeToken(ref rest, out var token))
            opened.Add(tables.OpenBrief(token.ToString(), foldCase, warnings));
        return opened.Count == 0 ? null : new TableList(title, [.. opened]);
    }

    /// <summary>Looks up a key. An empty value is an error: the table should have said that it has no such key.</summary>
    public LookupResult Lookup(string key, IWarningSink warnings)
    {
        foreach (var table in _tables)
        {
            var result = table.Lookup(key, warnings);
            if (result.Status is LookupStatus.NotFound)
                continue;
            if (result.Status is LookupStatus.Found && result.Value.Length > 0)
                return result;

            if (result.Status is LookupStatus.Error)
            {
                warnings.Warn($"{table.Name} lookup error for \"{key}\"");
            }
            else
            {
                warnings.Warn($"{_title} lookup of {key} returns an empty string result");
                warnings.Warn($"{_title} should return NO RESULT in case of NOT FOUND");
            }

            return LookupResult.Error;
        }

        return LookupResult.NotFound;
    }
}
