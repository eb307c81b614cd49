using System.Globalization;

namespace Postern.Bench;

/// <summary>What Postern is to reach: a share of postscreen's figure, or a figure of its own.</summary>
/// <param name="Divisor">Postern's figure is at most postscreen's divided by this; 0 when the goal is a figure.</param>
/// <param name="Limit">Postern's figure is at most this, in the measure's unit; used when there is no divisor.</param>
internal readonly record struct Goal(double Divisor, double Limit)
{
    /// <summary>At most postscreen's figure divided by <paramref name="divisor"/>, in the same rounds.</summary>
    public static Goal Share(double divisor) => new(divisor, 0);

    /// <summary>At most <paramref name="limit"/>, whatever postscreen does.</summary>
    public static Goal AtMost(double limit) => new(0, limit);

    /// <summary>No goal: a figure to know.</summary>
    public static readonly Goal None = new(0, double.PositiveInfinity);

    /// <summary>Whether there is a goal at all.</summary>
    public bool IsSet => !double.IsPositiveInfinity(Limit);

    /// <summary>Whether the goal needs postscreen's figure.</summary>
    public bool IsShare => Divisor > 0;

    /// <summary>The goal in words, such as <c>≤ 1/3</c> or <c>≤ 50 ms</c>.</summary>
    public string Text(string unit) => !IsSet ? "–" : IsShare
        ? string.Create(CultureInfo.InvariantCulture, $"≤ 1/{Divisor:0.#}")
        : string.Create(CultureInfo.InvariantCulture, $"≤ {Limit:0.##} {unit}").TrimEnd();
}
