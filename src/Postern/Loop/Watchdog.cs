namespace Postern.Loop;

/// <summary>
/// Ends a process whose loop is stuck (<c>postscreen_watchdog_timeout</c>), so that the service manager can start a
/// new one: nobody would be served otherwise, and nobody would notice.
/// </summary>
internal sealed class Watchdog : IDisposable
{
    private readonly Timer _timer;

    /// <param name="loop">Whom it watches.</param>
    /// <param name="timeout">How long one round may take.</param>
    /// <param name="bite">Called, on another thread, when a round takes longer.</param>
    public Watchdog(EventLoop loop, TimeSpan timeout, Action bite) => _timer = new Timer(
        _ =>
        {
            if (loop.BusyFor > timeout)
                bite();
        },
        null, timeout / 3, timeout / 3);

    public void Dispose() => _timer.Dispose();
}
