namespace Postern.Core.Config;

/// <summary>How much a configuration problem matters.</summary>
public enum ProblemSeverity
{
    /// <summary>Mail flows; something is not as the administrator may think.</summary>
    Warning,

    /// <summary>The daemon starts, as Postfix does, but something will not work: a table that cannot be opened.</summary>
    Degraded,

    /// <summary>The daemon does not start.</summary>
    Error,
}

/// <summary>Something in the configuration that the administrator should know or mend.</summary>
/// <param name="Severity">Whether it keeps the daemon from starting.</param>
/// <param name="File">The file to edit; null when there is none, as with a wrong built-in default for this host.</param>
/// <param name="Line">The line in <paramref name="File"/>, from 1; 0 when there is none.</param>
/// <param name="Text">What is wrong, in Postfix's words where it has words; Latin-1 characters standing for bytes.</param>
/// <param name="Remedy">What to do about it.</param>
public sealed record ConfigProblem(ProblemSeverity Severity, string? File, int Line, string Text, string Remedy)
{
    /// <summary>The program of Postfix that says just this, and without file and line; so does the log. Null: none.</summary>
    public string? SaidBy { get; init; }

    /// <summary>Whether postscreen does the same without a word: then the log has it under Postern's own name.</summary>
    public bool PostscreenIsSilent { get; init; }

    /// <summary>What the log says besides when a client comes: the consequences, in the words of log lines.</summary>
    public IReadOnlyList<string> AtClients { get; init; } = [];

    /// <summary>
    /// As the log has it. Where a table cannot be used, and in some warnings, Postfix has no file and line, or has them in
    /// its words already, which are looked for in logs.
    /// </summary>
    public string LogText => Severity is ProblemSeverity.Degraded || File is null || SaidBy is not null || Text.StartsWith(File, StringComparison.Ordinal) || ConfigOrigin.NamedIn(Text) is not null ? Text
        : Line == 0 ? $"{File}: {Text}" : $"{File}, line {Line}: {Text}";

    /// <summary><c>FILE:LINE: </c> for the beginning of a line; empty without a file.</summary>
    public string Place => File is null ? "" : new ConfigOrigin(File, Line).ToString() + ": ";
}
