using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Postern.Checks;
using Postern.Cli;
using Postern.Core.Config;
using Postern.Storage;
using Postern.Tables;

namespace Postern.Tests.Checks;

/// <summary>
/// <c>postern check</c> says first what serve would say: for every configuration of the lab, each warning that Postfix logged
/// before or during the case, and each that the start of our own daemon logs, is in the output of check, and then nothing is
/// called fine.
/// </summary>
public sealed partial class LabCaseTests
{
    // What no configuration is to blame for.
    private static readonly string[] OfClients =
    [
        "haproxy read: ", // what a client or proxy sent
        "TLS library problem: ", // what a client wanted of TLS
        "ciphertext read/write timeout for ", // a client that does not go on
        "dnsblog reply timeout ", // a name server that is slow
        "dnsblog_query: lookup error ", // or down
        "smtpd_client_event_limit_exceptions: ", // smtpd's business
    ];

    [Fact]
    public void Each_warning_of_the_lab_is_said_first() => CheckAll(Path.Combine(Root, "..", "shared", "lab"), least: 8);

    [Fact]
    public void Each_warning_of_our_own_lab_cases_is_said_first() => CheckAll(Path.Combine(Root, "tests", "Lab"), least: 60);

    /// <param name="least">So many warnings there are at least, if all cases can be read.</param>
    private static void CheckAll(string lab, int least)
    {
        Assert.SkipUnless(Directory.Exists(lab), $"needs the lab's cases in {lab}");
        var (failures, required) = (new List<string>(), 0);
        foreach (var path in Directory.GetFiles(Path.Combine(lab, "cases"), "*.case").Order(StringComparer.Ordinal))
        {
            var name = Path.GetFileNameWithoutExtension(path);
            using var one = new LabCase(path, Path.Combine(lab, "golden", name + ".txt"));
            if (one.Lack is { } lack)
            {
                TestContext.Current.SendDiagnosticMessage($"{name} is left out: {lack}");
                continue;
            }

            var output = Check(one, out var configuration);
            var expected = one.Warnings.Where(static text => !OfClients.Any(kind => text.StartsWith(kind, StringComparison.Ordinal)))
                .Concat(configuration.Problems.Select(static problem => problem.LogText)).Select(Normal).Distinct().ToList();
            failures.AddRange(expected.Where(text => !Normal(output).Contains(text, StringComparison.Ordinal)).Select(text => $"{name}: check does not say: {text}"));
            if (expected.Count > 0 && output.Contains("are fine", StringComparison.Ordinal))
                failures.Add($"{name}: check calls it fine");
            if (!configuration.HasErrors && expected.Count == 0 && !output.Contains("are fine", StringComparison.Ordinal))
                failures.Add($"{name}: nothing was wrong with it, but check says:\n{output.Replace(one.Work, "WORK", StringComparison.Ordinal)}");
            var lines = output.Split('\n').Where(static line => line.Length > 0 && line[0] != ' ').ToList();
            failures.AddRange(lines.GroupBy(static line => line).Where(static same => same.Count() > 1).Select(same => $"{name}: check says it twice: {same.Key}"));
            failures.AddRange(lines.SkipLast(1).Where(static line => !Place().IsMatch(line)).Select(line => $"{name}: there is no file to change in: {line}"));
            required += expected.Count;
        }

        Assert.True(required >= least || failures.Count > 0, $"there were only {required} warnings to look for");
        Assert.True(failures.Count == 0, string.Join('\n', failures));
    }

    private static string Check(LabCase one, out Configuration configuration)
    {
        var host = HostFactsReader.Read() with { IsRoot = false }; // users of Postfix need not exist here
        using var output = new StringWriter { NewLine = "\n" };
        CheckVerb.Run(one.Directory, new TextFiles(), host, HostCheck.FindElsewhere, output);
        configuration = Configuration.Load(one.Directory, new TextFiles(), host, HostTableTypes.For);
        return output.ToString();
    }

    /// <summary>Without what differs from client to client, and with the place as check has it.</summary>
    private static string Normal(string text)
    {
        text = LookedUp().Replace(text, "$1…");
        text = Answered().Replace(text, "lookup of … returns");
        text = ClientKey().Replace(text, "$1…");
        return Line().Replace(text, "");
    }

    private static string Root => Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", ".."));

    private static string Here([CallerFilePath] string path = "") => path;

    [GeneratedRegex(@"^(/\S+(:\d+)?: (error|warning): |\d+ errors?, \d+ warnings?$)")]
    private static partial Regex Place();

    [GeneratedRegex("(lookup error for )\".*\"", RegexOptions.Multiline)]
    private static partial Regex LookedUp();

    [GeneratedRegex("lookup of .* returns", RegexOptions.Multiline)]
    private static partial Regex Answered();

    [GeneratedRegex("((?:cache lookup|could not update entry) for )\\S+", RegexOptions.Multiline)]
    private static partial Regex ClientKey();

    [GeneratedRegex("^\\S+\\.cf, line \\d+: ", RegexOptions.Multiline)]
    private static partial Regex Line();
}
