using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Postern.Core.Rehearsal;

/// <summary>A share that rises or falls with time, known at some points; straight lines between them, as in <c>3:0.85 10:0.6</c>.</summary>
public sealed class Curve
{
    private const int MostPoints = 100;
    private readonly List<(double At, double Share)> _points;

    private Curve(List<(double At, double Share)> points) => _points = points;

    private bool Falls => _points[^1].Share < _points[0].Share;

    /// <param name="text">Points <c>at:share</c> between blanks, in rising order; the shares between 0 and 1, all rising or all falling.</param>
    /// <param name="problem">On failure, what is wrong with it.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out Curve? curve, [NotNullWhen(false)] out string? problem)
    {
        (curve, problem) = (null, null);
        var points = new List<(double At, double Share)>();
        foreach (var word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = word.IndexOf(':');
            if (colon < 0 || !TryNumber(word[..colon], out var at) || !TryNumber(word[(colon + 1)..], out var share) || share > 1)
                problem ??= $"\"{word}\" is no point: write TIME:SHARE with a share between 0 and 1, such as 10:0.6";
            else
                points.Add((at, share));
        }

        if (problem is null && points.Count is 0 or > MostPoints)
            problem = $"write 1 to {MostPoints} points such as 3:0.85 10:0.6";
        if (problem is not null)
            return false;
        points.Insert(0, (0, points.Count > 1 && points[^1].Share < points[0].Share ? 1 : 0));
        var falls = points[^1].Share < points[0].Share;
        for (var i = 1; i < points.Count; i++)
        {
            if (points[i].At <= points[i - 1].At || (falls ? points[i].Share > points[i - 1].Share : points[i].Share < points[i - 1].Share))
                problem = "the times have to rise, and the shares to rise or to fall all along";
        }

        if (problem is not null)
            return false;
        curve = new Curve(points);
        return true;
    }

    /// <summary>The share at a time; that of the last point beyond it.</summary>
    public double At(double time)
    {
        for (var i = 1; i < _points.Count; i++)
        {
            var (before, after) = (_points[i - 1], _points[i]);
            if (time <= after.At)
                return before.Share + (after.Share - before.Share) * (time - before.At) / (after.At - before.At);
        }

        return _points[^1].Share;
    }

    /// <summary>The time at which the curve has a share; that of the last point for shares that it does not reach.</summary>
    public double Where(double share)
    {
        for (var i = 1; i < _points.Count; i++)
        {
            var (before, after) = (_points[i - 1], _points[i]);
            if (Falls ? share >= after.Share : share <= after.Share)
                return after.Share == before.Share ? after.At : before.At + (after.At - before.At) * (share - before.Share) / (after.Share - before.Share);
        }

        return _points[^1].At;
    }

    private static bool TryNumber(string text, out double number) =>
        double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out number) && double.IsFinite(number);
}
