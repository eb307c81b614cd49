namespace Postern.Core.Tables;

/// <summary><c>inline:{key=value, {key = value with blanks}}</c> — a table in main.cf itself.</summary>
public sealed class InlineTable : ILookupTable
{
    private readonly Dictionary<string, string> _entries;
    private readonly bool _foldCase;

    private InlineTable(string name, Dictionary<string, string> entries, bool foldCase) =>
        (Name, _entries, _foldCase) = (name, entries, foldCase);

    /// <inheritdoc />
    public string Name { get; }

    /// <summary>Reads the entries; of two with one key the last counts. Any error spoils the table.</summary>
    public static ILookupTable? Parse(TableSource source, IWarningSink warnings, out string? problem)
    {
        var argument = ListText.BeforeNul(source.Argument);
        var entries = new Dictionary<string, string>(StringComparer.Ordinal);
        problem = null;
        if (argument.Length < 3 || ListText.BalancedLength(argument) != argument.Length)
        {
            problem = "bad syntax";
        }
        else
        {
            var rest = argument[1..^1];
            while (problem is null && ListText.TryTakeToken(ref rest, out var element))
                problem = AddEntry(element, source.FoldCase, entries);
            if (problem is null && entries.Count == 0)
                problem = "empty table";
        }

        if (problem is null)
            return new InlineTable(source.Name, entries, source.FoldCase);
        problem = $"{problem}: \"{source.Name}\"; need \"inline:{{name=value...}}\"";
        return null;
    }

    /// <summary>Lists the entries.</summary>
    public static IEnumerable<TableRule> Rules(TableSource source) =>
        Parse(source, DiscardedWarnings.Instance, out _) is InlineTable table ? table._entries.Select(static entry => new TableRule(0, entry.Key, entry.Value)) : [];

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings) =>
        _entries.TryGetValue(_foldCase ? ListText.FoldCase(key) : key, out var value)
            ? LookupResult.Found(value)
            : LookupResult.NotFound;

    private static string? AddEntry(ReadOnlySpan<char> element, bool foldCase, Dictionary<string, string> entries)
    {
        if (element[0] == '{' && !ListText.TryStripBraces(element, out element, out var problem))
            return problem;
        if (element.IsEmpty)
            return "no key found; expected format: key = value";
        if (!QuotedKey.TryMeasure(element, stopAtEquals: true, out var length))
            return "unbalanced '\"'";
        var value = element[length..].TrimStart(LogicalLines.WhiteSpace);
        if (!value.StartsWith('='))
            return "missing '=' after attribute name";

        var key = element[..length].ToString();
        entries[foldCase ? ListText.FoldCase(key) : key] = ListText.TrimSpace(value[1..]).ToString();
        return null;
    }
}
