using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Postern.Core.Config;
using Postern.Core.Tables;

namespace Postern.Tests;

/// <summary>docs/compatibility.md has a row for everything, and each row has a verdict.</summary>
public sealed class CompatibilityTests
{
    private static readonly string[] Verdicts = ["same", "differs", "beyond"];
    private static readonly string Repository = Path.Combine(Here(), "..", "..");
    private static readonly List<(string Section, string Subject, string Verdict, string Text)> Rows = Read();

    [Fact]
    public void Every_row_has_a_verdict_and_says_what_is_not_the_same()
    {
        Assert.True(Rows.Count > 100);
        Assert.All(Rows, static row => Assert.Contains(row.Verdict, Verdicts));
        Assert.All(Rows.Where(static row => row.Verdict == "differs"), static row => Assert.NotEmpty(row.Text));
    }

    [Fact]
    public void Every_parameter_has_one_row_and_no_row_is_for_another() => AssertSame(Parameters.All.Select(static row => row.Name), NamesOf("Parameters"));

    [Fact]
    public void Every_table_type_has_one_row_and_no_row_is_for_another() => AssertSame(TableTypes.All.Select(static row => row.Name), NamesOf("Table types"));

    // The real postscreen wrote these, and its dnsblog and tlsproxy.
    [Fact]
    public void Every_line_that_Postfix_logged_in_the_lab_has_a_row()
    {
        var recorded = Directory.GetFiles(Path.Combine(Repository, "tests", "Lab", "golden"), "*.txt")
            .SelectMany(File.ReadLines).Select(static line => Regex.Match(line, "^(?:postscreen|dnsblog|tlsproxy): (.*)$")).Where(static match => match.Success)
            .Select(static match => match.Groups[1].Value).Distinct().ToList();

        AssertAllKnown("Log lines", recorded);
    }

    [Fact]
    public void Every_line_of_the_transcripts_has_a_row()
    {
        var lines = Directory.GetFiles(Path.Combine(AppContext.BaseDirectory, "Transcripts"), "*.transcript").SelectMany(File.ReadLines).ToList();

        AssertAllKnown("Log lines", [.. Captured(lines, "^= [0-9.]+ +log (.*)$")]);
        AssertAllKnown("Replies", [.. Captured(lines, "^S [0-9.]+ +([0-9]{3}.*)$")]);

        static IEnumerable<string> Captured(IEnumerable<string> lines, string pattern) =>
            lines.Select(line => Regex.Match(line, pattern)).Where(static match => match.Success).Select(static match => match.Groups[1].Value).Distinct();
    }

    private static void AssertSame(IEnumerable<string> registry, IEnumerable<string> documented)
    {
        var (rows, names) = (registry.ToList(), documented.ToList());
        Assert.Empty(rows.Except(names));
        Assert.Empty(names.Except(rows));
        Assert.Empty(names.GroupBy(static name => name).Where(static group => group.Count() > 1).Select(static group => group.Key));
    }

    private static void AssertAllKnown(string section, IReadOnlyCollection<string> lines)
    {
        var names = NamesOf(section).ToList();
        var forms = names.Concat(names.Where(static name => name[0] == '5').Select(Softened)).Select(static name => new Regex("^" + Regex.Replace(Regex.Escape(name), "<[^>]+>", ".*") + "$", RegexOptions.Singleline)).ToList();
        var unknown = lines.Where(line => !forms.Any(form => form.IsMatch(line))).ToList();

        Assert.NotEmpty(lines);
        Assert.True(unknown.Count == 0, string.Join('\n', unknown));
    }

    /// <summary>A rejection as soft_bounce has it; its row is that of the hard one.</summary>
    private static string Softened(string reply) => $"4{reply[1..4]}{(reply[4] == '5' ? '4' : reply[4])}{reply[5..]}";

    /// <summary>What stands as code in the first cells of a section's rows.</summary>
    private static IEnumerable<string> NamesOf(string section) =>
        Rows.Where(row => row.Section == section).SelectMany(static row => Regex.Matches(row.Subject, "`([^`]+)`")).Select(static match => match.Groups[1].Value);

    private static List<(string, string, string, string)> Read()
    {
        var rows = new List<(string, string, string, string)>();
        var section = "";
        foreach (var line in File.ReadLines(Path.Combine(Repository, "docs", "compatibility.md")))
        {
            if (line.StartsWith("## ", StringComparison.Ordinal))
                section = line[3..];
            var cells = line.Split('|', StringSplitOptions.TrimEntries);
            if (cells is ["", var subject, var verdict, var text, ""] && verdict.Length > 0 && !verdict.StartsWith('-'))
                rows.Add((section, subject, verdict, text));
        }

        return rows;
    }

    private static string Here([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
