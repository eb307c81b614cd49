using Postern.Core.Config;
using Postern.Core.Lanes;
using Postern.Core.Reporting;
using Postern.Core.Screening;
using Postern.Events;

namespace Postern.Metrics;

/// <summary>All that is measured, as it is at one moment. docs/metrics.md says what each metric means.</summary>
internal sealed record MetricsPage
{
    public required ClientCounts Clients { get; init; }

    /// <summary>Connections since the start.</summary>
    public required long Accepted { get; init; }

    /// <summary>Clients held now, those included that the server has not taken yet.</summary>
    public required int Held { get; init; }

    /// <summary>Of those, how many the server has yet to take.</summary>
    public required int HandingOff { get; init; }

    /// <summary>Whether any service has its shorter limits in force.</summary>
    public required bool UnderStress { get; init; }

    /// <summary>Records by map.</summary>
    public required IReadOnlyList<(string Map, int Count)> Allowlists { get; init; }

    /// <summary>By list, under the name that replies show.</summary>
    public required IReadOnlyList<MeasuredList> Lists { get; init; }

    /// <summary>The slow lanes of each service that has any.</summary>
    public required IReadOnlyList<LaneTraffic> Lanes { get; init; }

    /// <summary>By relay target.</summary>
    public required IReadOnlyList<(string Target, int Sessions, long AuthFailures, bool IsWell)> Relays { get; init; }

    /// <summary>Events that the event log had no room for.</summary>
    public required long EventsLost { get; init; }

    /// <summary>How long the loop took to come to the question for this page.</summary>
    public required TimeSpan LoopWait { get; init; }

    /// <summary>How long the loop was at work on each round.</summary>
    public required BucketCounts Rounds { get; init; }

    /// <summary>When the process started.</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>Writes the page.</summary>
    /// <param name="isOpenMetrics">In this form, not in Prometheus' older one.</param>
    public string Write(bool isOpenMetrics)
    {
        var text = new MetricsText(isOpenMetrics);
        WriteClients(text);
        WriteTests(text);
        WriteLists(text);
        WriteLanes(text);
        WriteRelays(text);
        text.Metric("postern_held_clients", "gauge", "Clients held now.")
            .Sample("postern_held_clients", Held - HandingOff, "state", "screened").Sample("postern_held_clients", HandingOff, "state", "handing_off");
        text.Metric("postern_stress", "gauge", "1 while the shorter limits of stress mode are in force.").Sample("postern_stress", UnderStress ? 1 : 0);
        text.Metric("postern_allowlist_records", "gauge", "Clients in the temporary allowlist.");
        foreach (var (map, count) in Allowlists)
            text.Sample("postern_allowlist_records", count, "map", map);
        text.Metric("postern_allowlist_lookups_total", "counter", "Clients looked for in the temporary allowlist, by what it had.");
        foreach (var recall in Enum.GetValues<Recall>())
            text.Sample("postern_allowlist_lookups_total", Clients.Of(recall), "result", recall.ToString().ToLowerInvariant());
        text.Metric("postern_event_log_lost_total", "counter", "Events that the event log had no room for.").Sample("postern_event_log_lost_total", EventsLost);
        text.Metric("postern_loop_wait_seconds", "gauge", "How long the event loop took to come to the question for this page.").Sample("postern_loop_wait_seconds", LoopWait.TotalSeconds);
        text.Metric("postern_loop_round_seconds", "histogram", "How long the event loop was at work before it looked again for what happens.").Histogram("postern_loop_round_seconds", Rounds);
        text.Metric("postern_build_info", "gauge", "Always 1; its labels say which Postern this is.")
            .Sample("postern_build_info", 1, "version", BuildInfo.Version, "commit", BuildInfo.Commit, "date", BuildInfo.Date, "runtime", BuildInfo.Runtime);
        text.Metric("process_start_time_seconds", "gauge", "When the process started, Unix time.").Sample("process_start_time_seconds", Started.ToUnixTimeMilliseconds() / 1000.0);
        text.Metric("process_cpu_seconds_total", "counter", "Processor time used.").Sample("process_cpu_seconds_total", Environment.CpuUsage.TotalTime.TotalSeconds);
        text.Metric("process_resident_memory_bytes", "gauge", "Memory in use.").Sample("process_resident_memory_bytes", Environment.WorkingSet);
        return text.ToString();
    }

    private void WriteClients(MetricsText text)
    {
        text.Metric("postern_connections_total", "counter", "Connections accepted.").Sample("postern_connections_total", Accepted);
        text.Metric("postern_clients_total", "counter", "Clients that have left, by what became of them.");
        foreach (var outcome in Enum.GetValues<Outcome>())
            text.Sample("postern_clients_total", Clients.Of(outcome), "outcome", ClientEvent.Name(outcome));
        text.Metric("postern_let_in_total", "counter", "Clients handed off, by what let them in.");
        foreach (var entrance in Enum.GetValues<Entrance>())
            text.Sample("postern_let_in_total", Clients.Of(entrance), "by", ClientEvent.Name(entrance));
        text.Metric("postern_stopped_total", "counter", "Clients stopped, by reason; one can have several.");
        foreach (var cause in Enum.GetValues<ScreeningCause>())
        {
            if (cause is not ScreeningCause.None)
                text.Sample("postern_stopped_total", Clients.Of(cause), "reason", CauseText.Name(cause));
        }

        text.Metric("postern_handoff_failures_total", "counter", "Clients that the mail server could not be given.").Sample("postern_handoff_failures_total", Clients.HandoffFailures);
        text.Metric("postern_handoff_seconds", "histogram", "How long the mail server took to take a client.").Histogram("postern_handoff_seconds", Clients.Handoff);
    }

    private void WriteTests(MetricsText text)
    {
        text.Metric("postern_tests_total", "counter", "Results of the tests, by the action that the configuration has for a failure.");
        foreach (var test in ScreeningTest.All)
        {
            var name = CauseText.Name(test.Cause);
            foreach (var action in Enum.GetValues<FailAction>())
            {
                text.Sample("postern_tests_total", Clients.Passed(test, action), "test", name, "result", "passed", "action", ClientEvent.Name(action))
                    .Sample("postern_tests_total", Clients.Failed(test, action), "test", name, "result", "failed", "action", ClientEvent.Name(action));
            }
        }

        text.Metric("postern_pregreet_seconds", "histogram", "How long early talkers were silent.").Histogram("postern_pregreet_seconds", Clients.Pregreet);
        text.Metric("postern_hangup_seconds", "histogram", "How long those stayed who hung up in the greet wait.").Histogram("postern_hangup_seconds", Clients.Hangup);
    }

    private void WriteRelays(MetricsText text)
    {
        if (Relays.Count == 0)
            return;
        text.Metric("postern_relay_sessions", "gauge", "Relayed sessions now.");
        foreach (var relay in Relays)
            text.Sample("postern_relay_sessions", relay.Sessions, "target", relay.Target);
        text.Metric("postern_relay_target_well", "gauge", "1 while a relay target gets clients, 0 while it is out.");
        foreach (var relay in Relays)
            text.Sample("postern_relay_target_well", relay.IsWell ? 1 : 0, "target", relay.Target);
        text.Metric("postern_relay_auth_failures_total", "counter", "Clients whose AUTH a relay target refused.");
        foreach (var relay in Relays)
            text.Sample("postern_relay_auth_failures_total", relay.AuthFailures, "target", relay.Target);
    }

    private void WriteLanes(MetricsText text)
    {
        if (Lanes.Count == 0)
            return;
        text.Metric("postern_lane_clients", "gauge", "Clients in slow lanes now.").Sample("postern_lane_clients", Lanes.Sum(static lane => lane.Standing));
        text.Metric("postern_lane_events_total", "counter", "What happened to clients because of their class by reverse name.");
        foreach (var kind in Enum.GetValues<RdnsKind>())
        {
            foreach (var what in Enum.GetValues<LaneEvent>())
            {
                if (Lanes.Sum(lane => lane.Count(kind, what)) is > 0 and var count)
                    text.Sample("postern_lane_events_total", count, "class", RdnsVerdict.WordOf(kind), "event", what.ToString().ToLowerInvariant());
            }
        }
    }

    private void WriteLists(MetricsText text)
    {
        text.Metric("postern_dnsbl_answers_total", "counter", "Answers of DNS lists about clients.");
        foreach (var list in Lists)
        {
            text.Sample("postern_dnsbl_answers_total", list.Counts.Listed, "list", list.Name, "result", "listed")
                .Sample("postern_dnsbl_answers_total", list.Counts.NotListed, "list", list.Name, "result", "not_listed")
                .Sample("postern_dnsbl_answers_total", list.Counts.Failed, "list", list.Name, "result", "failed");
        }

        text.Metric("postern_dnsbl_timeouts_total", "counter", "Questions that a DNS list did not answer in time.");
        foreach (var list in Lists)
            text.Sample("postern_dnsbl_timeouts_total", list.Counts.TimedOut, "list", list.Name);
        text.Metric("postern_dnsbl_list_well", "gauge", "1 while a DNS list is healthy, 0 while it does not count or its listings do not get here.");
        foreach (var list in Lists)
            text.Sample("postern_dnsbl_list_well", list.IsHealthy ? 1 : 0, "list", list.Name);
        text.Metric("postern_dnsbl_list_problem", "gauge", "1 for what is wrong with a DNS list, and which resolver has answered for it; nothing while it is healthy.");
        foreach (var list in Lists.Where(static list => !list.IsHealthy))
            text.Sample("postern_dnsbl_list_problem", 1, "list", list.Name, "problem", list.Problem, "resolver", list.Resolver ?? "");
        text.Metric("postern_dnsbl_seconds", "histogram", "How long DNS lists took to answer.");
        foreach (var list in Lists)
            text.Histogram("postern_dnsbl_seconds", list.Counts.Latency, "list", list.Name);
    }
}
