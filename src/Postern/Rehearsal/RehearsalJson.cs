using System.Text.Json;
using Postern.Core.Rehearsal;
using Postern.Reports;

namespace Postern.Rehearsal;

/// <summary>A rehearsal for other programs. Times are seconds, shares are between 0 and 1.</summary>
internal static class RehearsalJson
{
    public static void Write(RehearsalResult result, Stream output)
    {
        using var json = new Utf8JsonWriter(output, new JsonWriterOptions { Indented = true });
        json.WriteStartObject();
        json.WriteBoolean("synthetic", true);
        json.WriteString("scenario", result.Scenario.Name);
        json.WriteString("configuration", result.Configuration);
        json.WriteNumber("seed", result.Seed);
        json.WriteStartObject("model");
        foreach (var parameter in ModelParameter.All)
            json.WriteString(parameter.Name, result.Model.TextOf(parameter));
        json.WriteEndObject();
        json.WriteStartArray("notes");
        foreach (var note in result.Notes)
            json.WriteStringValue(note);
        json.WriteEndArray();
        if (result.Scenario.Counted is { } published)
        {
            json.WriteStartObject("published");
            json.WriteNumber("stopped", published.Stopped);
            json.WriteNumber("server_sessions_rejected", published.Rejected);
            json.WriteNumber("mails_delivered", published.Delivered);
            json.WriteEndObject();
        }

        json.WriteStartArray("runs");
        foreach (var run in result.Runs)
            Write(run, json);
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        output.WriteByte((byte)'\n');
    }

    private static void Write(RehearsalRun run, Utf8JsonWriter json)
    {
        var tally = run.Tally;
        json.WriteStartObject();
        json.WriteString("label", run.Variant.Label);
        json.WriteStartArray("settings");
        foreach (var setting in run.Variant.Overrides)
            json.WriteStringValue(setting);
        json.WriteEndArray();
        json.WriteBoolean("reproducible", run.Unsettled == 0);
        json.WriteStartObject("truth");
        json.WriteNumber("bots", tally.Bots);
        json.WriteNumber("bot_connections", tally.BotVisits);
        json.WriteNumber("bots_with_spam_accepted", tally.SpamAccepted);
        json.WriteNumber("honest_mails", tally.Mails);
        json.WriteNumber("honest_connections", tally.HonestVisits);
        json.WriteNumber("honest_delivered", tally.Delivered);
        json.WriteNumber("honest_lost", tally.Lost);
        json.WriteNumber("honest_late", tally.Late);
        json.WriteNumber("new_sender_delay_median", tally.MedianDelay.TotalSeconds);
        json.WriteNumber("new_sender_delay_90", tally.LongDelay.TotalSeconds);
        json.WriteNumber("longest_delay", tally.LongestDelay.TotalSeconds);
        json.WriteStartArray("shed");
        foreach (var (seconds, _) in Scenario.ShedAnchors)
        {
            json.WriteStartObject();
            json.WriteNumber("within", seconds);
            json.WriteNumber("share", Math.Round(tally.ShedWithin(TimeSpan.FromSeconds(seconds)), 4));
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.WritePropertyName("report");
        JsonReport.Write(run.Report, json);
        json.WriteEndObject();
    }
}
