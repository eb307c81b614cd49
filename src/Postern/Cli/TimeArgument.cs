using System.Globalization;

namespace Postern.Cli;

/// <summary>What <c>--since</c> and <c>--until</c> take: a time, or how long ago.</summary>
internal static class TimeArgument
{
    /// <summary>For messages: what can be written.</summary>
    public const string Forms = "write a time such as 2026-11-23 or 2026-11-23T10:00, or how long ago, such as 24h or 7d";

    /// <summary>Reads one.</summary>
    /// <param name="text">Null: none was given.</param>
    /// <param name="now">Now, and the zone of times without one.</param>
    /// <param name="time">Null: none was given.</param>
    /// <returns>False when it is neither.</returns>
    public static bool TryParse(string? text, DateTimeOffset now, out DateTimeOffset? time)
    {
        time = null;
        if (text is null)
            return true;
        var unit = text.Length > 1 ? text[^1] switch { 's' => 1L, 'm' => 60, 'h' => 3600, 'd' => 86400, 'w' => 604800, _ => 0 } : 0;
        if (unit > 0 && int.TryParse(text.AsSpan()[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count * unit < int.MaxValue)
            time = now - TimeSpan.FromSeconds(count * unit);
        else if (DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out var moment))
            time = moment;
        return time is not null;
    }
}
