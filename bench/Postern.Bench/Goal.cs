using System.Globalization;

namespace Postern.Bench;

/// <summary>What Postern is to reach: a share of postscreen's figure, or a figure of its own.</summary>
/// <param name="Divisor">Postern's figure is at most postscreen's divided by this; 0 when the goal is a figure.</param>
/// <param name="Limit">Postern's figure is at most this, in the measure's unit; used when there is no divisor.</param>
/// <param name="MoreIsBetter">The figure is a rate: a divisor of 1/2 asks for twice postscreen's.</param>
internal readonly record struct Goal(double Divisor, double Limit, bool MoreIsBetter = false)
{
    /// <summary>At most postscreen's figure divided by <paramref name="divisor"/>, in the same rounds.</summary>
    public static Goal Share(double divisor) => new(divisor, 0);

    /// <summary>A rate of at least <paramref name="times"/> postscreen's, in the same rounds.</summary>
    public static Goal Times(double times) => new(1 / times, 0, MoreIsBetter: true);

    /// <summary>At most <paramref name="limit"/>, whatever postscreen does.</summary>
    public static Goal AtMost(double limit) => new(0, limit);

    /// <summary>No goal: a figure to know.</summary>
    public static readonly Goal None = new(0, double.PositiveInfinity);

    /// <summary>Whether there is a goal at all.</summary>
    public bool IsSet => !double.IsPositiveInfinity(Limit);

    /// <summary>Whether the goal needs postscreen's figure.</summary>
    public bool IsShare => Divisor > 0;

    /// <summary>The goal in words, such as <c>≤ 1/3</c> or <c>≤ 50 ms</c>.</summary>
    public string Text(string unit) => !IsSet ? "–" : MoreIsBetter
        ? string.Create(CultureInfo.InvariantCulture, $"≥ {1 / Divisor:0.#}x") : IsShare
        ? string.Create(CultureInfo.InvariantCulture, $"≤ 1/{Divisor:0.#}")
        : string.Create(CultureInfo.InvariantCulture, $"≤ {Limit:0.##} {unit}").TrimEnd();
}
