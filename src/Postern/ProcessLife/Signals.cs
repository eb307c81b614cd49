using System.Runtime.InteropServices;

namespace Postern.ProcessLife;

/// <summary>
/// Turns signals into calls: SIGTERM and SIGINT stop, a second one stops at once, SIGHUP reloads. The calls come on a thread
/// of the pool, so they only post to the loop. SIGPIPE needs nothing: the runtime ignores it, with and without AOT.
/// </summary>
internal sealed class Signals : IDisposable
{
    private readonly PosixSignalRegistration[] _registrations;
    private int _stops;

    /// <param name="stop">The first wish to stop: finish what is under way.</param>
    /// <param name="stopNow">Every later one: wait for nothing.</param>
    /// <param name="reload">Read the configuration again, and open the log anew.</param>
    public Signals(Action stop, Action stopNow, Action reload)
    {
        _registrations =
        [
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop),
            PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop),
            PosixSignalRegistration.Create(PosixSignal.SIGHUP, Reload),
        ];

        void Stop(PosixSignalContext signal)
        {
            signal.Cancel = true; // else the runtime ends the process when this returns
            if (Interlocked.Increment(ref _stops) == 1)
                stop();
            else
                stopNow();
        }

        void Reload(PosixSignalContext signal)
        {
            signal.Cancel = true;
            reload();
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
    }
}
