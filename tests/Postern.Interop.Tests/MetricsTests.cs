using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Postern.Interop.Tests;

/// <summary>What monitoring sees, and what Prometheus' own promtool says of it and of the files in contrib.</summary>
[Collection(nameof(InteropCollection))]
public sealed partial class MetricsTests
{
    private static string Contrib => Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", "contrib");

    [Fact]
    public async Task The_figures_of_known_clients_are_right_and_promtool_accepts_them()
    {
        var http = MailHost.FreePort();
        using var host = MailHost.Alone(null, $"postern_http = 127.0.0.1:{http}", "postscreen_greet_action = drop");
        using var web = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{http}"), Timeout = TimeSpan.FromSeconds(30) };
        for (var i = 1; i <= 3; i++)
        {
            using var good = host.Connect($"127.0.9.{i}");
            good.ExpectGreeting();
            good.Say("QUIT", "221");
        }

        using (var known = host.Connect("127.0.9.1"))
        {
            known.ExpectGreeting();
            known.Say("QUIT", "221");
        }

        using (var early = host.Connect("127.0.9.4"))
        {
            Assert.StartsWith("220-", early.ReadLine());
            early.Send("EHLO early\r\n");
            Assert.StartsWith("521", early.ReadLine());
        }

        using var parked = host.Connect("127.0.9.5");
        Assert.StartsWith("220-", parked.ReadLine());
        var page = "";
        Wait.Until(() => (page = web.GetStringAsync("/metrics").GetAwaiter().GetResult()).Contains("\npostern_clients_total{outcome=\"handed_off\"} 4\n", StringComparison.Ordinal), () => page);

        Assert.Equal(("ok\n", "ready\n"), (await Get("/healthz"), await Get("/readyz")));
        Assert.Equal(6, Value("postern_connections_total"));
        Assert.Equal(1, Value("postern_clients_total{outcome=\"stopped\"}"));
        Assert.Equal((3, 1), (Value("postern_let_in_total{by=\"new\"}"), Value("postern_let_in_total{by=\"known\"}")));
        Assert.Equal(1, Value("postern_stopped_total{reason=\"pregreet\"}"));
        Assert.Equal(4, Value("postern_handoff_seconds_count"));
        Assert.True(Value("process_resident_memory_bytes") > 1_000_000);
        Assert.Single(AllowlistRecords().Matches(page));
        if (Tool.Find("promtool") is null)
            Assert.Skip("needs promtool, which is not installed");
        var file = host.Write("metrics", page);
        var (status, output) = Tool.Run("sh", "-c", $"promtool check metrics <'{file}'");
        Assert.True(status == 0 && output.Trim().Length == 0, output);

        double Value(string sample) => double.Parse(Regex.Match(page, $"(?m)^{Regex.Escape(sample)} (.*)$").Groups[1].Value, CultureInfo.InvariantCulture);

        async Task<string> Get(string path) => await web.GetStringAsync(path, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Prometheus_itself_scrapes_OpenMetrics_with_types_units_and_values()
    {
        Tool.Require("prometheus");
        var (http, own) = (MailHost.FreePort(), MailHost.FreePort());
        using var host = MailHost.Alone(null, $"postern_http = 127.0.0.1:{http}");
        using (var good = host.Connect("127.0.9.1"))
        {
            good.ExpectGreeting();
            good.Say("QUIT", "221");
        }

        var configuration = host.Write("prometheus.yml", $"global: {{ scrape_interval: 1s }}\nscrape_configs:\n- job_name: postern\n  static_configs: [{{ targets: [\"127.0.0.1:{http}\"] }}]\n");
        using var prometheus = Tool.Start(
            "prometheus", $"--config.file={configuration}", $"--web.listen-address=127.0.0.1:{own}", $"--storage.tsdb.path={Path.Combine(host.Directory, "prometheus")}", "--log.level=error");
        using var web = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{own}/api/v1/"), Timeout = TimeSpan.FromSeconds(30) };
        try
        {
            var target = default(JsonElement);
            Wait.Until(
                () => TryGet("targets?state=active", out var data) && data.GetProperty("activeTargets").EnumerateArray().ToArray() is [var only]
                    && (target = only).GetProperty("health").GetString() is "up"
                    && Value("postern_clients_total{outcome=\"handed_off\"}") == "1",
                () => $"{target} {host.LogEnd}");

            Assert.Equal("", target.GetProperty("lastError").GetString());
            Assert.Equal(
                ["postern_connections counter ", "postern_handoff_seconds histogram seconds", "postern_held_clients gauge ", "process_cpu_seconds counter seconds", "process_resident_memory_bytes gauge bytes"],
                Metadata("postern_connections", "postern_handoff_seconds", "postern_held_clients", "process_cpu_seconds", "process_resident_memory_bytes"));
            Assert.Equal(("1", "0"), (Value("postern_handoff_seconds_count"), Value("sum(postern_held_clients)")));
            Assert.Equal("1", Value("postern_handoff_seconds_bucket{le=\"100.0\"}"));
        }
        finally
        {
            prometheus.Kill();
            await prometheus.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        bool TryGet(string what, out JsonElement data)
        {
            data = default;
            try
            {
                data = JsonDocument.Parse(web.GetStringAsync(what).GetAwaiter().GetResult()).RootElement.GetProperty("data");
                return true;
            }
            catch (HttpRequestException)
            {
                return false; // it does not listen yet, or is not ready
            }
        }

        string? Value(string query) => TryGet($"query?query={Uri.EscapeDataString(query)}", out var data) && data.GetProperty("result").EnumerateArray().ToArray() is [var only]
            ? only.GetProperty("value")[1].GetString() : null;

        IEnumerable<string> Metadata(params string[] names) => names.Select(name => TryGet($"targets/metadata?metric={name}", out var data)
            ? $"{name} {data[0].GetProperty("type").GetString()} {data[0].GetProperty("unit").GetString()}" : name);
    }

    [Fact]
    public void The_alert_rules_pass_promtools_check_and_their_own_tests()
    {
        Tool.Require("promtool");

        Tool.Must("promtool", "check", "rules", Path.Combine(Contrib, "prometheus", "postern.rules.yml"));
        Tool.Must("promtool", "test", "rules", Path.Combine(Contrib, "prometheus", "postern.rules.test.yml"));
    }

    [Fact]
    public void Every_query_of_the_dashboard_and_the_rules_is_valid_and_asks_for_what_there_is()
    {
        Tool.Require("promtool");
        var queries = Expressions().ToList();
        Assert.True(queries.Count > 20);
        var documented = MetricName().Matches(File.ReadAllText(Path.Combine(Contrib, "..", "docs", "metrics.md"))).Select(static name => name.Value).ToHashSet();
        var rules = Path.Combine(Directory.CreateTempSubdirectory("postern-promtool-").FullName, "rules.yml");
        File.WriteAllText(rules, "groups:\n- name: dashboard\n  rules:\n" + string.Concat(queries.Select(static (query, i) =>
            $"  - record: query_{i}\n    expr: {JsonSerializer.Serialize(query.Replace("$__rate_interval", "5m", StringComparison.Ordinal).Replace("$__range", "1d", StringComparison.Ordinal).Replace("$instance", "a|b", StringComparison.Ordinal))}\n")));

        Tool.Must("promtool", "check", "rules", rules);

        Assert.All(queries.SelectMany(static query => MetricName().Matches(query)), name => Assert.Contains(PartOfHistogram().Replace(name.Value, ""), documented));
        Directory.Delete(Path.GetDirectoryName(rules)!, recursive: true);
    }

    private static IEnumerable<string> Expressions()
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(Contrib, "grafana", "postern.json")));
        foreach (var panel in dashboard.RootElement.GetProperty("panels").EnumerateArray())
        {
            foreach (var target in panel.GetProperty("targets").EnumerateArray())
                yield return target.GetProperty("expr").GetString()!;
        }

        foreach (var line in File.ReadLines(Path.Combine(Contrib, "prometheus", "postern.rules.yml")).Where(static line => line.TrimStart().StartsWith("expr: ", StringComparison.Ordinal)))
            yield return line.Trim()["expr: ".Length..];
    }

    private static string Here([CallerFilePath] string path = "") => path;

    [GeneratedRegex(@"(?m)^postern_allowlist_records\{map=""btree:[^""]+""\} 3$")]
    private static partial Regex AllowlistRecords();

    [GeneratedRegex("(postern|process)_[a-z_]+")]
    private static partial Regex MetricName();

    [GeneratedRegex("_(bucket|sum|count)$")]
    private static partial Regex PartOfHistogram();
}
