using System.Diagnostics;
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

/// <summary><c>postern report</c>: what screening did, from mail logs of Postern or of postscreen, and event logs.</summary>
internal static class ReportVerb
{
    private const long LongLog = 50_000_000; // bytes; shorter ones are read before a progress bar would be seen

    /// <param name="files">Paths, plain or gzip; <c>-</c> or none: standard input.</param>
    /// <param name="format">Text, JSON or a page.</param>
    /// <param name="output">UTF-8.</param>
    /// <param name="errors">For problems, and for the progress where it is a terminal.</param>
    /// <returns>The exit status: 1 when a file could not be read to its end.</returns>
    public static int Run(IReadOnlyList<string> files, ReportFormat format, Stream output, TextWriter errors)
    {
        var input = new ReportInput(DateTime.Now);
        var logs = files.Count == 0 ? ["-"] : files;
        var total = logs.Sum(static file => file == "-" ? 0 : new FileInfo(file) is { Exists: true } info ? info.Length : 0);
        var status = 0;
        if (logs.Contains("-") && !Console.IsInputRedirected)
            errors.WriteLine("postern report: reads the log from this terminal until Ctrl-D; name a file to read that");
        if (total < LongLog || Console.IsErrorRedirected)
        {
            status = ReadAll(logs, input, static _ => { }, errors);
        }
        else
        {
            var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
            console.Progress().AutoClear(true).Start(context =>
            {
                var task = context.AddTask("reading", maxValue: total);
                status = ReadAll(logs, input, done => task.Value = done, errors);
            });
        }

        var report = input.Build();
        if (status == 0 || report.Lines.Read > 0 || report.Events > 0) // else there is nothing to report of
            Write(report, format, output);
        return status;
    }

    private static int ReadAll(IReadOnlyList<string> files, ReportInput input, Action<long> progress, TextWriter errors) =>
        LogFiles.Read(files, input.Add, progress, problem => errors.WriteLine($"postern report: {problem}"), areNamed: true) ? 0 : 1;

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
