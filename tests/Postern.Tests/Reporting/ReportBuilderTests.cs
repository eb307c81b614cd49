using System.Text;
using CsCheck;
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
        Assert.Equal([new HourCount(Today.AddHours(10), 1, 0)], report.Hours);
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
    [InlineData("NOQUEUE: reject: CONNECT from [192.0.2.1]:1: all server ports busy", ScreeningCause.NoRoom)]
    [InlineData("reject: connect from [192.0.2.1]:1: all screening ports busy", ScreeningCause.NoRoom)]
    [InlineData("LANE GREYLISTED [192.0.2.1]:1 generic rule=1 wait=85 after=30 refusals=1", ScreeningCause.Greylisted, "postern")]
    public void Every_line_has_its_cause(string text, ScreeningCause cause, string program = "postscreen")
    {
        var report = Read("10:00:00 postscreen[1]: CONNECT from [192.0.2.1]:1 to [198.51.100.1]:25", $"10:00:01 {program}[1]: {text}", "10:00:01 postscreen[1]: DISCONNECT [192.0.2.1]:1");

        Assert.Equal([new CauseCount(cause, 1, 1)], report.Causes);
    }

    [Fact]
    public void No_connection_is_lost_or_counted_twice_whatever_the_log_holds() =>
        Gen.Select(
            Gen.Int[0, 4], Gen.Int[0, 3], Gen.OneOf("CONNECT from ", "DISCONNECT ", "PASS NEW ", "PASS OLD ", "ALLOWLISTED ", "DENYLISTED "))
        .List[0, 200].Sample(lines =>
        {
            var builder = new ReportBuilder(Today);
            var connects = 0;
            foreach (var (host, port, said) in lines)
            {
                builder.Add(Encoding.Latin1.GetBytes($"10:00:00 postfix/postscreen[1]: {said}[192.0.2.{host}]:{port}"));
                connects += said.StartsWith('C') ? 1 : 0;
            }

            var report = builder.Build();
            Assert.Equal(connects, report.Connections);
            Assert.Equal(connects, report.Stopped + report.ToldToComeBack + report.HandedOff.Total + report.Unfinished);
            Assert.Equal(connects - report.Unfinished, report.Hours.Sum(hour => hour.Stopped + hour.HandedOff));
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

        Assert.Equal([new HourCount(new DateTime(1970, 1, 1), 1, 0), new HourCount(Today.AddHours(10), 1, 0)], builder.Build().Hours);
    }

    [Fact]
    public void What_is_older_does_not_count()
    {
        var builder = new ReportBuilder(Today, Today.AddHours(11));
        foreach (var time in (string[])["10:59:59", "11:00:00"])
        {
            builder.Add(Encoding.Latin1.GetBytes($"{time} postfix/postscreen[1]: CONNECT from [192.0.2.1]:1001 to [198.51.100.1]:25"));
            builder.Add(Encoding.Latin1.GetBytes($"{time} postfix/postscreen[1]: DISCONNECT [192.0.2.1]:1001"));
        }

        var report = builder.Build();

        Assert.Equal((1, 1, 4L), (report.Connections, report.Stopped, report.Lines.Read));
        Assert.Equal((Today.AddHours(11), Today.AddHours(11)), report.Period);
    }

    private static Report Read(params string[] lines)
    {
        var builder = new ReportBuilder(Today);
        foreach (var line in lines)
            builder.Add(Encoding.Latin1.GetBytes(line.Insert(line.IndexOf(' ') + 1, "postfix/")));
        return builder.Build();
    }
}
