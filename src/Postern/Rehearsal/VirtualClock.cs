namespace Postern.Rehearsal;

/// <summary>
/// A clock that stands still until it is told to go on: hours pass as fast as there is work to do, and nothing depends on
/// how fast the machine is. Any thread may read it and set timers; one moves it.
/// </summary>
internal sealed class VirtualClock : TimeProvider
{
    private static readonly DateTimeOffset Beginning = new(2026, 1, 5, 8, 0, 0, TimeSpan.Zero); // a Monday morning, the same for every run

    private readonly Lock _timersLock = new();
    private readonly HashSet<Timer> _timers = [];
    private long _ticks;

    /// <summary>Since the beginning.</summary>
    public TimeSpan Elapsed => new(Volatile.Read(ref _ticks));

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>When the next timer is due, since the beginning; null: none is set.</summary>
    public TimeSpan? NextTimer
    {
        get
        {
            lock (_timersLock)
                return _timers.Count == 0 ? null : _timers.Min(static timer => timer.Due);
        }
    }

    public override DateTimeOffset GetUtcNow() => Beginning + Elapsed;

    public override long GetTimestamp() => Volatile.Read(ref _ticks);

    /// <summary>Goes on to a moment, and calls the timers that have become due.</summary>
    /// <param name="moment">Since the beginning; not in the past.</param>
    public void AdvanceTo(TimeSpan moment)
    {
        Volatile.Write(ref _ticks, Math.Max(_ticks, moment.Ticks));
        Timer[] due;
        lock (_timersLock)
            due = _timers.Count == 0 ? [] : [.. _timers.Where(timer => timer.Due <= moment)];
        foreach (var timer in due)
            timer.Fire();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Timer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    /// <summary>Fires once; periods are not asked for here.</summary>
    private sealed class Timer(VirtualClock clock, TimerCallback callback, object? state) : ITimer
    {
        public TimeSpan Due { get; private set; }

        public void Fire()
        {
            lock (clock._timersLock)
            {
                if (!clock._timers.Remove(this))
                    return; // stopped in between
            }

            callback(state);
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (dueTime == TimeSpan.Zero)
            {
                callback(state);
                return true;
            }

            lock (clock._timersLock)
            {
                clock._timers.Remove(this);
                Due = clock.Elapsed + dueTime;
                if (dueTime > TimeSpan.Zero) // -1 ms: never
                    clock._timers.Add(this);
            }

            return true;
        }

        public void Dispose()
        {
            lock (clock._timersLock)
                clock._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
