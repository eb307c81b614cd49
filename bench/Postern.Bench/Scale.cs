namespace Postern.Bench;

/// <summary>How much load: every count and time of a run is bounded here.</summary>
/// <param name="Rounds">How often each server is measured.</param>
/// <param name="Calls">Clients of a closed loop (hand-off, reject), without the warm-up.</param>
/// <param name="WarmUp">Clients before that, not counted.</param>
/// <param name="Parked">Clients parked for the memory and for the reject beside them.</param>
/// <param name="ParkedMost">Clients parked for the growth.</param>
/// <param name="Burst">Clients that connect within a second.</param>
/// <param name="Newcomers">New clients that are recorded within two seconds.</param>
internal sealed record Scale(int Rounds, int Calls, int WarmUp, int Parked, int ParkedMost, int Burst, int Newcomers)
{
    /// <summary>Descriptors that a server or the generator needs besides those of parked clients.</summary>
    private const int Reserve = 300;

    public static readonly Scale Full = new(Rounds: 5, Calls: 8000, WarmUp: 1000, Parked: 10_000, ParkedMost: 15_000, Burst: 10_000, Newcomers: 2000);

    public static readonly Scale Quick = new(Rounds: 1, Calls: 1500, WarmUp: 200, Parked: 1000, ParkedMost: 2000, Burst: 1000, Newcomers: 300);

    /// <summary>The concurrency of a closed loop.</summary>
    public const int Concurrency = 50;

    /// <summary>How fast parked clients arrive: no faster than postscreen keeps up with.</summary>
    public const int ParkedPerSecond = 1000;

    /// <summary>The same load, with no more clients at once than <paramref name="descriptors"/> allow.</summary>
    /// <param name="notice">What was reduced, for the reader; null when nothing was.</param>
    public Scale Fit(long descriptors, out string? notice)
    {
        var most = (int)Math.Clamp(descriptors - Reserve, 0, 100_000);
        notice = null;
        if (most >= Math.Max(ParkedMost, Burst))
            return this;
        if (most < 500)
            throw new InvalidOperationException($"a limit of {descriptors} open files is too low: raise it (ulimit -Hn) to 20000, or 1000 at the very least");
        notice = $"only {descriptors} open files per process are allowed here (ulimit -Hn): no more than {most} clients at once, instead of {Math.Max(ParkedMost, Burst)}; "
            + "raise the limit for the full load";
        return this with { Parked = Math.Min(Parked, most * 2 / 3), ParkedMost = Math.Min(ParkedMost, most), Burst = Math.Min(Burst, most) };
    }
}
