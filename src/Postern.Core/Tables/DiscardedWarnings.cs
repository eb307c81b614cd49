namespace Postern.Core.Tables;

/// <summary>For where there can be no warning.</summary>
internal sealed class DiscardedWarnings : IWarningSink
{
    public static readonly DiscardedWarnings Instance = new();

    /// <inheritdoc />
    public void Warn(string text)
    {
    }
}
