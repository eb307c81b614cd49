namespace Postern.Core.Tables;

/// <summary>What a process has for tables beyond Core.</summary>
/// <param name="Types">Further types, or others in the place of Core's.</param>
public sealed record TableHost(IReadOnlyList<TableType> Types)
{
    /// <inheritdoc cref="TableCatalog.Hasten"/>
    public Func<ILookupTable, ILookupTable> Hasten { get; init; } = static table => table;
}
