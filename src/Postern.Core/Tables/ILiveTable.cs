namespace Postern.Core.Tables;

/// <summary>A table that stays while what is behind it comes, changes and goes.</summary>
public interface ILiveTable : ILookupTable, IRefreshable
{
    /// <summary>Why nothing is behind it now; null: there is something.</summary>
    string? OpenError { get; }
}
