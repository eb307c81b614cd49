namespace Postern.Core.Tables;

/// <summary><c>texthash:</c> — what postmap(1) reads, without postmap: lines of key, white space, value.</summary>
public sealed class TexthashTable : ILookupTable
{
    private readonly Dictionary<string, string> _entries;
    private readonly bool _foldCase;

    private TexthashTable(string name, Dictionary<string, string> entries, bool foldCase) =>
        (Name, _entries, _foldCase) = (name, entries, foldCase);

    /// <inheritdoc />
    public string Name { get; }

    /// <summary>Reads the lines. A bad one is reported and skipped; whether a duplicate is fatal to the table, its user says.</summary>
    public static ILookupTable? Parse(TableSource source, IWarningSink warnings, out string? problem)
    {
        var entries = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (line, key, value) in Read(source, warnings))
        {
            if (entries.TryAdd(key, value))
                continue;
            problem = $"{source.Argument}, line {line}: duplicate entry: \"{key}\"";
            if (source.Duplicates == DuplicateKeys.Refused)
                return null;
            warnings.Warn(problem);
        }

        problem = null;
        return new TexthashTable(source.Name, entries, source.FoldCase);
    }

    /// <summary>Lists the lines.</summary>
    public static IEnumerable<TableRule> Rules(TableSource source) => Read(source, DiscardedWarnings.Instance);

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings) =>
        _entries.TryGetValue(_foldCase ? ListText.FoldCase(key) : key, out var value)
            ? LookupResult.Found(value)
            : LookupResult.NotFound;

    private static IEnumerable<TableRule> Read(TableSource source, IWarningSink warnings)
    {
        foreach (var line in LogicalLines.Read(source.Text ?? "", source.Argument, warnings))
        {
            if (TryParse(line, source.Argument, warnings, out var key, out var value))
                yield return new TableRule(line.LineNumber, source.FoldCase ? ListText.FoldCase(key) : key, value);
        }
    }

    private static bool TryParse(LogicalLine line, string file, IWarningSink warnings, out string key, out string value)
    {
        (key, value) = ("", "");
        var where = $"{file}, line {line.LineNumber}";
        var text = ListText.TrimSpace(ListText.BeforeNul(line.Text));
        if (!QuotedKey.TryMeasure(text, stopAtEquals: false, out var length))
        {
            warnings.Warn($"{where}: unbalanced '\"' in '{text}' -- ignoring this line");
            return false;
        }

        (key, value) = (text[..length].ToString(), ListText.TrimSpace(text[length..]).ToString());
        if (value.Length == 0)
            warnings.Warn($"{where}: expected format: key whitespace value -- ignoring this line");
        else if (text[length - 1] == ':')
            warnings.Warn($"{where}: record is in \"key: value\" format; is this an alias file?");
        return value.Length > 0;
    }
}
