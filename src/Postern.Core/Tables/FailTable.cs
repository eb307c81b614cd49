namespace Postern.Core.Tables;

/// <summary><c>fail:text</c> — every lookup is an error, for trying out what an error does.</summary>
public sealed class FailTable : ILookupTable
{
    private FailTable(string name) => Name = name;

    /// <inheritdoc />
    public string Name { get; }

    /// <summary>Never fails.</summary>
    public static ILookupTable? Parse(TableSource source, IWarningSink warnings, out string? problem)
    {
        problem = null;
        return new FailTable(source.Name);
    }

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings) => LookupResult.Error;

    /// <inheritdoc />
    public LookupResult Lookup(IpAddress address, IWarningSink warnings) => LookupResult.Error;
}
