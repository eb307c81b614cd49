using Postern.Core.Config;
using Postern.Core.Dnsbl;
using Postern.Core.Screening;

namespace Postern.Core.Replay;

/// <summary>The settings of a replay, and what follows from them for all clients alike.</summary>
public sealed class ReplayRules
{
    private const uint FirstAnswer = 0x7f000000, LastAnswer = 0x7f00ffff; // where lists that obey RFC 5782 answer
    private const uint UsualAnswer = 0x7f000002;

    private readonly Dictionary<DnsblList, Extremes> _extremes = [];

    /// <param name="settings">Those to replay with.</param>
    /// <param name="recorded">Those that are thought to have been in force.</param>
    public ReplayRules(Settings settings, Settings recorded)
    {
        // Nobody knows how full the queues were: they are not what is asked.
        (Settings, Recorded) = (settings with { PreQueueLimit = int.MaxValue, PostQueueLimit = 0 }, recorded);
        HasRecordedLists = settings.DnsblSites is { } sites && recorded.DnsblSites is { } others && sites.Lists.Length == others.Lists.Length
            && sites.Lists.Zip(others.Lists).All(static pair => pair.First.Domain == pair.Second.Domain && pair.First.Rules.Select(static rule => rule.Weight).SequenceEqual(pair.Second.Rules.Select(static rule => rule.Weight)))
            && (settings.DnsblMinTtl, settings.DnsblMaxTtl) == (recorded.DnsblMinTtl, recorded.DnsblMaxTtl);
        HasDeepTests = ScreeningTest.Deep.Any(test => test.IsEnabled(settings));
        foreach (var list in settings.DnsblSites?.Lists ?? [])
            _extremes[list] = new(Answers(list, static weight => weight > 0), Answers(list, static weight => weight < 0), Mildest(list));
    }

    /// <summary>Those to replay with.</summary>
    public Settings Settings { get; }

    /// <summary>Those that are thought to have been in force.</summary>
    public Settings Recorded { get; }

    /// <summary>Whether the same DNS lists are asked as then, with the same weights and bounds of their time to live.</summary>
    internal bool HasRecordedLists { get; }

    /// <summary>Whether there are tests after the greeting.</summary>
    internal bool HasDeepTests { get; }

    /// <summary>The longest that anybody has to be silent.</summary>
    internal TimeSpan LongestWait(bool underStress)
    {
        var (wait, lanes) = underStress
            ? (Settings.GreetWaitUnderStress, Settings.Lanes?.WaitsUnderStress.Longest)
            : (Settings.GreetWait, Settings.Lanes?.Waits.Longest);
        return lanes > wait ? lanes.Value : wait;
    }

    /// <summary>What a list of these settings can say at most.</summary>
    internal Extremes ExtremesOf(DnsblList list) => _extremes[list];

    // As many answers as it takes for all rules of one sign to count, and none of the other sign.
    private static uint[] Answers(DnsblList list, Func<int, bool> isWanted)
    {
        var answers = new List<uint>();
        foreach (var rule in list.Rules.Where(rule => isWanted(rule.Weight)))
        {
            if (!answers.Exists(answer => rule.Counts(answer, withErrors: false)) && Find(answer => rule.Counts(answer, withErrors: false) && !CountsOther(list, answer, isWanted)) is { } found)
                answers.Add(found);
        }

        return [.. answers];
    }

    // The answer that praises least.
    private static uint[] Mildest(DnsblList list)
    {
        var weights = list.Rules.Where(static rule => rule.Weight < 0).Select(static rule => rule.Weight).Order().ToList();
        for (var i = weights.Count - 1; i >= 0; i--)
        {
            var weight = weights[i];
            if (Find(answer => list.Rules.Where(rule => rule.Counts(answer, withErrors: false)).Sum(static rule => rule.Weight) == weight) is { } found)
                return [found];
        }

        return [];
    }

    private static bool CountsOther(DnsblList list, uint answer, Func<int, bool> isWanted) =>
        list.Rules.Any(other => !isWanted(other.Weight) && other.Counts(answer, withErrors: false));

    private static uint? Find(Func<uint, bool> isFit)
    {
        if (isFit(UsualAnswer))
            return UsualAnswer;
        for (var answer = FirstAnswer; answer <= LastAnswer; answer++)
        {
            if (isFit(answer))
                return answer;
        }

        return null;
    }

    /// <summary>Answers of a list; empty: it cannot say such a thing.</summary>
    /// <param name="Worst">All that speaks against a client.</param>
    /// <param name="Best">All that speaks for it.</param>
    /// <param name="Mildest">The least that speaks for it.</param>
    internal sealed record Extremes(uint[] Worst, uint[] Best, uint[] Mildest);
}
