namespace Postern.Core.Reporting;

/// <summary>A step of a break-off curve: so long after the beginning somebody left.</summary>
/// <param name="Seconds">Since the greet wait began.</param>
/// <param name="AtRisk">Clients that were still there and watched.</param>
/// <param name="Left">Clients that left then.</param>
/// <param name="Remaining">The share that is still there after it, between 0 and 1.</param>
/// <param name="Low">Lower limit of the 95 % confidence interval; null: nobody is left, and the estimate has no limits.</param>
/// <param name="High">Upper limit; null with <paramref name="Low"/>.</param>
public readonly record struct BreakOffPoint(double Seconds, int AtRisk, int Left, double Remaining, double? Low, double? High);

/// <summary>
/// How long clients waited before they left: Kaplan and Meier's estimate. Who was let in, talked or was hung up on has not
/// left; of such a client it is only known that it stayed until then.
/// </summary>
public sealed class BreakOffCurve
{
    /// <summary>Longer waits count as this long, in seconds: no greet wait is longer.</summary>
    public const int Longest = 300;

    /// <summary>With fewer leavers than this the limits say little.</summary>
    public const int MinLeft = 10;

    private const int StepsPerSecond = 10;
    private const double Confidence = 1.96; // standard errors, for 95 %

    private readonly int[] _left = new int[Longest * StepsPerSecond + 1], _seen = new int[Longest * StepsPerSecond + 1];

    /// <summary>Clients that were watched.</summary>
    public int Clients { get; private set; }

    /// <summary>Those of them that left.</summary>
    public int Left { get; private set; }

    /// <summary>For how many seconds anybody was watched.</summary>
    public double Followed { get; private set; }

    /// <summary>Counts a client.</summary>
    /// <param name="seconds">How long it was watched.</param>
    /// <param name="hasLeft">Whether it left then; else it is not known what it would have done.</param>
    public void Add(double seconds, bool hasLeft)
    {
        var step = (int)Math.Clamp(Math.Round(seconds * StepsPerSecond), 0, _left.Length - 1);
        (hasLeft ? _left : _seen)[step]++;
        Followed = Math.Max(Followed, (double)step / StepsPerSecond);
        Clients++;
        Left += hasLeft ? 1 : 0;
    }

    /// <summary>The curve: a point for each time at which somebody left. Who was let in at the very moment was still there.</summary>
    public IReadOnlyList<BreakOffPoint> Points()
    {
        var points = new List<BreakOffPoint>();
        var (atRisk, remaining, variance) = (Clients, 1.0, 0.0);
        for (var step = 0; step < _left.Length; step++)
        {
            var left = _left[step];
            if (left > 0)
            {
                remaining *= 1 - (double)left / atRisk;
                variance += atRisk == left ? 0 : (double)left / ((double)atRisk * (atRisk - left)); // Greenwood's formula
                var (low, high) = Limits(remaining, variance);
                points.Add(new((double)step / StepsPerSecond, atRisk, left, remaining, low, high));
            }

            atRisk -= left + _seen[step];
        }

        return points;
    }

    /// <summary>How many were still there and watched after so many seconds.</summary>
    public int AtRisk(double seconds)
    {
        var atRisk = Clients;
        for (var step = 0; step < _left.Length && step < seconds * StepsPerSecond; step++)
            atRisk -= _left[step] + _seen[step];
        return atRisk;
    }

    // On the scale log(-log), where the estimate is nearly normal even with few leavers and no limit leaves 0 to 1
    // (Kalbfleisch and Prentice 1980). On the plain scale 95 % limits hold as little as 24 % when the share is near 1.
    private static (double? Low, double? High) Limits(double remaining, double variance)
    {
        if (remaining <= 0)
            return (null, null);
        var spread = Math.Exp(Confidence * Math.Sqrt(variance) / -Math.Log(remaining));
        return (Math.Pow(remaining, spread), Math.Pow(remaining, 1 / spread));
    }
}
