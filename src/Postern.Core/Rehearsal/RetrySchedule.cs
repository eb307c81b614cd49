namespace Postern.Core.Rehearsal;

/// <summary>When a sender's mail server comes back after a first attempt that did not succeed, and how many addresses it has.</summary>
/// <param name="Name">Who behaves so.</param>
/// <param name="Addresses">From which it tries in turn; neighbours.</param>
/// <param name="HostName">The reverse name of one of them, with the number of the address for {0} and the number of the sender for {1}.</param>
/// <param name="Retries">After the first attempt.</param>
internal sealed record RetrySchedule(string Name, int Addresses, string HostName, IReadOnlyList<TimeSpan> Retries)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(300), LongestPause = TimeSpan.FromSeconds(4000), Lifetime = TimeSpan.FromDays(5);

    /// <summary>
    /// Ten providers under a greylist of six hours: Pagani et al., "Measuring the Role of Greylisting and Nolisting in
    /// Fighting Spam", DSN 2016. Where "every so often" was given, the next two days are filled up.
    /// </summary>
    public static readonly IReadOnlyList<RetrySchedule> LargeProviders =
    [
        new("gmail", 7, "mail-yw{0}-f{1}.google.com", Times("6:02 29:02 56:36 98:44 162:03 229:44 309:05 434:46")),
        new("yahoo", 1, "sonic{1}-20.consmr.mail.gq1.yahoo.com", Times("2:07 5:39 12:58 27:16 55:13 109:35 216:47 430:36")),
        new("hotmail", 1, "mail-sn1nam02on{1}.outbound.protection.outlook.com", Times("1:01 2:03 3:04 5:06 8:07 12:08 16:10", thenEvery: "4:00")),
        new("qq", 2, "out203-205-{0}-{1}.mail.qq.com", Times("5:05 5:11 5:17 6:19 8:22 12:25 20:29 52:31 84:35 144:42 204:56")),
        new("mail.ru", 7, "f{0}.s{1}x.i.mail.ru", Times("1:18 19:15 49:14 79:49 113:20 154:18 187:53 235:20 271:03 305:50 340:38 373:45")),
        new("yandex", 1, "forward.s{1}.mail.yandex.net", Times("1:05 2:58 6:53 14:55 30:28 45:41 61:01", thenEvery: "15:30")),
        new("mail.com", 2, "mout{0}.s{1}.mail.com", Times("5:02 12:37 23:59 41:03 66:38 105:01 162:35 248:56 378:28")),
        new("gmx", 3, "mout{0}.s{1}.gmx.net", Times("5:01 12:33 23:50 40:46 66:09 104:14 161:22 247:04 375:36")),
        new("aol", 1, "omr.s{1}.mx.aol.com", Times("5:32 11:32 21:32 31:32")),
        new("india.com", 1, "smtp.s{1}.india.com", Times("6:21 16:21 36:21 76:21 146:22 216:21 286:21 356:21 426:21")),
    ];

    /// <summary>Postfix's defaults: the pause is the age of the mail, 300 to 4,000 seconds, for five days (postconf(5): minimal_backoff_time and others).</summary>
    public static readonly RetrySchedule Small = new("Postfix", 1, "mail.firm{1}.example", [.. PostfixTimes()]);

    private static IEnumerable<TimeSpan> PostfixTimes()
    {
        for (var age = FirstPause; age < Lifetime; age += age < FirstPause ? FirstPause : age > LongestPause ? LongestPause : age)
            yield return age;
    }

    private static List<TimeSpan> Times(string text, string? thenEvery = null)
    {
        var times = text.Split(' ').Select(TimeOf).ToList();
        while (thenEvery is not null && times[^1] < TimeSpan.FromHours(48))
            times.Add(times[^1] + TimeOf(thenEvery));
        return times;
    }

    // minutes:seconds
    private static TimeSpan TimeOf(string text) =>
        TimeSpan.FromSeconds(int.Parse(text[..text.IndexOf(':')], System.Globalization.CultureInfo.InvariantCulture) * 60
            + int.Parse(text[(text.IndexOf(':') + 1)..], System.Globalization.CultureInfo.InvariantCulture));
}
