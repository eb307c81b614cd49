namespace Postern.Core.Config;

/// <summary>Collects problems, each once, in the order in which they were found.</summary>
internal sealed class ProblemList
{
    private readonly List<ConfigProblem> _problems = [];
    private readonly HashSet<ConfigProblem> _known = [];

    public IReadOnlyList<ConfigProblem> All => _problems;

    public bool HasErrors { get; private set; }

    public void Error(ConfigOrigin? origin, string text, string remedy) =>
        Add(ProblemSeverity.Error, origin, text, remedy);

    public void Warning(ConfigOrigin? origin, string text, string remedy) =>
        Add(ProblemSeverity.Warning, origin, text, remedy);

    /// <summary>What a program of Postfix logs in these words.</summary>
    public void SaidBy(string program, ProblemSeverity severity, ConfigOrigin? origin, string text, string remedy) =>
        Add(new ConfigProblem(severity, origin?.File, origin?.Line ?? 0, text, remedy) { SaidBy = program });

    /// <summary>Warns of what postscreen does without a word.</summary>
    public void Advise(ConfigOrigin? origin, string text, string remedy) =>
        Add(new ConfigProblem(ProblemSeverity.Warning, origin?.File, origin?.Line ?? 0, text, remedy) { PostscreenIsSilent = true });

    public void Add(ProblemSeverity severity, ConfigOrigin? origin, string text, string remedy) =>
        Add(new ConfigProblem(severity, origin?.File, origin?.Line ?? 0, text, remedy));

    private void Add(ConfigProblem problem)
    {
        if (!_known.Add(problem))
            return; // two services evaluate the same main.cf
        _problems.Add(problem);
        HasErrors |= problem.Severity == ProblemSeverity.Error;
    }

    /// <summary>A receiver of warnings that turns each into a problem.</summary>
    public IWarningSink Sink(ConfigOrigin? origin, string remedy, Func<string, ProblemSeverity> severity) =>
        new WarningSink(this, origin, remedy, severity);

    private sealed class WarningSink(
        ProblemList problems, ConfigOrigin? origin, string remedy, Func<string, ProblemSeverity> severity) : IWarningSink
    {
        public void Warn(string text)
        {
            if (text.EndsWith(LogicalLines.ByteOrderMark, StringComparison.Ordinal))
                problems.Add(ProblemSeverity.Degraded, ConfigOrigin.NamedIn(text) ?? origin, text, "save the file in UTF-8 without a byte order mark");
            else
                problems.Add(severity(text), ConfigOrigin.NamedIn(text) ?? origin, text, remedy);
        }

        public void Note(string text)
        {
            // Good news is no problem.
        }
    }
}
