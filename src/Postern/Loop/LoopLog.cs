using Postern.Core;
using Postern.Logging;

namespace Postern.Loop;

/// <summary>
/// The mail log as the loop uses it: clients' lines under one name, few writes for many lines, and no flood of warnings.
/// On the loop's thread.
/// </summary>
/// <param name="log">Takes every line.</param>
/// <param name="tag">Under which name the clients' lines stand.</param>
/// <param name="clock">The loop's.</param>
internal sealed class LoopLog(MailLog log, LogTag tag, LoopClock clock)
{
    private const int Interval = 20; // what comes until then goes out in the same write
    private const int Retry = 1000; // the log's destination takes nothing at the moment
    private const int MaxFlushesBeforeHandOff = 8; // in one round

    private readonly LogTag _tag = tag;
    private long _flushAt = -1;
    private long _lastWarning = -1000;
    private int _flushesBeforeHandOff;

    /// <summary>The log itself, for lines under other names.</summary>
    public MailLog Mail => log;

    /// <summary>Under which name the lines stand that postscreen has no counterpart for.</summary>
    public LogTag OwnTag { get; set; } = tag;

    /// <summary>Milliseconds until <see cref="EndRound"/> has something to write; -1: nothing waits.</summary>
    public int UntilFlush => _flushAt < 0 ? -1 : (int)Math.Max(1, _flushAt - clock.Ticks);

    /// <summary>A line about a client.</summary>
    public void Write(LogSeverity severity, ReadOnlySpan<byte> text) => log.Write(_tag, severity, text);

    /// <inheritdoc cref="Write(LogSeverity, ReadOnlySpan{byte})" />
    public void Write(LogSeverity severity, string text) => log.Write(_tag, severity, text);

    /// <summary>A line that postscreen has no counterpart for.</summary>
    public void WriteAsPostern(LogSeverity severity, ReadOnlySpan<byte> text) => log.Write(OwnTag, severity, text);

    /// <inheritdoc cref="WriteAsPostern(LogSeverity, ReadOnlySpan{byte})" />
    public void WriteAsPostern(LogSeverity severity, string text) => log.Write(OwnTag, severity, text);

    /// <summary>Warns, at most once a second: these come by the thousand when they come.</summary>
    public void WarnOnce(string text)
    {
        if (clock.Ticks - _lastWarning < 1000)
            return;
        _lastWarning = clock.Ticks;
        Write(LogSeverity.Warning, text);
    }

    /// <summary>The loop has woken up.</summary>
    public void BeginRound() => _flushesBeforeHandOff = 0;

    /// <summary>The loop is about to sleep: writes what has waited long enough.</summary>
    public void EndRound()
    {
        if (!log.HasPending)
            _flushAt = -1;
        else if (_flushAt < 0)
            _flushAt = clock.Ticks + Interval;
        else if (clock.Ticks >= _flushAt)
            Flush();
    }

    /// <summary>So that our lines stand before those that the server logs about the client. In a flood they may not.</summary>
    public void FlushBeforeHandOff()
    {
        if (_flushesBeforeHandOff++ < MaxFlushesBeforeHandOff && log.HasPending)
            Flush();
    }

    private void Flush()
    {
        log.Flush();
        _flushAt = log.HasPending ? clock.Ticks + Retry : -1;
    }
}
