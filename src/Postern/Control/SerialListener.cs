using System.Net.Sockets;

namespace Postern.Control;

/// <summary>Serves one connection after the other on a thread of its own.</summary>
internal sealed class SerialListener : IDisposable
{
    private const int Pause = 100; // milliseconds, so that descriptors that have run out cost no processor

    private readonly Socket _listener;
    private readonly int _patience;
    private readonly Action<Socket> _serve;
    private volatile bool _isStopping;

    /// <param name="listener">Listens already; owned from now on.</param>
    /// <param name="name">Of the thread.</param>
    /// <param name="patience">Milliseconds that a client may take to send or to take the next piece.</param>
    /// <param name="serve">Serves one; may throw what sockets throw.</param>
    public SerialListener(Socket listener, string name, int patience, Action<Socket> serve)
    {
        (_listener, _patience, _serve) = (listener, patience, serve);
        new Thread(Run, maxStackSize: 256 * 1024) { IsBackground = true, Name = name }.Start();
    }

    /// <summary>Listens no more. A connection that is being served may be cut.</summary>
    public void Dispose()
    {
        _isStopping = true;
        _listener.Dispose();
    }

    private void Run()
    {
        while (!_isStopping)
        {
            try
            {
                using var client = _listener.Accept();
                (client.ReceiveTimeout, client.SendTimeout) = (_patience, _patience);
                _serve(client);
            }
            catch (Exception gone) when (gone is SocketException or IOException or ObjectDisposedException)
            {
                if (!_isStopping) // the client went away, or there is no descriptor for it
                    Thread.Sleep(Pause);
            }
        }
    }
}
