using Postern.Core;

namespace Postern.Tests;

/// <summary>Keeps what it is warned of.</summary>
public sealed class RecordedWarnings : IWarningSink
{
    public List<string> Texts { get; } = [];

    public void Warn(string text) => Texts.Add(text);
}
