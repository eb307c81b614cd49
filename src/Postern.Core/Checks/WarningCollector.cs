namespace Postern.Core.Checks;

/// <summary>Keeps the warnings of a trial, as text; good news is none.</summary>
internal sealed class WarningCollector : IWarningSink
{
    private readonly List<string> _texts = [];

    /// <inheritdoc />
    public void Warn(string text) => _texts.Add(text);

    /// <inheritdoc />
    public void Note(string text)
    {
    }

    /// <summary>What came since the last call.</summary>
    public IReadOnlyList<string> Take()
    {
        var texts = _texts.ToArray();
        _texts.Clear();
        return texts;
    }
}
