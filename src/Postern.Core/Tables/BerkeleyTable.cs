namespace Postern.Core.Tables;

/// <summary><c>hash:</c> and <c>btree:</c> — the Berkeley DB file <c>PATH.db</c> that postmap(1) made, read into memory.</summary>
public sealed class BerkeleyTable : ILookupTable
{
    private readonly TextMap _entries;
    private readonly bool _foldCase;

    private BerkeleyTable(TableSource source, TextMap entries) =>
        (Name, _entries, _foldCase) = (source.Name, entries, source.FoldCase);

    /// <inheritdoc />
    public string Name { get; }

    /// <summary>Reads a <c>hash:</c> file.</summary>
    public static ILookupTable? ParseHash(TableSource source, IWarningSink warnings, out string? problem) =>
        Parse(source, BerkeleyFile.HashMagic, out problem);

    /// <summary>Reads a <c>btree:</c> file.</summary>
    public static ILookupTable? ParseBtree(TableSource source, IWarningSink warnings, out string? problem) =>
        Parse(source, BerkeleyFile.BtreeMagic, out problem);

    /// <summary>Lists a <c>hash:</c> file.</summary>
    public static IEnumerable<TableRule> RulesOfHash(TableSource source) => Rules(source, BerkeleyFile.HashMagic);

    /// <summary>Lists a <c>btree:</c> file.</summary>
    public static IEnumerable<TableRule> RulesOfBtree(TableSource source) => Rules(source, BerkeleyFile.BtreeMagic);

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings) =>
        _entries.Find(_foldCase ? ListText.FoldCase(key) : key) is { } value ? LookupResult.Found(value) : LookupResult.NotFound;

    private static IEnumerable<TableRule> Rules(TableSource source, uint magic) =>
        BerkeleyFile.TryRead(source.File!.ReadToEnd(), magic, out var entries, out _) ? entries.List() : [];

    private static BerkeleyTable? Parse(TableSource source, uint magic, out string? problem)
    {
        if (BerkeleyFile.TryRead(source.File!.ReadToEnd(), magic, out var entries, out problem))
            return new BerkeleyTable(source, entries);
        problem = $"open database {source.Argument}.db: {problem}";
        return null;
    }
}
