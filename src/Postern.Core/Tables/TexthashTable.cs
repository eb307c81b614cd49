namespace Postern.Core.Tables;

/// <summary><c>texthash:</c> — what postmap(1) reads, without postmap: lines of key, white space, value.</summary>
public sealed class TexthashTable : ILookupTable
{
    private readonly TextMap _entries;
    private readonly bool _foldCase;

    private TexthashTable(string name, TextMap entries, bool foldCase) =>
        (Name, _entries, _foldCase) = (name, entries, foldCase);

    /// <inheritdoc />
    public string Name { get; }

    /// <summary>Reads the lines. A bad one is reported and skipped; whether a duplicate is fatal to the table, its user says.</summary>
    public static ILookupTable? Parse(TableSource source, IWarningSink warnings, out string? problem)
    {
        var entries = new TextMap(source.File!.Stamp.Size);
        var lines = new LogicalLineReader(source.File, source.Argument, warnings);
        while (lines.Read())
        {
            if (!TrySplit(lines, source.Argument, warnings, out var key, out var value))
                continue;
            if (source.FoldCase && key.ContainsAnyInRange('A', 'Z'))
                key = ListText.FoldCase(key.ToString());
            if (entries.TryAdd(key, value))
                continue;
            problem = $"{source.Argument}, line {lines.LineNumber}: duplicate entry: \"{key}\"";
            if (source.Duplicates == DuplicateKeys.Refused)
                return null;
            warnings.Warn(problem);
        }

        problem = null;
        entries.Trim();
        return new TexthashTable(source.Name, entries, source.FoldCase);
    }

    /// <summary>Lists the lines.</summary>
    public static IEnumerable<TableRule> Rules(TableSource source)
    {
        var lines = new LogicalLineReader(source.File!, source.Argument, DiscardedWarnings.Instance);
        while (lines.Read())
        {
            if (TrySplit(lines, source.Argument, DiscardedWarnings.Instance, out var key, out var value))
                yield return new TableRule(lines.LineNumber, source.FoldCase ? ListText.FoldCase(key.ToString()) : key.ToString(), value.ToString());
        }
    }

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings) =>
        _entries.Find(_foldCase ? ListText.FoldCase(key) : key) is { } value ? LookupResult.Found(value) : LookupResult.NotFound;

    /// <param name="lines">At the line in question.</param>
    /// <param name="file">How warnings name the file.</param>
    private static bool TrySplit(
        LogicalLineReader lines, string file, IWarningSink warnings, out ReadOnlySpan<char> key, out ReadOnlySpan<char> value)
    {
        key = value = [];
        var text = ListText.TrimSpace(ListText.BeforeNul(lines.Text));
        if (!QuotedKey.TryMeasure(text, stopAtEquals: false, out var length))
        {
            warnings.Warn($"{file}, line {lines.LineNumber}: unbalanced '\"' in '{text}' -- ignoring this line");
            return false;
        }

        key = text[..length];
        value = ListText.TrimSpace(text[length..]);
        if (value.IsEmpty)
            warnings.Warn($"{file}, line {lines.LineNumber}: expected format: key whitespace value -- ignoring this line");
        else if (key[^1] == ':')
            warnings.Warn($"{file}, line {lines.LineNumber}: record is in \"key: value\" format; is this an alias file?");
        return !value.IsEmpty;
    }
}
