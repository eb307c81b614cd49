using Postern.Core.Config;

namespace Postern.Core.Checks;

/// <summary>What a check has found: each thing once, and with it what the log will say of it when clients come.</summary>
internal sealed class FindingList
{
    private const int MaxOfOneText = 20; // lines of a table that share a mistake

    private readonly List<ConfigProblem> _all = [];
    private readonly HashSet<(string?, int, string)> _places = [];
    private readonly Dictionary<string, (int Count, int Last)> _byText = new(StringComparer.Ordinal);
    private readonly HashSet<string> _said = new(StringComparer.Ordinal);

    /// <param name="known">What is known already; it comes first.</param>
    public FindingList(IEnumerable<ConfigProblem> known)
    {
        foreach (var problem in known)
            Add(problem);
    }

    /// <summary>In the order in which they were found.</summary>
    public IReadOnlyList<ConfigProblem> All
    {
        get
        {
            var all = _all.ToArray();
            foreach (var (count, last) in _byText.Values.Where(static one => one.Count > MaxOfOneText))
                all[last] = all[last] with { Remedy = $"{all[last].Remedy}; {count - MaxOfOneText} more lines have the same mistake" };
            return all;
        }
    }

    /// <summary>Adds something to change, unless it is there.</summary>
    public void Add(ConfigProblem problem)
    {
        if (!_places.Add((problem.File, problem.Line, problem.Text)))
            return;
        var (count, last) = _byText.GetValueOrDefault(problem.Text);
        if (count < MaxOfOneText)
        {
            last = _all.Count;
            _all.Add(problem);
            foreach (var text in problem.AtClients.Prepend(problem.Text))
                _said.Add(Kind(text));
        }

        _byText[problem.Text] = (count + 1, last);
    }

    /// <inheritdoc cref="Add(ConfigProblem)" />
    public void Add(ProblemSeverity severity, ConfigOrigin? origin, string text, string remedy, IReadOnlyList<string>? atClients = null) =>
        Add(new ConfigProblem(severity, origin?.File, origin?.Line ?? 0, text, remedy) { AtClients = atClients ?? [] });

    /// <summary>Adds the warnings that one client gave rise to: to the problem that they come from, else as one of their own.</summary>
    /// <param name="warnings">In their order; those that were said are left out.</param>
    /// <param name="origin">Where to look, should they be news.</param>
    public void AddOfClient(IReadOnlyList<string> warnings, ConfigOrigin? origin, string remedy)
    {
        if (warnings.Count == 0)
            return;
        var cause = _all.FindIndex(problem => warnings.Any(text => text.EndsWith(problem.Text, StringComparison.Ordinal) || problem.AtClients.Contains(text)));
        var news = warnings.Where(text => _said.Add(Kind(text))).ToList();
        if (news.Count == 0)
            return;
        if (cause >= 0)
            _all[cause] = _all[cause] with { AtClients = [.. _all[cause].AtClients, .. news] };
        else
            Add(ProblemSeverity.Degraded, origin, news[0], remedy, news[1..]);
    }

    /// <summary>Adds what the log will say at a client to the problems that it comes from.</summary>
    public void AddConsequence(Predicate<ConfigProblem> isCause, string text)
    {
        for (var i = 0; i < _all.Count; i++)
        {
            if (isCause(_all[i]) && _said.Add(text))
                _all[i] = _all[i] with { AtClients = [.. _all[i].AtClients, text] };
        }
    }

    /// <summary>What a text has in common with others of its kind: the key that was looked up is left out.</summary>
    private static string Kind(string text)
    {
        foreach (var end in (ReadOnlySpan<string>)[" lookup error for \"", " lookup of "])
        {
            if (text.IndexOf(end, StringComparison.Ordinal) is >= 0 and var at)
                return text[..(at + end.Length)];
        }

        return text;
    }
}
