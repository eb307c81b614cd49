namespace Postern.Core.Tables;

/// <summary><c>internal:name</c> — a table in memory that only its own process could fill, and none does: empty.</summary>
public sealed class EmptyTable : ILookupTable
{
    private EmptyTable(string name) => Name = name;

    /// <inheritdoc />
    public string Name { get; }

    /// <summary>Never fails.</summary>
    public static ILookupTable? Parse(TableSource source, IWarningSink warnings, out string? problem)
    {
        problem = null;
        return new EmptyTable(source.Name);
    }

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings) => LookupResult.NotFound;

    /// <inheritdoc />
    public LookupResult Lookup(IpAddress address, IWarningSink warnings) => LookupResult.NotFound;
}
