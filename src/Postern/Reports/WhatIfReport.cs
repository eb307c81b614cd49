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
    private const int LabelWidth = 32;
    private const int ColumnWidth = 22;

    public static void WriteText(WhatIfAnswer answer, IReadOnlyList<WhatIfQuestion> questions, bool withMail, IAnsiConsole console)
    {
        if (answer.Period is var (first, last))
        {
            Line(console, $"[bold]{first.UtcDateTime:yyyy-MM-dd HH:mm:ss} to {last.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC[/]");
            Line(console, $"[bold]{answer.Clients:N0} clients from {answer.Addresses:N0} addresses[/]");
        }

        foreach (var question in questions)
        {
            Line(console, $"  {question.Name}: {TerminalText.Printable(question.Before)} -> [bold]{TerminalText.Printable(question.After)}[/]");
            if (question.Obstacle is not null)
                Line(console, $"    [yellow]is not in this answer: {question.Obstacle}[/]");
        }

        console.WriteLine();
        Line(console, $"  [bold]{"".PadRight(LabelWidth)}{"as recorded".PadLeft(ColumnWidth)}{"what if".PadLeft(ColumnWidth)}[/]");
        Row(console, "stopped by screening", answer.Before.Stopped, answer.After.Stopped);
        Row(console, "told to come back (450)", answer.Before.ToldToComeBack, answer.After.ToldToComeBack);
        Row(console, "handed to the mail server", answer.Before.HandedOff, answer.After.HandedOff);
        console.WriteLine();
        Row(console, "newly stopped", answer.NewlyStopped, "");
        Row(console, "  decent ones among them", answer.NewlyStoppedDecent, "");
        Row(console, "not stopped any more", answer.NewlyLetIn, "");
        Row(console, "decent ones told to come back", answer.NewlyToldToComeBack, "");
        Row(console, "decent ones let in later", answer.Delayed, Times(answer.Delays));
        Row(console, "decent ones let in sooner", answer.SpedUp, Times(answer.Savings));
        WriteMissing(answer, console);
        WriteNamed(answer, console);
        console.WriteLine();
        Line(console, $"[grey]{Decent(withMail)}[/]");
        if (answer.Otherwise > 0)
            Line(console, $"[yellow]{answer.Otherwise:N0} clients were treated otherwise than the settings of today say: other settings were in force, or Postern was stopped. They are judged by the settings of today.[/]");
        if (answer.NotReplayed > 0)
            Line(console, $"[yellow]{answer.NotReplayed:N0} clients were turned away for lack of room and are left out.[/]");
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
        json.WriteNumber("clients", answer.Clients);
        json.WriteNumber("addresses", answer.Addresses);
        json.WriteNumber("not_replayed", answer.NotReplayed);
        json.WriteNumber("otherwise", answer.Otherwise);
        json.WriteNumber("other_lines", answer.Lines.Unreadable);
        WriteOutcomes(json, "before", answer.Before);
        WriteOutcomes(json, "after", answer.After);
        WriteBounds(json, "newly_stopped", answer.NewlyStopped);
        WriteBounds(json, "newly_stopped_decent", answer.NewlyStoppedDecent);
        WriteBounds(json, "newly_let_in", answer.NewlyLetIn);
        WriteBounds(json, "newly_told_to_come_back_decent", answer.NewlyToldToComeBack);
        WriteBounds(json, "delayed_decent", answer.Delayed);
        WriteTimes(json, "delay_seconds", answer.Delays);
        WriteBounds(json, "sooner_decent", answer.SpedUp);
        WriteTimes(json, "sooner_seconds", answer.Savings);
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
            Line(console, $"  {count,10:N0} clients: {Words(missing)}{more}");
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

    private static void WriteOutcomes(Utf8JsonWriter json, string name, OutcomeBounds outcomes)
    {
        json.WriteStartObject(name);
        WriteBounds(json, "stopped", outcomes.Stopped);
        WriteBounds(json, "told_to_come_back", outcomes.ToldToComeBack);
        WriteBounds(json, "handed_off", outcomes.HandedOff);
        json.WriteEndObject();
    }

    private static void WriteBounds(Utf8JsonWriter json, string name, Bounds bounds)
    {
        json.WriteStartObject(name);
        json.WriteNumber("at_least", bounds.AtLeast);
        json.WriteNumber("at_most", bounds.AtMost);
        json.WriteEndObject();
    }

    private static void WriteTimes(Utf8JsonWriter json, string name, Histogram times)
    {
        json.WriteStartObject(name);
        json.WriteNumber("half_within", times.Quantile(0.5));
        json.WriteNumber("longest", times.Longest);
        json.WriteEndObject();
    }

    private static string Times(Histogram times) =>
        times.Total == 0 ? "" : $"half {ReportSection.Duration(times.Quantile(0.5))}, most {ReportSection.Duration(times.Longest)}";

    private static void Row(IAnsiConsole console, string label, Bounds before, Bounds after) =>
        Line(console, $"  {label.PadRight(LabelWidth)}{Text(before).PadLeft(ColumnWidth)}[bold]{Text(after).PadLeft(ColumnWidth)}[/]");

    private static void Row(IAnsiConsole console, string label, Bounds bounds, string note) =>
        Line(console, $"  {label.PadRight(LabelWidth)}[bold]{Text(bounds).PadLeft(ColumnWidth)}[/]{(note.Length > 0 ? "  " + note : "")}");

    private static void Line(IAnsiConsole console, FormattableString line) => console.MarkupLineInterpolated(CultureInfo.InvariantCulture, line);

    private static string Text(Bounds bounds) => bounds.AtLeast == bounds.AtMost
        ? bounds.AtLeast.ToString("N0", CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{bounds.AtLeast:N0} to {bounds.AtMost:N0}");

    private static string Words(Unknowns missing) => missing switch
    {
        Unknowns.Silence => "how long they would have been silent",
        Unknowns.Dialogue => "what they would have said after the greeting",
        Unknowns.Lists => "what a DNS list would have said, or when",
        Unknowns.Name => "their reverse names",
        _ => "until when a pass would have been good",
    };

    private static string Name(Unknowns missing) => missing switch
    {
        Unknowns.Silence => "silence",
        Unknowns.Dialogue => "dialogue",
        Unknowns.Lists => "dns_lists",
        Unknowns.Name => "reverse_name",
        _ => "memory",
    };

    private static string Decent(bool withMail) => withMail
        ? "Decent is who was handed to the mail server, from an address of which the mail log says that smtpd took a mail."
        : "Decent is who was handed to the mail server and is on no DNS list that was asked. Whether its mail was wanted is not in the event log; --mail-log names logs of smtpd that tell more.";
}
