using System.Net;
using System.Net.Sockets;
using Postern.Core.Relay;
using Postern.Relay;

namespace Postern.Tests.Relay;

/// <summary>One direction of a relayed session, as the loop moves it.</summary>
public sealed class FlowTests
{
    private const int Piece = 4096; // what one turn takes when somebody watches

    // A move has eight turns; wherever among them the source ends, the destination is told.
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(15)]
    [InlineData(23)]
    public void The_end_of_the_source_is_passed_on_whenever_it_is_seen(int pieces)
    {
        var (sender, from) = Pair();
        var (to, receiver) = Pair();
        using var pipes = new PipePool();
        sender.Send(new byte[pieces * Piece]);
        sender.Shutdown(SocketShutdown.Send);
        var flow = new Flow();

        while (flow.WantsInput || flow.HasPending) // as long as the poller would report something
            Assert.Equal(0, flow.Move((int)from.Handle, (int)to.Handle, pipes, new AuthWatcher(static _ => { })));

        Assert.Equal(FlowState.Ended, flow.State);
        Assert.Equal(pieces * Piece, flow.Total);
        Assert.Equal(0, pipes.InUse);
        receiver.ReceiveTimeout = 5000;
        var received = 0;
        var buffer = new byte[64 * 1024];
        while (receiver.Receive(buffer) is > 0 and var length)
            received += length;
        Assert.Equal(pieces * Piece, received);
        foreach (var socket in (Socket[])[sender, from, to, receiver])
            socket.Dispose();
    }

    private static (Socket One, Socket Other) Pair()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var one = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        one.Connect(listener.LocalEndPoint!);
        return (one, listener.Accept());
    }
}
