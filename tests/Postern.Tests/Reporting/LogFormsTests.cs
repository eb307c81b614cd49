using System.Globalization;
using System.Text;
using System.Text.Json;
using Postern.Core.Reporting;

namespace Postern.Tests.Reporting;

/// <summary>One log in every form in which people have it: three connections, two of them stopped, and a mail.</summary>
public sealed class LogFormsTests
{
    private const string Classic = """
        Oct  2 10:59:54 srv postfix/postscreen[11713]: CONNECT from [192.0.2.28]:53354 to [192.168.4.2]:25
        Oct  2 10:59:54 srv postfix/postscreen[11713]: PREGREET 27 after 0 from [192.0.2.28]:53354: EHLO zx18.bot.example\r\n
        Oct  2 10:59:54 srv postfix/postscreen[11713]: DISCONNECT [192.0.2.28]:53354
        Oct  2 12:06:22 srv postfix/postscreen[12309]: CONNECT from [198.51.100.89]:33098 to [192.168.4.2]:25
        Oct  2 12:06:22 srv postfix/dnsblog[12312]: addr 198.51.100.89 listed by domain zen.dnsbl.example as 127.0.0.4
        Oct  2 12:06:28 srv postfix/postscreen[12309]: DNSBL rank 3 for [198.51.100.89]:33098
        Oct  2 12:06:29 srv postfix/postscreen[12309]: NOQUEUE: reject: RCPT from [198.51.100.89]:33098: 550 5.7.1 Service unavailable; client [198.51.100.89] blocked using zen.dnsbl.example; from=<a@bot.example>, to=<b@example.com>, proto=ESMTP, helo=<bot.example>
        Oct  2 12:06:29 srv postfix/postscreen[12309]: DISCONNECT [198.51.100.89]:33098
        Oct  2 12:10:00 srv postfix/postscreen[12309]: CONNECT from [203.0.113.7]:40000 to [192.168.4.2]:25
        Oct  2 12:10:06 srv postfix/postscreen[12309]: PASS NEW [203.0.113.7]:40000
        Oct  2 12:10:06 srv postfix/smtpd[12400]: connect from mx.example.net[203.0.113.7]
        Oct  2 12:10:07 srv postfix/smtpd[12400]: 4ABC1234: client=mx.example.net[203.0.113.7]
        Oct  2 12:10:07 srv postfix/qmgr[90]: 4ABC1234: from=<s@example.net>, size=500, nrcpt=1 (queue active)
        Oct  2 12:10:07 srv postfix/smtpd[12400]: disconnect from mx.example.net[203.0.113.7] ehlo=1 mail=1 rcpt=1 data=1 quit=1 commands=5
        Oct  2 12:10:08 srv postfix/local[99]: 4ABC1234: to=<b@example.com>, relay=local, delay=0.1, delays=0.1/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)
        Oct  2 12:20:00 srv postfix/anvil[100]: statistics: max connection rate 1/60s for (smtpd:203.0.113.7) at Oct  2 12:10:06
        """;

    private static readonly DateTime Today = new(2026, 11, 29);

    private static readonly Line[] Lines = [.. Classic.Split('\n').Select(static text => new Line(text.TrimEnd()))];

    /// <summary>Forms of a line each, with <c>{stamp}</c> and <c>{tag}</c> and so on for what is in it.</summary>
    public static TheoryData<string> Forms() =>
    [
        "{Mmm} {_d} {clock} {host} {tag}: {text}",
        "{Mmm} {d} {clock} {host} {tag}: {text}", // one blank
        "{Mmm} {_d} {clock}.123456 {host} {tag}: {text}",
        "{Mmm} {_d} {clock} {tag}: {text}",
        "{Mmm} {_d} 2026 {clock} {host} {tag}: {text}",
        "{date}T{clock}.705153-08:00 {host} {tag}: {text}",
        "{date}T{clock}-0800 {host} {tag}: {text}",
        "{date}T{clock}Z {host} {tag}: {text}",
        "{date} {clock} {host} {tag}: {text}",
        "{date} {clock},705 INFO {tag}: {text}",
        "[{date} {clock}] {tag}: {text}",
        "{date}T{clock}.705153-08:00 INFO    {tag}: {text}", // bokysan/docker-postfix
        "{date}T{clock}.705153-08:00 info {host} {tag}: {text}",
        "{date}T{clock}.705153-08:00 {host} {tag}: [info] {text}",
        "{Mmm} {_d} {clock} {host} mail.info {tag}: {text}", // BusyBox
        "{Www} {Mmm} {_d} {clock} 2026 mail.info {tag}: {text}", // OpenWrt
        "{Www} {Mmm} {_d} {clock} 2026 [1790000000.705] mail.info {tag}: {text}", // logread -t
        "{Www} {Mmm} {_d} {clock} CEST 2026 {host} {tag}: {text}", // date(1)
        "mailserver       | {Mmm} {_d} {clock} {host} {tag}: {text}", // docker compose
        "mailserver-1  | {date}T{clock}.705153123Z {Mmm} {_d} {clock} {host} {tag}: {text}", // with -t
        "mailserver  | {clock} {tag}: {text}", // Postern's own, in a container
        "\u001b[36mmailserver       |\u001b[0m {Mmm} {_d} {clock} {host} {tag}: {text}",
        "{Mmm} {_d} {clock} {host} \u001b[1m{tag}\u001b[0m: \u001b[33m{text}\u001b[0m",
        "[pod/mail-0/postfix] {Mmm} {_d} {clock} {host} {tag}: {text}", // kubectl logs --prefix
        "{date}T{clock}.705153123Z stdout F {Mmm} {_d} {clock} {host} {tag}: {text}", // CRI
        "{date}T{clock}.705153123+02:00 stderr F {date}T{clock}.705153-08:00 INFO    {tag}: {text}",
        "{Mmm} {_d} {clock} {host} {tag}: [ID 197553 mail.info] {text}", // Solaris
        "{Mmm} {_d} {clock} <mail.info> {host} {tag}: {text}", // FreeBSD, -v
        "{Mmm} {_d} {clock} <2.6> {host} {tag}: {text}",
        "{Mmm} {_d} {clock} {host} mail:info {tag}: {text}", // AIX
        "{Mmm} {_d} {clock} {host} Message forwarded from {host}: {tag}: {text}",
        "<22>{Mmm} {_d} {clock} {host} {tag}: {text}",
        "<22>{Mmm} {_d} {clock} {tag}: {text}",
        "<22>1 {date}T{clock}.705153+02:00 {host} {program} {pid} - - {text}", // RFC 5424
        "<22>1 {date}T{clock}.705153Z {host} {program} {pid} - [timeQuality tzKnown=\"1\" isSynced=\"1\"] \ufeff{text}",
        "<22>1 {date}T{clock}.705153Z {host} {program} {pid} ID47 [x@32473 a=\"1 \\] ] \\\" b\"][y@1 c=\"2\"] {text}",
        "1 {date}T{clock}.705153+02:00 {host} {program} {pid} - - {text}",
        "181 <22>1 {date}T{clock}.705153+02:00 {host} {program} {pid} - - {text}", // RFC 6587
        "mail.log.1:{Mmm} {_d} {clock} {host} {tag}: {text}", // grep
        "/var/log/mail.log-20261003:17:{date}T{clock}.705153-08:00 {host} {tag}: {text}",
        "{d} {Mmm} {clock} {host} {tag}: {text}",
        "{d} {Mmm} 2026 {clock} {host} {tag}: {text}",
        "{dd}/{Mmm}/2026:{clock} +0200 {host} {tag}: {text}",
        "{dd}.10.2026 {clock} {host} {tag}: {text}",
        "2026/10/{dd} {clock} {host} {tag}: {text}",
        "Fr {date} {clock} CEST {host} {tag}: {text}", // journalctl -o short-full, German
        "lun. {date} {clock} CET {host} {tag}: {text}",
        "金 {date} {clock} JST {host} {tag}: {text}",
        "{epoch}.705153 {host} {tag}: {text}", // short-unix
        "{Mmm} {_d} {clock} {host} docker[99]: {Mmm} {_d} {clock} {host} {tag}: {text}",
        "{date}T{clock}+0000 {host} mail[99]: {date}T{clock}.705153-08:00 INFO    {tag}: {text}",
        "\"{date}T{clock}.705Z\",\"{host}\",\"{tag}: {text}\"",
        "{\"log\":\"{Mmm} {_d} {clock} {host} {tag}: {json}\\n\",\"stream\":\"stdout\",\"time\":\"{date}T{clock}.705153123Z\"}", // Docker
        "{\"log\":\"{tag}: {json}\\n\",\"stream\":\"stdout\",\"attrs\":{\"a\":\"b\"},\"time\":\"{date}T{clock}.705153123Z\"}",
        "{\"__REALTIME_TIMESTAMP\":\"{epoch}705153\",\"_HOSTNAME\":\"{host}\",\"SYSLOG_IDENTIFIER\":\"{program}\",\"_PID\":\"1\",\"SYSLOG_PID\":\"{pid}\",\"MESSAGE\":\"{json}\"}", // journalctl -o json
        "\u001e{\"MESSAGE\":{bytes},\"SYSLOG_IDENTIFIER\":\"{program}\",\"SYSLOG_PID\":\"{pid}\",\"__REALTIME_TIMESTAMP\":\"{epoch}705153\"}",
        "data: {\"MESSAGE\":\"{json}\",\"SYSLOG_IDENTIFIER\":\"{program}\",\"SYSLOG_PID\":\"{pid}\",\"__REALTIME_TIMESTAMP\":\"{epoch}705153\"}",
        "{\"MESSAGE\":\"{Mmm} {_d} {clock} {host} {tag}: {json}\",\"SYSLOG_IDENTIFIER\":\"postern\",\"_PID\":\"7\",\"__REALTIME_TIMESTAMP\":\"{epoch}705153\"}",
        "{\"@timestamp\":\"{date}T{clock}.705Z\",\"host\":\"{host}\",\"program\":\"{program}\",\"pid\":{pid},\"message\":\"{json}\"}",
        "{\"timestamp\":{epoch}.705,\"host\":\"{host}\",\"syslogtag\":\"{tag}:\",\"msg\":\" {json}\"}",
        "__CURSOR=s=0;i=1\n__REALTIME_TIMESTAMP={epoch}705153\n_HOSTNAME={host}\nSYSLOG_IDENTIFIER={program}\nSYSLOG_PID={pid}\n_PID=1\nMESSAGE={text}\n", // export
        "{\n\t\"__REALTIME_TIMESTAMP\" : \"{epoch}705153\",\n\t\"_HOSTNAME\" : \"{host}\",\n\t\"SYSLOG_IDENTIFIER\" : \"{program}\",\n\t\"SYSLOG_PID\" : \"{pid}\",\n\t\"MESSAGE\" : \"{json}\"\n}", // json-pretty
        "Fri {date} {clock}.705153 CEST [s=08a14e7e;i=1]\n    PRIORITY=6\n    _HOSTNAME={host}\n    SYSLOG_IDENTIFIER={program}\n    SYSLOG_PID={pid}\n    MESSAGE={text}", // verbose
    ];

    [Theory]
    [MemberData(nameof(Forms))]
    public void Every_form_gives_the_same_report(string form)
    {
        var report = Read(Lines.Select(line => line.In(form)));

        Assert.Equal(
            (3, 2, 1, 0, 1, 1, 1),
            (report.Connections, report.Stopped, report.HandedOff.New, report.Unfinished, report.Delivering, report.Delivered, report.Lists.Count));
        Assert.Equal([new CauseCount(ScreeningCause.Pregreet, 1, 1), new CauseCount(ScreeningCause.Dnsbl, 1, 1)], report.Causes.OrderBy(static cause => cause.Cause));
        Assert.Equal(6, report.NewClientWaits.Longest);
        Assert.Equal(0, report.Lines.Unreadable);
        Assert.Null(report.UnreadableScreening);
        if (!form.StartsWith("mailserver  | {clock}", StringComparison.Ordinal))
            Assert.Equal((new DateTime(2026, 10, 2, 10, 59, 54), new DateTime(2026, 10, 2, 12, 10, 6)), report.Period);
    }

    [Fact]
    public void Months_are_read_in_every_language_that_glibc_has()
    {
        using var table = new StreamReader(typeof(ReportBuilder).Assembly.GetManifestResourceStream("MonthNames.txt")!);
        var (month, names, notNearest) = (0, 0, new List<string>());
        while (table.ReadLine() is { } line)
        {
            month++;
            foreach (var name in line.Split('\t'))
            {
                names++;
                var stamp = $"{name} 02 10:59:54";
                Assert.True(MailLogLine.TryParse(Encoding.UTF8.GetBytes($"{stamp} srv postfix/postscreen[1]: CONNECT"), new DateTime(2026, 12, 31), out var parsed), stamp);
                Assert.Equal(("postscreen", "srv", 2, 10), (Encoding.UTF8.GetString(parsed.Program), Encoding.UTF8.GetString(parsed.Host), parsed.Time.Day, parsed.Time.Hour));
                if (parsed.Time.Month != month)
                    notNearest.Add(name);
            }
        }

        Assert.Equal(12, month);
        Assert.True(names > 3000);
        Assert.True(notNearest.Count < 40, string.Join(' ', notNearest)); // which two languages have for two months
    }

    [Theory]
    [InlineData("lis 02", "2026-11-20", 11)] // Polish
    [InlineData("lis 02", "2026-10-20", 10)] // Croatian: the Polish one would be a year old
    [InlineData("févr. 02", "2026-10-20", 2)]
    [InlineData("Thg 10 02", "2026-10-20", 10)]
    [InlineData("10月 02", "2026-10-20", 10)]
    [InlineData("de set. 02", "2026-10-20", 9)]
    public void A_month_that_languages_disagree_about_is_the_nearer_one(string stamp, string today, int month)
    {
        Assert.True(MailLogLine.TryParse(
            Encoding.UTF8.GetBytes($"{stamp} 10:59:54 srv postfix/postscreen[1]: CONNECT"), DateTime.Parse(today, CultureInfo.InvariantCulture), out var parsed));
        Assert.Equal(month, parsed.Time.Month);
    }

    [Theory]
    [InlineData("Oct  2 10:59:54 srv postfix/postscreen[1]: CONNECT from [192.0.2.28]:1 to [192.0.2.1]:25", "srv")]
    [InlineData("Oct  2 10:59:54 srv mail.info postfix/postscreen[1]: x", "srv")]
    [InlineData("2026-10-02T10:59:54Z INFO    postfix/postscreen[1]: x", "")]
    [InlineData("Oct  2 10:59:54 <mail.info> srv postfix/postscreen[1]: x", "srv")]
    [InlineData("mail-1  | Oct  2 10:59:54 srv postfix/postscreen[1]: x", "mail-1")] // containers may all have the same name inside
    [InlineData("[pod/mail-0/postfix] 2026-10-02T10:59:54Z postfix/postscreen[1]: x", "pod/mail-0/postfix")]
    [InlineData("2026-10-02T10:59:54.1Z stdout F Oct  2 10:59:54 srv postfix/postscreen[1]: x", "srv")]
    [InlineData("Fr 2026-10-02 10:59:54 CEST srv postfix/postscreen[1]: x", "srv")]
    [InlineData("<22>1 2026-10-02T10:59:54Z srv postfix/postscreen 1 - - x", "srv")]
    [InlineData("Sat Oct  2 10:59:54 2026 mail.info postfix/postscreen[1]: x", "")]
    [InlineData("Oct  2 10:59:54 outer docker[9]: Oct  2 10:59:54 inner postfix/postscreen[1]: x", "inner")]
    public void The_host_is_found(string line, string host)
    {
        Assert.True(MailLogLine.TryParse(Encoding.UTF8.GetBytes(line), Today, out var parsed));
        Assert.Equal((host, 1u), (Encoding.UTF8.GetString(parsed.Host), parsed.ProcessId));
    }

    [Theory]
    [InlineData("{elapsed}")] // short-monotonic
    [InlineData("Foo {_d} {clock}")]
    [InlineData("Nov 31 {clock}")]
    [InlineData("{Mmm} {_d} 25:61:00")]
    public void What_cannot_be_read_is_counted_and_shown(string stamp)
    {
        var form = stamp.Replace("{elapsed}", "[   12.705153]", StringComparison.Ordinal) + " {host} {tag}: {text}";
        var lines = Lines.Select(line => line.In(form)).ToList();

        var (none, some) = (Read(lines), Read(lines.Take(5).Concat(Lines.Skip(8).Select(static line => line.In("{Mmm} {_d} {clock} {host} {tag}: {text}")))));

        Assert.Equal((0, 9L, lines[0]), (none.Connections, none.UnreadableScreening!.Value.Count, none.UnreadableScreening.Value.Example));
        Assert.Equal((1, 4L, lines[0]), (some.Connections, some.UnreadableScreening!.Value.Count, some.UnreadableScreening.Value.Example));
    }

    [Fact]
    public void What_others_log_cannot_be_made_a_line_of_screening()
    {
        var report = Read(
        [
            "Oct  2 10:59:54 srv nginx[7]: 192.0.2.1 \"GET /Oct 2 10:59:54 srv postfix/postscreen[1]: CONNECT from [192.0.2.1]:1 to [192.0.2.2]:25\"",
            "Oct  2 10:59:54 srv app: user said Oct 2 10:59:54 srv postfix/postscreen[1]: CONNECT from [192.0.2.1]:1 to [192.0.2.2]:25",
            "Oct  2 10:59:54 srv some program with many words in its name said postfix/postscreen[1]: CONNECT from [192.0.2.1]:1 to [192.0.2.2]:25",
            "Oct  2 10:59:54 srv postfix/smtpd[1]: warning: non-SMTP command from x[192.0.2.1]: Oct  2 10:59:54 srv postfix/postscreen[1]: CONNECT from [192.0.2.1]:1 to [192.0.2.2]:25",
            "Oct  2 10:59:54 srv postfix/postscreen[1]: PREGREET 90 after 0 from [192.0.2.1]:1: Oct  2 10:59:54 srv postfix/postscreen[1]: CONNECT from [192.0.2.1]:1 to [192.0.2.2]:25",
        ]);

        Assert.Equal(0, report.Connections);
    }

    private static Report Read(IEnumerable<string> texts)
    {
        var builder = new ReportBuilder(new LogClock(Today, TimeZoneInfo.Utc));
        foreach (var line in texts.SelectMany(static text => text.Split('\n')))
            builder.Add(Encoding.UTF8.GetBytes(line));
        return builder.Build();
    }

    private sealed record Line(string Text)
    {
        public string In(string form)
        {
            var time = DateTime.ParseExact($"2026 {Text[..15].Replace("  ", " ", StringComparison.Ordinal)}", "yyyy MMM d HH:mm:ss", CultureInfo.InvariantCulture);
            var colon = Text.IndexOf("]: ", StringComparison.Ordinal);
            var tag = Text[20..(colon + 1)];
            var text = Text[(colon + 3)..];
            var json = JsonSerializer.Serialize(text)[1..^1];
            return form
                .Replace("{Mmm}", "Oct", StringComparison.Ordinal).Replace("{_d}", " 2", StringComparison.Ordinal).Replace("{d}", "2", StringComparison.Ordinal).Replace("{dd}", "02", StringComparison.Ordinal)
                .Replace("{Www}", "Fri", StringComparison.Ordinal).Replace("{date}", "2026-10-02", StringComparison.Ordinal)
                .Replace("{clock}", time.ToString("HH:mm:ss", CultureInfo.InvariantCulture), StringComparison.Ordinal)
                .Replace("{epoch}", ((DateTimeOffset)DateTime.SpecifyKind(time, DateTimeKind.Utc)).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
                .Replace("{host}", "srv", StringComparison.Ordinal).Replace("{tag}", tag, StringComparison.Ordinal)
                .Replace("{program}", tag[..tag.IndexOf('[', StringComparison.Ordinal)], StringComparison.Ordinal)
                .Replace("{pid}", tag[(tag.IndexOf('[', StringComparison.Ordinal) + 1)..^1], StringComparison.Ordinal)
                .Replace("{json}", json, StringComparison.Ordinal).Replace("{bytes}", $"[{string.Join(',', Encoding.UTF8.GetBytes(text))}]", StringComparison.Ordinal)
                .Replace("{text}", text, StringComparison.Ordinal);
        }
    }
}
