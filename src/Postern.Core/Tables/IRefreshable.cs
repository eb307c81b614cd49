namespace Postern.Core.Tables;

/// <summary>Something made from files that follows their changes.</summary>
public interface IRefreshable
{
    /// <summary>Looks at the files and takes new versions over.</summary>
    void Refresh(ITextFiles files, IWarningSink warnings);
}
