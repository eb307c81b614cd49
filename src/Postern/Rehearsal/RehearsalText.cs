using System.Globalization;
using Postern.Core.Rehearsal;
using Spectre.Console;

namespace Postern.Rehearsal;

/// <summary>A rehearsal for a terminal: a column for each of the settings compared.</summary>
internal static class RehearsalText
{
    private const int WidestBar = 40;
    private static readonly CultureInfo Culture = CultureInfo.InvariantCulture;

    public static void Write(RehearsalResult result, IAnsiConsole console)
    {
        var first = result.Runs[0].Tally;
        console.MarkupLineInterpolated($"[bold]Rehearsal \"{result.Scenario.Name}\" with {result.Configuration}[/]");
        console.MarkupLineInterpolated(Culture,
            $"[grey]Synthetic: {first.Bots:N0} bots and {first.Mails:N0} honest mails in {result.Model.Number(ModelParameter.Hours):0.#} hours, seed {result.Seed}; postern rehearse --show-model says how they behave and who measured it.[/]");
        console.WriteLine();
        console.Write(Comparison(result));
        WriteBars(result, console);
        if (result.Scenario.Counted is { } published)
            WritePublished(result, published, console);
        if (result.Scenario.ShowsPatience)
            WriteAnchors(result.Runs[^1], console);
        foreach (var note in result.Notes)
            console.MarkupLineInterpolated($"[yellow]{note}[/]");
        if (result.Runs.Sum(static run => run.Unsettled) is > 0 and var unsettled)
            console.MarkupLineInterpolated($"[yellow]The machine was very busy: {unsettled} moments were cut short, and the same seed may give slightly other numbers.[/]");
    }

    /// <summary>The model's parameters with their sources.</summary>
    public static void WriteModel(TrafficModel model, IAnsiConsole console)
    {
        foreach (var parameter in ModelParameter.All)
        {
            var value = model.TextOf(parameter);
            console.MarkupLineInterpolated($"[bold]{parameter.Name}={value}[/]{(value == parameter.Default ? "" : $" (default {parameter.Default})")}");
            console.MarkupLineInterpolated($"    {parameter.Summary} [grey]({parameter.Source})[/]");
        }
    }

    private static Table Comparison(RehearsalResult result)
    {
        var first = result.Runs[0].Tally;
        var table = new Table().Border(TableBorder.Simple).AddColumn(new TableColumn("").NoWrap());
        foreach (var run in result.Runs)
            table.AddColumn(new TableColumn(Markup.Escape(run.Variant.Label)).RightAligned());
        Add("connections", static run => Count(run.Report.Connections));
        Add("stopped by screening", static run => Count(run.Report.Stopped));
        if (result.Runs.Any(static run => run.Report.ToldToComeBack > 0))
            Add("told to come back (450)", static run => Count(run.Report.ToldToComeBack));
        Add("rejected by smtpd", static run => Count(run.Report.Rejected));
        Add("mails delivered", static run => Count(run.Report.Delivered));
        Add("load taken off smtpd", static run => Share(run.Report.LoadTakenOff));
        table.AddEmptyRow();
        Add($"spam in, of {Count(first.Bots)} bots", static run => Count(run.Tally.SpamAccepted));
        Add($"honest in, of {Count(first.Mails)} mails", static run => Count(run.Tally.Delivered));
        Add("  lost", static run => Count(run.Tally.Lost));
        Add("  over a minute late", static run => Count(run.Tally.Late));
        Add("  new senders, median", static run => Duration(run.Tally.MedianDelay));
        Add("  9 of 10 new senders", static run => Duration(run.Tally.LongDelay));
        Add("  longest of all", static run => Duration(run.Tally.LongestDelay));
        return table;

        void Add(string label, Func<RehearsalRun, string> cell) => table.AddRow([label, .. result.Runs.Select(run => Markup.Escape(cell(run)))]);
    }

    private static void WriteBars(RehearsalResult result, IAnsiConsole console)
    {
        console.MarkupLine("[bold]Bots whose spam came through[/]");
        var width = result.Runs.Max(static run => run.Variant.Label.Length);
        foreach (var run in result.Runs)
        {
            var share = run.Tally.Bots == 0 ? 0 : (double)run.Tally.SpamAccepted / run.Tally.Bots;
            var bar = new string('█', share > 0 ? Math.Max(1, (int)Math.Round(share * WidestBar)) : 0);
            console.MarkupLineInterpolated($"  {run.Variant.Label.PadRight(width)} [blue]{bar}[/] {Share(share)}");
        }

        console.WriteLine();
    }

    private static void WritePublished(RehearsalResult result, PublishedCounts published, IAnsiConsole console)
    {
        var report = result.Runs[0].Report;
        var scale = result.Model.Number(ModelParameter.Scale);
        var there = published.Stopped + published.Rejected + published.Delivered;
        var here = report.Stopped + report.Rejected + report.Delivered;
        console.MarkupLineInterpolated(Culture, $"[bold]Against the published counts (this run: {scale:0.###} of the traffic)[/]");
        var table = new Table().Border(TableBorder.Simple).AddColumns("", "published", "share", "this run", "share");
        foreach (var (label, counted, got) in ((string, int, int)[])
            [("stopped by screening", published.Stopped, report.Stopped), ("rejected by smtpd", published.Rejected, report.Rejected), ("delivered", published.Delivered, report.Delivered)])
        {
            table.AddRow(label, Count(counted), Share((double)counted / there), Count(got), Share((double)got / Math.Max(1, here)));
        }

        foreach (var column in table.Columns.Skip(1))
            column.Alignment = Justify.Right;
        console.Write(table);
    }

    private static void WriteAnchors(RehearsalRun run, IAnsiConsole console)
    {
        console.MarkupLineInterpolated($"[bold]Of the bots that a delay can shed, gone after … ({run.Variant.Label})[/]");
        foreach (var (seconds, share) in Scenario.ShedAnchors)
            console.MarkupLineInterpolated(Culture, $"  {seconds,4} s   published {(share > 0.9 ? "nearly all" : Share(share)),10}   this run {Share(run.Tally.ShedWithin(TimeSpan.FromSeconds(seconds)))}");
        console.WriteLine();
    }

    private static string Count(int count) => count.ToString("N0", Culture);

    private static string Share(double share) => string.Create(Culture, $"{share * 100:0.0} %");

    private static string Duration(TimeSpan time) => time switch
    {
        { TotalHours: >= 2 } => string.Create(Culture, $"{time.TotalHours:0.#} h"),
        { TotalMinutes: >= 2 } => string.Create(Culture, $"{time.TotalMinutes:0.#} min"),
        _ => string.Create(Culture, $"{time.TotalSeconds:0.#} s"),
    };
}
