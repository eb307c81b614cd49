using System.Text.RegularExpressions;

namespace Postern.Interop.Tests.Harness;

/// <summary>A tool that reads postscreen's log, as the expressions that it matches: a file in <c>LogReaders/</c>.</summary>
internal sealed class LogReader
{
    private readonly List<(string Event, Regex Expression)> _rules = [];

    private LogReader(string name) => Name = name;

    public string Name { get; }

    /// <summary>All files of the folder.</summary>
    public static IReadOnlyList<LogReader> LoadAll() =>
        [.. Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "LogReaders"), "*.expressions").Order(StringComparer.Ordinal).Select(Load)];

    /// <summary>What the tool takes a line for, with what its groups hold; null: nothing.</summary>
    /// <param name="text">What follows the tag.</param>
    public string? Read(string text)
    {
        foreach (var (name, expression) in _rules)
        {
            if (expression.Match(text) is { Success: true } match)
                return $"{name}({string.Join(", ", match.Groups.Values.Skip(1).Select(static group => group.Value))})";
        }

        return null;
    }

    private static LogReader Load(string path)
    {
        var reader = new LogReader(Path.GetFileNameWithoutExtension(path));
        var definitions = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in File.ReadLines(path).Where(static line => line.Length > 0 && line[0] != '#'))
        {
            var separator = line.IndexOf(" = ", StringComparison.Ordinal);
            var (name, expression) = (line[..separator], line[(separator + 3)..]);
            foreach (var (known, meaning) in definitions)
                expression = expression.Replace($"%{{{known}}}", meaning, StringComparison.Ordinal);
            if (name.StartsWith("let ", StringComparison.Ordinal))
                definitions.Add(name[4..], expression);
            else
                reader._rules.Add((name, new Regex(expression, RegexOptions.CultureInvariant)));
        }

        return reader;
    }
}
