using Postern.Core.Allowlist;

namespace Postern.Core;

/// <summary>When an event happens, and in which mood the service is.</summary>
/// <param name="Now">Wall-clock time.</param>
/// <param name="UnderStress">Whether the stress values of <c>postscreen_greet_wait</c> and <c>postscreen_command_time_limit</c> are in force.</param>
public readonly record struct Moment(DateTimeOffset Now, bool UnderStress)
{
    /// <summary>
    /// The same in monotonic time: ticks of 100 ns since anywhere. How long something lasts is taken from here, for the wall
    /// clock may be set. Where there is one clock only, it is that.
    /// </summary>
    public long MonotonicTicks { get; init; } = Now.UtcTicks;

    /// <summary>How much time has gone by since an earlier moment.</summary>
    public TimeSpan Since(Moment earlier) => TimeSpan.FromTicks(MonotonicTicks - earlier.MonotonicTicks);

    /// <summary>Whole seconds since 1970 UTC, the unit of every expiry.</summary>
    public uint UnixSeconds => CacheRecord.Seconds(Now);
}
