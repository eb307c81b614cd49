using System.Globalization;
using Postern.Core.Reporting;

namespace Postern.Reports;

/// <summary>A line of a report: a label, a number, and how long its bar is; what stands behind it is an explanation.</summary>
/// <param name="Label">What was counted.</param>
/// <param name="Count">How often.</param>
/// <param name="Note">More about it, or empty.</param>
internal sealed record ReportRow(string Label, int Count, string Note);

/// <summary>A titled group of lines whose bars have one scale.</summary>
internal sealed record ReportSection(string Title, string Note, IReadOnlyList<ReportRow> Rows)
{
    private const int MaxOutages = 10;

    /// <summary>The report as an administrator reads it, for the terminal and for the page alike; empty sections are left out.</summary>
    public static IReadOnlyList<ReportSection> Of(Report report) =>
        [.. All(report).Where(static section => section.Rows.Any(static row => row.Count > 0))];

    /// <summary>From when to when, and how much was read.</summary>
    public static string Period(Report report) => report.Period is var (first, last)
        ? string.Create(CultureInfo.InvariantCulture, $"{first:yyyy-MM-dd HH:mm:ss} to {last:yyyy-MM-dd HH:mm:ss}, ")
            + (report.IsOfEvents ? string.Create(CultureInfo.InvariantCulture, $"{report.Events:N0} clients of event logs") : string.Create(CultureInfo.InvariantCulture, $"{report.Lines.Read:N0} lines"))
        : string.Create(CultureInfo.InvariantCulture, $"no line of postscreen in {report.Lines.Read:N0} lines");

    /// <summary>What it comes to.</summary>
    public static string Summary(Report report) =>
        report.Connections == 0 ? "nothing to report"
        : report.Decided == 0 ? string.Create(CultureInfo.InvariantCulture, $"{report.Connections:N0} connections; of none it is known that screening kept it from the mail server, or let it through")
        : string.Create(CultureInfo.InvariantCulture, $"{report.LoadTakenOff * 100:0.0} % of {report.Connections:N0} connections never reached the mail server")
            + (report.IsOfEvents ? "; what it did with the others is in the mail log" : "");

    /// <summary>What is to be known of the numbers: what was left out, and why they may be too low.</summary>
    public static IEnumerable<string> Notes(Report report)
    {
        var other = report.Lines.Unreadable - (report.UnreadableScreening?.Count ?? 0);
        if (report.UnreadableScreening is var (count, example))
            yield return string.Create(CultureInfo.InvariantCulture, $"{count:N0} lines of screening cannot be read and are missing in what follows, such as: {TerminalText.Printable(example)}");
        if (other > 0)
            yield return string.Create(CultureInfo.InvariantCulture, $"{other:N0} of {report.Lines.Read:N0} lines are no lines of a mail log, such as: {TerminalText.Printable(report.UnreadableExample ?? "")}");
        if (report.Doubled > 0)
            yield return string.Create(CultureInfo.InvariantCulture, $"{report.Doubled:N0} connections stand in the logs more than once; each counts once");
        if (report.LinesWithoutBeginning > 0)
            yield return string.Create(CultureInfo.InvariantCulture, $"{report.LinesWithoutBeginning:N0} lines are about connections whose beginning is not in the log; they do not count");
        if (report.IsIncomplete)
            yield return "too many clients for one report: some numbers are too low; take shorter logs";
    }

    private static IEnumerable<ReportSection> All(Report report)
    {
        yield return new("What became of the clients", "connections",
        [
            new("stopped by screening", report.Stopped, Share(report.Stopped, report.Connections)),
            new("told to come back (450)", report.ToldToComeBack, "passed the dialogue"),
            new("the mail server did not take them", report.NotTaken, report.NotTaken == 0 ? "" : "when: below"),
            new("handed off to the mail server", report.HandedOff.Total, Share(report.HandedOff.Total, report.Connections)),
            new("not ended in this log", report.Unfinished, ""),
        ]);
        if (!report.IsOfEvents && report.Rejected + report.Idle + report.Delivering > 0)
        {
            yield return new("What the mail server did with them", "connections; mails in the last line",
            [
                new("rejected by smtpd", report.Rejected, string.Create(CultureInfo.InvariantCulture, $"{report.RejectLines:N0} rejections")),
                new("left smtpd without a mail", report.Idle, ""),
                new("brought mail to smtpd", report.Delivering, ""),
                new("not in smtpd's log", report.WithoutSession, ""),
                new("mails delivered", report.Delivered, ""),
            ]);
        }

        yield return new("When the mail server did not take clients", "clients not taken, and what was logged about the first of them", OutageRows(report.Outages));
        yield return new("Who came through", "connections",
        [
            new("access list", report.HandedOff.ByAccessList, ""),
            .. report.HandedOff.ByProvider == 0 ? (ReadOnlySpan<ReportRow>)[] : [new("big provider", report.HandedOff.ByProvider, "")],
            new("known (PASS OLD)", report.HandedOff.Known, ""),
            new("new (PASS NEW)", report.HandedOff.New, ""),
            new("no test was due", report.HandedOff.WithoutWord, ""),
        ]);
        yield return new("What stopped them", "each test alone; in brackets: what only it stopped",
            [.. report.Causes.Select(c => new ReportRow(CauseText.Words(c.Cause), c.Connections, string.Create(CultureInfo.InvariantCulture, $"({c.Only:N0})")))]);
        yield return new("Stopped by hour", "connections; in brackets: handed off", HourRows(report.Hours));
        var error = report.NetworkError == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"; too many networks: each may be up to {report.NetworkError:N0} too low");
        yield return new("Where they came from", "stopped connections by network" + error, NameRows(report.Networks));
        yield return new("DNS lists", report.ListsAreEstimates ? "clients listed, estimated" : "clients listed", NameRows(report.Lists));
        yield return Waits("How long early talkers were silent", report.EarlyTalk);
        yield return Waits("How long those waited who hung up", report.HangUps);
        yield return Waits("How long new clients had to wait", report.NewClientWaits, report.NeverCameBack);
        foreach (var curve in CurveReport.Sections(report.BreakOff))
            yield return curve;
    }

    // More than two days are laid over each other: what one wants to see then is the course of a day.
    private static List<ReportRow> HourRows(IReadOnlyList<HourCount> hours) => hours.Count <= 48
        ? [.. hours.Select(h => new ReportRow(h.Hour.ToString("MM-dd HH:00", CultureInfo.InvariantCulture), h.Stopped, InBrackets(h.HandedOff)))]
        : [.. hours.GroupBy(h => h.Hour.Hour).OrderBy(g => g.Key).Select(g =>
            new ReportRow(string.Create(CultureInfo.InvariantCulture, $"{g.Key:00}:00"), g.Sum(h => h.Stopped), InBrackets(g.Sum(h => h.HandedOff))))];

    // The worst ones, in the order of time.
    private static List<ReportRow> OutageRows(IReadOnlyList<Outage> outages) =>
        [.. outages.OrderByDescending(static outage => outage.Clients).Take(MaxOutages).OrderBy(static outage => outage.First)
            .Select(static outage => new ReportRow(Span(outage), outage.Clients, TerminalText.Printable(outage.Problem)))];

    private static string Span(Outage outage) => outage.First.Date == outage.Last.Date
        ? string.Create(CultureInfo.InvariantCulture, $"{outage.First:MM-dd HH:mm:ss} to {outage.Last:HH:mm:ss}")
        : string.Create(CultureInfo.InvariantCulture, $"{outage.First:MM-dd HH:mm} to {outage.Last:MM-dd HH:mm}");

    private static List<ReportRow> NameRows(IReadOnlyList<NameCount> counts) => [.. counts.Select(c => new ReportRow(TerminalText.Printable(c.Name), c.Count, ""))];

    private static ReportSection Waits(string title, Histogram waits, int neverCameBack = 0)
    {
        var rows = new List<ReportRow>();
        var used = Enumerable.Range(0, waits.Counts.Count).Where(i => waits.Counts[i] > 0).ToList();
        for (var i = used.FirstOrDefault(); i <= used.LastOrDefault(-1); i++)
            rows.Add(new(i < Histogram.Bounds.Count ? "up to " + Duration(Histogram.Bounds[i]) : "longer", waits.Counts[i], ""));
        var note = waits.Total == 0 ? "" : $"half within {Duration(waits.Quantile(0.5))}, 9 of 10 within {Duration(waits.Quantile(0.9))}, longest {Duration(waits.Longest)}";
        if (neverCameBack > 0)
            note += string.Create(CultureInfo.InvariantCulture, $"; {neverCameBack:N0} were told to come back and did not");
        return new(title, note, rows);
    }

    /// <summary>A time in the largest unit that fits.</summary>
    internal static string Duration(double seconds) => seconds switch
    {
        >= 86400 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 86400:0.#} d"),
        >= 3600 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 3600:0.#} h"),
        > 60 => string.Create(CultureInfo.InvariantCulture, $"{seconds / 60:0.#} min"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{seconds:0.##} s"),
    };

    private static string InBrackets(int count) => string.Create(CultureInfo.InvariantCulture, $"({count:N0})");

    private static string Share(int part, int whole) =>
        whole == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{100.0 * part / whole:0.0} %");
}
