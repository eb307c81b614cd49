using System.Globalization;
using Postern.Core.Config;
using Postern.Core.Lanes;
using Postern.Core.Screening;
using Postern.Tests.Screening;

namespace Postern.Tests.Lanes;

/// <summary>
/// How ten large providers came back after a 4xx (measured for "Measuring the Role of Greylisting and Nolisting in Fighting
/// Spam", DSN 2016; minutes and seconds after the first attempt). None of them may be kept out for more than one retry,
/// even when its servers look like end users' lines and are too impatient for the lane.
/// </summary>
/// <remarks>The measurement does not give addresses. Where several were used they are taken to be neighbours.</remarks>
public sealed class RetryScheduleTests
{
    private static readonly ReverseName Generic = new(ReverseNameStatus.Confirmed, "mail-12-34.provider.example");

    public static TheoryData<string, int, string> Providers() => new()
    {
        { "gmail", 7, "6:02 29:02 56:36 98:44 162:03 229:44 309:05 434:46" },
        { "yahoo.co.uk", 1, "2:07 5:39 12:58 27:16 55:13 109:35 216:47 430:36" },
        { "hotmail", 1, "1:01 2:03 3:04 5:06 8:07 12:08 16:10 20:10 24:10" },
        { "qq", 2, "5:05 5:11 5:17 6:19 8:22 12:25 20:29 52:31 84:35 144:42 204:56" },
        { "mail.ru", 7, "1:18 19:15 49:14 79:49 113:20 154:18 187:53 235:20 271:03 305:50 340:38 373:45" },
        { "yandex", 1, "1:05 2:58 6:53 14:55 30:28 45:41 61:01 76:31 92:01" },
        { "mail.com", 2, "5:02 12:37 23:59 41:03 66:38 105:01 162:35 248:56 378:28" },
        { "gmx", 3, "5:01 12:33 23:50 40:46 66:09 104:14 161:22 247:04 375:36" },
        { "aol", 1, "5:32 11:32 21:32 31:32" },
        { "india.com", 1, "6:21 16:21 36:21 76:21 146:22 216:21 286:21 356:21 426:21" },
    };

    [Theory]
    [MemberData(nameof(Providers))]
    public void An_impatient_provider_is_kept_out_for_one_retry_at_most(string provider, int addresses, string retries)
    {
        var load = new ServiceLoad();
        var times = retries.Split(' ').Select(TimeOf).ToList();
        Attempt(load, addresses, 0, TimeSpan.Zero);
        Assert.Equal(1, load.Lanes.Count(RdnsKind.Generic, LaneEvent.Hangup));

        var accepted = times.FindIndex(time => Attempt(load, addresses, times.IndexOf(time) + 1, time));

        Assert.InRange(accepted, 0, 1);
        Assert.Equal(accepted, load.Lanes.Count(RdnsKind.Generic, LaneEvent.Greylisted));
        Assert.True(times.Count > accepted, provider);
    }

    [Theory]
    [MemberData(nameof(Providers))]
    public void A_patient_provider_is_let_in_by_its_first_attempt(string provider, int addresses, string retries)
    {
        var shell = Begin(new ServiceLoad(), addresses, 0, TimeSpan.Zero);

        shell.AdvanceTo(TimeSpan.FromSeconds(85));

        Assert.True(shell.HandedOff, $"{provider} {retries}");
    }

    // Names of today's servers of the same providers, from the Received fields of their mail (india.com is no more; aol is Yahoo's).
    [Theory]
    [InlineData("mail-yw1-f182.google.com")]
    [InlineData("sonic313-20.consmr.mail.gq1.yahoo.com")]
    [InlineData("mail-am6eur05rlyn2067.outbound.protection.outlook.com")]
    [InlineData("out203-205-221-190.mail.qq.com")]
    [InlineData("f145.i.mail.ru")]
    [InlineData("fallback12.m.smailru.net")]
    [InlineData("forward501a.mail.yandex.net")]
    [InlineData("mout.gmx.com")]
    [InlineData("mout.gmx.net")]
    public void No_lane_is_for_the_providers_own_servers(string name)
    {
        var rules = new RdnsRules { BigSenders = new NameSuffixes(BigSenders.All.Select(static row => row.Domain)) };

        Assert.Equal(RdnsKind.Named, rules.Classify(new ReverseName(ReverseNameStatus.Confirmed, name), new RecordedWarnings()).Kind);
    }

    // One connection: silent for 30 seconds, then gone; or, when it is greeted sooner, as much of a mail as is taken.
    private static bool Attempt(ServiceLoad load, int addresses, int number, TimeSpan time)
    {
        var shell = Begin(load, addresses, number, time);
        shell.AdvanceTo(time + TimeSpan.FromSeconds(30));
        if (shell.HandedOff)
            return true;
        if (!shell.Sent.ToString().Contains("220 ", StringComparison.Ordinal))
        {
            shell.HangUp();
            return false;
        }

        shell.Receive("EHLO provider.example\r\nMAIL FROM:<a@provider.example>\r\nRCPT TO:<b@example.com>\r\nQUIT\r\n"u8);
        Assert.Contains("S 450 4.7.1 Service currently unavailable; please try again later", shell.Output);
        return false;
    }

    private static FakeShell Begin(ServiceLoad load, int addresses, int number, TimeSpan time)
    {
        var settings = new Settings
        {
            GreetAction = FailAction.Enforce,
            Lanes = new LaneSettings
            {
                Waits = new(TimeSpan.FromSeconds(85), default, default),
                Targrey = new(TimeSpan.FromSeconds(60), 1, TimeSpan.FromDays(2)),
            },
        };
        var shell = new FakeShell(settings, Core.IpAddress.FromIPv4(0xc0000201 + (uint)(number % addresses)), load);
        shell.AdvanceTo(time);
        shell.Connect();
        shell.TellName(Generic);
        return shell;
    }

    private static TimeSpan TimeOf(string text)
    {
        var parts = text.Split(':').Select(static part => int.Parse(part, CultureInfo.InvariantCulture)).ToArray();
        return TimeSpan.FromSeconds((parts[0] * 60) + parts[1]);
    }
}
