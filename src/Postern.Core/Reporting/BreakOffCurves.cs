namespace Postern.Core.Reporting;

/// <summary>The break-off curves of a log, by class of reverse name.</summary>
public sealed class BreakOffCurves
{
    /// <summary>In place of a class: the name was not asked for, or the log does not say.</summary>
    public const string NotKnown = "not known";

    private readonly SortedDictionary<string, BreakOffCurve> _classes = new(StringComparer.Ordinal);

    /// <summary>Each class that occurs, in alphabetical order.</summary>
    public IReadOnlyDictionary<string, BreakOffCurve> Classes => _classes;

    /// <summary>Counts a client.</summary>
    /// <param name="className">As log lines have it; null: it is not known.</param>
    /// <param name="seconds">How long it was watched.</param>
    /// <param name="hasLeft">Whether it left then.</param>
    public void Add(string? className, double seconds, bool hasLeft)
    {
        if (!_classes.TryGetValue(className ?? NotKnown, out var curve))
            _classes[className ?? NotKnown] = curve = new BreakOffCurve();
        curve.Add(seconds, hasLeft);
    }
}
