using System.Text;
using System.Text.Json;
using Postern.Cli;
using Postern.Core.Rehearsal;

namespace Postern.Tests.Rehearsal;

/// <summary><c>postern rehearse</c> as it is called, on real sockets: what it plays is small here, and what it prints is JSON.</summary>
public sealed class RehearseVerbTests : IDisposable
{
    private static readonly RehearseQuery Small = new(null, "mixed", [], [], ["scale=0.1"], 1, ShowModel: false, WithReports: false, AsJson: true, Logs: null);
    private readonly string _directory = Directory.CreateTempSubdirectory("postern-test-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void The_published_proportions_come_out_within_a_hundredth_and_a_half()
    {
        var run = Runs(Small with { Scenario = "published", Model = [] }).Single();
        var report = run.GetProperty("report");
        double[] counts = [Number(report, "stopped"), Number(report, "server_sessions_rejected"), Number(report, "mails_delivered")];

        Assert.Equal(11_988.0 / 21_654, counts[0] / counts.Sum(), 0.015);
        Assert.Equal(1_982.0 / 21_654, counts[1] / counts.Sum(), 0.015);
        Assert.Equal(7_684.0 / 21_654, counts[2] / counts.Sum(), 0.015);
        Assert.InRange(counts.Sum(), 2_165 * 0.95, 2_165 * 1.05);
        Assert.Equal(counts.Sum(), Number(report, "connections"));
        AssertNothingHonestIsLost(run);
    }

    [Fact]
    public void Lanes_shed_what_was_published_and_cost_no_honest_mail()
    {
        var runs = Runs(Small with { Scenario = "starpit", Model = ["scale=0.2"] });

        Assert.Equal(["6 s", "15 s", "lane 65s", "lane 85s", "lane 125s"], runs.Select(static run => run.GetProperty("label").GetString()));
        Assert.All(runs, AssertNothingHonestIsLost);
        var spam = runs.ConvertAll(static run => Number(run.GetProperty("truth"), "bots_with_spam_accepted"));
        Assert.Equal(spam.OrderDescending(), spam);
        var shed = runs[^1].GetProperty("truth").GetProperty("shed").EnumerateArray().Select(static point => point.GetProperty("share").GetDouble()).ToList();
        Assert.All(Scenario.ShedAnchors.Zip(shed), static pair => Assert.Equal(pair.First.Share, pair.Second, 0.03));
    }

    [Fact]
    public void A_longer_greet_wait_stops_more_and_the_report_agrees_with_the_truth()
    {
        var runs = Runs(Small with { Directory = Site("postscreen_greet_action = enforce") });

        Assert.Equal(["2 s", "6 s (as it is)", "15 s"], runs.Select(static run => run.GetProperty("label").GetString()));
        var stopped = runs.ConvertAll(static run => Number(run.GetProperty("report"), "stopped"));
        Assert.Equal(stopped.Order().Distinct(), stopped);
        foreach (var run in runs)
        {
            var (report, truth) = (run.GetProperty("report"), run.GetProperty("truth"));
            Assert.Equal(Number(truth, "bot_connections") + Number(truth, "honest_connections"), Number(report, "connections"));
            Assert.Equal(Number(truth, "bots_with_spam_accepted") + Number(truth, "honest_delivered"), Number(report, "mails_delivered"));
            Assert.Equal(0, Number(report, "unfinished"));
            AssertNothingHonestIsLost(run);
        }

        double[] waits = [2, 6, 15];
        Assert.All(waits.Zip(runs), static pair => Assert.Equal(pair.First + 1.2, pair.Second.GetProperty("truth").GetProperty("new_sender_delay_median").GetDouble(), 0.1));
    }

    [Fact]
    public void The_same_seed_gives_the_same_numbers()
    {
        var query = Small with { Directory = Site("postscreen_greet_action = enforce\npostscreen_dnsbl_sites = bad.example*2 other.example good.example*-1\npostscreen_dnsbl_action = enforce"), Compared = ["postscreen_greet_wait=3s"] };

        var (first, second, other) = (Print(query), Print(query), Print(query with { Seed = 2 }));

        Assert.Equal(first, second);
        Assert.NotEqual(first, other);
    }

    [Fact]
    public void DNS_lists_are_asked_here_and_nowhere_else()
    {
        var query = Small with { Directory = Site("postscreen_dnsbl_sites = bad.example=127.0.0.4*2\npostscreen_dnsbl_threshold = 2\npostscreen_dnsbl_action = enforce"), Compared = ["postscreen_dnsbl_action=ignore"] };

        var runs = Runs(query);

        Assert.Equal(["bad.example"], runs[1].GetProperty("report").GetProperty("lists").EnumerateArray().Select(static list => list.GetProperty("name").GetString()));
        Assert.Equal(0, Causes(runs[0], "dnsbl"));
        Assert.True(Causes(runs[1], "dnsbl") > 30);
        AssertNothingHonestIsLost(runs[1]);
    }

    [Fact]
    public void Tests_after_the_greeting_delay_honest_mail_and_lose_none()
    {
        var query = Small with { Directory = Site("postscreen_greet_wait = 2s"), Compared = ["postscreen_pipelining_enable=yes"] };

        var runs = Runs(query);

        Assert.All(runs, AssertNothingHonestIsLost);
        Assert.Equal(0, Number(runs[1].GetProperty("truth"), "honest_late"));
        Assert.True(Number(runs[0].GetProperty("report"), "told_to_come_back") > 0);
        Assert.True(Number(runs[0].GetProperty("truth"), "honest_late") > 0);
    }

    [Fact]
    public void Screening_need_not_be_switched_on_yet()
    {
        var directory = Site("postscreen_greet_action = enforce", master: "smtp inet n - y - - smtpd\n");

        Assert.Equal(3, Runs(Small with { Directory = directory }).Count);
    }

    [Fact]
    public void Override_is_stronger_than_the_line_of_the_service()
    {
        var directory = Site("postscreen_greet_action = enforce", master: "smtp inet n - n - 1 postscreen\n -o postscreen_greet_wait=4s\n");

        var runs = Runs(Small with { Directory = directory, Overrides = ["postscreen_greet_wait=9s"], Compared = ["postscreen_greet_action=ignore"] });
        var asWritten = Runs(Small with { Directory = directory, Compared = ["postscreen_greet_action=ignore"] });

        Assert.Equal(10.2, runs[1].GetProperty("truth").GetProperty("new_sender_delay_median").GetDouble(), 0.1);
        Assert.Equal(5.2, asWritten[1].GetProperty("truth").GetProperty("new_sender_delay_median").GetDouble(), 0.1);
    }

    [Fact]
    public void The_administrators_files_stay_as_they_are_and_their_folders_empty()
    {
        var directory = Site($"postscreen_cache_map = btree:{_directory}/data/cache\nmaillog_file = {_directory}/data/maillog\nmaillog_file_prefixes = /\npostern_event_log = {_directory}/data/events");
        Directory.CreateDirectory(_directory + "/data");
        var before = Directory.GetFiles(directory).ToDictionary(static file => file, File.ReadAllText);

        Runs(Small with { Directory = directory, Compared = ["postscreen_greet_wait=2s"] });

        Assert.Equal(before, Directory.GetFiles(directory).ToDictionary(static file => file, File.ReadAllText));
        Assert.Empty(Directory.GetFileSystemEntries(_directory + "/data"));
    }

    [Fact]
    public void Logs_can_be_kept_for_postern_report()
    {
        var logs = _directory + "/logs";
        var run = Runs(Small with { Directory = Site(""), Compared = ["postscreen_greet_wait=2s"], Logs = logs })[0];

        using var report = new MemoryStream();
        Assert.Equal(0, ReportVerb.Run(new ReportQuery([logs + "/postscreen_greet_wait_2s.log"], ReportFormat.Json), report, TextWriter.Null));

        Assert.Equal(Number(run.GetProperty("report"), "connections"), Number(JsonDocument.Parse(report.ToArray()).RootElement, "connections"));
    }

    [Theory]
    [InlineData("postscreen_greet_wait=soon", "-o: error: parameter postscreen_greet_wait: bad time")]
    [InlineData("postscreen_greet_weight=2s", "did you mean postscreen_greet_wait?")]
    [InlineData("=2s", "-o: error: invalid \"-o =2s\" option value: missing attribute name")]
    public void A_bad_override_is_told(string setting, string problem)
    {
        using var output = new MemoryStream();
        var errors = new StringWriter();

        RehearseVerb.Run(Small with { Directory = Site(""), Overrides = [setting], Model = ["bots=0", "mails=0"] }, output, errors);

        Assert.Contains(problem, errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_played_is_told()
    {
        Assert.Contains("/nowhere/main.cf", Fail(Small with { Directory = "/nowhere" }), StringComparison.Ordinal);
        Assert.Equal("postern rehearse: --set bots=x: write a number from 0 to 20000\n", Fail(Small with { Model = ["bots=x"] }));
        Assert.Equal("postern rehearse: scenario published brings its own configuration: leave -c away, or the scenario\n", Fail(Small with { Directory = Site(""), Scenario = "published" }));
    }

    [Fact]
    public void People_get_a_table_with_a_column_a_setting()
    {
        var text = Print(Small with { Directory = Site("postscreen_greet_action = enforce"), Model = ["scale=0.05"], AsJson = false, WithReports = true });

        Assert.Contains("Synthetic: 25 bots and 40 honest mails in 4 hours, seed 1", text, StringComparison.Ordinal);
        Assert.Matches("stopped by screening( +[0-9]+){3}", text);
        Assert.Matches("honest in, of 40 mails( +40){3}", text);
        Assert.Contains("What became of the clients", text, StringComparison.Ordinal);
        Assert.DoesNotContain("postscreen_greet_action is ignore", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Who_ignores_early_talkers_is_told_so() =>
        Assert.Contains("postscreen_greet_action is ignore", Print(Small with { Directory = Site(""), Model = ["bots=1", "mails=1"], AsJson = false }), StringComparison.Ordinal);

    [Fact]
    public void The_model_is_shown_with_its_sources()
    {
        var text = Print(Small with { ShowModel = true, Model = ["bots=7"] });

        Assert.Contains("bots=7 (default 500)", text, StringComparison.Ordinal);
        Assert.All(ModelParameter.All, row => Assert.Contains(row.Name + "=", text, StringComparison.Ordinal));
    }

    private string Site(string main, string master = "smtp inet n - n - 1 postscreen\n")
    {
        var directory = Directory.CreateDirectory($"{_directory}/{Guid.NewGuid():N}").FullName;
        File.WriteAllText(directory + "/main.cf", "compatibility_level = 3.6\nmyhostname = mx.site.example\n" + main + "\n");
        File.WriteAllText(directory + "/master.cf", master);
        return directory;
    }

    private static List<JsonElement> Runs(RehearseQuery query)
    {
        var root = JsonDocument.Parse(Print(query)).RootElement;
        Assert.True(root.GetProperty("synthetic").GetBoolean());
        var runs = root.GetProperty("runs").EnumerateArray().ToList();
        Assert.All(runs, static run => Assert.True(run.GetProperty("reproducible").GetBoolean()));
        return runs;
    }

    private static string Print(RehearseQuery query)
    {
        using var output = new MemoryStream();
        var errors = new StringWriter();
        var status = RehearseVerb.Run(query, output, errors);
        Assert.True(status == 0, errors.ToString());
        return Encoding.UTF8.GetString(output.ToArray());
    }

    private static string Fail(RehearseQuery query)
    {
        using var output = new MemoryStream();
        var errors = new StringWriter();
        Assert.Equal(1, RehearseVerb.Run(query, output, errors));
        Assert.Empty(output.ToArray());
        return errors.ToString();
    }

    private static void AssertNothingHonestIsLost(JsonElement run)
    {
        var truth = run.GetProperty("truth");
        Assert.Equal((0, Number(truth, "honest_mails")), (Number(truth, "honest_lost"), Number(truth, "honest_delivered")));
    }

    private static int Causes(JsonElement run, string cause) => run.GetProperty("report").GetProperty("causes").EnumerateArray()
        .Where(row => row.GetProperty("cause").GetString() == cause).Sum(static row => Number(row, "connections"));

    private static int Number(JsonElement json, string name) => json.GetProperty(name).GetInt32();
}
