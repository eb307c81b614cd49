namespace Postern.Core.Reporting;

/// <summary>Times at which the mail server did not take clients, put together from single failures that may come in any order.</summary>
internal sealed class Outages
{
    private const int MaxMinutes = 100_000; // that had failures
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(10); // within one outage

    private readonly Dictionary<DateTime, Outage> _minutes = [];

    /// <summary>A client was not taken.</summary>
    public void Add(DateTime at, string problem)
    {
        var minute = new DateTime(at.Ticks - at.Ticks % TimeSpan.TicksPerMinute);
        if (_minutes.TryGetValue(minute, out var outage))
            _minutes[minute] = outage.With(new Outage(at, at, 1, problem));
        else if (_minutes.Count < MaxMinutes)
            _minutes[minute] = new Outage(at, at, 1, problem);
    }

    /// <summary>All of them, in the order of time.</summary>
    public IReadOnlyList<Outage> All()
    {
        var outages = new List<Outage>();
        foreach (var next in _minutes.Values.OrderBy(static outage => outage.First))
        {
            if (outages.Count > 0 && next.First - outages[^1].Last <= LongestPause)
                outages[^1] = outages[^1].With(next);
            else
                outages.Add(next);
        }

        return outages;
    }
}

/// <summary>A time in which the mail server did not take clients.</summary>
/// <param name="First">When it did not take the first of them, by the clock of the machine.</param>
/// <param name="Last">And the last.</param>
/// <param name="Clients">How many it did not take.</param>
/// <param name="Problem">What was logged about the first of them.</param>
public sealed record Outage(DateTime First, DateTime Last, int Clients, string Problem)
{
    internal Outage With(Outage other) => new(First < other.First ? First : other.First, Last > other.Last ? Last : other.Last, Clients + other.Clients, Problem);
}
