using System.Net;
using System.Net.Sockets;

namespace Postern.Rehearsal;

/// <summary>
/// Sends a packet to itself. The loopback interface delivers in order, so when the packet is back, all that this processor
/// has sent before is where it should be, however busy the kernel is: only then may the virtual clock go on.
/// </summary>
internal sealed class LoopbackEcho : IDisposable
{
    private const int LongestWait = 1_000_000; // microseconds: a packet may be lost like any other
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly byte[] _packet = new byte[1];

    public LoopbackEcho()
    {
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _socket.Connect(_socket.LocalEndPoint!);
        _socket.ReceiveTimeout = LongestWait / 1000;
    }

    /// <summary>Returns when the packet is back.</summary>
    public void Await()
    {
        try
        {
            _socket.Send(_packet);
            _socket.Receive(_packet);
        }
        catch (SocketException)
        {
            // lost: the next round sends another
        }
    }

    public void Dispose() => _socket.Dispose();
}
