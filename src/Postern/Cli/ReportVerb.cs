using System.Diagnostics;
using System.Globalization;
using Postern.Core.Reporting;
using Postern.Reports;
using Spectre.Console;

namespace Postern.Cli;

/// <summary>How <c>postern report</c> writes.</summary>
internal enum ReportFormat
{
    Text,
    Json,
    Html,
    CurveCsv,
}

/// <summary>What <c>postern report</c> is asked.</summary>
/// <param name="Files">Paths, plain or gzip, in any order; <c>-</c> or none: standard input.</param>
/// <param name="Format">Text, JSON, a page or a table.</param>
/// <param name="Since">A time or how long ago; null: from the beginning.</param>
/// <param name="Until">A time or how long ago; null: to the end.</param>
internal sealed record ReportQuery(IReadOnlyList<string> Files, ReportFormat Format, string? Since = null, string? Until = null);

/// <summary><c>postern report</c>: what screening did, from mail logs of Postern or of postscreen, and event logs.</summary>
internal static class ReportVerb
{
    private const long LongLog = 50_000_000; // bytes; shorter ones are read before a progress bar would be seen
    private const int Failed = 1;

    /// <param name="query">What is asked.</param>
    /// <param name="output">UTF-8.</param>
    /// <param name="errors">For problems, and for the progress where it is a terminal.</param>
    /// <returns>The exit status: 1 when a file could not be read to its end, when lines of screening could not be read, or when there is nothing to report.</returns>
    public static int Run(ReportQuery query, Stream output, TextWriter errors) => Run(query, DateTimeOffset.Now, output, errors);

    internal static int Run(ReportQuery query, DateTimeOffset now, Stream output, TextWriter errors)
    {
        foreach (var (name, text) in (ReadOnlySpan<(string, string?)>)[("--since", query.Since), ("--until", query.Until)])
        {
            if (TimeArgument.TryParse(text, now, out _))
                continue;
            errors.WriteLine($"postern report: {name} {text}: {TimeArgument.Forms}");
            return Failed;
        }

        TimeArgument.TryParse(query.Since, now, out var since);
        TimeArgument.TryParse(query.Until, now, out var until);
        var clock = new LogClock(now.LocalDateTime);
        var input = new ReportInput(clock, since?.LocalDateTime, until?.LocalDateTime);
        var logs = query.Files.Count == 0 ? ["-"] : query.Files;
        var isRead = Read(logs, clock, input, errors);
        var report = input.Build();
        if (!isRead && report.Lines.Read == 0 && report.Events == 0)
            return Failed; // there is nothing to report of
        Write(report, query.Format, output);
        var isWhole = isRead;
        if (report.UnreadableScreening is var (count, example))
        {
            errors.WriteLine(string.Create(CultureInfo.InvariantCulture, $"postern report: {count:N0} lines of screening cannot be read and are missing in the report, such as: {TerminalText.Printable(example)}"));
            isWhole = false;
        }

        if (report.Connections == 0)
            errors.WriteLine($"postern report: nothing to report: {ReportSection.Period(report)}{(since is null && until is null ? "" : " of that time")}");
        return isWhole && report.Connections > 0 ? 0 : Failed;
    }

    private static bool Read(IReadOnlyList<string> logs, LogClock clock, ReportInput input, TextWriter errors)
    {
        var isWhole = true;
        var total = logs.Sum(static file => file == "-" ? 0 : new FileInfo(file) is { Exists: true } info ? info.Length : 0);
        if (logs.Contains("-") && !Console.IsInputRedirected)
            errors.WriteLine("postern report: reads the log from this terminal until Ctrl-D; name a file to read that");
        if (total < LongLog || Console.IsErrorRedirected)
        {
            ReadAll(static _ => { });
        }
        else
        {
            var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
            console.Progress().AutoClear(true).Start(context =>
            {
                var task = context.AddTask("reading", maxValue: total);
                ReadAll(done => task.Value = done);
            });
        }

        return isWhole;

        void ReadAll(Action<long> progress) => new MergedLogs(clock, areNamed: true).Read(logs, input.Add, progress, (path, problem) =>
        {
            errors.WriteLine($"postern report: {path}: {problem}");
            isWhole = false;
        });
    }

    private static void Write(Report report, ReportFormat format, Stream output)
    {
        switch (format)
        {
            case ReportFormat.Json: JsonReport.Write(report, output); break;
            case ReportFormat.CurveCsv: CurveReport.WriteCsv(report.BreakOff, output); break;
            case ReportFormat.Html: HtmlReport.Write(report, output); break;
            case ReportFormat.Text:
                TextReport.Write(report, TerminalOn(output));
                break;
            default: throw new UnreachableException($"unhandled {format}");
        }
    }

    /// <summary>For text with colours; without, where the output is no terminal.</summary>
    internal static IAnsiConsole TerminalOn(Stream output) => AnsiConsole.Create(new AnsiConsoleSettings
    {
        Out = new AnsiConsoleOutput(new StreamWriter(output) { AutoFlush = true }),
        Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect,
        ColorSystem = Console.IsOutputRedirected ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
    });
}
