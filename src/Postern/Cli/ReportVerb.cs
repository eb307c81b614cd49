using System.Diagnostics;
using Postern.Core.Reporting;
using Postern.Native;
using Postern.Reports;
using Spectre.Console;

namespace Postern.Cli;

/// <summary>How <c>postern report</c> writes.</summary>
internal enum ReportFormat
{
    Text,
    Json,
    Html,
}

/// <summary><c>postern report</c>: what screening did, from mail logs of Postern or of postscreen.</summary>
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
        var builder = new ReportBuilder(DateTime.Now);
        var logs = files.Count == 0 ? ["-"] : files;
        var total = logs.Sum(static file => file == "-" ? 0 : new FileInfo(file) is { Exists: true } info ? info.Length : 0);
        var status = 0;
        if (total < LongLog || Console.IsErrorRedirected)
        {
            status = ReadAll(logs, builder, static _ => { }, errors);
        }
        else
        {
            var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });
            console.Progress().AutoClear(true).Start(context =>
            {
                var task = context.AddTask("reading", maxValue: total);
                status = ReadAll(logs, builder, done => task.Value = done, errors);
            });
        }

        Write(builder.Build(), format, output);
        return status;
    }

    /// <summary>A console for people, which is plain where standard output is no terminal.</summary>
    /// <param name="output">UTF-8.</param>
    internal static IAnsiConsole ConsoleOn(Stream output) => AnsiConsole.Create(new AnsiConsoleSettings
    {
        Out = new AnsiConsoleOutput(new StreamWriter(output) { AutoFlush = true }),
        Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect,
        ColorSystem = Console.IsOutputRedirected ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
    });

    private static int ReadAll(IReadOnlyList<string> files, ReportBuilder builder, Action<long> progress, TextWriter errors)
    {
        var status = 0;
        var before = 0L;
        foreach (var file in files)
        {
            var done = 0L;
            string? problem;
            try
            {
                using var log = file == "-" ? Console.OpenStandardInput() : new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                problem = LogInput.Read(log, builder, read => progress(before + (done = read)));
            }
            catch (Exception reason) when (reason is IOException or UnauthorizedAccessException)
            {
                problem = Errno.ReasonOf(reason);
            }

            before += done;
            if (problem is null)
                continue;
            errors.WriteLine($"postern report: {file}: {problem}");
            status = 1;
        }

        return status;
    }

    private static void Write(Report report, ReportFormat format, Stream output)
    {
        switch (format)
        {
            case ReportFormat.Json: JsonReport.Write(report, output); break;
            case ReportFormat.Html: HtmlReport.Write(report, output); break;
            case ReportFormat.Text:
                TextReport.Write(report, ConsoleOn(output));
                break;
            default: throw new UnreachableException($"unhandled {format}");
        }
    }
}
