namespace Postern.Core.Reporting;

/// <summary>How many waits were how long.</summary>
public sealed class Histogram
{
    /// <summary>Upper bounds of the buckets in seconds, inclusive; one more bucket takes what is longer.</summary>
    public static readonly IReadOnlyList<double> Bounds = [0.1, 0.5, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 60, 120, 300, 900, 3600, 14400, 86400];

    private readonly int[] _counts = new int[Bounds.Count + 1];

    /// <summary>A count a bucket.</summary>
    public IReadOnlyList<int> Counts => _counts;

    /// <summary>All of them.</summary>
    public int Total { get; private set; }

    /// <summary>The longest, in seconds.</summary>
    public double Longest { get; private set; }

    /// <summary>Counts one wait.</summary>
    public void Add(double seconds)
    {
        var bucket = 0;
        while (bucket < Bounds.Count && seconds > Bounds[bucket])
            bucket++;
        _counts[bucket]++;
        Total++;
        Longest = Math.Max(Longest, seconds);
    }

    /// <summary>The upper bound of the bucket below which this share of the waits lies; the longest wait for the last bucket.</summary>
    /// <param name="share">Between 0 and 1.</param>
    public double Quantile(double share)
    {
        var rank = (int)Math.Ceiling(share * Total);
        for (var bucket = 0; bucket < Bounds.Count; bucket++)
        {
            rank -= _counts[bucket];
            if (rank <= 0)
                return Math.Min(Bounds[bucket], Longest);
        }

        return Longest;
    }
}
