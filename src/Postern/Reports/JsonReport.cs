using System.Globalization;
using System.Text.Json;
using Postern.Core.Reporting;

namespace Postern.Reports;

/// <summary>The report for other programs. Times are seconds or ISO 8601 without zone, shares are between 0 and 1.</summary>
internal static class JsonReport
{
    public static void Write(Report report, Stream output)
    {
        using var json = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true });
        Write(report, json);
        json.Flush();
        output.WriteByte((byte)'\n');
    }

    /// <summary>The same as a part of something else.</summary>
    public static void Write(Report report, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        if (report.Period is var (first, last))
        {
            json.WriteString("first", first.ToString("s", CultureInfo.InvariantCulture));
            json.WriteString("last", last.ToString("s", CultureInfo.InvariantCulture));
        }

        json.WriteNumber("lines", report.Lines.Read);
        json.WriteNumber("unreadable_lines", report.Lines.Unreadable);
        if (report.UnreadableScreening is var (count, example))
        {
            json.WriteNumber("unreadable_screening_lines", count);
            json.WriteString("unreadable_example", example);
        }
        else if (report.UnreadableExample is { } other)
        {
            json.WriteString("unreadable_example", other);
        }

        json.WriteNumber("doubled_connections", report.Doubled);
        json.WriteNumber("lines_without_beginning", report.LinesWithoutBeginning);
        json.WriteBoolean("incomplete", report.IsIncomplete);
        json.WriteNumber("connections", report.Connections);
        json.WriteNumber("stopped", report.Stopped);
        json.WriteNumber("told_to_come_back", report.ToldToComeBack);
        json.WriteNumber("not_taken", report.NotTaken);
        json.WriteNumber("handed_off", report.HandedOff.Total);
        json.WriteNumber("handed_off_by_access_list", report.HandedOff.ByAccessList);
        json.WriteNumber("handed_off_by_provider", report.HandedOff.ByProvider);
        json.WriteNumber("handed_off_known", report.HandedOff.Known);
        json.WriteNumber("handed_off_new", report.HandedOff.New);
        json.WriteNumber("handed_off_without_test", report.HandedOff.WithoutWord);
        json.WriteNumber("unfinished", report.Unfinished);
        if (!report.IsOfEvents)
        {
            json.WriteNumber("server_sessions_rejected", report.Rejected);
            json.WriteNumber("server_sessions_with_mail", report.Delivering);
            json.WriteNumber("server_sessions_idle", report.Idle);
            json.WriteNumber("server_sessions_missing", report.WithoutSession);
            json.WriteNumber("server_reject_lines", report.RejectLines);
            json.WriteNumber("mails_delivered", report.Delivered);
        }

        if (report.Decided > 0)
            json.WriteNumber("load_taken_off", Math.Round(report.LoadTakenOff, 4));
        else
            json.WriteNull("load_taken_off"); // a share of nothing
        json.WriteStartArray("outages");
        foreach (var outage in report.Outages)
        {
            json.WriteStartObject();
            json.WriteString("first", outage.First.ToString("s", CultureInfo.InvariantCulture));
            json.WriteString("last", outage.Last.ToString("s", CultureInfo.InvariantCulture));
            json.WriteNumber("clients", outage.Clients);
            json.WriteString("problem", outage.Problem);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("causes");
        foreach (var cause in report.Causes)
        {
            json.WriteStartObject();
            json.WriteString("cause", CauseText.Name(cause.Cause));
            json.WriteNumber("connections", cause.Connections);
            json.WriteNumber("only", cause.Only);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteStartArray("hours");
        foreach (var hour in report.Hours)
        {
            json.WriteStartObject();
            json.WriteString("hour", hour.Hour.ToString("s", CultureInfo.InvariantCulture));
            json.WriteNumber("stopped", hour.Stopped);
            json.WriteNumber("handed_off", hour.HandedOff);
            json.WriteNumber("not_taken", hour.NotTaken);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteNumber("networks_too_low_by", report.NetworkError);
        json.WriteBoolean("lists_are_estimates", report.ListsAreEstimates);
        WriteNames(json, "networks", report.Networks);
        WriteNames(json, "lists", report.Lists);
        WriteHistogram(json, "early_talk", report.EarlyTalk);
        WriteHistogram(json, "hang_ups", report.HangUps);
        WriteHistogram(json, "new_client_waits", report.NewClientWaits);
        json.WriteNumber("never_came_back", report.NeverCameBack);
        json.WriteNumber("event_log_clients", report.Events);
        json.WritePropertyName("break_off");
        CurveReport.WriteJson(report.BreakOff, json);
        json.WriteEndObject();
    }

    private static void WriteNames(Utf8JsonWriter json, string name, IReadOnlyList<NameCount> counts)
    {
        json.WriteStartArray(name);
        foreach (var count in counts)
        {
            json.WriteStartObject();
            json.WriteString("name", count.Name);
            json.WriteNumber("count", count.Count);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteHistogram(Utf8JsonWriter json, string name, Histogram histogram)
    {
        json.WriteStartObject(name);
        json.WriteNumber("count", histogram.Total);
        json.WriteNumber("longest", histogram.Longest);
        json.WriteStartArray("buckets");
        for (var i = 0; i < histogram.Counts.Count; i++)
        {
            json.WriteStartObject();
            if (i < Histogram.Bounds.Count)
                json.WriteNumber("up_to", Histogram.Bounds[i]);
            else
                json.WriteNull("up_to");
            json.WriteNumber("count", histogram.Counts[i]);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }
}
