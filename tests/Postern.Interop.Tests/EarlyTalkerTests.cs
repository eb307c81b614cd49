using System.Text.RegularExpressions;

namespace Postern.Interop.Tests;

/// <summary>Clients that do not wait for their turn.</summary>
[Collection(nameof(InteropCollection))]
public sealed class EarlyTalkerTests
{
    [Fact]
    public void An_early_talker_is_refused_at_RCPT_and_logged_as_postscreen_does()
    {
        using var host = MailHost.WithPostfix("postscreen_greet_action = enforce");
        using var talk = host.Connect("127.0.5.2");

        Assert.Equal("220-mail.lab.example ESMTP", talk.ReadLine());
        talk.Say("EHLO spam.example", "250-mail.lab.example");
        talk.Say("MAIL FROM:<a@spam.example>", "250 2.1.0 Ok");
        talk.Say("RCPT TO:<b@lab.example>", "550 5.5.1 Protocol error");
        talk.Say("QUIT", "221 2.0.0 Bye");

        host.WaitForLog("DISCONNECT [127.0.5.2]");
        Assert.Matches(@"postfix/postscreen\[\d+\]: CONNECT from \[127\.0\.5\.2\]:\d+ to \[127\.0\.0\.1\]:\d+\n", host.Log);
        Assert.Matches(@"PREGREET 19 after 0(\.\d+)? from \[127\.0\.5\.2\]:\d+: EHLO spam\.example\\r\\n\n", host.Log);
        Assert.Matches(
            @"NOQUEUE: reject: RCPT from \[127\.0\.5\.2\]:\d+: 550 5\.5\.1 Protocol error; from=<a@spam\.example>, to=<b@lab\.example>, proto=ESMTP, helo=<spam\.example>\n", host.Log);
        Assert.DoesNotContain("PASS", host.Log, StringComparison.Ordinal);
        Assert.Equal(0, host.MailCount);
    }

    [Fact]
    public void Every_line_of_the_log_has_the_form_that_log_readers_expect()
    {
        Tool.Require("pflogsumm");
        using var host = MailHost.WithPostfix("postscreen_greet_action = enforce", "postscreen_pipelining_enable = yes", "postscreen_bare_newline_enable = yes");
        using (var early = host.Connect("127.0.5.3"))
        {
            early.TalkEarly();
            early.Say("MAIL FROM:<a@spam.example>");
            early.Say("RCPT TO:<b@lab.example>", "550");
        }

        using (var patient = host.Connect("127.0.5.4"))
        {
            patient.ExpectGreeting();
            patient.Say("EHLO good.example", "250");
            patient.Send("MAIL FROM:<a@good.example>\n");
            Assert.StartsWith("250", patient.ReadReply());
            patient.Say("RCPT TO:<b@lab.example>", "450 4.3.2");
            patient.Say("QUIT", "221");
        }

        host.WaitForLog("DISCONNECT [127.0.5.4]");
        host.WaitForLog("DISCONNECT [127.0.5.3]");
        var ours = host.Log.Split('\n').Where(line => line.Contains("postfix/postscreen[", StringComparison.Ordinal)).ToList();
        Assert.All(ours, line => Assert.Matches(@"^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d mail postfix/postscreen\[\d+\]: \S", line));

        // What the expressions of grok and logwatch take for a line of postscreen, put together.
        var known = new Regex(
            @"\]: (CONNECT from \[[^]]+\]:\d+ to \[[^]]+\]:\d+|(DISCONNECT|PASS NEW|PASS OLD) \[[^]]+\]:\d+"
            + @"|HANGUP after [\d.]+ from \[[^]]+\]:\d+ in tests (after|before) SMTP handshake"
            + @"|PREGREET \d+ after [\d.]+ from \[[^]]+\]:\d+: .*|BARE NEWLINE from \[[^]]+\]:\d+ after .*"
            + @"|COMMAND PIPELINING from \[[^]]+\]:\d+ after [A-Z]+: .*"
            + @"|NOQUEUE: reject: RCPT from \[[^]]+\]:\d+: \d{3} \d\.\d\.\d+ [^;]+; from=<[^>]*>, to=<[^>]*>, proto=E?SMTP, helo=<[^>]*>"
            + @"|cache \S+ full cleanup: retained=\d+ dropped=\d+ entries)$");
        var unknown = ours.Where(line => !known.IsMatch(line)).ToList();
        Assert.True(unknown.Count == 0, string.Join('\n', unknown));

        var (status, summary) = Tool.Run("pflogsumm", Path.Combine(host.Directory, "log/maillog"));
        Assert.True(status == 0, summary);
        Assert.Matches(@"\n\s+2\s+rejected", summary);
    }
}
