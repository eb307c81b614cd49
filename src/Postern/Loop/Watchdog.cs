using System.Diagnostics;

namespace Postern.Loop;

/// <summary>
/// Ends a process whose loop is stuck (<c>postscreen_watchdog_timeout</c>), so that the service manager can start a
/// new one: nobody would be served otherwise, and nobody would notice.
/// </summary>
internal sealed class Watchdog : IDisposable
{
    private const int LooksPerTimeout = 3;

    private readonly ManualResetEvent _stop = new(false);
    private readonly Thread _thread;

    /// <param name="loop">Whom it watches.</param>
    /// <param name="timeout">How long one round may take.</param>
    /// <param name="bite">Called, on another thread, when a round takes longer.</param>
    public Watchdog(EventLoop loop, TimeSpan timeout, Action bite)
    {
        // Not a timer: those of the runtime take three threads, and megabytes of code that an idle process would not need.
        _thread = new Thread(() => Watch(loop, timeout, bite), maxStackSize: 256 * 1024) { IsBackground = true, Name = "watchdog" };
        _thread.Start();
    }

    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
        _stop.Dispose();
    }

    private void Watch(EventLoop loop, TimeSpan timeout, Action bite)
    {
        var patience = new Patience(timeout);
        var lastLook = Stopwatch.GetTimestamp();
        while (!_stop.WaitOne(timeout / LooksPerTimeout))
        {
            var sinceLastLook = Stopwatch.GetElapsedTime(lastLook);
            lastLook = Stopwatch.GetTimestamp();
            if (patience.IsOver(loop.Round, sinceLastLook))
                bite();
        }
    }

    /// <summary>
    /// Judges what the looks find. Only time between looks that were themselves on time counts: a look that comes late shows
    /// that the whole process stood still (SIGSTOP, a frozen cgroup, a suspended virtual machine), and the loop with it.
    /// </summary>
    /// <param name="timeout">How long one round may take.</param>
    internal sealed class Patience(TimeSpan timeout)
    {
        private readonly TimeSpan _onTime = timeout / LooksPerTimeout * 1.5;
        private long _round;
        private TimeSpan _stuck;

        /// <param name="round">The round that the loop is at work on; 0: it waits for events.</param>
        /// <param name="sinceLastLook">How long ago the look before this one was.</param>
        public bool IsOver(long round, TimeSpan sinceLastLook)
        {
            if (round == 0 || round != _round)
                (_round, _stuck) = (round, TimeSpan.Zero);
            else if (sinceLastLook < _onTime)
                _stuck += sinceLastLook;
            return round != 0 && _stuck >= timeout;
        }
    }
}
