using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Postern.Interop.Tests;

/// <summary>
/// <c>postern report</c> on the logs of the same clients before postscreen and before Postern, with Postfix's smtpd behind
/// both: what became of every client is known, so every number is.
/// </summary>
[Collection(nameof(InteropCollection))]
public sealed partial class ReportVerbTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("postern-report-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData(Front.Postscreen)]
    [InlineData(Front.Postern)]
    public void Every_number_is_right(Front front)
    {
        Tool.Require("swaks");
        using var host = MailHost.Behind(
            front, "postscreen_greet_wait = 2s", "postscreen_greet_action = enforce", "postscreen_denylist_action = enforce",
            "postscreen_access_list = inline:{ 127.0.6.20=permit, 127.0.6.21=reject }");
        Clients(host);
        var log = Path.Combine(host.Directory, "log/maillog");

        var report = Read(log);

        Assert.Equal((11, 4, 0, 7, 0), (Number(report, "connections"), Number(report, "stopped"), Number(report, "told_to_come_back"), Number(report, "handed_off"), Number(report, "unfinished")));
        Assert.Equal(
            (1, 1, 5, 0),
            (Number(report, "handed_off_by_access_list"), Number(report, "handed_off_known"), Number(report, "handed_off_new"), Number(report, "handed_off_without_test")));
        Assert.Equal((5, 1, 1), (Number(report, "server_sessions_with_mail"), Number(report, "server_sessions_rejected"), Number(report, "server_sessions_idle")));
        Assert.Equal((1, 5), (Number(report, "server_reject_lines"), Number(report, "mails_delivered")));
        Assert.Equal(0.3636, report.GetProperty("load_taken_off").GetDouble());
        Assert.Equal(
            ["denylisted 1 1", "hangup_before_handshake 1 1", "pregreet 2 2"],
            report.GetProperty("causes").EnumerateArray().Select(static c => $"{c.GetProperty("cause").GetString()} {Number(c, "connections")} {Number(c, "only")}").Order(StringComparer.Ordinal));
        Assert.Equal(["127.0.6.0/24 4"], report.GetProperty("networks").EnumerateArray().Select(static n => $"{n.GetProperty("name").GetString()} {Number(n, "count")}"));
        Assert.Equal((2, 1, 5), (Number(report.GetProperty("early_talk"), "count"), Number(report.GetProperty("hang_ups"), "count"), Number(report.GetProperty("new_client_waits"), "count")));
        Assert.Equal((4, 7), (Sum(report, "stopped"), Sum(report, "handed_off")));

        // The same log in other clothes: from the journal through standard input, and packed and unpacked in turn.
        var lines = File.ReadAllLines(log, Encoding.Latin1);
        Assert.Equal(Counts(report), Counts(ReadInput(["-- Journal begins at Tue 2026-11-24 00:00:01 UTC, ends now. --", .. lines])));
        Assert.Equal(Counts(report), Counts(ReadInput(["-- Boot 0123456789abcdef0123456789abcdef --", .. lines.Select(ShortIso)])));
        Assert.Equal(Counts(report), Counts(Read(Packed(lines[..(lines.Length / 2)]), Plain(lines[(lines.Length / 2)..]))));

        var page = PosternProcess.Run("report", "--html", log);
        Assert.Equal(0, page.Status);
        Assert.Contains("36.4 % of 11 connections", page.Output, StringComparison.Ordinal);
        Assert.DoesNotMatch("(?i)(src|href)=", page.Output); // nothing from elsewhere
        var text = PosternProcess.Run("report", log);
        Assert.Matches(@"\n  stopped by screening +4  █+ +36\.4 %\r?\n", text.Output);
        Assert.Matches(@"\n  mails delivered +5  █+\r?\n", text.Output);
    }

    [Fact]
    public void What_journalctl_makes_of_a_real_journal_gives_the_numbers_of_the_log()
    {
        Tool.Require("swaks");
        Journal.Require();
        using var host = MailHost.Behind(
            Front.Postern, "postscreen_greet_wait = 2s", "postscreen_greet_action = enforce", "postscreen_denylist_action = enforce",
            "postscreen_access_list = inline:{ 127.0.6.20=permit, 127.0.6.21=reject }");
        Clients(host);
        var lines = File.ReadAllLines(Path.Combine(host.Directory, "log/maillog"), Encoding.Latin1);
        var (syslog, stdout) = (Path.Combine(_directory, "syslog.journal"), Path.Combine(_directory, "stdout.journal"));
        new Journal(syslog).Write(lines, "postfix@-.service");
        new Journal(stdout).Write(lines, "postern.service", "postern");

        var report = Read(Plain(lines));

        Assert.Equal((11, 5), (Number(report, "connections"), Number(report, "mails_delivered")));
        foreach (var options in (string[])["-o short", "-o short-precise", "-o short-iso", "-o short-iso-precise", "-o short-full", "-o short-iso --no-hostname"])
        {
            AssertSame($"--file '{syslog}' --facility=mail {options}");
            AssertSame($"--file '{stdout}' -u postern {options}");
        }

        foreach (var form in (string[])["short-unix", "json", "json-pretty", "json-sse", "json-seq", "export", "verbose"])
        {
            AssertSame($"--file '{syslog}' --facility=mail -o {form}", form is "short-unix" or "json" or "json-seq");
            AssertSame($"--file '{stdout}' -u postern -o {form}", isOneLineEach: false);
        }

        void AssertSame(string options, bool isOneLineEach = true)
        {
            var output = Path.Combine(_directory, "journal.log");
            Tool.Must("sh", "-c", $"journalctl -q {options} >'{output}'");
            var ofJournal = Read(output);

            Assert.True(Counts(report) == Counts(ofJournal), $"{options}: {Counts(ofJournal)}\n\nand not: {Counts(report)}");
            Assert.Equal(0, Number(ofJournal, "unreadable_lines"));
            if (isOneLineEach)
                Assert.Equal(lines.Length, Number(ofJournal, "lines"));
        }
    }

    [Fact]
    public void The_event_log_says_of_every_client_what_the_mail_log_says()
    {
        Tool.Require("swaks");
        using var host = MailHost.WithPostfix(
            "postscreen_greet_wait = 2s", "postscreen_greet_action = enforce", "postscreen_denylist_action = enforce",
            "postscreen_access_list = inline:{ 127.0.6.20=permit, 127.0.6.21=reject }", "postern_event_log = $data_directory/events");
        Clients(host);
        Assert.Equal(0, host.Postern.Stop());

        var events = File.ReadAllLines(Path.Combine(host.DataDirectory, "events")).Select(static line => JsonDocument.Parse(line).RootElement).ToList();

        Assert.Equal(
            [
                "127.0.6.1 handed_off known", "127.0.6.1 handed_off new", "127.0.6.2 handed_off new", "127.0.6.20 handed_off access_list",
                "127.0.6.21 stopped denylisted", "127.0.6.3 handed_off new", "127.0.6.4 handed_off new", "127.0.6.5 handed_off new",
                "127.0.6.6 stopped pregreet", "127.0.6.7 stopped pregreet", "127.0.6.8 stopped hangup_before_handshake",
            ],
            events.Select(static e => $"{e.GetProperty("client").GetProperty("address").GetString()} {e.GetProperty("outcome").GetString()} {Why(e)}").Order(StringComparer.Ordinal));
        var early = events.First(static e => e.GetProperty("client").GetProperty("address").GetString() == "127.0.6.6");
        Assert.Equal(("a@b.example", "b@lab.example", "550 5.5.1 Protocol error"), (early.GetProperty("sender").GetString(), early.GetProperty("recipients")[0].GetString(), early.GetProperty("reply").GetString()));

        static string Why(JsonElement e) => e.TryGetProperty("let_in_by", out var by) ? by.GetString()! : string.Join(' ', e.GetProperty("reasons").EnumerateArray().Select(static r => r.GetString()));
    }

    private static void Clients(MailHost host)
    {
        foreach (var (address, recipient, status) in ((string, string, int)[])
        [
            ("127.0.6.1", "b@lab.example", 0), ("127.0.6.2", "b@lab.example", 0), ("127.0.6.3", "b@lab.example", 0),
            ("127.0.6.1", "b@lab.example", 0), // known by now
            ("127.0.6.20", "b@lab.example", 0), // permitted
            ("127.0.6.4", "b@elsewhere.example", 24), // smtpd does not relay
            ("127.0.6.21", "b@lab.example", 24), // denied
        ])
        {
            var (ended, output) = Tool.Run(
                "swaks", "--server", "127.0.0.1", "--port", $"{host.Port}", "--local-interface", address, "--ehlo", "good.example",
                "--from", "a@good.example", "--to", recipient, "--timeout", "30");
            Assert.True(ended == status, output + host.LogEnd);
        }

        Assert.Equal(0, Tool.Run("swaks", "--server", "127.0.0.1", "--port", $"{host.Port}", "--local-interface", "127.0.6.5", "--ehlo", "idle.example", "--quit-after", "EHLO").Status);
        foreach (var address in (string[])["127.0.6.6", "127.0.6.7"])
        {
            using var early = host.Connect(address);
            early.TalkEarly();
            early.Say("MAIL FROM:<a@b.example>", "250");
            early.Say("RCPT TO:<b@lab.example>", "550 5.5.1");
            early.Say("QUIT", "221");
        }

        using (var impatient = host.Connect("127.0.6.8"))
            Assert.StartsWith("220-", impatient.ReadLine());
        host.WaitForMails(5);
        Wait.Until(
            () => host.Count("postscreen[") > 0 && host.Count("]: DISCONNECT [") == 4 && host.Count("]: disconnect from ") == 7 && host.Count("status=sent") == 5,
            () => "not all clients are gone: " + host.Log);
    }

    private static JsonElement Read(params string[] logs)
    {
        var (status, output) = PosternProcess.Run(["report", "--json", .. logs]);
        Assert.True(status == 0, output);
        return JsonDocument.Parse(output).RootElement;
    }

    private JsonElement ReadInput(IEnumerable<string> lines)
    {
        var command = string.Join(' ', PosternProcess.Command.Select(static word => $"'{word}'"));
        var (status, output) = Tool.Run("sh", "-c", $"{command} report --json <'{Plain(lines)}'");
        Assert.True(status == 0, output);
        return JsonDocument.Parse(output).RootElement;
    }

    private string Plain(IEnumerable<string> lines)
    {
        var path = Path.Combine(_directory, $"{Guid.NewGuid():N}.log");
        File.WriteAllLines(path, lines, Encoding.Latin1);
        return path;
    }

    private string Packed(IEnumerable<string> lines)
    {
        var path = Path.Combine(_directory, $"{Guid.NewGuid():N}.log.gz");
        using var packed = new GZipStream(File.Create(path), CompressionLevel.Fastest);
        packed.Write(Encoding.Latin1.GetBytes(string.Concat(lines.Select(static line => line + "\n"))));
        return path;
    }

    // As journalctl -o short-iso writes it.
    private static string ShortIso(string line) => Classic().Replace(
        line,
        static stamp => DateTime.ParseExact($"{DateTime.UtcNow.Year} {stamp.Value.Replace("  ", " ", StringComparison.Ordinal)}", "yyyy MMM d HH:mm:ss", CultureInfo.InvariantCulture)
            .ToString("yyyy-MM-ddTHH:mm:ss+0000", CultureInfo.InvariantCulture));

    // All but how many lines that were.
    private static string Counts(JsonElement report) =>
        string.Join('\n', report.EnumerateObject().Where(static p => p.Name is not ("lines" or "unreadable_lines")).Select(static p => $"{p.Name} {p.Value.GetRawText()}"));

    private static int Number(JsonElement of, string name) => of.GetProperty(name).GetInt32();

    private static int Sum(JsonElement report, string name) => report.GetProperty("hours").EnumerateArray().Sum(hour => Number(hour, name));

    [GeneratedRegex("^[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8}")]
    private static partial Regex Classic();
}
