namespace Postern.Core.Tables;

/// <summary><c>static:value</c> or <c>static:{value with blanks}</c> — every key has this value.</summary>
public sealed class StaticTable : ILookupTable
{
    private readonly LookupResult _answer;

    private StaticTable(string name, string value) => (Name, _answer) = (name, LookupResult.Found(value));

    /// <inheritdoc />
    public string Name { get; }

    /// <summary>Reads the value.</summary>
    public static ILookupTable? Parse(TableSource source, IWarningSink warnings, out string? problem)
    {
        problem = null;
        ReadOnlySpan<char> value = source.Argument;
        if (!value.StartsWith('{') || ListText.TryStripBraces(value, out value, out problem))
            return new StaticTable(source.Name, value.ToString());
        problem = "bad static:name syntax: " + problem;
        return null;
    }

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings) => _answer;

    /// <inheritdoc />
    public LookupResult Lookup(IpAddress address, IWarningSink warnings) => _answer;
}
