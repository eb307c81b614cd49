using Postern.Core;
using Postern.Core.Allowlist;

namespace Postern.Storage;

/// <summary>
/// Forgets clients whose passes expired long ago: a walk over all entries once in an interval, a part of them at a step.
/// When it runs, what it drops and what it logs are postscreen's.
/// </summary>
internal sealed class AllowlistCleanup(string mapName, ExpiryTable table, TimeProvider clock, Action<LogSeverity, string> log)
{
    private AllowlistPolicy? _policy;
    private DateTimeOffset? _lastCompleted;
    private TimeSpan _delay;
    private long _delayFrom;
    private bool _isScheduled;
    private int _part;
    private int _retained;
    private int _dropped;

    /// <summary>By what to judge, and how often. A change takes effect at once, also on the time of the next run.</summary>
    public required AllowlistPolicy Policy
    {
        get => _policy!;
        set
        {
            _policy = value;
            if (_isScheduled && !IsRunning)
                Schedule(_lastCompleted);
        }
    }

    /// <summary>Time to the next step; null: there is none to come.</summary>
    public TimeSpan? NextStep
    {
        get
        {
            if (!_isScheduled || Policy.CleanupInterval <= TimeSpan.Zero)
                return null;
            var left = _delay - clock.GetElapsedTime(_delayFrom);
            return IsRunning || left < TimeSpan.Zero ? TimeSpan.Zero : left;
        }
    }

    private bool IsRunning => _part > 0;

    /// <summary>Sets the first run: an interval after the last, if that is known, but never later than that from now.</summary>
    public void Schedule(DateTimeOffset? lastCompleted)
    {
        _lastCompleted = lastCompleted;
        var interval = Policy.CleanupInterval;
        var delay = lastCompleted is { } last ? last + interval - clock.GetUtcNow() : TimeSpan.Zero;
        _delay = delay > interval ? interval : delay;
        _delayFrom = clock.GetTimestamp();
        _isScheduled = true;
    }

    /// <summary>Judges one part of the entries.</summary>
    /// <param name="forget">Told of each entry that was dropped.</param>
    /// <returns>Whether that was the last part.</returns>
    public bool Step(DateTimeOffset now, Action<IpAddress, TestExpiry> forget)
    {
        var policy = Policy;
        var droppedBefore = _dropped;
        foreach (var (client, expiry) in table.Part(_part) ?? [])
        {
            if (ExpiryRules.SurvivesCleanup(ExpiryRules.Believed(expiry, policy.Lifetimes.Longest, now), policy.Enabled, now, policy.Retention))
            {
                _retained++;
                continue;
            }

            _dropped++;
            table.Remove(client);
            forget(client, expiry);
        }

        if (_dropped > droppedBefore)
            table.Shrink(_part);
        if (++_part < ExpiryTable.PartCount)
            return false;
        Finish("full");
        Schedule(now);
        return true;
    }

    /// <summary>The process ends: says how far a walk has come.</summary>
    public void Interrupt()
    {
        if (_retained + _dropped > 0)
            Finish("partial");
    }

    private void Finish(string extent)
    {
        log(LogSeverity.Info, $"cache {mapName} {extent} cleanup: retained={_retained} dropped={_dropped} entries");
        (_part, _retained, _dropped) = (0, 0, 0);
    }
}
