using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Screening;
using Postern.Core.Tables;
using Postern.Events;
using Postern.Tests.Dnsbl;
using Postern.Tests.Screening;
using Postern.Tests.Tables;

namespace Postern.Tests.Events;

public sealed class ClientEventTests
{
    private static readonly Settings Plain = new() { GreetBanner = "mx ESMTP", Banner = "mx ESMTP", GreetAction = FailAction.Enforce };

    [Fact]
    public void A_new_client_that_passes()
    {
        var shell = Connect(Plain);
        shell.AdvanceTo(TimeSpan.FromSeconds(6));

        Assert.Equal(
            """
            {"event":"client","schema":1,"time":"2026-11-24T02:00:00.000Z","duration_ms":6000,"client":{"address":"192.0.2.7","port":40000},"server":{"address":"192.0.2.25","port":25},"outcome":"handed_off","let_in_by":"new","reasons":[],"tests":{"pregreet":{"result":"passed","action":"enforce"}},"waited_ms":6000,"remembered":"1795572006;1;1;1;1","handoff":{"service":"private/smtpd","took_ms":0}}
            """,
            TextOf(shell));
    }

    [Fact]
    public void An_early_talker_on_a_list_with_all_that_it_said()
    {
        var shell = Connect(Plain with { DnsblSites = Sites.Of("bl.example*2 other.example"), DnsblAction = FailAction.Ignore });
        shell.Answer("bl.example", 60, 0x7f000002);
        shell.AdvanceTo(TimeSpan.FromSeconds(2.5));
        shell.Receive("EHLO <b>\xff\r\n"u8);
        shell.AdvanceTo(TimeSpan.FromSeconds(6));
        shell.Receive("EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nRCPT TO:<\"\"@d.example>\r\nQUIT\r\n"u8);

        var json = JsonOf(shell);

        Assert.Equal("stopped", json.GetProperty("outcome").GetString());
        Assert.Equal("""["pregreet","pipelining"]""", json.GetProperty("reasons").GetRawText());
        var pregreet = json.GetProperty("tests").GetProperty("pregreet");
        Assert.Equal(("failed", "enforce", 2500, 12), (pregreet.GetProperty("result").GetString(), pregreet.GetProperty("action").GetString(), pregreet.GetProperty("after_ms").GetInt32(), pregreet.GetProperty("bytes").GetInt32()));
        Assert.Equal("EHLO <b>\u00ff\r\n", pregreet.GetProperty("text").GetString());
        Assert.DoesNotContain("<b>", TextOf(shell), StringComparison.Ordinal); // harmless in a web page, too
        var dnsbl = json.GetProperty("tests").GetProperty("dnsbl");
        Assert.Equal(("failed", "ignore", 2, 1, 1), (dnsbl.GetProperty("result").GetString(), dnsbl.GetProperty("action").GetString(), dnsbl.GetProperty("score").GetInt32(), dnsbl.GetProperty("threshold").GetInt32(), dnsbl.GetProperty("unanswered").GetInt32()));
        Assert.Equal("""[{"list":"bl.example","address":"127.0.0.2"}]""", dnsbl.GetProperty("answers").GetRawText());
        Assert.Equal(("x", "a@b.example", 2), (json.GetProperty("helo").GetString(), json.GetProperty("sender").GetString(), json.GetProperty("recipient_count").GetInt32()));
        Assert.Equal("c@d.example", json.GetProperty("recipients")[0].GetString());
        Assert.Equal("550 5.5.1 Protocol error", json.GetProperty("reply").GetString());
        Assert.False(json.TryGetProperty("handoff", out _));
    }

    [Fact]
    public void Who_hangs_up_was_stopped_by_nobody_else()
    {
        var shell = Connect(Plain);
        shell.AdvanceTo(TimeSpan.FromSeconds(3));
        shell.HangUp();

        var json = JsonOf(shell);

        Assert.Equal(("stopped", """["hangup_before_handshake"]""", 3000), (json.GetProperty("outcome").GetString(), json.GetProperty("reasons").GetRawText(), json.GetProperty("hung_up_after_ms").GetInt32()));
        Assert.Equal("unfinished", json.GetProperty("tests").GetProperty("pregreet").GetProperty("result").GetString());
    }

    [Theory]
    [InlineData("permit", "handed_off", "access_list", "[]")]
    [InlineData("reject", "stopped", null, """["denylisted"]""")]
    public void The_access_list_decides(string list, string outcome, string? entrance, string reasons)
    {
        var json = JsonOf(Connect(Plain with { AccessList = AccessList.Parse(list, MatchList.Everything, null, new TableCatalog(new FakeTextFiles()), new SessionActions()), DenylistAction = FailAction.Drop }));

        Assert.Equal((outcome, reasons), (json.GetProperty("outcome").GetString(), json.GetProperty("reasons").GetRawText()));
        Assert.Equal(entrance, json.TryGetProperty("let_in_by", out var by) ? by.GetString() : null);
        Assert.Equal("{}", json.GetProperty("tests").GetRawText());
    }

    [Fact]
    public void A_known_client_runs_no_test()
    {
        var shell = new FakeShell(Plain, Ip.Of("192.0.2.7"));
        shell.Allowlist[Ip.Of("192.0.2.7")] = new TestExpiry(FakeShell.UnixSeconds(100), 1, 1, 1, 1);
        shell.Connect();

        Assert.Equal("known", JsonOf(shell).GetProperty("let_in_by").GetString());
    }

    [Fact]
    public void Who_passes_in_the_dialogue_is_told_to_come_back()
    {
        var shell = Connect(Plain with { PipeliningEnable = true });
        shell.AdvanceTo(TimeSpan.FromSeconds(6));
        foreach (var line in (string[])["EHLO x\r\n", "MAIL FROM:<>\r\n", "RCPT TO:<c@d.example>\r\n", "QUIT\r\n"])
            shell.Receive(Encoding.ASCII.GetBytes(line));

        var json = JsonOf(shell);

        Assert.Equal(("told_to_come_back", "new", ""), (json.GetProperty("outcome").GetString(), json.GetProperty("let_in_by").GetString(), json.GetProperty("sender").GetString()));
        Assert.Equal("450 4.3.2 Service currently unavailable", json.GetProperty("reply").GetString());
    }

    [Fact]
    public void A_client_that_the_server_does_not_take_was_not_stopped()
    {
        var shell = Connect(Plain with { GreetBanner = "" });
        shell.FailHandoff(new HandoffFailure(CouldConnect: false, "private/smtpd", "Connection refused"));

        var json = JsonOf(shell);

        Assert.Equal(("not_taken", """["no_room"]"""), (json.GetProperty("outcome").GetString(), json.GetProperty("reasons").GetRawText()));
        Assert.Equal("""{"service":"private/smtpd","problem":"cannot connect: Connection refused"}""", json.GetProperty("handoff").GetRawText());
    }

    [Fact]
    public void Who_was_told_to_come_back_and_left_without_a_word_has_passed()
    {
        var shell = Connect(Plain with { GreetBanner = "", PipeliningEnable = true });
        shell.Receive("EHLO decent.example\r\n"u8);
        shell.Receive("MAIL FROM:<a@b.example>\r\n"u8);
        shell.Receive("RCPT TO:<c@d.example>\r\n"u8);
        shell.HangUp();

        var json = JsonOf(shell);

        Assert.Equal(
            ("told_to_come_back", "new", """["hangup_after_handshake"]"""),
            (json.GetProperty("outcome").GetString(), json.GetProperty("let_in_by").GetString(), json.GetProperty("reasons").GetRawText()));
    }

    [Fact]
    public void Who_finds_too_many_clients_waiting_for_the_server_was_not_stopped()
    {
        var shell = new FakeShell(Plain with { PostQueueLimit = 1 }, Ip.Of("192.0.2.7"), new ServiceLoad { PostQueue = 1 });
        shell.Connect();

        var json = JsonOf(shell);

        Assert.Equal(("not_taken", """{"problem":"all server ports busy"}"""), (json.GetProperty("outcome").GetString(), json.GetProperty("handoff").GetRawText()));
    }

    [Fact]
    public void A_client_that_says_much_does_not_make_a_long_line()
    {
        var shell = Connect(Plain with { GreetAction = FailAction.Enforce, CommandCountLimit = 5000, LineLengthLimit = 2048 });
        shell.Receive("EHLO early\r\n"u8);
        shell.Receive(Encoding.ASCII.GetBytes($"EHLO {new string('h', 2000)}\r\nMAIL FROM:<{new string('s', 2000)}>\r\n"));
        for (var i = 0; i < 1000; i++)
            shell.Receive(Encoding.ASCII.GetBytes($"RCPT TO:<{new string('r', 2000)}>\r\n"));
        shell.Receive("QUIT\r\n"u8);

        Assert.InRange(TextOf(shell).Length, 1, 10_000);
        Assert.Equal(1000, JsonOf(shell).GetProperty("recipient_count").GetInt32());
    }

    [Fact]
    public void Every_field_is_documented()
    {
        var documentation = File.ReadAllText(Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", "..", "docs", "event-log.md"));
        var listed = Connect(Plain with { DnsblSites = Sites.Of("bl.example") });
        listed.Answer("bl.example", 60, 0x7f000002);
        listed.Receive("EHLO x\r\n"u8);
        listed.AdvanceTo(TimeSpan.FromSeconds(6));
        listed.Receive("EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<c@d.example>\r\n"u8);
        listed.HangUp();
        var passed = Connect(Plain);
        passed.AdvanceTo(TimeSpan.FromSeconds(6));
        var failed = Connect(Plain with { GreetBanner = "" });
        failed.FailHandoff(new HandoffFailure(CouldConnect: false, "private/smtpd", "Connection refused"));

        var names = new[] { listed, passed, failed }.SelectMany(static shell => NamesIn(JsonOf(shell))).Distinct().ToList();

        Assert.True(names.Count > 25, string.Join(' ', names));
        Assert.All(names, name => Assert.Matches($"[`\".]{name}[`\"]", documentation));
    }

    private static IEnumerable<string> NamesIn(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => json.EnumerateObject().SelectMany(static field => NamesIn(field.Value).Prepend(field.Name)),
        JsonValueKind.Array => json.EnumerateArray().SelectMany(NamesIn),
        _ => [],
    };

    private static string Here([CallerFilePath] string path = "") => path;

    private static FakeShell Connect(Settings settings)
    {
        var shell = new FakeShell(settings, Ip.Of("192.0.2.7"));
        shell.Connect();
        return shell;
    }

    private static JsonElement JsonOf(FakeShell shell) => JsonDocument.Parse(TextOf(shell)).RootElement;

    private static string TextOf(FakeShell shell)
    {
        var line = new ByteBuffer();
        ClientEvent.Write(shell.Session, line);
        var text = Encoding.UTF8.GetString(line.Written);
        Assert.Equal(Rewritten(text), text);
        return text;
    }

    // What .NET's own writer makes of it: the same marks, the same escapes.
    private static string Rewritten(string text)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
            JsonDocument.Parse(text).RootElement.WriteTo(json);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
