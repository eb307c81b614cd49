using System.Text;
using Postern.Core.Versions;

namespace Postern.Core.Tables;

/// <summary>What a plain pattern of a match list is to addresses.</summary>
/// <param name="File">The file that it stands in; null: the parameter itself.</param>
/// <param name="Text">The pattern, in lower case.</param>
/// <param name="IsIPv4">Whether IPv4 addresses are compared with it rather than IPv6.</param>
/// <param name="First">The first address that matches; null: none does.</param>
/// <param name="Problem">Why a comparison is an error; null: it is none.</param>
public readonly record struct AddressPattern(string? File, string Text, bool IsIPv4, IpAddress? First, string? Problem);

/// <summary>
/// A list of patterns, tables and files of patterns, of which the first that matches decides: <c>mynetworks</c>,
/// <c>postscreen_allowlist_interfaces</c>, <c>postscreen_forbidden_commands</c>.
/// </summary>
public sealed class MatchList : IRefreshable
{
    private const int MostFiles = 100;
    private const int LongestQuote = 20;

    private readonly string _name;
    private readonly TableCatalog? _tables;
    private readonly Dictionary<string, MatchFile> _files = new(StringComparer.Ordinal);
    private MatchItem[] _items = [];
    private volatile bool _asksTables; // and some that it once asked

    private readonly bool _mayWait;

    private MatchList(string name, TableCatalog? tables, bool mayWait) => (_name, _tables, _mayWait) = (name, tables, mayWait);

    /// <summary>Matches every address and word: <c>static:all</c>.</summary>
    public static readonly MatchList Everything = MakeEverything();

    /// <summary>Reads a list.</summary>
    /// <param name="parameterName">
    /// What log lines call it; for <c>mynetworks</c> that is <c>postscreen_access_list</c>, which asks it.
    /// </param>
    /// <param name="text">The parameter's value, expanded.</param>
    /// <param name="fatal">Why there can be no such list, naming the parameter; null on success.</param>
    /// <param name="mayWait">Whether the user can wait where <see cref="Wait"/> says so.</param>
    /// <returns>The list; null when <paramref name="fatal"/> is set.</returns>
    public static MatchList? Parse(
        string parameterName, string text, TableCatalog tables, IWarningSink warnings, out string? fatal, bool mayWait = false)
    {
        var list = new MatchList(parameterName, tables, mayWait);
        var items = new List<MatchItem>();
        fatal = list.ParseLine(text, within: null, items, warnings);
        if (fatal is not null)
            return null;
        list._items = [.. items];
        if (list._files.Count > 0)
            tables.Follow(list);
        return list;
    }

    /// <summary>What a comparison may have to wait for now.</summary>
    public LookupWait Wait => _asksTables ? WaitOf(_items) : LookupWait.None;

    /// <summary>Compares an address with the patterns as addresses and networks.</summary>
    public MatchOutcome Match(IpAddress address, IWarningSink warnings) =>
        Match(_items, null, address, warnings) ?? MatchOutcome.No;

    /// <summary>Compares a word, in any letter case, with the patterns as texts.</summary>
    public MatchOutcome Match(string word, IWarningSink warnings) =>
        Match(_items, ListText.FoldCase(word), default, warnings) ?? MatchOutcome.No;

    /// <summary>The plain patterns, those in files included, as they are compared with addresses.</summary>
    public IEnumerable<AddressPattern> Patterns => PatternsOf(_items, file: null, []);

    /// <summary>The tables, those named in files included.</summary>
    public IEnumerable<string> Tables => TablesOf(_items, []);

    void IRefreshable.Refresh(ITextFiles files, IWarningSink warnings)
    {
        foreach (var file in _files.Values.ToArray()) // a new version may add files
            file.Refresh(files, warnings);

        var inUse = new HashSet<MatchFile>();
        MatchFile.Collect(_items, inUse);
        foreach (var (path, file) in _files.ToArray())
        {
            if (!inUse.Contains(file))
                _files.Remove(path);
        }
    }

    private static LookupWait WaitOf(MatchItem[] items)
    {
        var longest = LookupWait.None;
        foreach (ref readonly var item in items.AsSpan())
        {
            var wait = item.File is { } file ? WaitOf(file.Items) : item.Table?.Wait ?? LookupWait.None;
            longest = wait > longest ? wait : longest;
        }

        return longest;
    }

    private static MatchList MakeEverything()
    {
        var source = new TableSource("static:all", "all", File: null, FoldCase: false, DuplicateKeys.Refused);
        var all = StaticTable.Parse(source, DiscardedWarnings.Instance, out _);
        return new MatchList("", tables: null, mayWait: false) { _items = [new MatchItem(IsNegated: false, null, all, null)] };
    }

    /// <returns>Null when no item matches.</returns>
    private MatchOutcome? Match(MatchItem[] items, string? foldedWord, IpAddress address, IWarningSink warnings)
    {
        foreach (ref readonly var item in items.AsSpan())
        {
            MatchOutcome? outcome;
            if (item.File is not null)
                outcome = Match(item.File.Items, foldedWord, address, warnings);
            else if (item.Table is not null)
                outcome = Match(item.Table, foldedWord, address, warnings);
            else if (foldedWord is not null)
                outcome = item.Pattern!.Matches(foldedWord) ? MatchOutcome.Yes : null;
            else
                outcome = item.Pattern!.Match(address, _name, warnings) is not MatchOutcome.No and var answer ? answer : null;

            if (outcome is MatchOutcome.Error)
                return outcome;
            if (outcome is not null)
                return (outcome == MatchOutcome.Yes) != item.IsNegated ? MatchOutcome.Yes : MatchOutcome.No;
        }

        return null;
    }

    private MatchOutcome? Match(ILookupTable table, string? foldedWord, IpAddress address, IWarningSink warnings)
    {
        var result = foldedWord is null ? table.Lookup(address, warnings) : table.Lookup(foldedWord, warnings);
        if (result.Status == LookupStatus.NotFound)
            return null;
        if (result.Status == LookupStatus.Found)
            return MatchOutcome.Yes;
        warnings.Warn($"{_name}: {table.Name}: table lookup problem");
        return MatchOutcome.Error;
    }

    /// <summary>Reads elements up to the end of the text or to one that starts with <c>#</c>.</summary>
    /// <param name="within">The file that the text is from; null: the parameter itself.</param>
    /// <returns>What makes the list impossible; null: nothing.</returns>
    private string? ParseLine(ReadOnlySpan<char> rest, MatchFile? within, List<MatchItem> items, IWarningSink warnings)
    {
        while (ListText.TryTakeToken(ref rest, out var token))
        {
            if (token[0] == '#')
            {
                warnings.Warn(_tables!.Postfix.Has(PostfixDifferences.ListCommentWords)
                    ? $"{_name}: #comment after other text is not allowed: {token} {rest[..Math.Min(rest.Length, LongestQuote)]}..."
                    : $"{_name}: comment at end of line is not supported: {token} {rest}");
                break;
            }

            var pattern = token.TrimStart('!');
            var isNegated = (token.Length - pattern.Length) % 2 != 0;
            if (pattern.IsEmpty)
                return $"{_name}: no pattern after '!'";
            if (pattern[0] == '/')
            {
                if (IncludeFile(pattern.ToString(), within, isNegated, items, warnings) is { } fatal)
                    return fatal;
            }
            else if (pattern[0] != '[' && pattern.Contains(':'))
            {
                var table = _tables!.OpenUtf8(pattern.ToString(), foldCase: false, warnings);
                items.Add(new MatchItem(isNegated, null, _mayWait || table is UnavailableTable ? table : _tables.Hasten(table), null));
                _asksTables = true;
            }
            else
            {
                items.Add(new MatchItem(isNegated, new MatchPattern(pattern.ToString()), null, null));
            }
        }

        return null;
    }

    private static IEnumerable<AddressPattern> PatternsOf(MatchItem[] items, string? file, HashSet<MatchFile> seen)
    {
        foreach (var item in items)
        {
            if (item.Pattern is { } pattern)
                yield return new AddressPattern(file, pattern.Text, pattern.IsIPv4, pattern.FirstAddress, pattern.Problem);
            else if (item.File is { } included && seen.Add(included))
            {
                foreach (var inside in PatternsOf(included.Items, included.Path, seen))
                    yield return inside;
            }
        }
    }

    private static IEnumerable<string> TablesOf(MatchItem[] items, HashSet<MatchFile> seen) => items.SelectMany(item =>
        item.Table is { } table and not UnavailableTable ? [table.Name] : item.File is { } file && seen.Add(file) ? TablesOf(file.Items, seen) : []);

    private static bool Includes(MatchFile file, MatchFile other)
    {
        var inside = new HashSet<MatchFile> { file };
        MatchFile.Collect(file.Items, inside);
        return inside.Contains(other);
    }

    private string? IncludeFile(
        string path, MatchFile? within, bool isNegated, List<MatchItem> items, IWarningSink warnings)
    {
        if (!_files.TryGetValue(path, out var file))
        {
            if (_files.Count >= MostFiles)
                return $"{_name}: more than {MostFiles} files: {path}";
            file = new MatchFile(path, owner => (IFileReader content, IWarningSink sink, out string? problem) =>
                ParseFile(Encoding.Latin1.GetString(content.ReadToEnd()), owner, path, sink, out problem));
            _files.Add(path, file); // before it is read, so that it finds itself in a circle
            if (!file.Open(_tables!.Files, warnings, out var problem, out var fatal))
                _tables.ReportOpenError(problem!, warnings);
            if (fatal is not null)
                return fatal;
        }

        if (within is not null && Includes(file, within))
            return $"{_name}: file {path} includes itself";
        items.Add(new MatchItem(isNegated, null, null, file));
        return null;
    }

    private MatchItem[]? ParseFile(string text, MatchFile file, string path, IWarningSink warnings, out string? problem)
    {
        var items = new List<MatchItem>();
        problem = _tables!.Postfix.Has(PostfixDifferences.ListFileLines)
            ? ParseLogicalLines(text, file, path, items, warnings)
            : ParsePhysicalLines(text, file, items, warnings);
        return problem is null ? [.. items] : null;
    }

    private string? ParseLogicalLines(string text, MatchFile file, string path, List<MatchItem> items, IWarningSink warnings)
    {
        string? problem = null;
        foreach (var line in LogicalLines.Read(text, path, warnings))
            problem ??= ParseLine(ListText.BeforeNul(line.Text), file, items, warnings);
        return problem;
    }

    // A comment has its # in the first column.
    private string? ParsePhysicalLines(string text, MatchFile file, List<MatchItem> items, IWarningSink warnings)
    {
        string? problem = null;
        for (var position = 0; position < text.Length && problem is null;)
        {
            var newline = text.IndexOf('\n', position);
            var end = newline < 0 ? text.Length : newline + 1;
            var line = ListText.BeforeNul(text.AsSpan(position, end - position));
            if (!line.StartsWith('#'))
                problem = ParseLine(line, file, items, warnings);
            position = end;
        }

        return problem;
    }
}
