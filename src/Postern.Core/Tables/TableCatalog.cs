using Postern.Core.Versions;

namespace Postern.Core.Tables;

/// <summary>
/// The tables of one configuration. Each is opened once and shared, and those made from text files follow their files.
/// One that cannot be opened is replaced by a stand-in, so that the daemon starts and the rest of the configuration works.
/// One thread at a time opens and reads; look-ups in the tables may come from others meanwhile.
/// </summary>
/// <param name="files">Where tables that are files come from.</param>
/// <param name="hostTypes">
/// The types that need more than Core has. A row takes the place of the one of that name in <see cref="TableTypes"/>.
/// </param>
public sealed class TableCatalog(ITextFiles files, params IReadOnlyList<TableType> hostTypes)
{
    private const int DeepestNesting = 20;
    private const int MostBeforeService = 64 << 10; // bytes; such a file is read before another thread is told of it

    private readonly Dictionary<(string Spec, bool FoldCase, DuplicateKeys Duplicates), ILookupTable> _tables = [];
    private readonly List<IRefreshable> _refreshables = [];
    private readonly List<string> _openErrors = [];
    private readonly List<string> _redirections = [];
    private readonly Dictionary<string, string> _remedies = new(StringComparer.Ordinal);
    private bool _isRefreshing;
    private int _nesting; // of unionmap and pipemap
    private bool _mayReadLater; // of the table that is opened

    /// <summary>Why tables could not be opened, in order: log lines of severity error, without the prefix.</summary>
    public IReadOnlyList<string> OpenErrors => _openErrors;

    /// <summary>What to do about one of <see cref="OpenErrors"/>; null: make the table, or name another.</summary>
    public string? RemedyOf(string openError) => _remedies.GetValueOrDefault(openError);

    /// <summary>Whether users who speak UTF-8 do so (<c>smtputf8_enable</c>).</summary>
    public bool ChecksUtf8 { get; init; }

    /// <summary>
    /// The tables that are in force until these are: what they have read, and has not changed since, is not read again, and what
    /// can no longer be read is taken from them. Null: there are none, or all tables have been opened.
    /// </summary>
    public TableCatalog? Before { get; set; }

    /// <summary>Whether large files of access lists are only opened, until <see cref="ReadRest"/>.</summary>
    public bool ReadsLater { get; init; }

    /// <summary>Where the tables' files are read.</summary>
    public ITextFiles Files { get; } = files;

    /// <summary>The Postfix whose tables they are.</summary>
    public PostfixVersion Postfix { get; init; } = PostfixVersion.Base;

    /// <summary>Makes of a table one that never keeps its user waiting for long.</summary>
    public Func<ILookupTable, ILookupTable> Hasten { get; init; } = static table => table;

    /// <summary>What stands for tables of types <c>hash</c> and <c>btree</c>; null: they do.</summary>
    public TableRedirection? Redirection { get; set; }

    /// <summary>Tables that were redirected, in order: log lines.</summary>
    public IReadOnlyList<string> Redirections => _redirections;

    /// <summary>Opens a table.</summary>
    /// <param name="spec"><c>type:name</c>.</param>
    /// <param name="foldCase">Whether keys match in any letter case.</param>
    /// <param name="warnings">Told of bad lines.</param>
    /// <returns>The table, or a stand-in for one that cannot be opened (<see cref="OpenErrors"/> says why).</returns>
    public ILookupTable Open(string spec, bool foldCase, IWarningSink warnings) =>
        Open(spec, foldCase, DuplicateKeys.Refused, warnings);

    /// <summary>Opens a table for a user who speaks UTF-8: an access list or a match list.</summary>
    /// <param name="spec"><c>type:name</c>.</param>
    /// <param name="foldCase">Whether keys match in any letter case.</param>
    /// <param name="warnings">Told of bad lines.</param>
    /// <param name="mayReadLater">Whether the user can wait where <see cref="ILookupTable.Wait"/> says so.</param>
    public ILookupTable OpenUtf8(string spec, bool foldCase, IWarningSink warnings, bool mayReadLater = false)
    {
        _mayReadLater = mayReadLater && ReadsLater;
        var table = Open(spec, foldCase, warnings);
        _mayReadLater = false;
        return ChecksUtf8 ? new Utf8Table(table) : table;
    }

    /// <summary>Opens a table for a user who cannot wait where <see cref="ILookupTable.Wait"/> says that it is necessary.</summary>
    /// <inheritdoc cref="Open(string, bool, IWarningSink)"/>
    public ILookupTable OpenBrief(string spec, bool foldCase, IWarningSink warnings) => Hasten(Open(spec, foldCase, warnings));

    /// <summary>Opens a table.</summary>
    /// <param name="spec"><c>type:name</c>.</param>
    /// <param name="foldCase">Whether keys match in any letter case.</param>
    /// <param name="duplicates">What two entries with one key are.</param>
    /// <param name="warnings">Told of bad lines.</param>
    public ILookupTable Open(string spec, bool foldCase, DuplicateKeys duplicates, IWarningSink warnings)
    {
        var isNew = !_tables.TryGetValue((spec, foldCase, duplicates), out var table);
        if (table is null)
        {
            table = Make(spec, foldCase, duplicates, warnings);
            _tables.Add((spec, foldCase, duplicates), table);
            if (table is ILiveTable live)
                _refreshables.Add(live);
        }

        var error = table switch
        {
            ILiveTable live => live.OpenError,
            UnavailableTable standIn => standIn.Reason,
            _ => null,
        };
        if (error is not null && _isRefreshing)
            warnings.Warn(error); // a new version of a match list's file that names this table is refused
        else if (error is not null && isNew)
        {
            _openErrors.Add(error);
            if (table is ILiveTable { OpenRemedy: { } remedy })
                _remedies[error] = remedy;
        }

        return table;
    }

    /// <summary>The entries of a table, whether it is open or not; behind <c>proxy:</c>, of the one there.</summary>
    /// <param name="spec"><c>type:name</c>.</param>
    /// <returns>Null: they cannot be listed.</returns>
    public TableRules? RulesOf(string spec)
    {
        const string Proxy = "proxy:";
        spec = spec.StartsWith(Proxy, StringComparison.Ordinal) ? spec[Proxy.Length..] : spec;
        spec = Redirect(spec, isLogged: false, DiscardedWarnings.Instance, out _);
        var colon = spec.IndexOf(':');
        if (colon <= 0 || (Find(hostTypes, spec[..colon]) ?? Find(TableTypes.All, spec[..colon])) is not { Rules: { } list } type)
            return null;

        var source = new TableSource(spec, spec[(colon + 1)..], File: null, FoldCase: false, DuplicateKeys.Warned);
        var isDatabase = type.FileSuffix.Length > 0;
        if (!isDatabase && !type.IsPath(source.Argument))
            return new TableRules(File: null, list(source));
        var path = source.Argument + type.FileSuffix;
        TextFile? file = null;
        if (type.FromFile is not null && !Files.TryRead(path, out file, out _))
            return null;
        var rules = List(list, source, file);
        return isDatabase && Files.TryRead(source.Argument, out var text, out _)
            ? new TableRules(source.Argument, WithLines(rules, source with { File = new TextFileReader(text) }))
            : new TableRules(path, rules);
    }

    /// <summary>
    /// Reads changed files anew, once a second or so. A change is acted upon at the second call that sees it. What cannot be read, or
    /// gives any warning, is reported and the version before stays in force.
    /// </summary>
    public void Refresh(IWarningSink warnings)
    {
        _isRefreshing = true;
        try
        {
            for (var i = 0; i < _refreshables.Count; i++) // a new version may add tables
                _refreshables[i].Refresh(Files, warnings);
        }
        finally
        {
            _isRefreshing = false;
        }
    }

    /// <summary>The table that stands for one of Berkeley DB's, where such are redirected; else the same.</summary>
    /// <param name="spec"><c>type:name</c>.</param>
    /// <param name="isLogged">Whether it is worth a line, if others are.</param>
    /// <param name="warnings">Told of a mapping that makes no sense.</param>
    /// <param name="problem">Why it cannot be told; null: it can.</param>
    public string Redirect(string spec, bool isLogged, IWarningSink warnings, out string? problem)
    {
        problem = null;
        if (Redirection is null || Redirection.Apply(spec, Files, warnings, out problem) is not { } other)
            return spec;
        if (isLogged && Redirection.IsLogged && !_isRefreshing)
            _redirections.Add($"redirecting {spec} to {other}");
        return other;
    }

    /// <summary>Whether there is anything to do for <see cref="ReadRest"/>.</summary>
    public bool HasRest => _tables.Values.OfType<FileTable>().Any(static table => table.Wait == LookupWait.Reading);

    /// <summary>How much has been read of all versions of tables that came into force, in bytes.</summary>
    public long BytesTaken => _tables.Values.OfType<FileTable>().Sum(static table => table.BytesTaken);

    /// <summary>Reads the files that were only opened so far.</summary>
    public void ReadRest(IWarningSink warnings)
    {
        foreach (var table in _tables.Values.OfType<FileTable>())
            table.ReadRest(warnings);
    }

    /// <summary>Takes over what a file holds that was just written, and is complete.</summary>
    public TableFileState ReadNow(string path, IWarningSink warnings)
    {
        var state = TableFileState.Unused;
        foreach (var table in _tables.Values.OfType<FileTable>().Where(table => table.IsFrom(path)))
        {
            if (!table.ReadNow(Files, warnings))
                state = TableFileState.Refused;
            else if (state == TableFileState.Unused)
                state = TableFileState.InForce;
        }

        return state;
    }

    internal void Follow(IRefreshable refreshable) => _refreshables.Add(refreshable);

    /// <summary>A problem with a file that is no table: a <c>/file</c> in a match list.</summary>
    internal void ReportOpenError(string problem, IWarningSink warnings)
    {
        if (_isRefreshing)
            warnings.Warn(problem);
        else
            _openErrors.Add(problem);
    }

    /// <summary>Each time that they are gone through, they are read from the beginning.</summary>
    private static IEnumerable<TableRule> List(TableRuleReader list, TableSource source, TextFile? file)
    {
        foreach (var rule in list(source with { File = file is null ? null : new TextFileReader(file) }))
            yield return rule;
    }

    /// <summary>Finds the entries of a database in the text that it was made of.</summary>
    private static IEnumerable<TableRule> WithLines(IEnumerable<TableRule> rules, TableSource text)
    {
        var lines = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var (line, key, _) in TexthashTable.Rules(text))
            lines.TryAdd(key, line);
        return rules.Select(rule => rule with { Line = lines.GetValueOrDefault(rule.Key) });
    }

    private ILookupTable Make(string configured, bool foldCase, DuplicateKeys duplicates, IWarningSink warnings)
    {
        var spec = Redirect(configured, isLogged: true, warnings, out var mapping);
        if (mapping is not null)
            return new UnavailableTable(configured, mapping);
        var colon = spec.IndexOf(':');
        if (colon <= 0 || colon == spec.Length - 1)
            return new UnavailableTable(spec, $"open dictionary: expecting \"type:name\" form instead of \"{spec}\"");

        var (typeName, argument) = (spec[..colon], spec[(colon + 1)..]);
        var type = Find(hostTypes, typeName) ?? Find(TableTypes.All, typeName);
        if (type is not { IsAvailable: true } || (type.Since is { } since && !Postfix.Has(since)))
        {
            var unsupported = $"unsupported dictionary type: {typeName}";
            if (Postfix.Has(PostfixDifferences.PackageHint))
                warnings.Warn($"{unsupported}. Is the postfix-{typeName} package installed?");
            return new UnavailableTable(spec, unsupported);
        }

        var source = new TableSource(spec, argument, File: null, foldCase, duplicates);
        if (type.IsPath(argument))
        {
            var before = Before?._tables.GetValueOrDefault((spec, foldCase, duplicates)) as FileTable;
            return new FileTable(type, source, Files, warnings, before, _mayReadLater ? MostBeforeService : long.MaxValue);
        }

        string? problem;
        var table = type.FromTables is { } compose
            ? Compose(compose, source, warnings, out problem)
            : type.FromArgument!(source, warnings, out problem);
        return table ?? new UnavailableTable(spec, problem ?? "no content");
    }

    private ILookupTable? Compose(TableComposer compose, TableSource source, IWarningSink warnings, out string? problem)
    {
        problem = $"tables in tables, more than {DeepestNesting} deep: {source.Name}";
        if (_nesting >= DeepestNesting)
            return null;
        _nesting++;
        try
        {
            return compose(source, this, warnings, out problem);
        }
        finally
        {
            _nesting--;
        }
    }

    private static TableType? Find(IReadOnlyList<TableType> rows, string name)
    {
        foreach (var row in rows)
        {
            if (row.Name == name)
                return row;
        }

        return null;
    }
}
