using System.Globalization;
using System.Text.Json;
using Postern.Core.Replay;
using Postern.Core.Reporting;
using Spectre.Console;

namespace Postern.Reports;

/// <summary>One parameter of a question.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Before">What it is today, as written.</param>
/// <param name="After">What it would be.</param>
/// <param name="Obstacle">Why it cannot be answered; null: it is.</param>
internal sealed record WhatIfQuestion(string Name, string Before, string After, string? Obstacle);

/// <summary>The answer of <c>postern what-if</c>, for the terminal and for programs.</summary>
internal static class WhatIfReport
{
    private const int LabelWidth = 31, RecordedWidth = 11, WhatIfWidth = 20, AddressWidth = 16; // 80 with the indent, as long as numbers are below a hundred thousand

    public static void WriteText(WhatIfAnswer answer, IReadOnlyList<WhatIfQuestion> questions, bool withMail, IAnsiConsole console)
    {
        if (answer.Period is var (first, last))
        {
            Line(console, $"[bold]{first.UtcDateTime:yyyy-MM-dd HH:mm:ss} to {last.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC[/]");
            Line(console, $"[bold]{answer.Clients:N0} visits from {answer.Addresses:N0} addresses[/]");
        }

        foreach (var question in questions)
        {
            Line(console, $"  {question.Name}: {TerminalText.Printable(question.Before)} -> [bold]{TerminalText.Printable(question.After)}[/]");
            if (question.Obstacle is not null)
                Line(console, $"    [yellow]is not in this answer: {question.Obstacle}[/]");
        }

        console.WriteLine();
        Line(console, $"  [bold]{"".PadRight(LabelWidth)}{"as recorded".PadLeft(RecordedWidth)}{"what if".PadLeft(WhatIfWidth)}{"addresses".PadLeft(AddressWidth)}[/]");
        Row(console, "stopped by screening", Text(answer.Before.Stopped), answer.After.Stopped);
        Row(console, "told to come back (450)", Text(answer.Before.ToldToComeBack), answer.After.ToldToComeBack);
        Row(console, "handed to the mail server", Text(answer.Before.HandedOff), answer.After.HandedOff);
        console.WriteLine();
        Row(console, "newly stopped", "", answer.NewlyStopped);
        Row(console, "  decent ones among them", "", answer.NewlyStoppedDecent);
        Row(console, "not stopped any more", "", answer.NewlyLetIn);
        Row(console, "decent ones told to come back", "", answer.NewlyToldToComeBack);
        Row(console, "decent ones let in later", "", answer.Delayed);
        WriteTimes(console, answer.Delays);
        Row(console, "decent ones let in sooner", "", answer.SpedUp);
        WriteTimes(console, answer.Savings);
        console.WriteLine();
        Line(console, $"{About}");
        if (answer.Retries is { } retries && (retries.More.AtMost > 0 || retries.Fewer.AtMost > 0))
            Line(console, $"{Words(retries)}");
        WriteMissing(answer, console);
        WriteNamed(answer, console);
        console.WriteLine();
        Line(console, $"[grey]{Decent(withMail)}[/]");
        if (answer.Otherwise > 0)
            Line(console, $"[yellow]{answer.Otherwise:N0} visits went otherwise than the settings of today say: other settings were in force. They are judged by the settings of today.[/]");
        if (answer.NotReplayed > 0)
            Line(console, $"[yellow]{answer.NotReplayed:N0} visits are left out: there was no room, the mail server did not take them, or Postern was stopped.[/]");
        if (answer.Lines.Unreadable > 0)
            Line(console, $"[yellow]{answer.Lines.Unreadable:N0} of {answer.Lines.Read:N0} lines are about no client.[/]");
    }

    public static void WriteJson(WhatIfAnswer answer, IReadOnlyList<WhatIfQuestion> questions, bool withMail, Stream output)
    {
        using var json = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        if (answer.Period is var (first, last))
        {
            json.WriteString("first", first.UtcDateTime);
            json.WriteString("last", last.UtcDateTime);
        }

        json.WriteStartArray("questions");
        foreach (var question in questions)
        {
            json.WriteStartObject();
            json.WriteString("name", question.Name);
            json.WriteString("before", question.Before);
            json.WriteString("after", question.After);
            if (question.Obstacle is not null)
                json.WriteString("not_answered", question.Obstacle);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("about", "recorded_visits");
        json.WriteNumber("clients", answer.Clients);
        json.WriteNumber("addresses", answer.Addresses);
        json.WriteNumber("not_replayed", answer.NotReplayed);
        json.WriteNumber("otherwise", answer.Otherwise);
        json.WriteNumber("other_lines", answer.Lines.Unreadable);
        json.WriteStartObject("before");
        WriteBounds(json, "stopped", answer.Before.Stopped);
        WriteBounds(json, "told_to_come_back", answer.Before.ToldToComeBack);
        WriteBounds(json, "handed_off", answer.Before.HandedOff);
        json.WriteEndObject();
        json.WriteStartObject("after");
        WriteCount(json, "stopped", answer.After.Stopped);
        WriteCount(json, "told_to_come_back", answer.After.ToldToComeBack);
        WriteCount(json, "handed_off", answer.After.HandedOff);
        json.WriteEndObject();
        WriteCount(json, "newly_stopped", answer.NewlyStopped);
        WriteCount(json, "newly_stopped_decent", answer.NewlyStoppedDecent);
        WriteCount(json, "newly_let_in", answer.NewlyLetIn);
        WriteCount(json, "newly_told_to_come_back_decent", answer.NewlyToldToComeBack);
        WriteCount(json, "delayed_decent", answer.Delayed);
        WriteTimes(json, "delay_seconds", answer.Delays);
        WriteCount(json, "sooner_decent", answer.SpedUp);
        WriteTimes(json, "sooner_seconds", answer.Savings);
        WriteRetries(json, answer.Retries);
        json.WriteStartObject("not_known");
        foreach (var (missing, count) in answer.Missing.OrderBy(static pair => pair.Key))
            json.WriteNumber(Name(missing), count);
        json.WriteEndObject();
        json.WriteNumber("seen_patient", answer.SeenPatient);
        json.WriteString("decent_by", withMail ? "mail_log" : "handed_off_and_not_listed");
        WriteNamed(json, answer);
        json.WriteEndObject();
        json.Flush();
        output.WriteByte((byte)'\n');
    }

    private static void WriteMissing(WhatIfAnswer answer, IAnsiConsole console)
    {
        if (answer.Missing.Count == 0)
            return;
        console.WriteLine();
        Line(console, $"[bold]What is not known, and makes the ranges[/]");
        foreach (var (missing, count) in answer.Missing.OrderByDescending(static pair => pair.Value))
        {
            var more = missing is Unknowns.Silence && answer.SeenPatient > 0
                ? string.Create(CultureInfo.InvariantCulture, $"; {answer.SeenPatient:N0} of them were silent for so long at another visit") : "";
            Line(console, $"  {count,10:N0} visits: {Words(missing)}{more}");
        }
    }

    private static void WriteNamed(WhatIfAnswer answer, IAnsiConsole console)
    {
        if (answer.Named.Count == 0)
            return;
        console.WriteLine();
        Line(console, $"[bold]Decent clients that would be stopped[/]");
        foreach (var named in answer.Named)
        {
            var mail = named.Client.Sender is null ? "" : $" from <{TerminalText.Printable(named.Client.Sender)}>";
            mail += named.Client.Recipient is null ? "" : $" to <{TerminalText.Printable(named.Client.Recipient)}>";
            Line(console, $"  {(named.IsCertain ? "certainly" : "perhaps"),-9}  {named.Client.Address}{mail}, {named.Client.Connected.UtcDateTime:yyyy-MM-dd HH:mm:ss}: {string.Join(", ", CausesOf(named).Select(CauseText.Words))}");
        }
    }

    private static void WriteNamed(Utf8JsonWriter json, WhatIfAnswer answer)
    {
        json.WriteStartArray("decent_clients_stopped");
        foreach (var named in answer.Named)
        {
            json.WriteStartObject();
            json.WriteString("address", named.Client.Address.ToString());
            json.WriteString("time", named.Client.Connected.UtcDateTime);
            json.WriteBoolean("certain", named.IsCertain);
            if (named.Client.Sender is { } sender)
                json.WriteString("sender", sender);
            if (named.Client.Recipient is { } recipient)
                json.WriteString("recipient", recipient);
            json.WriteStartArray("reasons");
            foreach (var cause in CausesOf(named))
                json.WriteStringValue(CauseText.Name(cause));
            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static IEnumerable<ScreeningCause> CausesOf(NamedClient named) =>
        Enum.GetValues<ScreeningCause>().Where(cause => cause is not ScreeningCause.None && named.Causes.HasFlag(cause));

    private static void WriteRetries(Utf8JsonWriter json, RetryEstimate? retries)
    {
        if (retries is null)
            return;
        json.WriteStartObject("estimated_retries");
        WriteBounds(json, "more_connections", retries.More);
        WriteBounds(json, "fewer_connections", retries.Fewer);
        json.WriteNumber("within_seconds", RetryEstimate.Within.TotalSeconds);
        json.WriteNumber("stopped", retries.Stopped);
        json.WriteNumber("stopped_came_back", retries.StoppedCameBack);
        json.WriteNumber("handed_off", retries.HandedOff);
        json.WriteNumber("handed_off_came_back", retries.HandedOffCameBack);
        json.WriteEndObject();
    }

    private static void WriteBounds(Utf8JsonWriter json, string name, Bounds bounds)
    {
        json.WriteStartObject(name);
        json.WriteNumber("at_least", bounds.AtLeast);
        json.WriteNumber("at_most", bounds.AtMost);
        json.WriteEndObject();
    }

    private static void WriteCount(Utf8JsonWriter json, string name, Count count)
    {
        json.WriteStartObject(name);
        json.WriteNumber("at_least", count.Visits.AtLeast);
        json.WriteNumber("at_most", count.Visits.AtMost);
        WriteBounds(json, "addresses", count.Addresses);
        json.WriteEndObject();
    }

    private static void WriteTimes(Utf8JsonWriter json, string name, Durations times)
    {
        json.WriteStartObject(name);
        json.WriteNumber("half_within", times.Median.TotalSeconds);
        json.WriteNumber("longest", times.Longest.TotalSeconds);
        json.WriteEndObject();
    }

    private static void WriteTimes(IAnsiConsole console, Durations times)
    {
        if (times.Count > 0)
            Line(console, $"    half of them by {ReportSection.Duration(times.Median.TotalSeconds)} at most, the longest by {ReportSection.Duration(times.Longest.TotalSeconds)}");
    }

    private static void Row(IAnsiConsole console, string label, string recorded, Count count) =>
        Line(console, $"  {label.PadRight(LabelWidth)}{recorded.PadLeft(RecordedWidth)}[bold]{Column(count.Visits, WhatIfWidth)}[/]{Column(count.Addresses, AddressWidth)}");

    private static string Column(Bounds bounds, int width) => (' ' + Text(bounds)).PadLeft(width);

    private static void Line(IAnsiConsole console, FormattableString line) => console.MarkupLineInterpolated(CultureInfo.InvariantCulture, line);

    private static string Text(Bounds bounds) => bounds.AtLeast == bounds.AtMost
        ? bounds.AtLeast.ToString("N0", CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{bounds.AtLeast:N0} to {bounds.AtMost:N0}");

    private const string About = "All numbers are of the recorded visits. Who is newly stopped calls again, and who is newly let in need not: how many visits there would be is another question, which touches the addresses less.";

    private static string Words(RetryEstimate retries) => string.Create(
        CultureInfo.InvariantCulture,
        $"An estimate, not in the ranges: {Text(retries.More)} connections more and {Text(retries.Fewer)} fewer. Of the stopped visits in this log {Percent(retries.StoppedCameBack, retries.Stopped)} were followed by another within {ReportSection.Duration(RetryEstimate.Within.TotalSeconds)}, of those let in {Percent(retries.HandedOffCameBack, retries.HandedOff)}.");

    private static string Percent(int part, int whole) => string.Create(CultureInfo.InvariantCulture, $"{100.0 * part / whole:0.#} %");

    private static string Words(Unknowns missing) => missing switch
    {
        Unknowns.Silence => "how long they would have been silent",
        Unknowns.Dialogue => "what they would have said after the greeting",
        Unknowns.Lists => "what a DNS list would have said, or when",
        Unknowns.Name => "their reverse names",
        Unknowns.Order => "which of two things was first",
        _ => "until when a pass would have been good",
    };

    private static string Name(Unknowns missing) => missing switch
    {
        Unknowns.Silence => "silence",
        Unknowns.Dialogue => "dialogue",
        Unknowns.Lists => "dns_lists",
        Unknowns.Name => "reverse_name",
        Unknowns.Order => "order",
        _ => "memory",
    };

    private static string Decent(bool withMail) => withMail
        ? "Decent is who was handed to the mail server, from an address of which the mail log says that a mail was taken."
        : "Decent is who was handed to the mail server and is on no DNS list that was asked. Whether its mail was wanted is not in the event log; --mail-log names logs of smtpd that tell more.";
}
