using System.Net.Sockets;

namespace Postern.Control;

/// <summary>
/// Serves one connection after the other on a thread of its own. Who has yet to say what he wants waits aside, and keeps
/// nobody else waiting.
/// </summary>
internal sealed class SerialListener : IDisposable
{
    private const int MostAside = 32; // each is a descriptor; the oldest makes room
    private const int Pause = 100; // milliseconds, so that descriptors that have run out cost no processor
    private const int LookAgain = 10; // milliseconds: who has said a part is always reported as readable

    private readonly Socket _listener;
    private readonly int _patience;
    private readonly Func<Socket, bool> _hasAsked;
    private readonly Func<Socket, bool> _serve;
    private readonly List<Caller> _aside = []; // the oldest first
    private readonly List<Socket> _silent = [];
    private volatile bool _isStopping;

    /// <param name="listener">Listens already; owned from now on.</param>
    /// <param name="name">Of the thread.</param>
    /// <param name="patience">Milliseconds that a client may take to ask, and to send or to take the next piece.</param>
    /// <param name="hasAsked">Whether what has come from a client, one byte or the end at least, is enough to serve it.</param>
    /// <param name="serve">Serves one; false: it is somebody else's from now on. Both may throw what sockets throw.</param>
    public SerialListener(Socket listener, string name, int patience, Func<Socket, bool> hasAsked, Func<Socket, bool> serve)
    {
        (_listener, _patience, _hasAsked, _serve) = (listener, patience, hasAsked, serve);
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
                var isCalled = Wait();
                for (var i = 0; i < _aside.Count;)
                {
                    if (IsDone(_aside[i]))
                        _aside.RemoveAt(i);
                    else
                        i++;
                }

                if (isCalled)
                    Accept();
            }
            catch (Exception gone) when (gone is SocketException or ObjectDisposedException)
            {
                if (!_isStopping) // there is no descriptor for it
                    Thread.Sleep(Pause);
            }
        }

        foreach (var caller in _aside)
            caller.Socket.Dispose();
    }

    /// <summary>Waits until somebody calls, says something, or has waited for too long.</summary>
    /// <returns>Whether somebody calls.</returns>
    private bool Wait()
    {
        _silent.Clear();
        _silent.Add(_listener);
        var wait = _aside.Count == 0 ? -1 : (int)Math.Max(0, _aside[0].Deadline - Environment.TickCount64);
        foreach (var caller in _aside)
        {
            if (caller.HasSpoken)
                wait = Math.Min(wait, LookAgain);
            else
                _silent.Add(caller.Socket);
        }

        Socket.Select(_silent, null, null, wait < 0 ? -1 : wait * 1000);
        return _silent.Contains(_listener);
    }

    private void Accept()
    {
        if (_aside.Count == MostAside)
        {
            _aside[0].Socket.Dispose();
            _aside.RemoveAt(0);
        }

        var client = _listener.Accept();
        (client.ReceiveTimeout, client.SendTimeout) = (_patience, _patience);
        _aside.Add(new Caller(client, Environment.TickCount64 + _patience));
    }

    /// <returns>False: it has yet to say what it wants.</returns>
    private bool IsDone(Caller caller)
    {
        try
        {
            if (caller.Socket.Poll(0, SelectMode.SelectRead))
            {
                caller.HasSpoken = true;
                if (_hasAsked(caller.Socket))
                {
                    if (!_serve(caller.Socket))
                        return true;
                }
                else if (Environment.TickCount64 < caller.Deadline)
                    return false;
            }
            else if (Environment.TickCount64 < caller.Deadline)
            {
                return false;
            }
        }
        catch (Exception gone) when (gone is SocketException or IOException or ObjectDisposedException)
        {
            // the client went away: that is its business
        }

        caller.Socket.Dispose();
        return true;
    }

    private sealed class Caller(Socket socket, long deadline)
    {
        public readonly Socket Socket = socket;
        public readonly long Deadline = deadline;
        public bool HasSpoken;
    }
}
