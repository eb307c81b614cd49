using Postern.Core.Screening;

namespace Postern.Core.Replay;

/// <summary>How often clients came back within a while, by what had become of them.</summary>
/// <param name="Stopped">Visits that were stopped, and had the time to.</param>
/// <param name="StoppedCameBack">Those of them whose address came again.</param>
/// <param name="HandedOff">Likewise of those that were let in.</param>
/// <param name="HandedOffCameBack">Likewise.</param>
/// <param name="More">Connections that newly stopped clients may make besides.</param>
/// <param name="Fewer">Connections that those that are newly let in may not make.</param>
public sealed record RetryEstimate(int Stopped, int StoppedCameBack, int HandedOff, int HandedOffCameBack, Bounds More, Bounds Fewer)
{
    /// <summary>Who comes later than this comes for another reason.</summary>
    public static TimeSpan Within => Retries.Within;
}

/// <summary>
/// A replay is of the visits that there were. Who is newly stopped calls again, and who is newly let in need not: how often, the
/// recording shows only on average, so this is an estimate.
/// </summary>
/// <param name="logEnds">When the recording ends; null: not known.</param>
internal sealed class Retries(DateTimeOffset? logEnds)
{
    /// <summary>Who comes later than this comes for another reason.</summary>
    public static readonly TimeSpan Within = TimeSpan.FromHours(2);

    private const int MinSeen = 30;

    private readonly int[] _seen = new int[Enum.GetValues<Outcome>().Length], _cameBack = new int[Enum.GetValues<Outcome>().Length];
    private RecordedClient? _last;

    /// <summary>The next visit of the address.</summary>
    public void Add(RecordedClient client)
    {
        Note(client.Connected);
        _last = client;
    }

    /// <summary>The address does not come any more.</summary>
    public void End()
    {
        Note(DateTimeOffset.MaxValue);
        _last = null;
    }

    /// <summary>What that means for clients that are newly stopped, let in, or told to come back.</summary>
    /// <returns>Null: the recording does not show it.</returns>
    public RetryEstimate? Estimate(Bounds newlyStopped, Bounds newlyLetIn, Bounds newlyTold)
    {
        int stopped = _seen[(int)Outcome.Stopped], handedOff = _seen[(int)Outcome.HandedOff], told = _seen[(int)Outcome.ToldToComeBack];
        if (stopped < MinSeen || handedOff < MinSeen)
            return null;
        double afterStop = Share(Outcome.Stopped), afterPass = Share(Outcome.HandedOff), afterTold = told < MinSeen ? afterPass : Share(Outcome.ToldToComeBack);
        var (gained, gainedTold) = (Math.Max(0, afterStop - afterPass), Math.Max(0, afterTold - afterPass));
        var chain = afterStop < 1 ? gained / (1 - afterStop) : 0; // whoever is stopped again calls again
        return new(
            stopped, _cameBack[(int)Outcome.Stopped], handedOff, _cameBack[(int)Outcome.HandedOff],
            Times(newlyStopped, chain) + Times(newlyTold, gainedTold), Times(newlyLetIn, gained));
    }

    private double Share(Outcome outcome) => (double)_cameBack[(int)outcome] / _seen[(int)outcome];

    private static Bounds Times(Bounds count, double each) => new((int)Math.Round(count.AtLeast * each), (int)Math.Round(count.AtMost * each));

    private void Note(DateTimeOffset next)
    {
        if (_last is not { } last || logEnds is null || last.Connected > logEnds - Within)
            return;
        _seen[(int)last.Outcome]++;
        _cameBack[(int)last.Outcome] += next - last.Connected <= Within ? 1 : 0;
    }
}
