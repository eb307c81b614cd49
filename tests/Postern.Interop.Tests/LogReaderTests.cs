using System.Text.RegularExpressions;

namespace Postern.Interop.Tests;

/// <summary>
/// The same clients before postscreen and before Postern, both started by Postfix's master: the tools that administrators
/// point at the log must find the same in both.
/// </summary>
[Collection(nameof(InteropCollection))]
public sealed partial class LogReaderTests(LogReaderTests.Logs logs) : IClassFixture<LogReaderTests.Logs>
{
    private static readonly string[] Kinds =
    [
        "CONNECT from", "PREGREET", "HANGUP after T from [ADDRESS] in tests before", "HANGUP after T from [ADDRESS] in tests after", "DISCONNECT",
        "PASS NEW", "PASS OLD", "COMMAND PIPELINING", "NON-SMTP COMMAND", "BARE NEWLINE", "DENYLISTED", "ALLOWLISTED",
        "DATA without valid RCPT", "BDAT without valid RCPT", "COMMAND COUNT LIMIT", "COMMAND LENGTH LIMIT", "NOQUEUE: reject: CONNECT",
        "NOQUEUE: reject: RCPT from [ADDRESS]: 450 4.3.2", "NOQUEUE: reject: RCPT from [ADDRESS]: 550 5.5.1", "NOQUEUE: reject: RCPT from [ADDRESS]: 550 5.3.2",
        "DNSBL rank 1 for", "listed by domain bl.lab as 127.0.0.4", "NOQUEUE: reject: RCPT from [ADDRESS]: 550 5.7.1",
    ];

    [Fact]
    public void Client_by_client_the_lines_are_the_same()
    {
        var (theirs, ours) = logs.Need();

        Assert.Equal(ByClient(theirs), ByClient(ours));
        var all = Regex.Replace(theirs, @"\[127[\d.]+\]:1", "[ADDRESS]"); // nothing that was to be tried is missing
        Assert.All(Kinds, kind => Assert.Contains(kind, all.Replace("after 1 from", "after T from", StringComparison.Ordinal), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("normal", true)]
    [InlineData("more", true)]
    [InlineData("ddos", true)]
    [InlineData("aggressive", true)]
    [InlineData("rbl", false)] // it knows smtpd's words only
    public void Fail2ban_finds_the_same_offenders(string mode, bool findsAny)
    {
        Tool.Require("fail2ban-regex");
        var (theirs, ours) = logs.Need();

        var (expected, actual) = (Ban(theirs), Ban(ours));

        Assert.Equal(expected, actual);
        Assert.Equal(findsAny, actual.Length > 0);

        string Ban(string log) => logs.Feed(log, path => Tool.Must("fail2ban-regex", "--out", "row", path, $"postfix[mode={mode}]").Trim());
    }

    [Fact]
    public void Pflogsumm_counts_the_same()
    {
        Tool.Require("pflogsumm");
        var (theirs, ours) = logs.Need();

        var (expected, actual) = (Sum(theirs), Sum(ours));

        Assert.Equal(expected, actual);
        Assert.Matches(@"\n\s+[1-9]\d*\s+rejected", actual);

        string Sum(string log) => logs.Feed(log, static path => Tool.Must("pflogsumm", path));
    }

    [Fact]
    public void Logwatch_reports_the_same()
    {
        const string Script = "/usr/share/logwatch/scripts/services/postfix";
        Assert.SkipUnless(File.Exists(Script), "needs logwatch, which is not installed");
        var (theirs, ours) = logs.Need();

        var (expected, actual) = (Report(theirs), Report(ours));

        Assert.Equal(expected, actual);
        Assert.Matches(@"\n\s+[1-9]\d*\s+Postscreen", actual);

        // Lines that it does not know come in no particular order.
        string Report(string log) => logs.Feed(
            log, static path => string.Join('\n', Tool.Must("perl", "-I/usr/share/logwatch/lib", Script, "--detail", "10", path).Split('\n').Order(StringComparer.Ordinal)));
    }

    [Fact]
    public void The_expressions_of_five_more_tools_find_the_same()
    {
        var readers = LogReader.LoadAll();
        Assert.Equal(5, readers.Count);
        var (theirs, ours) = logs.Need();

        Assert.All(readers, reader =>
        {
            var (expected, actual) = (Findings(reader, theirs), Findings(reader, ours));
            Assert.Equal(expected, actual);
            Assert.NotEmpty(actual);
        });

        static List<string> Findings(LogReader reader, string log) =>
            [.. PostscreenLine().Matches(log).Select(line => reader.Read(line.Groups[1].Value)).OfType<string>().Order(StringComparer.Ordinal)];
    }

    [Fact]
    public void Logcheck_rules_of_contrib_know_what_the_clients_gave_rise_to()
    {
        var (theirs, ours) = logs.Need();
        var own = string.Concat(logs.OwnLines().Select(static line => $"Nov 24 10:00:00 mail postfix/postern[1]: {line}\n"));

        foreach (var log in (string[])[theirs, ours, own])
        {
            var left = logs.Feed(log, static path => Tool.Run("grep", "-Evf", LogcheckRules(), path).Output).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.All(left, static line => Assert.Matches(@"(postfix/smtpd\[1\]|postfix/\w+\[1\]: (warning|error)): ", line));
        }

        static string LogcheckRules([System.Runtime.CompilerServices.CallerFilePath] string path = "") =>
            Path.Combine(Path.GetDirectoryName(path)!, "../../contrib/logcheck/ignore.d.server/postern");
    }

    [Fact]
    public void Lines_of_our_own_mean_nothing_to_any_of_them()
    {
        var own = logs.OwnLines();
        Assert.NotEmpty(own);

        Assert.All(LogReader.LoadAll(), reader => Assert.All(own, line => Assert.Null(reader.Read(line))));
        if (Tool.Find("fail2ban-regex") is not null)
        {
            var log = string.Concat(own.Select(static line => $"Nov 24 10:00:00 mail postfix/postern[1]: {line}\n"));
            Assert.Equal("", logs.Feed(log, static path => Tool.Must("fail2ban-regex", "--out", "row", path, "postfix[mode=aggressive]").Trim()));
        }
    }

    private static string ByClient(string log) => string.Join(
        '\n', log.Split('\n').Where(static line => Client().IsMatch(line)).GroupBy(static line => Client().Match(line).Value).OrderBy(static lines => lines.Key, StringComparer.Ordinal).SelectMany(static lines => lines));

    [GeneratedRegex(@"127\.0\.7\.\d+")]
    private static partial Regex Client();

    [GeneratedRegex(@"(?m)postfix/postscreen\[1\]: (.*)$")]
    private static partial Regex PostscreenLine();

    /// <summary>Plays the clients once for each of the two.</summary>
    public sealed partial class Logs : IDisposable
    {
        private readonly string _directory = Directory.CreateTempSubdirectory("postern-logs-").FullName;
        private readonly Lazy<(string Theirs, string Ours, string[] Own)> _logs;

        public Logs() => _logs = new(() =>
        {
            var theirs = Play("postscreen");
            var ours = Play("postern");
            return (Masked(theirs), Masked(ours), [.. OwnLine().Matches(ours).Select(static line => line.Groups[1].Value)]);
        });

        /// <summary>What postscreen and smtpd logged before the one and the other, with ports, process ids and times masked.</summary>
        public (string Theirs, string Ours) Need() => (_logs.Value.Theirs, _logs.Value.Ours);

        public string[] OwnLines() => _logs.Value.Own;

        /// <summary>Gives a log to a tool that wants a file.</summary>
        public string Feed(string log, Func<string, string> tool)
        {
            var path = Path.Combine(_directory, "maillog"); // the same name for both, as some tools print it
            File.WriteAllText(path, log);
            return tool(path);
        }

        public void Dispose() => Directory.Delete(_directory, recursive: true);

        private static string Masked(string log)
        {
            var lines = log.Split('\n').Where(static line => Reader().IsMatch(line));
            var text = string.Join('\n', lines) + "\n";
            text = TimeStamp().Replace(text, "Nov 24 10:00:00");
            text = ProcessId().Replace(text, "$1[1]:");
            text = ClientPort().Replace(text, "$1:1");
            text = Elapsed().Replace(text, "$1 after 1 from");
            return Hangup().Replace(text, "HANGUP after 1 from");
        }

        private static string Play(string program)
        {
            using var dns = Rbldnsd.Start("127.0.53.9", "bl.lab:ip4set", "127.0.7.13 :127.0.0.4:spam\n");
            using var host = MailHost.UnderMasterWith(
                dns.ResolvConf, [$"PORT inet n - n - 1 {program}"],
                "postscreen_greet_wait = 2s", "postscreen_greet_action = enforce", "postscreen_denylist_action = enforce",
                "postscreen_pipelining_enable = yes", "postscreen_bare_newline_enable = yes", "postscreen_bare_newline_action = enforce",
                "postscreen_non_smtp_command_enable = yes", "postscreen_command_count_limit = 6", "line_length_limit = 512",
                "postscreen_client_connection_count_limit = 2", "postscreen_dnsbl_sites = bl.lab", "postscreen_dnsbl_action = enforce",
                "postscreen_access_list = inline:{ 127.0.7.20=permit, 127.0.7.21=reject }");
            Clients(host);
            return host.Log;
        }

        private static void Clients(MailHost host)
        {
            using (var early = host.Connect("127.0.7.1"))
            {
                early.TalkEarly();
                Envelope(early, "550 5.5.1");
                early.Say("QUIT", "221");
            }

            Gone(host, "127.0.7.1");
            using (var impatient = host.Connect("127.0.7.2"))
                Assert.StartsWith("220-", impatient.ReadLine());
            Gone(host, "127.0.7.2");

            Talk(host, "127.0.7.3", talk =>
            {
                Envelope(talk, "450 4.3.2");
                talk.Say("QUIT", "221");
            });
            Talk(host, "127.0.7.4", static talk =>
            {
                talk.Send("MAIL FROM:<a@b.example>\r\nRCPT TO:<c@lab.example>\r\n");
                Assert.StartsWith("250", talk.ReadReply());
                Assert.StartsWith("550 5.5.1", talk.ReadReply());
                talk.Say("QUIT", "221");
            });
            Talk(host, "127.0.7.5", static talk => talk.Say("GET / HTTP/1.0", "521"));
            Talk(host, "127.0.7.6", static talk =>
            {
                talk.Send("NOOP\n");
                Assert.StartsWith("250", talk.ReadReply());
                Envelope(talk, "550 5.5.1");
                talk.Say("QUIT", "221");
            });
            Talk(host, "127.0.7.21", static talk =>
            {
                Envelope(talk, "550 5.3.2");
                talk.Say("QUIT", "221");
            });
            Talk(host, "127.0.7.13", static talk =>
            {
                Envelope(talk, "550 5.7.1");
                talk.Say("QUIT", "221");
            });
            Talk(host, "127.0.7.7", static talk => talk.Say("NOOP", "250")); // and hangs up
            Talk(host, "127.0.7.8", static talk => talk.Say("DATA", "5"));
            Talk(host, "127.0.7.9", static talk => talk.Say("BDAT 10 LAST", "5"));
            Talk(host, "127.0.7.10", static talk =>
            {
                for (var i = 0; i < 8 && talk.Say("RSET") is { } reply && !reply.StartsWith("421", StringComparison.Ordinal); i++)
                    Assert.StartsWith("250", reply);
            });
            Talk(host, "127.0.7.11", static talk => talk.Say("NOOP " + new string('x', 700), "421"));

            using (var first = host.Connect("127.0.7.12"))
            using (var second = host.Connect("127.0.7.12"))
            {
                Assert.StartsWith("220-", first.ReadLine());
                Assert.StartsWith("220-", second.ReadLine());
                using var third = host.Connect("127.0.7.12");
                Assert.StartsWith("421 4.7.0", third.ReadReply());
            }

            host.WaitForLog("too many connections");
            foreach (var known in (string[])["127.0.7.20", "127.0.7.3"])
            {
                using var talk = host.Connect(known);
                talk.ExpectGreeting();
                talk.Say("QUIT", "221");
                host.WaitForLog($"disconnect from unknown[{known}]");
            }
        }

        /// <summary>A client that waits for its greeting, says EHLO and then what it is told to.</summary>
        private static void Talk(MailHost host, string address, Action<SmtpTalk> say)
        {
            using (var talk = host.Connect(address))
            {
                talk.ExpectGreeting();
                talk.Say("EHLO client.example", "250");
                say(talk);
            }

            Gone(host, address);
        }

        private static void Envelope(SmtpTalk talk, string reply)
        {
            talk.Say("MAIL FROM:<a@b.example>", "250");
            talk.Say("RCPT TO:<c@lab.example>", reply);
        }

        private static void Gone(MailHost host, string address) => host.WaitForLog($"DISCONNECT [{address}]");

        [GeneratedRegex(@"postfix/(postscreen|smtpd|dnsblog)\[\d+\]: (?!.*(aliases|dict_nis_init))")]
        private static partial Regex Reader();

        [GeneratedRegex(@"(?m)^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d")]
        private static partial Regex TimeStamp();

        [GeneratedRegex(@"(postfix/\w+)\[\d+\]:")]
        private static partial Regex ProcessId();

        [GeneratedRegex(@"(\[127\.0\.[\d.]+\]):\d+")]
        private static partial Regex ClientPort();

        [GeneratedRegex(@"(PREGREET \d+) after [\d.]+ from")]
        private static partial Regex Elapsed();

        [GeneratedRegex(@"HANGUP after [\d.]+ from")]
        private static partial Regex Hangup();

        [GeneratedRegex(@"(?m)postfix/postern\[\d+\]: (.*)$")]
        private static partial Regex OwnLine();
    }
}
