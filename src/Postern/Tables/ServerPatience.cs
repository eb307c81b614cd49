namespace Postern.Tables;

/// <summary>How long a server may take for one look-up.</summary>
/// <param name="Tries">Most attempts.</param>
/// <param name="Pause">Between two of them.</param>
/// <param name="Silence">The longest wait for a byte.</param>
/// <param name="Total">For all of it.</param>
internal readonly record struct LookupLimits(int Tries, TimeSpan Pause, TimeSpan Silence, TimeSpan Total);

/// <summary>
/// Who waits for a server that is silent. One look-up at a time has the limits of Postfix, which are minutes; the others see it
/// wait, and soon are errors, so that a server that is down delays nobody for long. An answer ends that.
/// </summary>
/// <param name="limits">Of Postfix.</param>
/// <param name="clock">Monotonic.</param>
internal sealed class ServerPatience(LookupLimits limits, TimeProvider clock)
{
    private static readonly TimeSpan OthersWait = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan OthersWaitLater = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan BetweenScouts = TimeSpan.FromSeconds(60);

    private long _silentSince; // ticks of the clock; 0: the last look-up that ended had an answer
    private long _lastScout;

    /// <summary>A look-up begins.</summary>
    public LookupLimits Begin()
    {
        var now = clock.GetTimestamp();
        var since = Interlocked.CompareExchange(ref _silentSince, now, 0);
        var last = Volatile.Read(ref _lastScout);
        if ((since == 0 || clock.GetElapsedTime(last, now) >= BetweenScouts) && Interlocked.CompareExchange(ref _lastScout, now, last) == last)
            return limits;
        return since == 0 || clock.GetElapsedTime(since, now) < OthersWait
            ? limits with { Silence = Shorter(limits.Silence, OthersWait), Total = Shorter(limits.Total, OthersWait) }
            : limits with { Tries = 1, Silence = OthersWaitLater, Total = OthersWaitLater };
    }

    /// <summary>The server has answered.</summary>
    public void OnAnswer() => Volatile.Write(ref _silentSince, 0);

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;
}
