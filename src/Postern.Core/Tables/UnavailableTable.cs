namespace Postern.Core.Tables;

/// <summary>Stands in for a table that could not be opened: each lookup says why, and is an error.</summary>
public sealed class UnavailableTable(string name, string reason) : ILookupTable
{
    /// <inheritdoc />
    public string Name { get; } = name;

    /// <summary>Why it could not be opened.</summary>
    public string Reason { get; } = reason;

    /// <inheritdoc />
    public LookupResult Lookup(string key, IWarningSink warnings) => Fail(warnings);

    /// <inheritdoc />
    public LookupResult Lookup(IpAddress address, IWarningSink warnings) => Fail(warnings);

    private LookupResult Fail(IWarningSink warnings)
    {
        warnings.Warn($"{Name} is unavailable. {Reason}");
        return LookupResult.Error;
    }
}
