using System.Globalization;
using System.Text;
using System.Text.Json;
using Postern.Cli;
using Postern.Tests.Config;
using Postern.Tests.Logging;

namespace Postern.Tests.Cli;

/// <summary>A few recorded visits of one address, a question, and the one right answer.</summary>
public sealed class WhatIfStoriesTests : IDisposable
{
    private const string TwoLists = "postscreen_greet_wait = 6s\npostscreen_dnsbl_sites = bl.example*2 slow.example*2\npostscreen_dnsbl_threshold = 2\npostscreen_dnsbl_action = enforce\npostscreen_greet_action = enforce\n";
    private const string OneList = "postscreen_dnsbl_sites = bl.example\npostscreen_greet_action = ignore\npostscreen_dnsbl_action = ignore\n";
    private const string Passed = """{"result":"passed","action":"enforce"}""";
    private const string AllPassed = $$$"""{"pregreet":{{{Passed}}},"pipelining":{{{Passed}}},"non_smtp_command":{{{Passed}}},"bare_newline":{{{Passed}}}}""";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void How_long_a_pass_is_good_that_fewer_lists_have_given_is_not_known_where_it_is_not_written_down()
    {
        var record = $"{At("08:00:06") + 86400};{At("09:00:06")};0;0;0";
        var answer = Ask(
            TwoLists, "postscreen_greet_wait=2s",
            Visit("08:00:00", 6001, "handed_off", $$$"""
                "let_in_by":"new","reasons":[],"tests":{"pregreet":{{{Passed}}},"dnsbl":{"result":"passed","action":"enforce","score":0,"threshold":2,"unanswered":0,"answered_ms":{"bl.example":10,"slow.example":3000},"answers":[]}},"waited_ms":6000,"remembered":"{{{record}}}"
                """),
            Visit("08:20:00", 1, "handed_off", $$$"""
                "let_in_by":"known","reasons":[],"tests":{},"record":"{{{record}}}"
                """));

        Assert.Equal(((0, 1), (0, 1)), (Bounds(answer, "newly_stopped"), Bounds(answer, "delayed_decent")));
        Assert.True(answer.GetProperty("not_known").TryGetProperty("memory", out _), answer.ToString());
    }

    [Theory]
    [InlineData("6s")]
    [InlineData("7s")]
    public void A_client_may_talk_at_one_visit_and_wait_at_the_next(string wait)
    {
        var record = $"{At("08:00:02") + 86400};0;{At("08:00:02") + 2592000};{At("08:00:02") + 2592000};{At("08:00:02") + 2592000}";
        var answer = Ask(
            "postscreen_greet_wait = 2s\npostscreen_greet_action = enforce\npostscreen_pipelining_enable = yes\npostscreen_non_smtp_command_enable = yes\npostscreen_bare_newline_enable = yes\n",
            $"postscreen_greet_wait={wait}",
            Visit("08:00:00", 2406, "told_to_come_back", $$$"""
                "let_in_by":"new","reasons":[],"tests":{{{AllPassed}}},"waited_ms":2006,"remembered":"{{{record}}}","helo":"x","sender":"a@b.example","recipients":["c@d.example"],"recipient_count":1
                """),
            Visit("08:05:00", 1, "handed_off", $$$"""
                "let_in_by":"known","reasons":[],"tests":{},"record":"{{{record}}}"
                """));

        Assert.Equal(((0, 2), (0, 1)), (Bounds(answer.GetProperty("after"), "told_to_come_back"), Bounds(answer, "newly_told_to_come_back_decent")));
    }

    [Theory]
    [InlineData("postscreen_dnsbl_action=enforce")]
    [InlineData("postscreen_dnsbl_action=drop")]
    public void What_a_list_said_and_was_ignored_stops_every_visit(string question)
    {
        const string Listed = """
            "reasons":[],"tests":{"pregreet":{"result":"passed","action":"ignore"},"dnsbl":{"result":"failed","action":"ignore","score":1,"threshold":1,"unanswered":0,"answered_ms":{"bl.example":10},"ttl_s":{"bl.example":300},"answers":[{"list":"bl.example","address":"127.0.0.2"}]}},"waited_ms":6000
            """;

        var answer = Ask(OneList, question, Visit("08:00:00", 6001, "handed_off", Listed), Visit("08:01:00", 6001, "handed_off", Listed));

        Assert.Equal(((2, 2), (2, 2)), (Bounds(answer.GetProperty("after"), "stopped"), Bounds(answer, "newly_stopped")));
        Assert.Equal((1, 1), Bounds(answer.GetProperty("newly_stopped"), "addresses"));
        Assert.Empty(answer.GetProperty("not_known").EnumerateObject());
    }

    [Theory]
    [InlineData("postscreen_greet_action=enforce")]
    [InlineData("postscreen_greet_action=drop")]
    public void Early_talk_that_was_ignored_stops_every_visit(string question)
    {
        const string Early = """
            "reasons":[],"tests":{"pregreet":{"result":"failed","action":"ignore","after_ms":200,"bytes":8,"text":"EHLO x\r\n"}},"waited_ms":6000
            """;

        var answer = Ask("postscreen_greet_action = ignore\n", question, Visit("08:00:00", 6001, "handed_off", Early), Visit("08:01:00", 6001, "handed_off", Early));

        Assert.Equal((2, 2), Bounds(answer.GetProperty("after"), "stopped"));
        Assert.Empty(answer.GetProperty("not_known").EnumerateObject());
    }

    [Theory]
    [InlineData("postscreen_greet_wait=6s")]
    [InlineData("postscreen_greet_wait=0006s")] // another text, the same settings
    [InlineData("postscreen_greet_action=enforce")]
    public void The_same_value_again_gives_what_is_recorded(string question)
    {
        const string Early = """{"result":"failed","action":"enforce","after_ms":200,"bytes":8,"text":"EHLO x\r\n"}""";
        var answer = Ask(
            "postscreen_greet_wait = 6s\npostscreen_greet_action = enforce\npostscreen_non_smtp_command_enable = yes\npostscreen_non_smtp_command_action = drop\n", question,
            Visit("08:00:00", 6100, "stopped", $$$"""
                "reasons":["pregreet","non_smtp_command"],"tests":{"pregreet":{{{Early}}},"non_smtp_command":{"result":"failed","action":"drop"}},"waited_ms":6000,"helo":"x"
                """),
            Visit("08:01:00", 6400, "stopped", $$$"""
                "reasons":["pregreet"],"tests":{"pregreet":{{{Early}}},"non_smtp_command":{"result":"passed","action":"drop"}},"waited_ms":6000,"helo":"x","sender":"a@b.example","recipients":["c@d.example"],"recipient_count":1
                """));

        Assert.Equal((2, 2), Bounds(answer.GetProperty("after"), "stopped"));
        Assert.Equal(0, answer.GetProperty("otherwise").GetInt32());
        Assert.Empty(answer.GetProperty("not_known").EnumerateObject());
    }

    [Theory]
    [InlineData(29_990)]
    [InlineData(30_000)]
    [InlineData(30_003)]
    public void Who_hung_up_at_the_end_of_the_wait_is_let_in_after_a_shorter_one(int milliseconds)
    {
        var answer = Ask(
            "postscreen_greet_wait = 30s\npostscreen_greet_action = enforce\n", "postscreen_greet_wait=6s",
            Visit("08:00:00", milliseconds, "stopped", $$$"""
                "reasons":["hangup_before_handshake"],"tests":{"pregreet":{"result":"unfinished","action":"enforce"}},"hung_up_after_ms":{{{milliseconds}}}
                """));

        Assert.Equal(((0, 0), (1, 1), 0), (Bounds(answer.GetProperty("after"), "stopped"), Bounds(answer, "newly_let_in"), answer.GetProperty("otherwise").GetInt32()));
    }

    [Fact]
    public void Times_are_numbers_and_those_of_every_way()
    {
        var answer = Ask(
            "postscreen_greet_wait = 6s\npostscreen_greet_action = enforce\n", "postern_greet_wait_none=30s",
            Visit("08:00:00", 6001, "handed_off", $$$"""
                "let_in_by":"new","reasons":[],"tests":{"pregreet":{{{Passed}}}},"waited_ms":6000
                """));

        Assert.Equal((0, 1), Bounds(answer, "delayed_decent"));
        Assert.Equal((24.0, 24.0), (Math.Round(answer.GetProperty("delay_seconds").GetProperty("half_within").GetDouble(), 1), Math.Round(answer.GetProperty("delay_seconds").GetProperty("longest").GetDouble(), 1)));
    }

    [Theory]
    [InlineData("postscreen_access_list=cidr:/nonexistent")]
    [InlineData("postscreen_access_list=nosuchtype:/x")]
    [InlineData("postscreen_greet_wait=soon")]
    public void What_check_refuses_is_refused(string question)
    {
        File.WriteAllText(_folder["events"], Visit("08:00:00", 1, "handed_off", "\"let_in_by\":\"known\",\"reasons\":[],\"tests\":{}"));

        var (status, output, errors) = Run("", question, [], isJson: false);

        Assert.Equal((1, ""), (status, output));
        Assert.Contains(question[..question.IndexOf('=', StringComparison.Ordinal)], errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postfix/cleanup[8]: A1B2C3: milter-reject: END-OF-MESSAGE from x[192.0.2.7]: 5.7.1 no; from=<a@b.example> to=<c@d.example>", 0)]
    [InlineData("postfix/smtpd[7]: lost connection after DATA from x[192.0.2.7]", 0)]
    [InlineData("postfix/qmgr[9]: A1B2C3: from=<a@b.example>, size=100, nrcpt=1 (queue active)", 1)]
    public void Decent_is_whose_mail_was_taken(string line, int decent)
    {
        File.WriteAllText(_folder["maillog"], $"Nov 24 08:00:07 mx postfix/smtpd[7]: A1B2C3: client=x[192.0.2.7]\nNov 24 08:00:08 mx {line}\n");
        File.WriteAllText(_folder["events"], Visit("08:00:00", 6001, "handed_off", $$$"""
            "let_in_by":"new","reasons":[],"tests":{"pregreet":{{{Passed}}}},"waited_ms":6000
            """));

        var (status, output, _) = Run("postscreen_denylist_action = drop\n", "postscreen_access_list=inline:{192.0.2.7=reject}", [_folder["maillog"]], isJson: true);

        Assert.Equal(0, status);
        var answer = JsonDocument.Parse(output).RootElement;
        Assert.Equal(((1, 1), (decent, decent)), (Bounds(answer, "newly_stopped"), Bounds(answer, "newly_stopped_decent")));
        foreach (var named in answer.GetProperty("decent_clients_stopped").EnumerateArray())
            Assert.Equal(["denylisted"], named.GetProperty("reasons").EnumerateArray().Select(static reason => reason.GetString()));
    }

    [Fact]
    public void It_says_that_it_is_about_the_recorded_visits_between_two_times()
    {
        File.WriteAllText(
            _folder["events"],
            string.Concat(((string[])["07:00:00", "08:00:00", "09:00:00"]).Select(static time => Visit(time, 1, "handed_off", "\"let_in_by\":\"known\",\"reasons\":[],\"tests\":{}") + "\n")));

        var (status, output, _) = Run("", "postscreen_greet_wait=9s", [], isJson: true, since: "2026-11-24T07:30Z", until: "2026-11-24T08:30Z");
        var (_, text, _) = Run("", "postscreen_greet_wait=9s", [], isJson: false);

        Assert.Equal(0, status);
        var answer = JsonDocument.Parse(output).RootElement;
        Assert.Equal(("recorded_visits", 1, 1), (answer.GetProperty("about").GetString(), answer.GetProperty("clients").GetInt32(), answer.GetProperty("addresses").GetInt32()));
        Assert.Contains("3 visits from 1 addresses", text, StringComparison.Ordinal);
        Assert.Contains("All numbers are of the recorded visits", text, StringComparison.Ordinal);
    }

    private static long At(string time) => DateTimeOffset.Parse($"2026-11-24T{time}Z", CultureInfo.InvariantCulture).ToUnixTimeSeconds();

    private static string Visit(string time, int duration, string outcome, string rest) =>
        $$$"""{"event":"client","schema":1,"time":"2026-11-24T{{{time}}}.000Z","duration_ms":{{{duration}}},"client":{"address":"192.0.2.7","port":1},"server":{"address":"192.0.2.5","port":25},"outcome":"{{{outcome}}}",{{{rest.Trim()}}}}""";

    private JsonElement Ask(string mainCf, string question, params string[] events)
    {
        File.WriteAllLines(_folder["events"], events);
        var (status, output, errors) = Run(mainCf, question, [], isJson: true);
        Assert.Equal((0, ""), (status, errors));
        var answer = JsonDocument.Parse(output).RootElement;
        Assert.Equal(events.Length, answer.GetProperty("clients").GetInt32());
        return answer;
    }

    private (int Status, string Output, string Errors) Run(string mainCf, string question, string[] mailLogs, bool isJson, string? since = null, string? until = null)
    {
        var directory = new ConfigDirectory($"mynetworks = 127.0.0.0/8\npostern_event_log = {_folder["events"]}\n{mainCf}");
        using var output = new MemoryStream();
        using var errors = new StringWriter();
        var status = WhatIfVerb.Run(
            new WhatIfQuery("/etc/postfix", [question], [], mailLogs, null, since, until, isJson, 10),
            directory, directory.Host, new DateTimeOffset(2026, 11, 24, 12, 0, 0, TimeSpan.Zero), output, errors);
        return (status, Encoding.UTF8.GetString(output.ToArray()), errors.ToString());
    }

    private static (int, int) Bounds(JsonElement answer, string name) => (answer.GetProperty(name).GetProperty("at_least").GetInt32(), answer.GetProperty(name).GetProperty("at_most").GetInt32());
}
