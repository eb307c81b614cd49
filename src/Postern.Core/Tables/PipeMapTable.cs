namespace Postern.Core.Tables;

/// <summary><c>pipemap:{type:name, type:name}</c> — what one table answers is the key for the next one.</summary>
public sealed class PipeMapTable : ILookupTable
{
    private readonly ILookupTable[] _members;

    private PipeMapTable(string name, ILookupTable[] members) => (Name, _members) = (name, members);

    /// <inheritdoc />
    public string Name { get; }

    /// <inheritdoc />
    public LookupWait Wait => MemberList.WaitOf(_members);

    /// <summary>Opens the tables of the list.</summary>
    public static ILookupTable? Compose(TableSource source, TableCatalog tables, IWarningSink warnings, out string? problem) =>
        MemberList.Open("pipemap", source, tables, warnings, out problem) is { } members ? new PipeMapTable(source.Name, members) : null;

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings)
    {
        var result = LookupResult.Found(key);
        foreach (var member in _members)
        {
            result = member.Lookup(result.Value, warnings);
            if (result.Status != LookupStatus.Found)
                return result;
        }

        return result;
    }
}
