namespace Postern.Core.Replay;

/// <summary>Any number of times in bounded memory: the median to a hundredth of a second.</summary>
public sealed class Durations
{
    private const int Fine = 300 * 100, Coarse = 3600; // hundredths of a second for five minutes, then seconds for an hour

    private readonly int[] _counts = new int[Fine + Coarse + 1];

    /// <summary>How many.</summary>
    public int Count { get; private set; }

    /// <summary>The longest of them.</summary>
    public TimeSpan Longest { get; private set; }

    /// <summary>Half of them are no longer than this.</summary>
    public TimeSpan Median
    {
        get
        {
            var left = (Count + 1) / 2;
            for (var i = 0; i < _counts.Length - 1; i++)
            {
                left -= _counts[i];
                if (left <= 0)
                    return i < Fine ? TimeSpan.FromMilliseconds(10.0 * i) : TimeSpan.FromSeconds(i - Fine + Fine / 100);
            }

            return Longest;
        }
    }

    /// <summary>Counts one.</summary>
    public void Add(TimeSpan time)
    {
        var hundredths = (long)Math.Round(time.TotalMilliseconds / 10);
        _counts[hundredths < Fine ? Math.Max(0, hundredths) : Fine + Math.Min(hundredths / 100 - Fine / 100, Coarse)]++;
        Count++;
        Longest = time > Longest ? time : Longest;
    }
}
