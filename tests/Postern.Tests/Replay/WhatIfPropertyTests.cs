using CsCheck;
using Postern.Core.Config;
using Postern.Core.Lanes;
using Postern.Core.Replay;
using Postern.Core.Screening;
using Postern.Core.Tables;
using Postern.Tests.Dnsbl;
using Postern.Tests.Tables;

namespace Postern.Tests.Replay;

/// <summary>Recorded under one configuration, asked for another: the truth, lived through under the other, is in the range that is said.</summary>
public sealed class WhatIfPropertyTests
{
    private static readonly int[] Waits = [1, 2, 4, 6, 15];

    // No two things happen at the same moment: what comes first then is a matter of the machine.
    private static Gen<double> Moments(int last, int digit) => Gen.Int[1, last * 100].Select(time => time / 100.0 + digit / 1000.0);

    private static Gen<double?> Maybe(Gen<double> time) => Gen.Select(Gen.Bool, time, static (has, time) => has ? time : (double?)null);

    private static readonly Gen<ListFact[]> Lists = Gen.Select(
        Gen.Select(Moments(9, 1), Gen.Int[0, 5]), Gen.Select(Moments(9, 2), Gen.Int[0, 2]), Gen.Select(Moments(9, 3), Gen.Int[0, 1]),
        static (black, white, other) => new ListFact[]
        {
            new("bl.example", black.Item1, black.Item2 == 0 ? 0 : 0x7f000000u + (uint)black.Item2),
            new("white.example", white.Item1, white.Item2 == 0 ? 0 : 0x7f000001u + (uint)white.Item2),
            new("other.example", other.Item1, other.Item2 == 0 ? 0 : 0x7f000002u),
        });

    private static readonly Gen<ReverseName> Names = Pick(
        ReverseName.None, ReverseName.Failed, new ReverseName(ReverseNameStatus.Unconfirmed, "x.example"),
        new ReverseName(ReverseNameStatus.Confirmed, "mail.example.com"), new ReverseName(ReverseNameStatus.Confirmed, "adsl12.isp.example"));

    private static readonly Gen<Story> Stories = Gen.Select(
        Gen.Select(Gen.Int[2000, 90_000], Maybe(Moments(20, 5)), Maybe(Moments(20, 7)), Gen.Enum<Manners>()).Array[1, 4], Lists, Names,
        static (visits, lists, name) =>
        {
            var at = 0.0;
            return new Story("192.0.2.7", [.. visits.Select(visit => new Visit(at += visit.Item1, visit.Item2, visit.Item3, visit.Item4))], lists, name);
        });

    private static readonly Gen<Settings> Configurations = Gen.Select(
        Gen.Select(Pick(Waits), Gen.Enum<FailAction>(), Gen.Int[0, 3], Gen.Enum<FailAction>(), Gen.Int[1, 3], Gen.Int[-2, 0]),
        Gen.Select(Gen.Bool, Gen.Bool, Gen.Bool, Gen.Enum<FailAction>(), Pick(1, 24), Gen.Int[0, 9]),
        Pick(0, 0, 20, 85),
        static (early, deep, lane) => Plain with
        {
            GreetWait = TimeSpan.FromSeconds(early.Item1),
            GreetAction = early.Item2,
            DnsblSites = early.Item3 switch
            {
                0 => null,
                1 => Sites.Of("bl.example=127.0.0.[2..4]*2"),
                2 => Sites.Of("bl.example=127.0.0.[2..4]*2 white.example=127.0.0.[2..3]*-2"),
                _ => Sites.Of("bl.example other.example*2"),
            },
            DnsblAction = early.Item4,
            DnsblThreshold = early.Item5,
            DnsblAllowlistThreshold = early.Item6,
            PipeliningEnable = deep.Item1,
            NonSmtpCommandEnable = deep.Item2,
            BareNewlineEnable = deep.Item3,
            PipeliningAction = deep.Item4,
            GreetTtl = TimeSpan.FromHours(deep.Item5),
            AccessList = deep.Item6 switch { 0 => Access("permit"), 1 => Access("reject"), _ => AccessList.Empty },
            DenylistAction = deep.Item4,
            Lanes = lane == 0 ? null : new LaneSettings { Waits = new(TimeSpan.FromSeconds(lane), TimeSpan.FromSeconds(lane), TimeSpan.FromSeconds(lane)) },
        });

    private static Gen<T> Pick<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static Settings Plain => new() { GreetBanner = "mx ESMTP", Banner = "mx ESMTP", CacheMap = "btree:/x" };

    [Fact]
    public void Unchanged_settings_give_exactly_what_is_recorded() => Gen.Select(Configurations, Stories).Sample((settings, story) =>
    {
        var recorded = story.Under(settings);

        foreach (var hypothesis in Hypothesis.All.Where(static one => one.Recollection is not Recollection.Most))
        {
            var replayed = AddressReplay.Run(recorded, new ReplayRules(settings, settings), hypothesis);
            Assert.True(
                recorded.Select(static client => (client.Outcome, client.Entrance, client.Causes))
                    .SequenceEqual(replayed.Select(static client => (client.Outcome, client.Facts.Entrance, client.Facts.Causes))),
                $"{hypothesis}: {string.Join(", ", replayed.Select(static client => $"{client.Outcome} {client.Facts.Entrance} ({client.Facts.Causes})"))}\n{Words(story, recorded)}\n{Words(settings)}");
        }

        var answer = Ask(recorded, settings, settings);
        Assert.Equal(0, answer.Otherwise);
        Assert.Equal((default, default, default), (answer.NewlyStopped, answer.NewlyLetIn, answer.NewlyToldToComeBack));
    });

    [Fact]
    public void The_truth_is_in_the_range() => Gen.Select(Configurations, Configurations, Stories).Sample(CheckRange);

    [Fact]
    public void The_truth_of_one_changed_parameter_is_in_the_range() => Gen.Select(Configurations, Configurations, Gen.Int[0, 4], Stories).Sample(
        static (before, other, what, story) => CheckRange(
            before,
            what switch
            {
                0 => before with { GreetWait = other.GreetWait },
                1 => before with { GreetAction = other.GreetAction },
                2 => before with { DnsblSites = other.DnsblSites, DnsblThreshold = other.DnsblThreshold },
                3 => before with { GreetTtl = other.GreetTtl },
                _ => before with { Lanes = other.Lanes },
            },
            story));

    [Theory]
    [InlineData(2)]
    [InlineData(6)]
    public void A_long_wait_that_is_recorded_tells_all_about_shorter_ones(int wait) => Stories.Sample(story =>
    {
        var (settings, shorter) = (Plain with { GreetWait = TimeSpan.FromSeconds(15), GreetAction = FailAction.Drop }, Plain with { GreetWait = TimeSpan.FromSeconds(wait), GreetAction = FailAction.Drop });
        var first = story with { Visits = story.Visits[..1] };

        var answer = Ask(first.Under(settings), settings, shorter);

        Assert.Equal(answer.After.Stopped.AtLeast, answer.After.Stopped.AtMost);
        Assert.Equal(first.Under(shorter).Count(static client => client.Outcome is Outcome.Stopped), answer.After.Stopped.AtLeast);
        Assert.Empty(answer.Missing);
    });

    private static void CheckRange(Settings before, Settings after, Story story)
    {
        var (recorded, truth) = (story.Under(before), story.Under(after));

        var answer = Ask(recorded, before, after);

        AssertIn(answer.After.Stopped, truth.Count(static client => client.Outcome is Outcome.Stopped), "stopped");
        AssertIn(answer.After.HandedOff, truth.Count(static client => client.Outcome is Outcome.HandedOff), "handed off");
        AssertIn(
            answer.NewlyStopped,
            recorded.Zip(truth).Count(static pair => pair.First.Outcome is not Outcome.Stopped && pair.Second.Outcome is Outcome.Stopped), "newly stopped");

        void AssertIn(Bounds bounds, int number, string what) => Assert.True(
            bounds.AtLeast <= number && number <= bounds.AtMost,
            $"{what}: {number} is not in {bounds.AtLeast} to {bounds.AtMost}\n{Words(story, recorded)}\ntruth {string.Join(", ", truth.Select(Words))}\n{Words(before)}\n{Words(after)}");
    }

    private static string Words(Story story, List<RecordedClient> recorded) =>
        $"{string.Join('\n', story.Visits.AsEnumerable())}\n{string.Join('\n', story.Lists.AsEnumerable())}\n{story.Name}\nrecorded {string.Join(", ", recorded.Select(Words))}";

    private static string Words(RecordedClient client) => $"{client.Outcome} {client.Entrance} ({client.Causes})";

    private static string Words(Settings settings) =>
        $"wait {settings.GreetWait} {settings.GreetAction} ttl {settings.GreetTtl} lists {string.Join(' ', settings.DnsblSites?.Lists.Select(static list => list.Domain) ?? [])} {settings.DnsblAction} {settings.DnsblThreshold} {settings.DnsblAllowlistThreshold} "
        + $"pipelining {settings.PipeliningEnable} {settings.PipeliningAction} non-SMTP {settings.NonSmtpCommandEnable} bare {settings.BareNewlineEnable} deny {settings.DenylistAction} lanes {settings.Lanes?.Waits}";

    private static WhatIfAnswer Ask(IReadOnlyList<RecordedClient> recorded, Settings before, Settings after)
    {
        var rules = (new ReplayRules(before, before), new ReplayRules(after, before));
        var whatIf = new WhatIf(_ => rules, static client => client.Outcome is Outcome.HandedOff);
        whatIf.Add(recorded);
        return whatIf.Answer();
    }

    private static AccessList Access(string text) => AccessList.Parse(text, MatchList.Everything, null, new TableCatalog(new FakeTextFiles()), new SessionActions());
}
