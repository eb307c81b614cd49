namespace Postern.Loop;

/// <summary>
/// Ends a process whose loop is stuck (<c>postscreen_watchdog_timeout</c>), so that the service manager can start a
/// new one: nobody would be served otherwise, and nobody would notice.
/// </summary>
internal sealed class Watchdog : IDisposable
{
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
        while (!_stop.WaitOne(timeout / 3))
        {
            if (loop.BusyFor > timeout)
                bite();
        }
    }
}
