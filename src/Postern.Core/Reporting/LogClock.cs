namespace Postern.Core.Reporting;

/// <summary>What time stamps leave out.</summary>
/// <param name="Today">For stamps without a year, which are not in the future, and for those without a date.</param>
/// <param name="Zone">For stamps that count seconds since 1970: the zone that they are to be shown in.</param>
public readonly record struct LogClock(DateTime Today, TimeZoneInfo Zone)
{
    /// <param name="today">For stamps without a year, in this machine's zone.</param>
    public LogClock(DateTime today)
        : this(today, TimeZoneInfo.Local)
    {
    }

    /// <summary>What the clock on the wall showed then.</summary>
    /// <param name="seconds">Since 1970, UTC.</param>
    /// <param name="offset">What it was ahead of UTC.</param>
    public DateTime OfEpoch(long seconds, out TimeSpan offset)
    {
        var moment = DateTime.SpecifyKind(DateTime.UnixEpoch.AddSeconds(seconds), DateTimeKind.Utc);
        offset = Zone.GetUtcOffset(moment);
        return DateTime.SpecifyKind(moment + offset, DateTimeKind.Unspecified);
    }
}
