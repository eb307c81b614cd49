using System.Globalization;
using System.Text;
using CsCheck;
using Postern.Core.Reporting;
using Postern.Reports;

namespace Postern.Tests.Reporting;

public sealed class BreakOffCurveTests
{
    [Fact]
    public void The_leukaemia_patients_of_every_textbook()
    {
        var curve = new BreakOffCurve();
        foreach (var seconds in (int[])[6, 6, 6, 7, 10, 13, 16, 22, 23])
            curve.Add(seconds, hasLeft: true);
        foreach (var seconds in (int[])[6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35])
            curve.Add(seconds, hasLeft: false);

        Assert.Equal(
            ["6: 21 3 0.857", "7: 17 1 0.807", "10: 15 1 0.753", "13: 12 1 0.690", "16: 11 1 0.627", "22: 7 1 0.538", "23: 6 1 0.448"],
            curve.Points().Select(static p => string.Create(CultureInfo.InvariantCulture, $"{p.Seconds:0}: {p.AtRisk} {p.Left} {p.Remaining:0.000}")));
        var last = curve.Points()[^1];
        Assert.Equal(0.2640, last.High - last.Remaining, 3); // the standard error is 0.1346
        Assert.Equal((21, 9, 6), (curve.Clients, curve.Left, curve.AtRisk(23)));
    }

    [Fact]
    public void Without_censored_clients_it_is_the_share_that_is_left() => Gen.Double[0, 250].Array[1, 50].Sample(waits =>
    {
        var curve = new BreakOffCurve();
        foreach (var wait in waits)
            curve.Add(wait, hasLeft: true);

        foreach (var point in curve.Points())
            Assert.Equal(waits.Count(wait => Math.Round(wait * 10) > point.Seconds * 10 + 0.5) / (double)waits.Length, point.Remaining, 9);
    });

    [Fact]
    public void Who_is_let_in_after_the_wait_has_not_left()
    {
        var curve = new BreakOffCurve();
        for (var i = 0; i < 90; i++)
            curve.Add(6, hasLeft: false);
        for (var i = 0; i < 10; i++)
            curve.Add(3, hasLeft: true);

        Assert.Equal(0.9, Assert.Single(curve.Points()).Remaining, 9);
        Assert.Equal(0, curve.AtRisk(6.1));
    }

    [Fact]
    public void The_mail_log_and_the_event_log_say_the_same()
    {
        var fromMail = Read(
            "Nov 24 10:00:00 mx postfix/postscreen[1]: CONNECT from [192.0.2.1]:1 to [198.51.100.1]:25",
            "Nov 24 10:00:00 mx postfix/postern[1]: LANE CLASS [192.0.2.1]:1 generic rule=6 name=adsl12.isp.example",
            "Nov 24 10:00:40 mx postfix/postscreen[1]: HANGUP after 40.5 from [192.0.2.1]:1 in tests before SMTP handshake",
            "Nov 24 10:00:40 mx postfix/postern[1]: LANE HANGUP [192.0.2.1]:1 generic rule=6 wait=85 after=40.5",
            "Nov 24 10:00:40 mx postfix/postscreen[1]: DISCONNECT [192.0.2.1]:1",
            "Nov 24 10:01:00 mx postfix/postscreen[1]: CONNECT from [192.0.2.2]:1 to [198.51.100.1]:25",
            "Nov 24 10:01:00 mx postfix/postern[1]: LANE CLASS [192.0.2.2]:1 generic rule=1 name=1-2.isp.example",
            @"Nov 24 10:01:20 mx postfix/postscreen[1]: PREGREET 6 after 20 from [192.0.2.2]:1: QUIT\r\n",
            "Nov 24 10:01:20 mx postfix/postscreen[1]: DISCONNECT [192.0.2.2]:1",
            "Nov 24 10:02:00 mx postfix/postscreen[1]: CONNECT from [192.0.2.3]:1 to [198.51.100.1]:25",
            "Nov 24 10:02:00 mx postfix/postern[1]: LANE CLASS [192.0.2.3]:1 generic rule=1 name=1-2.isp.example",
            "Nov 24 10:03:25 mx postfix/postscreen[1]: PASS NEW [192.0.2.3]:1",
            "Nov 24 10:04:00 mx postfix/postscreen[1]: CONNECT from [192.0.2.4]:1 to [198.51.100.1]:25",
            "Nov 24 10:04:00 mx postfix/postscreen[1]: PASS OLD [192.0.2.4]:1");
        const string Ends = ""","server":{"address":"198.51.100.1","port":25},""";
        var fromEvents = Read(
            $$$"""{"event":"client","schema":1,"time":"2026-11-24T10:00:00.000Z","duration_ms":40500,"client":{"address":"192.0.2.1","port":1}{{{Ends}}}"outcome":"stopped","reasons":["hangup_before_handshake"],"tests":{"pregreet":{"result":"unfinished","action":"drop"}},"class":"generic rule=6","hung_up_after_ms":40500}""",
            $$$"""{"event":"client","schema":1,"time":"2026-11-24T10:01:00.000Z","duration_ms":20000,"client":{"address":"192.0.2.2","port":1}{{{Ends}}}"outcome":"stopped","reasons":["pregreet"],"tests":{"pregreet":{"result":"failed","action":"drop","after_ms":20000,"bytes":6,"text":"QUIT\r\n"}},"class":"generic rule=1"}""",
            $$$"""{"event":"client","schema":1,"time":"2026-11-24T10:02:00.000Z","duration_ms":85010,"client":{"address":"192.0.2.3","port":1}{{{Ends}}}"outcome":"handed_off","let_in_by":"new","reasons":[],"tests":{"pregreet":{"result":"passed","action":"drop"}},"waited_ms":85000,"class":"generic rule=1"}""",
            $$$"""{"event":"client","schema":1,"time":"2026-11-24T10:04:00.000Z","duration_ms":3,"client":{"address":"192.0.2.4","port":1}{{{Ends}}}"outcome":"handed_off","let_in_by":"known","reasons":[],"tests":{}}""",
            """{"event":"lost","schema":1,"time":"2026-11-24T10:04:00.000Z","count":2}""",
            """{"event":"client","schema":1,"time":"2026-1""");

        const string Csv = "class,seconds,at_risk,left,remaining,low,high\r\ngeneric,20.0,3,1,0.6667,0.1332,1.0000\r\ngeneric,40.5,2,1,0.3333,0.0000,0.8668\r\n";
        Assert.Equal(Csv, CsvOf(fromMail));
        Assert.Equal(Csv, CsvOf(fromEvents));
        Assert.Equal(4, fromEvents.Events);
        Assert.Equal(ScreeningPartOf(fromMail), ScreeningPartOf(fromEvents));
        Assert.EndsWith(", 4 clients of event logs", ReportSection.Period(fromEvents), StringComparison.Ordinal);
        Assert.Contains("class generic, 3 clients", CurveReport.Svg(fromEvents.BreakOff), StringComparison.Ordinal);
        var section = ReportSection.Of(fromEvents)[^1];
        Assert.Equal(("after 20 s", 67, "3 seen"), (section.Rows[8].Label, section.Rows[8].Count, section.Rows[8].Note));
    }

    // What both logs know must be the same of both.
    private static string ScreeningPartOf(Report report) =>
        $"{report.Connections} {report.Stopped} {report.ToldToComeBack} {report.HandedOff} {report.EarlyTalk.Total} {report.HangUps.Total} {report.NewClientWaits.Longest:0} "
        + string.Join(' ', report.Causes) + string.Join(' ', report.Networks);

    private static string CsvOf(Report report)
    {
        using var output = new MemoryStream();
        CurveReport.WriteCsv(report.BreakOff, output);
        return Encoding.UTF8.GetString(output.ToArray());
    }

    private static Report Read(params string[] lines)
    {
        var input = new ReportInput(new DateTime(2026, 11, 24));
        foreach (var line in lines)
            input.Add(Encoding.Latin1.GetBytes(line));
        return input.Build();
    }
}
