namespace Postern.Bench;

/// <summary>The figures of all rounds.</summary>
internal sealed class Results
{
    private readonly Dictionary<(Measure, ServerKind), SortedDictionary<int, double>> _values = [];
    private readonly List<string> _notes = [];

    /// <summary>What the reader of the figures must know.</summary>
    public IReadOnlyList<string> Notes => _notes;

    public void Add(Measure measure, ServerKind kind, int round, double value)
    {
        if (!_values.TryGetValue((measure, kind), out var rounds))
            _values[(measure, kind)] = rounds = [];
        rounds[round] = value;
    }

    public void Note(string text) => _notes.Add(text);

    /// <summary>One figure a round, in the order of the rounds.</summary>
    public IReadOnlyList<double> ValuesOf(Measure measure, ServerKind kind) => _values.TryGetValue((measure, kind), out var rounds) ? [.. rounds.Values] : [];

    /// <summary>The median of the rounds; null when there is none.</summary>
    public double? MedianOf(Measure measure, ServerKind kind) => Median(ValuesOf(measure, kind));

    /// <summary>postscreen's figure divided by Postern's, for each round that has both.</summary>
    public IReadOnlyList<double> FactorsOf(Measure measure)
    {
        if (!_values.TryGetValue((measure, ServerKind.Postscreen), out var theirs) || !_values.TryGetValue((measure, ServerKind.Postern), out var ours))
            return [];
        return [.. from round in ours where round.Value > 0 && theirs.ContainsKey(round.Key) select theirs[round.Key] / round.Value];
    }

    /// <summary>Whether Postern reached the goal; null when there is none, or the figures for it were not taken.</summary>
    public bool? Reached(Measure measure) => !measure.Goal.IsSet ? null : measure.Goal.IsShare
        ? Median(FactorsOf(measure)) is { } factor ? (measure.Goal.MoreIsBetter ? factor <= measure.Goal.Divisor : factor >= measure.Goal.Divisor) : null
        : MedianOf(measure, ServerKind.Postern) is { } value ? value <= measure.Goal.Limit : null;

    public static double? Median(IReadOnlyList<double> values)
    {
        if (values.Count == 0)
            return null;
        var sorted = values.Order().ToArray();
        var middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
