using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Postern.Control;
using Postern.Core.Config;
using Postern.Core.Dnsbl;
using Postern.Core.Lanes;
using Postern.Metrics;
using Postern.Tests.Screening;

namespace Postern.Tests.Metrics;

public sealed partial class MetricsPageTests
{
    private static readonly Settings Plain = new() { GreetBanner = "mx ESMTP", Banner = "mx ESMTP", GreetAction = FailAction.Drop };

    private static readonly LaneTraffic Lane = new();

    private static readonly BucketCounts Rounds = new(0.025);

    static MetricsPageTests()
    {
        Rounds.Add(0.02);
        Rounds.Add(0.03);
        Lane.Enter();
        Lane.Note(RdnsKind.Generic, LaneEvent.Greylisted);
    }

    [Fact]
    public void Each_client_is_counted_where_it_belongs()
    {
        var counts = new ClientCounts();
        counts.Add(Session(static shell => shell.AdvanceTo(TimeSpan.FromSeconds(6))));
        counts.Add(Session(static shell => shell.AdvanceTo(TimeSpan.FromSeconds(6))));
        counts.Add(Session(static shell =>
        {
            shell.AdvanceTo(TimeSpan.FromSeconds(2.5));
            shell.Receive("EHLO x\r\n"u8);
        }));
        counts.Add(Session(static shell =>
        {
            shell.AdvanceTo(TimeSpan.FromSeconds(3));
            shell.HangUp();
        }));

        var page = Page(counts);

        foreach (var line in (string[])
        [
            "postern_clients_total{outcome=\"handed_off\"} 2", "postern_clients_total{outcome=\"stopped\"} 2", "postern_clients_total{outcome=\"told_to_come_back\"} 0",
            "postern_let_in_total{by=\"new\"} 2", "postern_stopped_total{reason=\"pregreet\"} 1", "postern_stopped_total{reason=\"hangup_before_handshake\"} 1",
            "postern_tests_total{test=\"pregreet\",result=\"passed\",action=\"drop\"} 2", "postern_tests_total{test=\"pregreet\",result=\"failed\",action=\"drop\"} 1",
            "postern_tests_total{test=\"pregreet\",result=\"failed\",action=\"ignore\"} 0", "postern_loop_round_seconds_bucket{le=\"0.025\"} 1", "postern_loop_round_seconds_count 2",
            "postern_pregreet_seconds_bucket{le=\"2.0\"} 0", "postern_pregreet_seconds_bucket{le=\"3.0\"} 1", "postern_pregreet_seconds_bucket{le=\"+Inf\"} 1", "postern_pregreet_seconds_sum 2.5",
            "postern_hangup_seconds_bucket{le=\"3.0\"} 1", "postern_hangup_seconds_count 1", "postern_handoff_seconds_count 2",
            "postern_held_clients{state=\"screened\"} 3", "postern_held_clients{state=\"handing_off\"} 1", "postern_stress 1", "postern_connections_total 9",
            "postern_allowlist_records{map=\"btree:/a\\\"b\\\\c\"} 5", "postern_event_log_lost_total 3", "postern_loop_wait_seconds 0.25",
            "postern_relay_sessions{target=\"tcp:127.0.0.1:2525\"} 7", "postern_relay_target_well{target=\"tcp:127.0.0.1:2525\"} 0",
            "postern_relay_auth_failures_total{target=\"tcp:127.0.0.1:2525\"} 3", "postern_lane_clients 1", "postern_lane_events_total{class=\"generic\",event=\"greylisted\"} 1",
        ])
            Assert.Contains("\n" + line + "\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_list_has_its_answers_times_and_health()
    {
        var counts = new ListCounts { TimedOut = 2 };
        counts.Add(ListAnswer.Listed, TimeSpan.FromMilliseconds(20));
        counts.Add(ListAnswer.NotListed, TimeSpan.FromMilliseconds(40));
        counts.Add(ListAnswer.Empty, TimeSpan.FromSeconds(60));
        counts.Add(ListAnswer.Silent, TimeSpan.FromSeconds(60));
        counts.Add(ListAnswer.Failed, TimeSpan.FromSeconds(60));

        var page = Page(
            new ClientCounts(), new("bl.example", counts, ListState.Hidden, "192.0.2.53", "hides"), new("well.example", new ListCounts(), ListState.Healthy, "192.0.2.53", null),
            new("new.example", new ListCounts(), ListState.Unchecked, null, null));

        foreach (var line in (string[])
        [
            "postern_dnsbl_answers_total{list=\"bl.example\",result=\"listed\"} 1", "postern_dnsbl_answers_total{list=\"bl.example\",result=\"not_listed\"} 2",
            "postern_dnsbl_answers_total{list=\"bl.example\",result=\"failed\"} 2", "postern_dnsbl_list_well{list=\"well.example\"} 1",
            "postern_dnsbl_list_problem{list=\"bl.example\",problem=\"rebind_protection\",resolver=\"192.0.2.53\"} 1",
            "postern_dnsbl_list_problem{list=\"new.example\",problem=\"unchecked\",resolver=\"\"} 1",
            "postern_dnsbl_timeouts_total{list=\"bl.example\"} 2", "postern_dnsbl_list_well{list=\"bl.example\"} 0",
            "postern_dnsbl_seconds_bucket{list=\"bl.example\",le=\"0.025\"} 1", "postern_dnsbl_seconds_bucket{list=\"bl.example\",le=\"10.0\"} 2", "postern_dnsbl_seconds_bucket{list=\"bl.example\",le=\"+Inf\"} 5",
        ])
            Assert.Contains("\n" + line + "\n", page, StringComparison.Ordinal);
        Assert.DoesNotContain("problem{list=\"well", page, StringComparison.Ordinal);
    }

    [Fact]
    public void The_live_figures_say_the_same_in_one_line_of_ASCII()
    {
        var counts = new ClientCounts();
        counts.Add(Session(static shell => shell.AdvanceTo(TimeSpan.FromSeconds(6))));
        counts.Add(Session(static shell =>
        {
            shell.AdvanceTo(TimeSpan.FromSeconds(2.5));
            shell.Receive("EHLO x\r\n"u8);
        }));
        var list = new ListCounts { TimedOut = 2 };
        list.Add(ListAnswer.Listed, TimeSpan.FromMilliseconds(20));
        list.Add(ListAnswer.NotListed, TimeSpan.FromMilliseconds(40));

        var line = FiguresText.Write(Measured(counts, new MeasuredList("bl\u00fc.example", list, ListState.Hidden, "192.0.2.53", "hides")), DateTimeOffset.UnixEpoch.AddSeconds(7), DateTimeOffset.UnixEpoch.AddSeconds(5));

        Assert.DoesNotContain('\n', line);
        Assert.True(Ascii.IsValid(line));
        var figures = JsonDocument.Parse(line).RootElement;
        Assert.Equal((7000, 5000, 9, 4, 1), (Number("time"), Number("counted_since"), Number("connections"), Number("held"), Number("handing_off")));
        Assert.Equal((1, 1, 0), (Number("outcomes", "handed_off"), Number("outcomes", "stopped"), Number("outcomes", "told_to_come_back")));
        Assert.Equal((1, 1), (Number("let_in_by", "new"), Number("stopped_by", "pregreet")));
        Assert.Equal((1, 1), (Number("tests", "pregreet", "passed"), Number("tests", "pregreet", "failed")));
        Assert.Equal((1, 1), (Number("lanes", "standing"), Number("lanes", "greylisted")));
        var ofList = figures.GetProperty("dns_lists")[0];
        Assert.Equal(
            """{"name":"bl\u00FC.example","well":false,"problem":"rebind_protection","trouble":"hides","listed":1,"not_listed":1,"failed":0,"timed_out":2,"mean_ms":30}""", ofList.GetRawText());
        Assert.Equal("""{"target":"tcp:127.0.0.1:2525","well":false,"sessions":7,"auth_failures":3}""", figures.GetProperty("relays")[0].GetRawText());
        Assert.Equal(5, figures.GetProperty("allowlists")[0].GetProperty("records").GetInt32());

        int Number(params string[] path) => path.Aggregate(figures, static (part, name) => part.GetProperty(name)).GetInt32();
    }

    [Fact]
    public void Every_metric_is_documented_and_follows_from_its_name_in_OpenTelemetry()
    {
        var documentation = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", "..", "docs", "metrics.md"));
        var rows = TableRow().Matches(documentation).Select(static row => (Name: row.Groups["name"].Value, Other: row.Groups["other"].Value, Unit: row.Groups["unit"].Value)).ToList();
        var types = Page(new ClientCounts()).Split('\n').Where(static line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(static line => line.Split(' ')).ToDictionary(static words => words[2], static words => words[3]);

        Assert.True(types.Count > 15);
        Assert.Equal(types.Keys.Order(StringComparer.Ordinal), rows.Select(static row => row.Name).Order(StringComparer.Ordinal));
        Assert.All(rows, row => Assert.Equal(row.Name, PrometheusName(row.Other, row.Unit, types[row.Name])));
        Assert.All(rows, static row => Assert.Matches(@"^(postern|process)\.[a-z_]+$", row.Other)); // so one pattern finds them all when the way is gone back
        Assert.Equal(rows.Count, rows.Select(static row => row.Other).Distinct().Count());
    }

    [Fact]
    public void OpenMetrics_names_counters_without_total_tells_units_and_has_an_end()
    {
        var older = Measured(new ClientCounts(), new MeasuredList("bl.example", new ListCounts(), ListState.Unchecked, null, null)).Write(isOpenMetrics: false).Split('\n');
        var page = Measured(new ClientCounts(), new MeasuredList("bl.example", new ListCounts(), ListState.Unchecked, null, null)).Write(isOpenMetrics: true);
        var lines = page.Split('\n');

        foreach (var expected in (string[])
        [
            "# TYPE postern_connections counter\npostern_connections_total 9\n", "# TYPE postern_held_clients gauge\npostern_held_clients{state=\"screened\"} 3\n",
            "# TYPE process_cpu_seconds counter\n# UNIT process_cpu_seconds seconds\nprocess_cpu_seconds_total ", "# UNIT postern_handoff_seconds seconds\npostern_handoff_seconds_bucket{le=\"0.001\"} 0\n",
            "# UNIT process_resident_memory_bytes bytes\nprocess_resident_memory_bytes ", "postern_handoff_seconds_bucket{le=\"100.0\"} 0\n",
        ])
            Assert.Contains(expected, page, StringComparison.Ordinal);
        Assert.EndsWith("\n# EOF\n", page, StringComparison.Ordinal);
        var names = lines.Where(static line => line.StartsWith("# TYPE ", StringComparison.Ordinal)).Select(static line => line.Split(' ')[2]).ToList();
        Assert.Equal(names.Distinct(), names);
        Assert.Equal(Samples(older), Samples(lines)); // whatever the form, it is the same series

        static IEnumerable<string> Samples(string[] lines) => lines.Where(static line => line.Length > 0 && line[0] != '#').Select(static line => line.Split(' ')[0]);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("*/*", false)]
    [InlineData("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", false)]
    [InlineData("application/openmetrics-text", true)]
    [InlineData("Application/OpenMetrics-Text; Version=1.0.0; charset=utf-8", true)]
    [InlineData("application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", true)]
    [InlineData("application/vnd.google.protobuf;q=0.8,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;q=0.4,*/*;q=0.2", true)]
    [InlineData("text/plain;version=0.0.4;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5", false)]
    [InlineData("application/openmetrics-text;version=2.0.0", false)]
    [InlineData("application/openmetrics-text;q=0", false)]
    [InlineData("application/openmetrics-text;q=x", false)]
    [InlineData(",;,;q=,=;", false)]
    public void Who_asks_for_OpenMetrics_gets_it(string accept, bool isWanted) => Assert.Equal(isWanted, MetricsText.IsOpenMetricsWanted(accept));

    [Theory]
    [InlineData("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n", "/metrics")]
    [InlineData("GET /metrics?x=1 HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n", "/metrics")]
    [InlineData("GET /metrics HTTP/1.1\r\naccept: a;q=0.5\r\nX-Accept: b\r\nAccept:c\r\n\r\n", "HTTP/1.1 200 OK\r\n", "/metrics a;q=0.5,c")]
    [InlineData("HEAD /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 200 OK\r\n", "")]
    [InlineData("GET /other HTTP/1.1\r\n\r\n", "HTTP/1.1 503 Service Unavailable\r\n", "nothing shows pages\n")]
    [InlineData("POST /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 405 Method Not Allowed\r\n", "GET or HEAD\n")]
    [InlineData("EHLO bot.example\r\n\r\n", "HTTP/1.1 400 Bad Request\r\n", "bad request\n")]
    public void Requests_are_answered(string request, string status, string body)
    {
        using var endpoint = Open();

        var answer = Ask(endpoint, request);

        Assert.StartsWith(status, answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n" + body, answer, StringComparison.Ordinal);
        Assert.Contains("Connection: close\r\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_says_too_much_or_leaves_gets_nothing_and_the_next_is_served()
    {
        using var endpoint = Open();

        Assert.Equal("", Ask(endpoint, new string('x', 100_000)));
        Assert.Equal("", Ask(endpoint, "GET /metr"));
        Assert.StartsWith("HTTP/1.1 200", Ask(endpoint, "GET /metrics HTTP/1.1\r\n\r\n"), StringComparison.Ordinal);
    }

    [Fact]
    public void Who_says_nothing_or_half_of_it_keeps_nobody_waiting()
    {
        using var endpoint = Open();
        var stallers = new List<Socket>();
        for (var i = 0; i < 100; i++) // more than are kept aside
        {
            stallers.Add(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
            stallers[i].Connect(endpoint.Address);
            if (i % 2 == 0)
                stallers[i].Send("GET /metrics HTT"u8);
        }

        var start = Environment.TickCount64;
        Assert.StartsWith("HTTP/1.1 200", Ask(endpoint, "GET /metrics HTTP/1.1\r\n\r\n"), StringComparison.Ordinal);

        Assert.InRange(Environment.TickCount64 - start, 0, 4_000); // one of them had five seconds
        stallers[98].Send("P/1.1\r\n\r\n"u8);
        var answer = new byte[12];
        Assert.Equal("HTTP/1.1 200", Encoding.ASCII.GetString(answer, 0, stallers[98].Receive(answer)));
        stallers.ForEach(static staller => staller.Dispose());
    }

    [Fact]
    public void Its_port_is_free_as_soon_as_it_listens_no_more()
    {
        var endpoint = Open();
        using var staller = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        staller.Connect(endpoint.Address);

        endpoint.Dispose();

        using var next = HttpEndpoint.Open(endpoint.Address, isTakenOver: false, static _ => null, static _ => null, out var problem);
        Assert.Null(problem);
    }

    // Prometheus and OpenMetrics Compatibility, OpenTelemetry specification: "OTLP metric points to Prometheus".
    private static string PrometheusName(string name, string unit, string type)
    {
        var word = Annotation().Replace(unit, "") switch
        {
            "" => "",
            "s" => "_seconds",
            "By" => "_bytes",
            var other => throw new ArgumentException($"what is {other} in full?"),
        };
        return name.Replace('.', '_') + word + (type == "counter" ? "_total" : "");
    }

    [GeneratedRegex(@"(?m)^\| `(?<name>[^`]+)` \| `(?<other>[^`]+)` `(?<unit>[^`]+)` \|")]
    private static partial Regex TableRow();

    [GeneratedRegex(@"\{[^}]*\}")]
    private static partial Regex Annotation();

    private static string Here([CallerFilePath] string path = "") => path;

    private static HttpEndpoint Open()
    {
        var endpoint = HttpEndpoint.Open(
            new IPEndPoint(IPAddress.Loopback, 0), isTakenOver: false, static path => path == "/metrics" ? accept => new(200, "text/plain", $"{path} {accept}".TrimEnd()) : null, static _ => "nothing shows pages", out var problem);
        Assert.Null(problem);
        return endpoint!;
    }

    private static string Ask(HttpEndpoint endpoint, string request)
    {
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 20_000 };
        client.Connect(endpoint.Address);
        var answer = new StringBuilder();
        try
        {
            client.Send(Encoding.Latin1.GetBytes(request));
            client.Shutdown(SocketShutdown.Send);
            var buffer = new byte[4096];
            while (client.Receive(buffer) is > 0 and var read)
                answer.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }
        catch (SocketException problem) when (problem.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            // it hung up on what it did not read
        }

        return answer.ToString();
    }

    private static Postern.Core.Screening.Session Session(Action<FakeShell> story)
    {
        var shell = new FakeShell(Plain, Ip.Of("192.0.2.7"));
        shell.Connect();
        story(shell);
        Assert.True(shell.IsOver);
        return shell.Session;
    }

    private static string Page(ClientCounts clients, params MeasuredList[] lists) => Measured(clients, lists).Write(isOpenMetrics: false);

    private static MetricsPage Measured(ClientCounts clients, params MeasuredList[] lists) => new()
    {
        Clients = clients,
        Accepted = 9,
        Held = 4,
        HandingOff = 1,
        UnderStress = true,
        Allowlists = [("btree:/a\"b\\c", 5)],
        Lists = lists,
        Lanes = [Lane],
        Relays = [("tcp:127.0.0.1:2525", 7, 3, false)],
        EventsLost = 3,
        Rounds = Rounds,
        LoopWait = TimeSpan.FromSeconds(0.25),
        Started = DateTimeOffset.UnixEpoch,
    };
}
