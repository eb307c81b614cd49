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
    private const Effects Outcomes = Effects.Stopped | Effects.ToldToComeBack | Effects.HandedOff;

    private static readonly int[] Waits = [1, 2, 4, 6, 15];

    // No two things happen at the same moment, nor within a timer's lateness: what comes first then is a matter of the machine.
    private static Gen<double> Moments(int last, int digit) => Gen.Int[1, last * 100].Select(time => (time % 100 < 3 ? time + 3 : time) / 100.0 + digit / 1000.0);

    private static Gen<double?> Maybe(Gen<double> time) => Gen.Select(Gen.Bool, time, static (has, time) => has ? time : (double?)null);

    private static readonly Gen<ListFact[]> Lists = Gen.Select(
        Gen.Select(Moments(9, 1), Gen.Int[0, 5], Pick(-1, 60, 900, 7200)), Gen.Select(Moments(9, 2), Gen.Int[0, 2], Pick(-1, 60, 900, 7200)), Gen.Select(Moments(9, 3), Gen.Int[0, 1], Pick(-1, 60, 900, 7200)),
        static (black, white, other) => new ListFact[]
        {
            new("bl.example", black.Item1, black.Item2 == 0 ? 0 : 0x7f000000u + (uint)black.Item2, black.Item3),
            new("white.example", white.Item1, white.Item2 == 0 ? 0 : 0x7f000001u + (uint)white.Item2, white.Item3),
            new("other.example", other.Item1, other.Item2 == 0 ? 0 : 0x7f000002u, other.Item3),
        });

    private static readonly Gen<ReverseName> Names = Pick(
        ReverseName.None, ReverseName.Failed, new ReverseName(ReverseNameStatus.Unconfirmed, "x.example"),
        new ReverseName(ReverseNameStatus.Confirmed, "mail.example.com"), new ReverseName(ReverseNameStatus.Confirmed, "adsl12.isp.example"));

    // Seconds between two visits: they may meet, or be hours apart.
    private static readonly Gen<double> Gaps = Gen.Frequency((2, Moments(12, 0)), (2, Moments(400, 0)), (3, Moments(9000, 0)), (2, Moments(90_000, 0)));

    private static Gen<Story> StoriesOf(Gen<double> gaps) => Gen.Select(
        Gen.Select(gaps, Maybe(Moments(20, 5)), Maybe(Moments(20, 7)), Gen.Enum<Manners>(), Pick(0.02, 0.2, 3, 40)).Array[1, 5], Lists, Names,
        static (visits, lists, name) =>
        {
            var at = 0.0;
            return new Story("192.0.2.7", [.. visits.Select(visit => new Visit(at += visit.Item1, visit.Item2, visit.Item3, visit.Item4, visit.Item5))], lists, name);
        });

    private static readonly Gen<Story> Stories = StoriesOf(Gaps);

    private static readonly Gen<Story> FarApart = StoriesOf(Moments(90_000, 0).Select(static gap => gap + 1000));

    private static readonly Gen<Settings> Configurations = Gen.Select(
        Gen.Select(Pick(Waits), Gen.Enum<FailAction>(), Gen.Int[0, 3], Gen.Enum<FailAction>(), Gen.Int[1, 3], Gen.Int[-2, 0]),
        Gen.Select(Gen.Bool, Gen.Bool, Gen.Bool, Gen.Enum<FailAction>(), Pick(1, 24), Gen.Int[0, 9]),
        Gen.Select(Pick(0, 0, 20, 85), Gen.Bool, Pick(1, 50, 50, 50), Pick(60, 3600), Pick(600, 3600)),
        static (early, deep, rest) => Plain with
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
            DnsblMinTtl = TimeSpan.FromSeconds(rest.Item4),
            DnsblMaxTtl = TimeSpan.FromSeconds(rest.Item5),
            PipeliningEnable = deep.Item1,
            NonSmtpCommandEnable = deep.Item2,
            BareNewlineEnable = deep.Item3,
            PipeliningAction = deep.Item4,
            GreetTtl = TimeSpan.FromHours(deep.Item5),
            AccessList = deep.Item6 switch { 0 => Access("permit"), 1 => Access("reject"), _ => AccessList.Empty },
            DenylistAction = deep.Item4,
            ClientConnectionCountLimit = rest.Item3,
            Lanes = rest.Item1 == 0 ? null : new LaneSettings
            {
                Waits = new(TimeSpan.FromSeconds(rest.Item1), TimeSpan.FromSeconds(rest.Item1), TimeSpan.FromSeconds(rest.Item1)),
                Targrey = rest.Item2 ? new(TimeSpan.FromSeconds(60), 1, TimeSpan.FromDays(2)) : null,
            },
        });

    private static Gen<T> Pick<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);

    private static Settings Plain => new() { GreetBanner = "mx ESMTP", Banner = "mx ESMTP", CacheMap = "btree:/x" };

    [Fact]
    public void Unchanged_settings_give_exactly_what_is_recorded() => Gen.Select(Configurations, Stories).Sample(static (settings, story) =>
    {
        var recorded = story.Under(settings);

        foreach (var (client, comparison) in Compare(recorded, settings, settings with { }))
            Check(comparison.IsAsRecorded && comparison.Certain == comparison.Possible && comparison.Certain == Truth.Of(client, client), client, comparison, story, recorded, recorded, settings, settings);

        var answer = Ask(recorded, settings, settings);
        Assert.Equal((0, 0), (answer.Otherwise, answer.Missing.Count));
        Assert.Equal((default, default, default), (answer.NewlyStopped, answer.NewlyLetIn, answer.NewlyToldToComeBack));
        Assert.Equal(answer.Before.Stopped, answer.After.Stopped.Visits);
    });

    [Fact]
    public void The_truth_is_in_the_range() => Gen.Select(Configurations, Configurations, Stories).Sample(CheckRange);

    [Fact]
    public void The_truth_of_one_changed_parameter_is_in_the_range() => Gen.Select(Configurations, Configurations, Gen.Int[0, 7], Stories).Sample(
        static (before, other, what, story) => CheckRange(
            before,
            what switch
            {
                0 => before with { GreetWait = other.GreetWait },
                1 => before with { GreetAction = other.GreetAction },
                2 => before with { DnsblSites = other.DnsblSites, DnsblThreshold = other.DnsblThreshold },
                3 => before with { GreetTtl = other.GreetTtl },
                4 => before with { DnsblMinTtl = other.DnsblMinTtl, DnsblMaxTtl = other.DnsblMaxTtl },
                5 => before with { ClientConnectionCountLimit = other.ClientConnectionCountLimit },
                6 => before with { PipeliningEnable = other.PipeliningEnable, PipeliningAction = other.PipeliningAction },
                _ => before with { Lanes = other.Lanes },
            },
            story));

    [Theory]
    [InlineData(2)]
    [InlineData(6)]
    public void A_long_wait_that_is_recorded_tells_all_about_shorter_ones(int wait) => Stories.Sample(story =>
    {
        var settings = Plain with { GreetWait = TimeSpan.FromSeconds(15), GreetAction = FailAction.Drop, GreetTtl = TimeSpan.FromDays(30) }; // else a pass may expire that was earned sooner
        CheckExact(settings, settings with { GreetWait = TimeSpan.FromSeconds(wait) }, story);
    });

    [Theory]
    [InlineData(FailAction.Enforce)]
    [InlineData(FailAction.Drop)]
    public void What_was_ignored_says_exactly_what_would_have_been_done(FailAction action) => FarApart.Sample(story =>
    {
        var ignored = Plain with { DnsblSites = Sites.Of("bl.example=127.0.0.[2..4]*2 other.example"), GreetAction = FailAction.Ignore, DnsblAction = FailAction.Ignore };
        CheckExact(ignored, ignored with { GreetAction = action }, story);
        CheckExact(ignored, ignored with { DnsblAction = action }, story);
    });

    private static void CheckExact(Settings before, Settings after, Story story)
    {
        var (recorded, truth) = (story.Under(before), story.Under(after));

        foreach (var (i, (client, comparison)) in Compare(recorded, before, after).Index())
            Check((comparison.Certain & Outcomes) == (comparison.Possible & Outcomes) && (comparison.Certain & Outcomes) == (Truth.Of(client, truth[i]) & Outcomes), client, comparison, story, recorded, truth, before, after);
    }

    private static void CheckRange(Settings before, Settings after, Story story)
    {
        var (recorded, truth) = (story.Under(before), story.Under(after));

        foreach (var (i, (client, comparison)) in Compare(recorded, before, after).Index())
        {
            var effects = Truth.Of(client, truth[i]);
            Check((comparison.Certain & ~effects) == 0 && (effects & ~comparison.Possible) == 0, client, comparison, story, recorded, truth, before, after);
            Check(truth[i].Duration - client.Duration <= comparison.Delay + TimeSpan.FromMilliseconds(2) || !effects.HasFlag(Effects.Later), client, comparison, story, recorded, truth, before, after);
        }
    }

    private static void Check(
        bool isRight, RecordedClient client, VisitComparison comparison, Story story, List<RecordedClient> recorded, List<RecordedClient> truth, Settings before, Settings after) => Assert.True(
        isRight,
        $"visit {recorded.IndexOf(client)}: certain {comparison.Certain}; possible {comparison.Possible}; missing {comparison.Missing}; delay {comparison.Delay}, {comparison.Saving}\n"
        + $"{string.Join('\n', story.Visits.AsEnumerable())}\n{string.Join('\n', story.Lists.AsEnumerable())}\n{story.Name}\n"
        + $"recorded {string.Join(", ", recorded.Select(Words))}\ntruth {string.Join(", ", truth.Select(Words))}\n{Words(before)}\n{Words(after)}");

    private static string Words(RecordedClient client) => $"{client.Outcome} {client.Entrance} ({client.Causes}) due {client.Due.Columns} after {client.Duration.TotalSeconds} waited {client.Waited?.TotalSeconds}";

    private static string Words(Settings settings) =>
        $"wait {settings.GreetWait} {settings.GreetAction} ttl {settings.GreetTtl} lists {string.Join(' ', settings.DnsblSites?.Lists.Select(static list => list.Domain) ?? [])} {settings.DnsblAction} {settings.DnsblThreshold} {settings.DnsblAllowlistThreshold} ttl {settings.DnsblMinTtl} {settings.DnsblMaxTtl} "
        + $"pipelining {settings.PipeliningEnable} {settings.PipeliningAction} non-SMTP {settings.NonSmtpCommandEnable} bare {settings.BareNewlineEnable} deny {settings.DenylistAction} {(settings.AccessList == AccessList.Empty ? "" : "list")} limit {settings.ClientConnectionCountLimit} lanes {settings.Lanes?.Waits} {settings.Lanes?.Targrey}";

    private static List<(RecordedClient Client, VisitComparison Comparison)> Compare(IReadOnlyList<RecordedClient> recorded, Settings before, Settings after)
    {
        var comparisons = new List<(RecordedClient, VisitComparison)>();
        var replay = new AddressReplay(new ReplayRules(before, before), new ReplayRules(after, before), (client, comparison) => comparisons.Add((client, comparison.Copy())));
        foreach (var client in recorded)
            replay.Add(client);
        replay.End();
        return comparisons;
    }

    private static WhatIfAnswer Ask(IReadOnlyList<RecordedClient> recorded, Settings before, Settings after)
    {
        var whatIf = new WhatIf([(new ReplayRules(before, before), new ReplayRules(after, before))], static (client, _) => client.Outcome is Outcome.HandedOff, logEnds: null);
        whatIf.Begin(0, isListed: false, hasNeighbours: false);
        foreach (var client in recorded)
            whatIf.Add(client);
        whatIf.End();
        return whatIf.Answer();
    }

    private static AccessList Access(string text) => AccessList.Parse(text, MatchList.Everything, null, new TableCatalog(new FakeTextFiles()), new SessionActions());
}
