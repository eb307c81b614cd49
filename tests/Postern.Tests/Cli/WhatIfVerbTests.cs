using System.IO.Compression;
using System.Text;
using System.Text.Json;
using Postern.Cli;
using Postern.Tests.Config;
using Postern.Tests.Logging;

namespace Postern.Tests.Cli;

public sealed class WhatIfVerbTests : IDisposable
{
    private const string Server = "\"server\":{\"address\":\"192.0.2.5\",\"port\":25}";

    // Let in after 15 s; let in although it had talked, since that was ignored; on a list that was ignored; stopped by the access list.
    private static readonly string[] Clients =
    [
        $$$"""{"event":"client","schema":1,"time":"2026-11-24T02:00:00.000Z","duration_ms":15002,"client":{"address":"203.0.113.1","port":1},{{{Server}}},"outcome":"handed_off","let_in_by":"new","reasons":[],"tests":{"pregreet":{"result":"passed","action":"ignore"},"dnsbl":{"result":"passed","action":"ignore","score":0,"threshold":1,"unanswered":0,"answered_ms":{"bl.example":20},"answers":[]}},"waited_ms":15000,"handoff":{"service":"private/smtpd","took_ms":2}}""",
        $$$"""{"event":"client","schema":1,"time":"2026-11-24T02:00:01.000Z","duration_ms":15003,"client":{"address":"203.0.113.2","port":1},{{{Server}}},"outcome":"handed_off","reasons":[],"tests":{"pregreet":{"result":"failed","action":"ignore","after_ms":9000,"bytes":8,"text":"EHLO x\r\n"},"dnsbl":{"result":"passed","action":"ignore","score":0,"threshold":1,"unanswered":0,"answered_ms":{"bl.example":20},"answers":[]}},"waited_ms":15000,"sender":"a\u001b[31m[red]@b.example","recipients":["c@d.example"],"recipient_count":1,"handoff":{"service":"private/smtpd","took_ms":3}}""",
        $$$"""{"event":"client","schema":1,"time":"2026-11-24T02:00:02.000Z","duration_ms":15002,"client":{"address":"203.0.113.3","port":1},{{{Server}}},"outcome":"handed_off","reasons":[],"tests":{"pregreet":{"result":"passed","action":"ignore"},"dnsbl":{"result":"failed","action":"ignore","score":1,"threshold":1,"unanswered":0,"answered_ms":{"bl.example":20},"answers":[{"list":"bl.example","address":"127.0.0.4"}]}},"waited_ms":15000,"handoff":{"service":"private/smtpd","took_ms":2}}""",
        $$$"""{"event":"client","schema":1,"time":"2026-11-24T02:00:03.000Z","duration_ms":1,"client":{"address":"198.51.100.1","port":1},{{{Server}}},"outcome":"stopped","reasons":["denylisted"],"tests":{}}""",
    ];

    private readonly TemporaryFolder _folder = new();

    public WhatIfVerbTests()
    {
        File.WriteAllLines(_folder["events"], Clients[..2]);
        using var packed = new GZipStream(File.Create(_folder["events.1.gz"]), CompressionLevel.Fastest);
        packed.Write(Encoding.UTF8.GetBytes(string.Join('\n', Clients[2..]) + "\n{\"event\":\"lost\",\"schema\":1,\"count\":3}\ntorn"));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_test_that_was_ignored_says_exactly_what_it_would_have_done()
    {
        var answer = Json("postscreen_greet_action=drop");

        Assert.Equal((4, 2, 0), (answer.GetProperty("clients").GetInt32(), answer.GetProperty("other_lines").GetInt32(), answer.GetProperty("otherwise").GetInt32()));
        Assert.Equal(((1, 1), (1, 1)), (Bounds(answer, "newly_stopped"), Bounds(answer, "newly_stopped_decent")));
        var named = answer.GetProperty("decent_clients_stopped")[0];
        Assert.Equal(("203.0.113.2", "c@d.example", true, "pregreet"), (named.GetProperty("address").GetString(), named.GetProperty("recipient").GetString(), named.GetProperty("certain").GetBoolean(), named.GetProperty("reasons")[0].GetString()));
        Assert.Empty(answer.GetProperty("not_known").EnumerateObject());
    }

    [Theory]
    [InlineData("postscreen_dnsbl_action=enforce", 1, 1)]
    [InlineData("postscreen_dnsbl_action=enforce -o postscreen_dnsbl_sites=bl.example=127.0.0.2", 0, 0)] // another filter
    [InlineData("postscreen_dnsbl_action=enforce -o postscreen_dnsbl_threshold=2", 0, 0)]
    [InlineData("postscreen_dnsbl_action=enforce -o postscreen_dnsbl_sites=bl.example*3 -o postscreen_dnsbl_threshold=3", 1, 1)]
    [InlineData("postscreen_dnsbl_action=enforce -o postscreen_dnsbl_sites=new.example", 0, 3)] // nobody has asked it
    [InlineData("postscreen_access_list=inline:{203.0.113.1=reject}", 1, 1)]
    [InlineData("postscreen_greet_wait=6s -o postscreen_greet_action=drop", 0, 0)] // it talked after 9 s
    public void The_score_the_access_list_and_the_wait_are_judged_anew(string question, int least, int most) =>
        Assert.Equal((least, most), Bounds(Json(question.Split(" -o ")), "newly_stopped"));

    [Fact]
    public void Decent_by_the_mail_log_is_whose_mail_smtpd_took()
    {
        File.WriteAllText(
            _folder["maillog"],
            """
            Nov 24 02:00:20 mx postfix/smtpd[7]: 4F2A: client=mail.example[203.0.113.3]
            Nov 24 02:00:20 mx postfix/qmgr[8]: 4F2A: from=<x@y.example>, size=100, nrcpt=1 (queue active)
            Nov 24 02:00:21 mx postfix/virtual[9]: 4F2A: to=<box@lab.example>, relay=virtual, delay=1, status=sent (delivered to maildir)
            Nov 24 02:00:21 mx postfix/qmgr[8]: 4F2A: removed

            """);

        Assert.Equal(((1, 1), (0, 0)), (Bounds(Json("postscreen_dnsbl_action=drop"), "newly_stopped"), Bounds(Json("postscreen_dnsbl_action=drop"), "newly_stopped_decent")));
        var (status, text) = Ask(isJson: false, [_folder["maillog"]], "postscreen_dnsbl_action=drop");

        Assert.Equal(0, status);
        Assert.Matches(@"certainly +203\.0\.113\.3 from <x@y\.example> to <box@lab\.example>", text);
        Assert.Contains("mail log says that a mail was taken", text.ReplaceLineEndings(" ").Replace("  ", " ", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public void What_clients_said_does_nothing_in_the_terminal()
    {
        var (_, text) = Ask(isJson: false, [], "postscreen_greet_action=drop");

        Assert.Contains("from <a?[31m[red]@b.example>", text, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', text);
    }

    private JsonElement Json(params string[] questions)
    {
        var (status, text) = Ask(isJson: true, [], questions);
        Assert.Equal(0, status);
        return JsonDocument.Parse(text).RootElement;
    }

    private (int Status, string Text) Ask(bool isJson, string[] mailLogs, params string[] questions)
    {
        var directory = new ConfigDirectory(
            "postscreen_greet_wait = 15s\npostscreen_dnsbl_sites = bl.example\nmynetworks = 127.0.0.0/8\npostscreen_denylist_action = drop\n"
            + $"postscreen_access_list = inline:{{198.51.100.1=reject}}\npostern_event_log = {_folder["events"]}\n");
        using var output = new MemoryStream();
        using var errors = new StringWriter();
        var status = WhatIfVerb.Run(
            new WhatIfQuery("/etc/postfix", questions, [], mailLogs, null, null, null, isJson, 10),
            directory, directory.Host, new DateTimeOffset(2026, 11, 24, 12, 0, 0, TimeSpan.Zero), output, errors);
        Assert.Equal("", errors.ToString());
        return (status, Encoding.UTF8.GetString(output.ToArray()));
    }

    private static (int, int) Bounds(JsonElement answer, string name) => (answer.GetProperty(name).GetProperty("at_least").GetInt32(), answer.GetProperty(name).GetProperty("at_most").GetInt32());
}
