using System.Text;

namespace Postern.Core.Tables;

/// <summary><c>unionmap:{type:name, type:name}</c> — what all of the tables answer, with commas between.</summary>
public sealed class UnionMapTable : ILookupTable
{
    private readonly ILookupTable[] _members;

    private UnionMapTable(string name, ILookupTable[] members) => (Name, _members) = (name, members);

    /// <inheritdoc />
    public string Name { get; }

    /// <inheritdoc />
    public LookupWait Wait => MemberList.WaitOf(_members);

    /// <summary>Opens the tables of the list.</summary>
    public static ILookupTable? Compose(TableSource source, TableCatalog tables, IWarningSink warnings, out string? problem) =>
        MemberList.Open("unionmap", source, tables, warnings, out problem) is { } members ? new UnionMapTable(source.Name, members) : null;

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings)
    {
        StringBuilder? joined = null;
        foreach (var member in _members)
        {
            var result = member.Lookup(key, warnings);
            if (result.Status == LookupStatus.Error)
                return result;
            if (result.Status == LookupStatus.NotFound)
                continue;
            joined ??= new StringBuilder();
            if (joined.Length > 0)
                joined.Append(',');
            joined.Append(result.Value);
        }

        // Answers that are all empty are none, but one after another answer leaves its comma: as in Postfix.
        return joined is { Length: > 0 } ? LookupResult.Found(joined.ToString()) : LookupResult.NotFound;
    }
}
