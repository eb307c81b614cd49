using Postern.Core;

namespace Postern.Tests.Logging;

/// <summary>Collects warnings.</summary>
internal sealed class Warnings : IWarningSink
{
    public List<string> Texts { get; } = [];

    public void Warn(string text) => Texts.Add(text);
}
