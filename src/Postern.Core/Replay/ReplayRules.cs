using Postern.Core.Config;
using Postern.Core.Dnsbl;

namespace Postern.Core.Replay;

/// <summary>The settings of a replay, and what follows from them for all clients alike.</summary>
public sealed class ReplayRules
{
    private const uint FirstAnswer = 0x7f000000, LastAnswer = 0x7f00ffff; // where lists that obey RFC 5782 answer
    private const uint UsualAnswer = 0x7f000002;

    private readonly Dictionary<DnsblList, (uint[] Best, uint[] Worst)> _extremes = [];

    /// <param name="settings">Those to replay with.</param>
    /// <param name="recorded">Those that are thought to have been in force.</param>
    public ReplayRules(Settings settings, Settings recorded)
    {
        // Nobody knows how full the queues were: they are not what is asked.
        (Settings, Recorded) = (settings with { PreQueueLimit = int.MaxValue, PostQueueLimit = 0 }, recorded);
        foreach (var list in settings.DnsblSites?.Lists ?? [])
            _extremes[list] = (Extreme(list, static weight => weight < 0), Extreme(list, static weight => weight > 0));
    }

    /// <summary>Those to replay with.</summary>
    public Settings Settings { get; }

    /// <summary>Those that are thought to have been in force.</summary>
    public Settings Recorded { get; }

    /// <summary>The best or the worst that a list of these settings can say of a client; empty: nothing.</summary>
    internal uint[] ExtremeOf(DnsblList list, bool isBest) => isBest ? _extremes[list].Best : _extremes[list].Worst;

    // As many answers as it takes for all rules of one sign to count, and none of the other sign.
    private static uint[] Extreme(DnsblList list, Func<int, bool> isWanted)
    {
        var answers = new List<uint>();
        foreach (var rule in list.Rules.Where(rule => isWanted(rule.Weight)))
        {
            if (answers.Exists(answer => rule.Counts(answer, withErrors: false)))
                continue;
            if (IsFit(UsualAnswer))
            {
                answers.Add(UsualAnswer);
                continue;
            }

            for (var answer = FirstAnswer; answer <= LastAnswer; answer++)
            {
                if (!IsFit(answer))
                    continue;
                answers.Add(answer);
                break;
            }

            bool IsFit(uint answer) => rule.Counts(answer, withErrors: false) && list.Rules.All(other => isWanted(other.Weight) || !other.Counts(answer, withErrors: false));
        }

        return [.. answers];
    }
}
