namespace Postern.Core.Reporting;

/// <summary>
/// The time of one machine's log, in seconds since 1970, for what lies between two lines. It goes on where the machine's clock is set
/// back, as in the night when summer time ends, unless the stamps tell their zone: then nothing has to be guessed.
/// </summary>
internal sealed class HostClock
{
    private const long SetBack = 60; // a line that is so much earlier is not late: the clock was set
    private const long Quarter = 900; // what clocks are set by, when zones are the reason
    private const long MaxGap = 120; // between the last line before and the first after

    private long _shift;
    private bool _hasStarted, _isOfWall;

    /// <summary>The time of the newest line.</summary>
    public long Now { get; private set; }

    /// <summary>The time of a line.</summary>
    /// <param name="time">Its stamp.</param>
    /// <param name="offset">What the clock was ahead of UTC; null: the stamp does not say.</param>
    public long Read(DateTime time, TimeSpan? offset)
    {
        if (offset is null && !_isOfWall)
            (_isOfWall, _hasStarted) = (true, false); // with and without zones in one log: none counts
        var seconds = (time.Ticks - DateTime.UnixEpoch.Ticks - (_isOfWall ? 0 : offset!.Value.Ticks)) / TimeSpan.TicksPerSecond + _shift;
        if (!_hasStarted)
        {
            _shift += Now == 0 ? 0 : Now - seconds;
            (seconds, _hasStarted) = (Now == 0 ? seconds : Now, true);
        }

        var behind = Now - seconds;
        if (behind >= SetBack)
        {
            var rounded = (behind + Quarter / 2) / Quarter * Quarter;
            var jump = Math.Abs(rounded - behind) <= MaxGap ? rounded : behind;
            _shift += jump;
            seconds += jump;
        }

        Now = Math.Max(Now, seconds);
        return seconds;
    }
}
