namespace Postern.Core.Tables;

/// <summary>
/// A table with one answer to every key: <c>static:value</c> or <c>static:{value with blanks}</c>; <c>fail:text</c>, an
/// error, for trying out what an error does; <c>internal:name</c>, nothing, as only its own process could fill it.
/// </summary>
public sealed class StaticTable : ILookupTable
{
    private readonly LookupResult _answer;

    private StaticTable(string name, LookupResult answer) => (Name, _answer) = (name, answer);

    /// <inheritdoc />
    public string Name { get; }

    /// <summary>Reads the value.</summary>
    public static ILookupTable? Parse(TableSource source, IWarningSink warnings, out string? problem)
    {
        problem = null;
        ReadOnlySpan<char> value = source.Argument;
        if (!value.StartsWith('{') || ListText.TryStripBraces(value, out value, out problem))
            return new StaticTable(source.Name, LookupResult.Found(value.ToString()));
        problem = "bad static:name syntax: " + problem;
        return null;
    }

    /// <summary>The one entry, for every key.</summary>
    public static IEnumerable<TableRule> Rules(TableSource source) =>
        Parse(source, DiscardedWarnings.Instance, out _) is StaticTable table ? [new TableRule(0, "*", table._answer.Value)] : [];

    /// <summary>Never fails to parse.</summary>
    public static ILookupTable? ParseFail(TableSource source, IWarningSink warnings, out string? problem)
    {
        problem = null;
        return new StaticTable(source.Name, LookupResult.Error);
    }

    /// <summary>Never fails to parse.</summary>
    public static ILookupTable? ParseInternal(TableSource source, IWarningSink warnings, out string? problem)
    {
        problem = null;
        return new StaticTable(source.Name, LookupResult.NotFound);
    }

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings) => _answer;

    /// <inheritdoc />
    public LookupResult Lookup(IpAddress address, IWarningSink warnings) => _answer;
}
