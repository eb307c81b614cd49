using System.Globalization;
using System.Text;
using Postern.Core.Reporting;

namespace Postern.Tests.Reporting;

public sealed class MailLogLineTests
{
    private static readonly DateTime Today = new(2026, 11, 24);

    [Theory]
    [InlineData("Nov 24 02:27:00 mx postfix/postscreen[123]: CONNECT from x", "2026-11-24T02:27:00", "postfix", "postscreen", 123, "CONNECT from x")]
    [InlineData("Dec  1 23:59:59 mx postfix/smtpd[9]: x: y", "2025-12-01T23:59:59", "postfix", "smtpd", 9, "x: y")]
    [InlineData("Nov 25 00:00:01 mx postfix/smtpd[9]: another zone", "2026-11-25T00:00:01", "postfix", "smtpd", 9, "another zone")]
    [InlineData("Feb 29 01:02:03 mx postfix/smtpd[9]: leap", "2024-02-29T01:02:03", "postfix", "smtpd", 9, "leap")]
    [InlineData("2026-11-24T02:27:00.123456+00:00 mx postfix/submission/smtpd[7]: a", "2026-11-24T02:27:00", "postfix/submission", "smtpd", 7, "a")]
    [InlineData("2026-11-24T02:27:00+0100 mx haproxy/postscreen[7]: a", "2026-11-24T02:27:00", "haproxy", "postscreen", 7, "a")]
    [InlineData("05:16:44 postfix/postern[7657]: ready: x", "2026-11-24T05:16:44", "postfix", "postern", 7657, "ready: x")]
    [InlineData("Nov 24 02:27:00 mx postscreen: no number", "2026-11-24T02:27:00", "", "postscreen", 0, "no number")]
    [InlineData("Nov 24 02:27:00.123456 mx postfix/smtpd[9]: a", "2026-11-24T02:27:00", "postfix", "smtpd", 9, "a")]
    [InlineData("2026-11-24T02:27:00.123456+0100 mx postfix/smtpd[9]: a", "2026-11-24T02:27:00", "postfix", "smtpd", 9, "a")]
    [InlineData("Tue 2026-11-24 02:27:00 UTC mx postfix/smtpd[9]: a", "2026-11-24T02:27:00", "postfix", "smtpd", 9, "a")]
    [InlineData("Tue 2026-11-24 02:27:00 -03 mx postfix/smtpd[9]: a", "2026-11-24T02:27:00", "postfix", "smtpd", 9, "a")]
    [InlineData("Tue 2026-11-24 02:27:00 UTC postfix/smtpd[9]: b: [7]: a", "2026-11-24T02:27:00", "postfix", "smtpd", 9, "b: [7]: a")]
    [InlineData("Nov 24 02:27:00 postfix/smtpd[9]: a b", "2026-11-24T02:27:00", "postfix", "smtpd", 9, "a b")]
    [InlineData("2026-11-24T02:27:01+0000 mx postern[7]: Nov 24 02:26:59 mx postfix/postscreen[9]: a: b", "2026-11-24T02:27:01", "postfix", "postscreen", 9, "a: b")]
    [InlineData("Nov 24 02:27:01 mx conmon[7]: 02:26:59 postfix/smtpd[9]: a", "2026-11-24T02:27:01", "postfix", "smtpd", 9, "a")]
    [InlineData("Nov 24 02:27:01 mx postfix/smtpd[9]: 02:26:59 is no log line", "2026-11-24T02:27:01", "postfix", "smtpd", 9, "02:26:59 is no log line")]
    public void Reads_every_form_of_time_stamp(string line, string time, string instance, string program, int processId, string text)
    {
        Assert.True(MailLogLine.TryParse(Encoding.Latin1.GetBytes(line), Today, out var parsed));

        Assert.Equal(DateTime.Parse(time, CultureInfo.InvariantCulture), parsed.Time);
        Assert.Equal(instance, Encoding.Latin1.GetString(parsed.Instance));
        Assert.Equal(program, Encoding.Latin1.GetString(parsed.Program));
        Assert.Equal((uint)processId, parsed.ProcessId);
        Assert.Equal(text, Encoding.Latin1.GetString(parsed.Text));
    }

    [Theory]
    [InlineData("")]
    [InlineData("-- Journal begins at Mon 2026-11-23 --")]
    [InlineData("Nov 24 02:27:00")]
    [InlineData("Nov 24 02:27:00 mx")]
    [InlineData("Nov 24 25:27:00 mx postfix/smtpd[1]: x")]
    [InlineData("Foo 24 02:27:00 mx postfix/smtpd[1]: x")]
    [InlineData("Nov 31 02:27:00 mx postfix/smtpd[1]: x")]
    [InlineData("2026-13-24T02:27:00+00:00 mx postfix/smtpd[1]: x")]
    [InlineData("9999-12-31T23:27:00+00:00 mx postfix/smtpd[1]: an hour later there are no years")]
    [InlineData("Nov 24 02:27:00.123456")]
    [InlineData("Tue 2026-11-24 ")]
    [InlineData("Tue 2026-11-24 02:27:00 UTC")]
    [InlineData("Tue 2026-11-24 02:27:00.123456 UTC [s=08a14e7e152b4a0f;i=1]")]
    [InlineData("[    1.000000] mx postfix/smtpd[1]: x")]
    [InlineData("Nov 24 02:27:00 mx last message repeated 2 times")]
    public void Refuses_what_is_no_line_of_a_mail_log(string line) =>
        Assert.False(MailLogLine.TryParse(Encoding.Latin1.GetBytes(line), Today, out _));
}
