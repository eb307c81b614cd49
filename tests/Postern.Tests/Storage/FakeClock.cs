namespace Postern.Tests.Storage;

/// <summary>A clock that stands still until it is told otherwise.</summary>
internal sealed class FakeClock : TimeProvider
{
    private long _ticks = DateTimeOffset.FromUnixTimeSeconds(1_800_000_000).UtcTicks;

    /// <summary>How far the clock goes each time a timestamp is taken.</summary>
    public TimeSpan Drift { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Interlocked.Add(ref _ticks, Drift.Ticks);

    public override DateTimeOffset GetUtcNow() => new(Interlocked.Read(ref _ticks), TimeSpan.Zero);

    public void Advance(TimeSpan time) => Interlocked.Add(ref _ticks, time.Ticks);
}
