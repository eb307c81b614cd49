using System.Text;
using System.Text.Json;
using Postern.Core.Config;
using Postern.Core.Lanes;
using Postern.Core.Reporting;
using Postern.Core.Screening;
using Postern.Events;

namespace Postern.Metrics;

/// <summary>
/// The same figures as <see cref="MetricsPage"/> for those who show them live: one line of JSON in ASCII. Counts are totals
/// since the start, those of clients since <c>counted_since</c>; times are milliseconds since 1970 UTC.
/// </summary>
internal static class FiguresText
{
    /// <param name="page">What was measured.</param>
    /// <param name="now">When.</param>
    /// <param name="countedSince">Since when clients are counted.</param>
    public static string Write(MetricsPage page, DateTimeOffset now, DateTimeOffset countedSince)
    {
        using var line = new MemoryStream();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteNumber("time", now.ToUnixTimeMilliseconds());
            json.WriteString("version", BuildInfo.Version);
            json.WriteNumber("started", page.Started.ToUnixTimeMilliseconds());
            json.WriteNumber("counted_since", countedSince.ToUnixTimeMilliseconds());
            json.WriteNumber("connections", page.Accepted);
            json.WriteNumber("held", page.Held);
            json.WriteNumber("handing_off", page.HandingOff);
            json.WriteBoolean("stress", page.UnderStress);
            WriteClients(page.Clients, json);
            WriteAllowlists(page, json);
            WriteLists(page, json);
            WriteLanes(page, json);
            WriteRelays(page, json);
            json.WriteNumber("events_lost", page.EventsLost);
            json.WriteNumber("loop_wait_ms", Math.Round(page.LoopWait.TotalMilliseconds, 3));
            json.WriteNumber("cpu_ms", (long)Environment.CpuUsage.TotalTime.TotalMilliseconds);
            json.WriteNumber("resident_bytes", Environment.WorkingSet);
            json.WriteEndObject();
        }

        return Encoding.ASCII.GetString(line.GetBuffer(), 0, (int)line.Length);
    }

    private static void WriteClients(ClientCounts clients, Utf8JsonWriter json)
    {
        json.WriteStartObject("outcomes");
        foreach (var outcome in Enum.GetValues<Outcome>())
            json.WriteNumber(ClientEvent.Name(outcome), clients.Of(outcome));
        json.WriteEndObject();
        json.WriteStartObject("let_in_by");
        foreach (var entrance in Enum.GetValues<Entrance>())
            json.WriteNumber(ClientEvent.Name(entrance), clients.Of(entrance));
        json.WriteEndObject();
        json.WriteStartObject("stopped_by");
        foreach (var cause in Enum.GetValues<ScreeningCause>())
        {
            if (cause is not ScreeningCause.None)
                json.WriteNumber(CauseText.Name(cause), clients.Of(cause));
        }

        json.WriteEndObject();
        json.WriteStartObject("tests");
        foreach (var test in ScreeningTest.All)
        {
            json.WriteStartObject(CauseText.Name(test.Cause));
            json.WriteNumber("passed", Enum.GetValues<FailAction>().Sum(action => clients.Passed(test, action)));
            json.WriteNumber("failed", Enum.GetValues<FailAction>().Sum(action => clients.Failed(test, action)));
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteNumber("handoff_failures", clients.HandoffFailures);
    }

    private static void WriteAllowlists(MetricsPage page, Utf8JsonWriter json)
    {
        json.WriteStartArray("allowlists");
        foreach (var (map, count) in page.Allowlists)
        {
            json.WriteStartObject();
            json.WriteString("map", map);
            json.WriteNumber("records", count);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteLists(MetricsPage page, Utf8JsonWriter json)
    {
        json.WriteStartArray("dns_lists");
        foreach (var list in page.Lists)
        {
            var counts = list.Counts;
            json.WriteStartObject();
            json.WriteString("name", list.Name);
            json.WriteBoolean("well", list.IsHealthy);
            if (!list.IsHealthy)
            {
                json.WriteString("problem", list.Problem);
                json.WriteString("trouble", list.Trouble);
            }

            json.WriteNumber("listed", counts.Listed);
            json.WriteNumber("not_listed", counts.NotListed);
            json.WriteNumber("failed", counts.Failed);
            json.WriteNumber("timed_out", counts.TimedOut);
            if (counts.Latency.Counts.Sum() is > 0 and var answers)
                json.WriteNumber("mean_ms", Math.Round(counts.Latency.Sum * 1000 / answers, 1));
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteLanes(MetricsPage page, Utf8JsonWriter json)
    {
        json.WriteStartObject("lanes");
        json.WriteNumber("standing", page.Lanes.Sum(static lane => lane.Standing));
        foreach (var what in Enum.GetValues<LaneEvent>())
            json.WriteNumber(what.ToString().ToLowerInvariant(), Enum.GetValues<RdnsKind>().Sum(kind => page.Lanes.Sum(lane => lane.Count(kind, what))));
        json.WriteStartObject("classes");
        foreach (var kind in page.Lanes.Count == 0 ? [] : Enum.GetValues<RdnsKind>())
        {
            json.WriteStartObject(RdnsVerdict.WordOf(kind));
            foreach (var what in Enum.GetValues<LaneEvent>())
                json.WriteNumber(what.ToString().ToLowerInvariant(), page.Lanes.Sum(lane => lane.Count(kind, what)));
            json.WriteEndObject();
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static void WriteRelays(MetricsPage page, Utf8JsonWriter json)
    {
        json.WriteStartArray("relays");
        foreach (var (target, sessions, authFailures, isWell) in page.Relays)
        {
            json.WriteStartObject();
            json.WriteString("target", target);
            json.WriteBoolean("well", isWell);
            json.WriteNumber("sessions", sessions);
            json.WriteNumber("auth_failures", authFailures);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
