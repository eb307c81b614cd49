namespace Postern.Core.Tables;

/// <summary>A table that stays while what is behind it comes, changes and goes.</summary>
public interface ILiveTable : ILookupTable, IRefreshable
{
    /// <summary>Why nothing is behind it now; null: there is something.</summary>
    string? OpenError { get; }

    /// <summary>What to do about <see cref="OpenError"/>; null: make the table, or name another.</summary>
    string? OpenRemedy => null;
}
