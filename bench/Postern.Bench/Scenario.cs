using System.Globalization;
using System.Text;

namespace Postern.Bench;

/// <summary>A story told to a fresh instance of a server, and the measures that come out of it.</summary>
/// <param name="Name">Also part of the name of the instance's folder.</param>
/// <param name="Measures">What it finds.</param>
/// <param name="GreetWait">Seconds, for the instance.</param>
/// <param name="PosternOnly">Whether postscreen has no part in it.</param>
/// <param name="Run">Tells it.</param>
internal sealed record Scenario(string Name, IReadOnlyList<Measure> Measures, int GreetWait, bool PosternOnly, Action<Turn> Run)
{
    // Without a banner and with a test after it, a client is in the dummy engine at once.
    private const string NoTeaser = "postscreen_greet_banner =";
    private const string DeepTest = "postscreen_bare_newline_enable = yes";

    /// <summary>Further lines of main.cf, which override those of <see cref="MailConfiguration"/>; FOLDER is the instance's.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>Whether DNS lists are served beside the instance.</summary>
    public bool HasDnsLists { get; init; }

    /// <summary>Longer than any turn: clients stay parked.</summary>
    private const int Forever = 600;

    // Every story has clients of its own, so that no two meet the same address.
    private const string EarlyTalkers = "127.3.0.1-127.3.80.250";
    private const string Newcomers = "127.4.0.1-127.4.15.250";
    private const string Witnesses = "127.5.0.1-127.5.15.250";
    private const string Parked = "127.6.0.1-127.6.80.250";

    public static readonly IReadOnlyList<Scenario> All =
    [
        new("start", [Measure.Start, Measure.Teaser, Measure.Idle], GreetWait: 6, PosternOnly: false, StartUp),
        new("permitted", [Measure.Handoff], GreetWait: 6, PosternOnly: false, HandOffPermitted),
        new("remembered", [Measure.HandoffOld], GreetWait: 6, PosternOnly: false, HandOffRemembered),
        new("newcomers", [Measure.Recording], GreetWait: 6, PosternOnly: false, RecordNewcomers),
        new("talkers", [Measure.Reject], GreetWait: Forever, PosternOnly: false, RejectTalkers),
        new("dialogue", [Measure.Dialogue], GreetWait: Forever, PosternOnly: false, TalkToTheEngine) { Settings = ["postscreen_greet_action = enforce"] },
        new("lists", [Measure.Lookup, Measure.LookupRate], GreetWait: 6, PosternOnly: false, LookUpClients)
        {
            HasDnsLists = true,
            Settings = [NoTeaser, $"postscreen_dnsbl_sites = {DnsLists.Sites}", "postscreen_dnsbl_threshold = 3", "postscreen_dnsbl_action = drop"],
        },
        new("tls", [Measure.Tls, Measure.TlsCpu, Measure.TlsTime], GreetWait: 6, PosternOnly: false, turn => StartTls(turn, Measure.Tls, Measure.TlsCpu, Measure.TlsTime))
        {
            Settings = [NoTeaser, DeepTest, .. TlsWith("ecdsa")],
        },
        new("tls-rsa", [Measure.TlsRsa, Measure.TlsRsaCpu, Measure.TlsRsaTime], GreetWait: 6, PosternOnly: false, turn => StartTls(turn, Measure.TlsRsa, Measure.TlsRsaCpu, Measure.TlsRsaTime))
        {
            Settings = [NoTeaser, DeepTest, .. TlsWith("rsa")],
        },
        new("parked", [Measure.Memory, Measure.Total, Measure.RejectParked], GreetWait: Forever, PosternOnly: false, RejectBesideParked),
        new("growth", [Measure.Growth], GreetWait: Forever, PosternOnly: true, Grow),
        new("lane", [Measure.LaneCpu, Measure.LaneTime, Measure.LaneMemory], GreetWait: 1, PosternOnly: true, FillTheLane)
        {
            HasDnsLists = true, // the name server, which knows of no reverse name
            Settings = ["postern_greet_wait_none = 240s", "postern_slow_lane_limit = 15000"],
        },
        new("watched", [Measure.Watched, Measure.WatchedReject], GreetWait: Forever, PosternOnly: true, Watch),
        new("table", [Measure.TableStart, Measure.TableMemory, Measure.TableMemoryChanged, Measure.TableLookup, Measure.TableChange], GreetWait: 6, PosternOnly: false, UseLargeTable),
        new("burst", [Measure.Burst, Measure.Lost], GreetWait: 6, PosternOnly: false, BurstOfClients),
    ];

    private const int StartLasts = 5000; // by then what only the start needed has been given back

    private static void StartUp(Turn turn)
    {
        turn.Server.Restart(); // the first start made the files: that happens once
        turn.Found(Measure.Start, turn.Server.ListenTime.TotalMilliseconds);
        turn.Found(Measure.Teaser, turn.Server.TeaserTime.TotalMilliseconds);
        Thread.Sleep(StartLasts);
        turn.Found(Measure.Idle, turn.Server.PrivateBytes() / 1048576.0);
    }

    private static void HandOffPermitted(Turn turn) =>
        turn.FoundCpu(Measure.Handoff, turn.Loop("pass", MailConfiguration.PermittedClients));

    private static void HandOffRemembered(Turn turn)
    {
        // No faster than a slow disk takes the records one by one: this is the preparation.
        var count = Math.Min(500, turn.Scale.Newcomers / 4);
        using var newcomers = Swarm.Park(turn.Options, turn.Server, RangeOf(Newcomers, count), count, perSecond: 100, holdSeconds: 25, "-q");
        var recorded = newcomers.Result(TimeSpan.FromSeconds(40));
        if (recorded.Final < count)
            turn.Note($"only {recorded.Final} of {count} newcomers passed");
        var remembered = turn.Loop("pass", RangeOf(Newcomers, count));
        turn.FoundCpu(Measure.HandoffOld, remembered);
        if (remembered.FinalGreeting.P50 > 2000)
            turn.Note("the recorded clients were not recognised: they had to wait again");
    }

    private static void RecordNewcomers(Turn turn)
    {
        // The newcomers arrive within two seconds, and are recorded in the two seconds after their greet wait. In just
        // that time the witnesses arrive, for 2.5 s; they leave before their own wait is over.
        const double Leave = 5.5;
        const double Arrive = 2.5;
        var count = turn.Scale.Newcomers;
        using var newcomers = Swarm.Park(turn.Options, turn.Server, RangeOf(Newcomers, count), count, count / 2, 25, "-q");
        Thread.Sleep(5800);
        using var witnesses = Swarm.Park(turn.Options, turn.Server, Witnesses, (int)(count / 4 * Arrive), count / 4, Leave);
        var seen = witnesses.WaitUntilReady(TimeSpan.FromSeconds(Leave)) ? witnesses.Stop() : witnesses.Result(TimeSpan.FromSeconds(20));
        turn.Say("witnesses", seen);
        var missing = seen.Started - seen.Good;
        // Who got no teaser had waited for three seconds at least.
        turn.Found(Measure.Recording, missing > seen.Started / 100 ? Math.Max(seen.First.P99, 1000 * (Leave - Arrive)) : seen.First.P99);
        if (missing > 0)
            turn.Note($"{missing} of {seen.Started} clients got no teaser within {Leave - Arrive} s and more");

        var recorded = newcomers.Result(TimeSpan.FromSeconds(40));
        turn.Say("newcomers", recorded);
        if (recorded.Final < count)
            turn.Note($"only {recorded.Final} of {count} newcomers passed");
    }

    private static void RejectTalkers(Turn turn) => turn.FoundCpu(Measure.Reject, turn.Loop("pregreet", EarlyTalkers));

    private static void TalkToTheEngine(Turn turn) => turn.FoundCpu(Measure.Dialogue, turn.LoopOfFamily("dialog", EarlyTalkers, turn.Scale.Calls));

    private static void LookUpClients(Turn turn)
    {
        var clients = turn.LoopOfFamily("refused", DnsLists.ListedClients, turn.Scale.Calls, earlier: DnsLists.ListedEarlier);
        turn.Found(Measure.LookupRate, clients.PerSecond * DnsLists.Count);
        turn.FoundCpu(Measure.Lookup, clients with { CpuMicroseconds = clients.CpuMicroseconds / DnsLists.Count });
    }

    private static void StartTls(Turn turn, Measure rate, Measure cpu, Measure time)
    {
        // Some clients wait in vain for the reply to their first EHLO under TLS: many with tlsproxy, few with Postern. The
        // cause is not known. Such a client is to cost its place in the loop for a moment, not to decide the rate.
        const int Patience = 3;
        var clients = turn.LoopOfFamily("tls", EarlyTalkers, turn.Scale.Calls / 2, Patience);
        turn.Found(rate, clients.PerSecond);
        turn.Found(time, clients.End.P50);
        turn.FoundCpu(cpu, clients);
    }

    private static string[] TlsWith(string key) =>
        ["smtpd_tls_security_level = may", $"smtpd_tls_cert_file = FOLDER/config/{key}.pem", $"smtpd_tls_key_file = FOLDER/config/{key}.pem"];

    private static void RejectBesideParked(Turn turn)
    {
        var count = turn.Scale.Parked;
        TouchMemory(turn);
        var before = turn.Server.PrivateBytes();
        using var parked = turn.Park(Parked, count, Scale.ParkedPerSecond);
        var total = turn.Server.PrivateBytes();
        turn.Found(Measure.Memory, (total - before) / (double)count);
        turn.Found(Measure.Total, total / 1048576.0);
        if (turn.Wants(Measure.RejectParked))
            turn.FoundCpu(Measure.RejectParked, turn.Loop("pregreet", EarlyTalkers));
    }

    private static void Grow(Turn turn)
    {
        var alone = turn.Loop("pregreet", EarlyTalkers);
        using var parked = turn.Park(Parked, turn.Scale.ParkedMost, Scale.ParkedPerSecond * 3);
        var crowded = turn.Loop("pregreet", EarlyTalkers);
        if (alone.CpuMicroseconds > 0)
            turn.Found(Measure.Growth, crowded.CpuMicroseconds / alone.CpuMicroseconds);
    }

    // Some of the memory is touched once, with the first clients, and is no parked client's.
    private static void TouchMemory(Turn turn)
    {
        Thread.Sleep(StartLasts);
        _ = turn.Loop("pregreet", EarlyTalkers);
    }

    private static void FillTheLane(Turn turn)
    {
        TouchMemory(turn);
        var alone = HandOffs(turn);
        var before = turn.Server.PrivateBytes();
        using var waiting = turn.Park(Parked, turn.Scale.ParkedMost, Scale.ParkedPerSecond * 3);
        turn.Found(Measure.LaneMemory, (turn.Server.PrivateBytes() - before) / (double)turn.Scale.ParkedMost);
        var crowded = HandOffs(turn);
        if (turn.Server.CountInLog("LANE ENTER") is var entered && entered < turn.Scale.ParkedMost)
            turn.Note($"only {entered} clients came into the lane");
        if (alone.Cpu > 0 && alone.Time > 0)
        {
            turn.Found(Measure.LaneCpu, crowded.Cpu / alone.Cpu);
            turn.Found(Measure.LaneTime, crowded.Time / alone.Time);
        }

        // One loop is over in a second or two, and any other work on the machine shows: hence three.
        static (double Cpu, double Time) HandOffs(Turn turn)
        {
            SwarmResult[] loops = [.. Enumerable.Range(0, 3).Select(_ => turn.Loop("pass", MailConfiguration.PermittedClients))];
            return (Results.Median([.. loops.Select(static loop => loop.CpuMicroseconds)])!.Value, Results.Median([.. loops.Select(static loop => loop.FinalGreeting.P50)])!.Value);
        }
    }

    // Both ways in turns, so that the machine's good and bad moments are shared.
    private static void Watch(Turn turn)
    {
        const int Pairs = 9;
        var (handoffs, rejects) = (new List<double>(), new List<double>());
        TouchMemory(turn);
        for (var i = 0; i < Pairs; i++)
        {
            turn.Server.Reconfigure("");
            var (handoff, reject) = (Loop(MailConfiguration.PermittedClients, "pass"), Loop(EarlyTalkers, "pregreet"));
            turn.Server.Reconfigure("postern_event_log = $data_directory/events\npostern_http = 127.8.0.1:8025\n");
            using var reader = turn.Server.OpenPage("http://127.8.0.1:8025/live");
            handoffs.Add(Loop(MailConfiguration.PermittedClients, "pass") / handoff);
            rejects.Add(Loop(EarlyTalkers, "pregreet") / reject);
        }

        turn.Found(Measure.Watched, Results.Median([.. handoffs])!.Value);
        turn.Found(Measure.WatchedReject, Results.Median([.. rejects])!.Value);

        double Loop(string sources, string mode) => turn.Loop(mode, sources).CpuMicroseconds;
    }

    private static void UseLargeTable(Turn turn)
    {
        const int PerSecond = 400;
        const double Stay = 5.5; // less than the greet wait
        var server = turn.Server;
        var table = LargeTable();
        server.Restart();
        var (start, memory, cpu) = (server.TeaserTime, Rest(turn), Talk(turn));

        server.WriteAccessTable(table);
        server.Restart();
        turn.Found(Measure.TableStart, server.TeaserTime / start);
        turn.Found(Measure.TableMemory, (Rest(turn) - memory) / 1048576.0);
        turn.Found(Measure.TableLookup, Talk(turn) - cpu);

        using var witnesses = Swarm.Park(turn.Options, server, Witnesses, PerSecond * 5, PerSecond, Stay);
        Thread.Sleep(500);
        server.WriteAccessTable(table + "203.0.113.7 reject\n");
        var seen = witnesses.Result(TimeSpan.FromSeconds(40));
        turn.Say("witnesses", seen);
        turn.Found(Measure.TableChange, seen.First.P99);
        if (seen.Good < seen.Started)
            turn.Note($"{seen.Started - seen.Good} of {seen.Started} clients got no teaser while the table changed");
        turn.Found(Measure.TableMemoryChanged, (Rest(turn) - memory) / 1048576.0);

        static long Rest(Turn turn)
        {
            Thread.Sleep(StartLasts);
            return turn.Server.PrivateBytes();
        }

        static double Talk(Turn turn) => Results.Median([.. Enumerable.Range(0, 3).Select(_ => turn.Loop("pregreet", EarlyTalkers).CpuMicroseconds)])!.Value;
    }

    // 1,000,000 networks of IPv4, /24 to /32, and 100,000 of IPv6, /48 to /128, which no client of the bench is in.
    private static string LargeTable()
    {
        var random = new Random(1);
        var text = new StringBuilder("127.2.0.0/16 permit\n", 32 << 20);
        for (var i = 0; i < 1_000_000; i++)
        {
            var length = random.Next(24, 33);
            var network = (uint)random.NextInt64(11L << 24, 126L << 24) & (uint.MaxValue << (32 - length));
            text.Append(CultureInfo.InvariantCulture, $"{network >> 24}.{(network >> 16) & 255}.{(network >> 8) & 255}.{network & 255}/{length} reject\n");
        }

        for (var i = 0; i < 100_000; i++)
            text.Append(CultureInfo.InvariantCulture, $"2001:db8:{random.Next(65536):x}::/{random.Next(48, 129)} reject\n");
        return text.ToString();
    }

    private static void BurstOfClients(Turn turn)
    {
        var count = turn.Scale.Burst;
        using var burst = Swarm.Park(turn.Options, turn.Server, Parked, count, count, 28, "-q");
        var result = burst.Result(TimeSpan.FromSeconds(60));
        turn.Say("burst", result);
        turn.Found(Measure.Lost, count - result.Final);
        if (result.Final > 0)
            turn.Found(Measure.Burst, result.FinalGreeting.P99 - 6000);
    }

    /// <summary>The first <paramref name="count"/> addresses of a range that is written A-B.</summary>
    private static string RangeOf(string range, int count)
    {
        var first = range[..range.IndexOf('-', StringComparison.Ordinal)];
        var network = first[..first.IndexOf(".0.1", StringComparison.Ordinal)];
        return $"{first}-{network}.{count / 256}.{count % 256}";
    }
}
