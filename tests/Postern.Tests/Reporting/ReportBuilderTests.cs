using System.Text;
using CsCheck;
using Postern.Core;
using Postern.Core.Reporting;

namespace Postern.Tests.Reporting;

public sealed class ReportBuilderTests
{
    private static readonly DateTime Today = new(2026, 11, 24);

    [Fact]
    public void An_early_talker_that_is_dropped_was_stopped_by_one_test_alone()
    {
        var report = Read(
            "10:00:00 postscreen[1]: CONNECT from [192.0.2.1]:1001 to [198.51.100.1]:25",
            "10:00:03 postscreen[1]: PREGREET 14 after 2.5 from [192.0.2.1]:1001: EHLO ylmf-pc\\r\\n",
            "10:00:03 postscreen[1]: DISCONNECT [192.0.2.1]:1001");

        Assert.Equal((1, 1, 0), (report.Connections, report.Stopped, report.HandedOff.Total));
        Assert.Equal([new CauseCount(ScreeningCause.Pregreet, 1, 1)], report.Causes);
        Assert.Equal([new NameCount("192.0.2.0/24", 1)], report.Networks);
        Assert.Equal((1, 2.5), (report.EarlyTalk.Total, report.EarlyTalk.Longest));
        Assert.Equal(1.0, report.LoadTakenOff);
        Assert.Equal([new HourCount(Today.AddHours(10), 1, 0, 0)], report.Hours);
    }

    [Fact]
    public void A_client_that_fails_two_tests_counts_for_both_and_for_neither_alone()
    {
        var report = Read(
            "10:00:00 postscreen[1]: CONNECT from [2001:db8::1]:1001 to [2001:db8::25]:25",
            "10:00:00 postscreen[1]: PREGREET 14 after 0 from [2001:db8::1]:1001: x",
            "10:00:06 dnsblog[2]: addr 2001:db8::1 listed by domain zen.example as 127.0.0.2",
            "10:00:06 dnsblog[2]: addr 2001:db8::1 listed by domain zen.example as 127.0.0.4",
            "10:00:06 dnsblog[3]: addr 2001:db8::1 listed by domain other.example as 127.0.0.4",
            "10:00:06 postscreen[1]: DNSBL rank 3 for [2001:db8::1]:1001",
            "10:00:09 postscreen[1]: NOQUEUE: reject: RCPT from [2001:db8::1]:1001: 550 5.7.1 Service unavailable; client [2001:db8::1] blocked using zen.example; from=<a>, to=<b>, proto=ESMTP, helo=<x>",
            "10:00:09 postscreen[1]: DISCONNECT [2001:db8::1]:1001");

        Assert.Equal(
            [new CauseCount(ScreeningCause.Pregreet, 1, 0), new CauseCount(ScreeningCause.Dnsbl, 1, 0)],
            report.Causes.OrderBy(cause => cause.Cause));
        Assert.Equal([new NameCount("other.example", 1), new NameCount("zen.example", 1)], report.Lists);
        Assert.Equal([new NameCount("2001:db8::/64", 1)], report.Networks);
    }

    [Theory]
    [InlineData("addr listed by domain zen.example as 127.0.0.2")]
    [InlineData("addr  listed by domain zen.example as 127.0.0.2")]
    [InlineData("addr 192.0.2.1 listed by domain as 127.0.0.2")]
    public void A_line_of_dnsblog_that_lacks_a_word_counts_for_nothing(string text) => Assert.Empty(Read("10:00:06 dnsblog[2]: " + text).Lists);

    [Fact]
    public void Who_goes_on_to_smtpd_is_counted_there_too()
    {
        var report = Read(
            "10:00:00 postscreen[1]: CONNECT from [192.0.2.1]:1001 to [198.51.100.1]:25",
            "10:00:06 postscreen[1]: PASS NEW [192.0.2.1]:1001",
            "10:00:06 smtpd[5]: connect from mail.example[192.0.2.1]",
            "10:00:07 smtpd[5]: 1975BB22921: client=mail.example[192.0.2.1]",
            "10:00:07 smtpd[5]: NOQUEUE: reject: RCPT from mail.example[192.0.2.1]: 550 5.1.1 <x@y>: Recipient address rejected; from=<a> to=<b> proto=ESMTP helo=<c>",
            "10:00:08 qmgr[6]: 1975BB22921: from=<a>, size=1, nrcpt=1 (queue active)",
            "10:00:08 local[7]: 1975BB22921: to=<b>, relay=local, delay=0.1, dsn=2.0.0, status=sent (delivered to mailbox)",
            "10:00:08 local[7]: 1975BB22921: to=<c>, relay=local, delay=0.1, dsn=2.0.0, status=sent (delivered to mailbox)",
            "10:00:08 qmgr[6]: 1975BB22921: removed",
            "10:00:09 smtpd[5]: disconnect from mail.example[192.0.2.1] ehlo=1 quit=1",
            "10:01:00 postscreen[1]: CONNECT from [192.0.2.2]:1002 to [198.51.100.1]:25",
            "10:01:00 postscreen[1]: PASS OLD [192.0.2.2]:1002",
            "10:01:00 smtpd[5]: connect from unknown[192.0.2.2]",
            "10:01:01 smtpd[5]: NOQUEUE: reject: RCPT from unknown[192.0.2.2]: 450 4.1.8 <a>: Sender address rejected; from=<a> to=<b> proto=ESMTP helo=<c>",
            "10:01:02 smtpd[5]: disconnect from unknown[192.0.2.2] ehlo=1 quit=1",
            "10:02:00 postscreen[1]: CONNECT from [192.0.2.3]:1003 to [198.51.100.1]:25",
            "10:02:00 postscreen[1]: ALLOWLISTED [192.0.2.3]:1003",
            "10:02:00 smtpd[5]: connect from unknown[192.0.2.3]",
            "10:02:02 smtpd[5]: disconnect from unknown[192.0.2.3] quit=1");

        Assert.Equal(new HandedOff(1, 1, 1, 0), report.HandedOff);
        Assert.Equal((1, 1, 1, 1, 2), (report.Delivering, report.Rejected, report.Idle, report.Delivered, report.RejectLines));
        Assert.Equal((1, 6.0), (report.NewClientWaits.Total, report.NewClientWaits.Longest));
    }

    [Fact]
    public void Submission_and_re_injection_are_not_behind_screening()
    {
        var report = Read(
            "10:00:00 postscreen[1]: CONNECT from [192.0.2.1]:1001 to [198.51.100.1]:25",
            "10:00:00 postscreen[1]: PASS OLD [192.0.2.1]:1001",
            "10:00:00 smtpd[5]: connect from a[127.0.0.1]",
            "10:00:01 smtpd[5]: AAAA: client=a[127.0.0.1]",
            "10:00:01 virtual[6]: AAAA: to=<b>, status=sent (delivered to maildir)",
            "10:00:02 smtpd[5]: disconnect from a[127.0.0.1]");

        Assert.Equal((0, 0, 0, 0), (report.Delivering, report.Rejected, report.Idle, report.Delivered));
    }

    [Fact]
    public void A_new_client_told_to_come_back_waits_until_it_has_come_back()
    {
        var report = Read(
            "10:00:00 postscreen[1]: CONNECT from [192.0.2.1]:1001 to [198.51.100.1]:25",
            "10:00:07 postscreen[1]: NOQUEUE: reject: RCPT from [192.0.2.1]:1001: 450 4.3.2 Service currently unavailable; from=<a>, to=<b>, proto=ESMTP, helo=<x>",
            "10:00:08 postscreen[1]: PASS NEW [192.0.2.1]:1001",
            "10:00:08 postscreen[1]: DISCONNECT [192.0.2.1]:1001",
            "10:00:10 postscreen[1]: CONNECT from [192.0.2.9]:1001 to [198.51.100.1]:25",
            "10:00:18 postscreen[1]: PASS NEW [192.0.2.9]:1001",
            "10:00:18 postscreen[1]: DISCONNECT [192.0.2.9]:1001",
            "10:30:00 postscreen[1]: CONNECT from [192.0.2.1]:1002 to [198.51.100.1]:25",
            "10:30:00 postscreen[1]: PASS OLD [192.0.2.1]:1002",
            "10:40:00 postscreen[1]: CONNECT from [192.0.2.3]:1003 to [198.51.100.1]:25");

        Assert.Equal((0, 2, 1, 1), (report.Stopped, report.ToldToComeBack, report.HandedOff.Known, report.Unfinished));
        Assert.Equal((1, 1800.0, 1), (report.NewClientWaits.Total, report.NewClientWaits.Longest, report.NeverCameBack));
    }

    [Theory]
    [InlineData("DENYLISTED [192.0.2.1]:1", ScreeningCause.Denylisted)]
    [InlineData("BLACKLISTED [192.0.2.1]:1", ScreeningCause.Denylisted)]
    [InlineData("ALLOWLIST VETO [192.0.2.1]:1", ScreeningCause.Veto)]
    [InlineData("HANGUP after 16 from [192.0.2.1]:1 in tests before SMTP handshake", ScreeningCause.HangupBefore)]
    [InlineData("HANGUP after 0.24 from [192.0.2.1]:1 in tests after SMTP handshake", ScreeningCause.HangupAfter)]
    [InlineData("COMMAND TIME LIMIT from [192.0.2.1]:1 after CONNECT", ScreeningCause.CommandLimit)]
    [InlineData("COMMAND COUNT LIMIT from [192.0.2.1]:1 after RCPT", ScreeningCause.CommandLimit)]
    [InlineData("COMMAND LENGTH LIMIT from [192.0.2.1]:1 after EHLO", ScreeningCause.CommandLimit)]
    [InlineData("COMMAND PIPELINING from [192.0.2.1]:1 after MAIL: RCPT TO:<a@b.example>\\r\\n", ScreeningCause.Pipelining)]
    [InlineData("BARE NEWLINE from [192.0.2.1]:1 after EHLO", ScreeningCause.BareNewline)]
    [InlineData("NON-SMTP COMMAND from [192.0.2.1]:1 after CONNECT: GET / HTTP/1.1", ScreeningCause.NonSmtpCommand)]
    [InlineData("NOQUEUE: reject: CONNECT from [192.0.2.1]:1: too many connections", ScreeningCause.ConnectionLimit)]
    [InlineData("reject: connect from [192.0.2.1]:1: all screening ports busy", ScreeningCause.NoRoom)]
    [InlineData("LANE GREYLISTED [192.0.2.1]:1 generic rule=1 wait=85 after=30 refusals=1", ScreeningCause.Greylisted, "postern")]
    public void Every_line_has_its_cause(string text, ScreeningCause cause, string program = "postscreen")
    {
        var report = Read("10:00:00 postscreen[1]: CONNECT from [192.0.2.1]:1 to [198.51.100.1]:25", $"10:00:01 {program}[1]: {text}", "10:00:01 postscreen[1]: DISCONNECT [192.0.2.1]:1");

        Assert.Equal([new CauseCount(cause, 1, 1)], report.Causes);
    }

    [Fact]
    public void Who_heard_450_and_left_without_QUIT_has_passed()
    {
        var report = Read(
            "10:00:00 postscreen[1]: CONNECT from [192.0.2.1]:1001 to [198.51.100.1]:25",
            "10:00:07 postscreen[1]: NOQUEUE: reject: RCPT from [192.0.2.1]:1001: 450 4.3.2 Service currently unavailable; from=<a>, to=<b>, proto=ESMTP, helo=<x>",
            "10:00:08 postscreen[1]: HANGUP after 0.9 from [192.0.2.1]:1001 in tests after SMTP handshake",
            "10:00:08 postscreen[1]: PASS NEW [192.0.2.1]:1001",
            "10:00:08 postscreen[1]: DISCONNECT [192.0.2.1]:1001");

        Assert.Equal((0, 1), (report.Stopped, report.ToldToComeBack));
        Assert.Empty(report.Causes);
    }

    [Fact]
    public void Whom_a_server_that_is_not_there_did_not_take_was_not_stopped()
    {
        // As Postfix logs it, with the teaser sent, without, and for a permitted client.
        var report = Read(
            "10:00:02 postscreen[77]: CONNECT from [127.0.5.1]:39039 to [127.0.0.1]:25",
            "10:00:03 postscreen[77]: PASS NEW [127.0.5.1]:39039",
            "10:00:04 postscreen[77]: warning: cannot connect to service private/nosuch: No such file or directory",
            "10:00:05 postscreen[77]: PASS OLD [127.0.5.1]:39039",
            "10:00:06 postscreen[77]: DISCONNECT [127.0.5.1]:39039",
            "10:00:12 postscreen[77]: CONNECT from [127.0.5.1]:46223 to [127.0.0.1]:25",
            "10:00:13 postscreen[77]: PASS OLD [127.0.5.1]:46223",
            "10:00:14 postscreen[77]: warning: cannot connect to service private/nosuch: No such file or directory",
            "10:00:15 postscreen[77]: CONNECT from [127.0.0.99]:40153 to [127.0.0.1]:25",
            "10:00:16 postscreen[77]: ALLOWLISTED [127.0.0.99]:40153",
            "10:00:17 postscreen[77]: warning: cannot connect to service private/nosuch: No such file or directory",
            "12:00:00 anvil[1]: statistics: max cache size 1 at Nov 20 11:00:00");

        Assert.Equal((3, 0, 0, 3, 0), (report.Connections, report.Stopped, report.ToldToComeBack, report.NotTaken, report.HandedOff.Total));
        Assert.Equal([new Outage(Today.AddHours(10).AddSeconds(4), Today.AddHours(10).AddSeconds(17), 3, "cannot connect to service private/nosuch: No such file or directory")], report.Outages);
        Assert.Equal(0, report.LoadTakenOff);
    }

    [Fact]
    public void A_server_that_takes_too_long_did_not_take_the_client()
    {
        var report = Read(
            "10:25:23 postscreen[1]: CONNECT from [10.42.0.140]:39230 to [10.42.0.233]:25",
            "10:25:23 postscreen[1]: PASS OLD [10.42.0.140]:39230",
            "10:25:23 smtpd[4]: connect from unknown[10.42.0.140]",
            "10:25:27 smtpd[4]: disconnect from unknown[10.42.0.140] ehlo=1 auth=0/1 rset=1 quit=1 commands=3/4",
            "10:25:34 postscreen[1]: CONNECT from [10.42.0.140]:43366 to [10.42.0.233]:25",
            "10:25:34 postscreen[1]: PASS OLD [10.42.0.140]:43366",
            "10:25:40 postscreen[1]: CONNECT from [10.42.0.141]:43399 to [10.42.0.233]:25",
            "10:25:40 postscreen[1]: PASS OLD [10.42.0.141]:43399",
            "10:25:44 postscreen[1]: warning: timeout sending connection to service private/smtpd",
            "10:25:44 postscreen[1]: DISCONNECT [10.42.0.140]:43366",
            "10:27:20 postscreen[1]: warning: timeout sending connection to service private/smtpd", // without a word about the client
            "10:40:00 anvil[1]: statistics: max cache size 1 at Nov 20 11:00:00");

        Assert.Equal((2, 1, 1), (report.NotTaken, report.HandedOff.Total, report.Idle));
        Assert.Equal(2, report.Outages.Sum(static outage => outage.Clients));
    }

    [Fact]
    public void Whom_screening_died_on_reached_nobody()
    {
        var report = Read(
            "10:00:00 postscreen[1]: CONNECT from [192.0.2.1]:1001 to [198.51.100.1]:25",
            "10:00:00 postscreen[1]: PASS OLD [192.0.2.1]:1001",
            "10:00:01 postscreen[1]: CONNECT from [192.0.2.2]:1002 to [198.51.100.1]:25",
            "10:00:10 postscreen[1]: fatal: watchdog timeout",
            "10:00:11 postscreen[2]: CONNECT from [192.0.2.3]:1003 to [198.51.100.1]:25",
            "10:00:12 master[9]: warning: process /usr/lib/postfix/sbin/postscreen pid 2 killed by signal 9",
            "10:30:00 anvil[1]: statistics: max cache size 1 at Nov 20 11:00:00");

        Assert.Equal((2, 1, 0), (report.NotTaken, report.HandedOff.Total, report.Unfinished));
        Assert.Equal("watchdog timeout", Assert.Single(report.Outages).Problem);
    }

    [Fact]
    public void Whom_smtpd_has_not_seen_while_it_saw_others_did_not_come_through()
    {
        string[] log =
        [
            "10:00:00 postscreen[1]: CONNECT from [192.0.2.1]:1001 to [198.51.100.1]:25",
            "10:00:00 postscreen[1]: PASS OLD [192.0.2.1]:1001",
            "10:01:00 postscreen[1]: CONNECT from [192.0.2.2]:1002 to [198.51.100.1]:25",
            "10:01:00 postscreen[1]: PASS OLD [192.0.2.2]:1002",
            "10:01:00 smtpd[4]: connect from unknown[192.0.2.2]",
            "10:01:04 smtpd[4]: disconnect from unknown[192.0.2.2] quit=1 commands=1",
            "10:40:00 anvil[1]: statistics: max cache size 1 at Nov 20 11:00:00",
        ];

        var (with, without) = (Read(log), Read([.. log.Where(static line => !line.Contains("smtpd", StringComparison.Ordinal))]));

        Assert.Equal((1, 1, 0), (with.NotTaken, with.HandedOff.Known, with.WithoutSession));
        Assert.Equal((0, 2, 2), (without.NotTaken, without.HandedOff.Known, without.WithoutSession)); // nothing of smtpd's is in this log
    }

    [Fact]
    public void Relay_targets_log_nothing_and_Postern_says_what_they_did()
    {
        var report = Read(
            "10:00:00 postscreen[1]: CONNECT from [192.0.2.1]:1001 to [198.51.100.1]:25",
            "10:00:00 postscreen[1]: PASS OLD [192.0.2.1]:1001",
            "10:00:00 postern[1]: relay target tcp:a:25 does not take [192.0.2.1]:1001 id=x-1: Connection refused",
            "10:00:09 postern[1]: relayed [192.0.2.1]:1001 id=x-1 to tcp:b:25: 512 bytes in, 210 bytes out, 9 s, ended by QUIT",
            "10:01:00 postscreen[1]: CONNECT from [192.0.2.2]:1002 to [198.51.100.1]:25",
            "10:01:06 postscreen[1]: PASS NEW [192.0.2.2]:1002",
            "10:01:06 postern[1]: warning: relay target tcp:a:25 does not take [192.0.2.2]:1002 id=x-2: Connection refused",
            "10:01:06 postscreen[1]: warning: cannot connect to service tcp:a:25: Connection refused",
            "10:01:09 postscreen[1]: PASS OLD [192.0.2.2]:1002",
            "10:01:09 postscreen[1]: DISCONNECT [192.0.2.2]:1002",
            "10:01:09 postscreen[1]: CONNECT from [192.0.2.3]:1003 to [198.51.100.1]:25",
            "10:01:09 postscreen[1]: PASS OLD [192.0.2.3]:1003",
            "10:01:12 postern[1]: relayed [192.0.2.3]:1003 id=x-3 to tcp:b:25: 512 bytes in, 210 bytes out, 3 s, ended by QUIT");

        Assert.Equal((1, 2, 2), (report.NotTaken, report.HandedOff.Known, report.WithoutSession));
        Assert.Equal("cannot connect to service tcp:a:25: Connection refused", Assert.Single(report.Outages).Problem);
    }

    [Theory]
    [InlineData("cleanup[7]: AAAA: milter-reject: END-OF-MESSAGE from a[192.0.2.1]: 5.7.1 Spam; from=<a> to=<b> proto=ESMTP helo=<c>", 1, 0, 0)]
    [InlineData("cleanup[7]: AAAA: reject: header Subject: x from a[192.0.2.1]; from=<a> to=<b> proto=ESMTP helo=<c>: 5.7.1 no", 1, 0, 0)]
    [InlineData("smtpd[5]: AAAA: reject: END-OF-MESSAGE from a[192.0.2.1]: 554 5.7.1 no; from=<a> to=<b> proto=ESMTP helo=<c>", 1, 0, 0)]
    [InlineData("smtpd[5]: lost connection after DATA (120 bytes) from a[192.0.2.1]", 0, 1, 0)]
    [InlineData("smtpd[5]: timeout after DATA (120 bytes) from a[192.0.2.1]", 0, 1, 0)]
    [InlineData("qmgr[6]: AAAA: from=<a>, size=1, nrcpt=1 (queue active)", 0, 0, 1)]
    public void A_mail_is_taken_when_the_queue_manager_has_it(string word, int rejected, int idle, int delivering)
    {
        var report = Read(
            "10:00:00 qmgr[6]: ZZZZ: from=<somebody@else>, size=1, nrcpt=1 (queue active)",
            "10:00:00 postscreen[1]: CONNECT from [192.0.2.1]:1001 to [198.51.100.1]:25",
            "10:00:00 postscreen[1]: PASS OLD [192.0.2.1]:1001",
            "10:00:00 smtpd[5]: connect from a[192.0.2.1]",
            "10:00:01 smtpd[5]: AAAA: client=a[192.0.2.1]",
            "10:00:02 " + word,
            "10:00:02 smtpd[5]: disconnect from a[192.0.2.1] ehlo=1 mail=1 rcpt=1 data=0/1 commands=3/4");

        Assert.Equal((rejected, idle, delivering), (report.Rejected, report.Idle, report.Delivering));
    }

    [Fact]
    public void Where_the_queue_manager_has_no_lines_smtpd_is_believed()
    {
        var report = Read(
            "10:00:00 postscreen[1]: CONNECT from [192.0.2.1]:1001 to [198.51.100.1]:25",
            "10:00:00 postscreen[1]: PASS OLD [192.0.2.1]:1001",
            "10:00:00 smtpd[5]: connect from a[192.0.2.1]",
            "10:00:01 smtpd[5]: AAAA: client=a[192.0.2.1]",
            "10:00:02 smtpd[5]: disconnect from a[192.0.2.1] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5");

        Assert.Equal(1, report.Delivering);
    }

    [Fact]
    public void A_monitor_does_not_bring_in_what_a_content_filter_sends_back()
    {
        var lines = new List<string>
        {
            "10:00:00 postscreen[1]: CONNECT from [127.0.0.1]:1001 to [127.0.0.1]:25",
            "10:00:00 postscreen[1]: ALLOWLISTED [127.0.0.1]:1001",
            "10:00:00 smtpd[5]: connect from localhost[127.0.0.1]",
            "10:00:00 smtpd[5]: disconnect from localhost[127.0.0.1] quit=1 commands=1",
        };
        for (var i = 10; i < 40; i++)
            lines.AddRange([$"10:{i}:00 smtpd[6]: connect from localhost[127.0.0.1]", $"10:{i}:01 smtpd[6]: A{i}: client=localhost[127.0.0.1]", $"10:{i}:01 qmgr[7]: A{i}: from=<a>, size=1, nrcpt=1 (queue active)", $"10:{i}:02 smtpd[6]: disconnect from localhost[127.0.0.1] quit=1 commands=1"]);

        var report = Read([.. lines]);

        Assert.Equal((1, 1, 0, 0), (report.HandedOff.Total, report.Idle, report.Delivering, report.Rejected));
    }

    [Fact]
    public void The_same_client_at_two_machines_is_two()
    {
        // Containers: the process ids are the same, too.
        var report = ReadLines(
            "Nov 24 10:00:00 a postfix/postscreen[1]: CONNECT from [192.0.2.1]:1001 to [198.51.100.1]:25",
            "Nov 24 10:00:00 b postfix/postscreen[1]: CONNECT from [192.0.2.1]:1001 to [198.51.100.2]:25",
            "Nov 24 10:00:01 a postfix/postscreen[1]: PASS OLD [192.0.2.1]:1001",
            "Nov 24 10:00:01 b postfix/postscreen[1]: PASS OLD [192.0.2.1]:1001",
            "Nov 24 10:00:01 a postfix/smtpd[5]: connect from x[192.0.2.1]",
            "Nov 24 10:00:01 b postfix/smtpd[5]: connect from x[192.0.2.1]",
            "Nov 24 10:00:02 a postfix/smtpd[5]: disconnect from x[192.0.2.1] quit=1 commands=1",
            "Nov 24 10:00:02 b postfix/smtpd[5]: disconnect from x[192.0.2.1] quit=1 commands=1");

        Assert.Equal((2, 2, 2, 0), (report.Connections, report.HandedOff.Total, report.Idle, report.Doubled));
    }

    [Theory]
    [InlineData(-3600, false)]
    [InlineData(3600, false)]
    [InlineData(-3600, true)]
    [InlineData(3600, true)]
    public void Waits_over_a_clock_that_is_set_are_right_or_left_out(int by, bool withZone)
    {
        var builder = new ReportBuilder(new LogClock(Today.AddDays(1), TimeZoneInfo.Utc));
        var (now, offset) = (Today.AddHours(2).AddMinutes(59).AddSeconds(50), withZone ? 2 : 0);
        for (var second = 0; second < 40; second++, now = now.AddSeconds(1))
        {
            if (second == 10)
                (now, offset) = (now.AddSeconds(by), offset + by / 3600);
            Say(second, $"CONNECT from [192.0.2.{second}]:1001 to [198.51.100.1]:25");
            if (second >= 6)
                Say(second, $"PASS NEW [192.0.2.{second - 6}]:1001");
        }

        var report = builder.Build();

        Assert.Equal(34, report.HandedOff.New);
        Assert.Equal(6, report.NewClientWaits.Longest);
        Assert.Equal(report.NewClientWaits.Total, report.NewClientWaits.Counts[Histogram.Bounds.ToList().IndexOf(6)]);
        Assert.InRange(report.NewClientWaits.Total, withZone || by < 0 ? 34 : 28, 34);
        Assert.All(report.BreakOff.Classes.Values, static curve => Assert.Equal(6, curve.Followed));

        void Say(int second, string text) => builder.Add(Encoding.Latin1.GetBytes(withZone
            ? $"{now:yyyy-MM-ddTHH:mm:ss}.{second:000}+0{offset}:00 mx postfix/postscreen[1]: {text}"
            : $"{now:MMM dd HH:mm:ss} mx postfix/postscreen[1]: {text}"));
    }

    [Fact]
    public void Lines_without_a_beginning_are_counted_and_do_not_count()
    {
        var report = Read(
            "10:00:00 postscreen[1]: PASS NEW [192.0.2.1]:1001",
            "10:00:00 postscreen[1]: DISCONNECT [192.0.2.1]:1001",
            "10:00:05 postscreen[1]: CONNECT from [192.0.2.2]:1001 to [198.51.100.1]:25",
            "10:00:05 postscreen[1]: DISCONNECT [192.0.2.2]:1001");

        Assert.Equal((1, 1, 2L), (report.Connections, report.Stopped, report.LinesWithoutBeginning));
    }

    [Fact]
    public void Memory_has_a_bound_whatever_the_number_of_addresses()
    {
        var (networks, lists) = (new Networks(), new ListedClients());
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0u; i < 4_000_000; i++)
        {
            var address = IpAddress.FromIPv4((i + 256) * 2654435761u);
            networks.Add(address);
            lists.Add(address, i % 4 == 0 ? "rare.example"u8 : "often.example"u8);
            if (i % 1000 == 0)
                networks.Add(IpAddress.FromIPv4(0xc0000201));
        }

        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, 0, 60_000_000);
        var top = networks.Top(1)[0];
        Assert.Equal("192.0.2.0/24", top.Name);
        Assert.InRange(top.Count, 4000 - networks.Error, 4000);
        Assert.True(lists.IsEstimate);
        Assert.All(lists.Top(2).Zip([3_000_000.0, 1_000_000.0]), static pair => Assert.InRange(pair.First.Count / pair.Second, 0.99, 1.01));
    }

    [Fact]
    public void No_connection_is_lost_or_counted_twice_whatever_the_log_holds() =>
        Gen.Select(
            Gen.Int[0, 4], Gen.Int[0, 3], Gen.OneOf("CONNECT from ", "DISCONNECT ", "PASS NEW ", "PASS OLD ", "ALLOWLISTED ", "DENYLISTED "))
        .List[0, 200].Sample(lines =>
        {
            var builder = new ReportBuilder(Today);
            var (connects, time) = (0, Today);
            foreach (var (host, port, said) in lines)
            {
                time = time.AddSeconds(3); // within two seconds it would be the same line twice
                builder.Add(Encoding.Latin1.GetBytes($"{time:HH:mm:ss} postfix/postscreen[1]: {said}[192.0.2.{host}]:{port}"));
                connects += said.StartsWith('C') ? 1 : 0;
            }

            var report = builder.Build();
            Assert.Equal(connects, report.Connections);
            Assert.Equal(connects, report.Stopped + report.ToldToComeBack + report.NotTaken + report.HandedOff.Total + report.Unfinished);
            Assert.Equal(connects - report.Unfinished, report.Hours.Sum(hour => hour.Stopped + hour.HandedOff + hour.NotTaken));
        });

    [Fact]
    public void A_clock_that_was_not_set_yet_hides_no_hour()
    {
        var builder = new ReportBuilder(Today);
        foreach (var time in (string[])["1970-01-01T00:00:09+00:00", "2026-11-24T10:00:00+00:00"])
        {
            builder.Add(Encoding.Latin1.GetBytes($"{time} mx postfix/postscreen[1]: CONNECT from [192.0.2.1]:1001 to [198.51.100.1]:25"));
            builder.Add(Encoding.Latin1.GetBytes($"{time} mx postfix/postscreen[1]: DISCONNECT [192.0.2.1]:1001"));
        }

        Assert.Equal([new HourCount(new DateTime(1970, 1, 1), 1, 0, 0), new HourCount(Today.AddHours(10), 1, 0, 0)], builder.Build().Hours);
    }

    [Fact]
    public void What_is_older_does_not_count()
    {
        var builder = new ReportBuilder(new LogClock(Today), Today.AddHours(11));
        foreach (var time in (string[])["10:59:59", "11:00:00"])
        {
            builder.Add(Encoding.Latin1.GetBytes($"{time} postfix/postscreen[1]: CONNECT from [192.0.2.1]:1001 to [198.51.100.1]:25"));
            builder.Add(Encoding.Latin1.GetBytes($"{time} postfix/postscreen[1]: DISCONNECT [192.0.2.1]:1001"));
        }

        var report = builder.Build();

        Assert.Equal((1, 1, 4L), (report.Connections, report.Stopped, report.Lines.Read));
        Assert.Equal((Today.AddHours(11), Today.AddHours(11)), report.Period);
    }

    private static Report Read(params string[] lines) => ReadLines([.. lines.Select(static line => line.Insert(line.IndexOf(' ') + 1, "postfix/"))]);

    private static Report ReadLines(params string[] lines)
    {
        var builder = new ReportBuilder(Today);
        foreach (var line in lines)
            builder.Add(Encoding.Latin1.GetBytes(line));
        return builder.Build();
    }
}
