namespace Postern.Metrics;

/// <summary>How many times lasted how long, as Prometheus wants it.</summary>
/// <param name="bounds">Upper bounds of the buckets in seconds, inclusive, rising; one more bucket takes what is longer.</param>
internal sealed class BucketCounts(params double[] bounds)
{
    private readonly long[] _counts = new long[bounds.Length + 1];

    /// <summary>Upper bounds in seconds.</summary>
    public IReadOnlyList<double> Bounds => bounds;

    /// <summary>A count a bucket, each time in one of them.</summary>
    public IReadOnlyList<long> Counts => _counts;

    /// <summary>All times together, in seconds.</summary>
    public double Sum { get; private set; }

    /// <summary>Counts one time.</summary>
    public void Add(double seconds)
    {
        var bucket = 0;
        while (bucket < bounds.Length && seconds > bounds[bucket])
            bucket++;
        _counts[bucket]++;
        Sum += seconds;
    }
}
