using Postern.Core;

namespace Postern.Loop;

/// <summary>The time as the loop sees it: looked at once a round, so that all that happens in one has the same.</summary>
internal sealed class LoopClock
{
    private readonly TimeProvider _time;
    private readonly long _origin;
    private TimeSpan _elapsed; // monotonic

    /// <param name="time">Wall-clock and monotonic time.</param>
    public LoopClock(TimeProvider time)
    {
        _time = time;
        _origin = time.GetTimestamp();
        Read();
    }

    /// <summary>Wall-clock time.</summary>
    public DateTimeOffset Now { get; private set; }

    /// <summary>Monotonic milliseconds.</summary>
    public long Ticks => _elapsed.Ticks / TimeSpan.TicksPerMillisecond;

    /// <summary>Looks at the time.</summary>
    public void Read()
    {
        Now = _time.GetUtcNow();
        _elapsed = _time.GetElapsedTime(_origin);
    }

    /// <summary>Now, as a client's session is told it.</summary>
    public Moment MomentOf(Client client) => MomentOf(client.Service);

    /// <summary>Now, as a client of the service would be told it.</summary>
    public Moment MomentOf(RunningService service) => new(Now, service.Load.UnderStress) { MonotonicTicks = _elapsed.Ticks };

    /// <summary>This very moment, for <see cref="Since"/>. Any thread may ask.</summary>
    public long Timestamp() => _time.GetTimestamp();

    /// <summary>How much time has gone by since a <see cref="Timestamp"/>. Any thread may ask.</summary>
    public TimeSpan Since(long timestamp) => _time.GetElapsedTime(timestamp);
}
