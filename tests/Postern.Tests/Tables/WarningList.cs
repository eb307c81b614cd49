using Postern.Core;

namespace Postern.Tests.Tables;

internal sealed class WarningList : IWarningSink
{
    public List<string> Texts { get; } = [];

    public void Warn(string text) => Texts.Add(text);

    /// <summary>What came since the last call.</summary>
    public List<string> Take()
    {
        List<string> texts = [.. Texts];
        Texts.Clear();
        return texts;
    }
}
