namespace Postern.Core.Tables;

/// <summary><c>environ:name</c> — the variables of the process's environment; the name does not matter.</summary>
public sealed class EnvironTable : ILookupTable
{
    private readonly Func<string, string?> _variable;
    private readonly bool _foldCase;

    private EnvironTable(TableSource source, Func<string, string?> variable) =>
        (Name, _foldCase, _variable) = (source.Name, source.FoldCase, variable);

    /// <inheritdoc />
    public string Name { get; }

    /// <param name="variable">Gives a variable's value; null: there is no such variable.</param>
    public static TableParser Parser(Func<string, string?> variable) =>
        (TableSource source, IWarningSink warnings, out string? problem) =>
        {
            problem = null;
            return new EnvironTable(source, variable);
        };

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings) =>
        _variable(_foldCase ? ListText.FoldCase(key) : key) is { } value ? LookupResult.Found(value) : LookupResult.NotFound;
}
