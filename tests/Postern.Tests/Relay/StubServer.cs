using System.Net;
using System.Net.Sockets;
using System.Text;
using Postern.Core.Config;
using Postern.Tests.Loop;

namespace Postern.Tests.Relay;

/// <summary>A relay target whose side of every conversation the test plays.</summary>
internal sealed class StubServer : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _accepted = [];

    public StubServer()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(1024);
        Target = TargetAt(((IPEndPoint)_listener.LocalEndPoint!).Port);
    }

    public RelayTarget Target { get; }

    public static RelayTarget TargetAt(int port, int weight = 1) => new($"tcp:127.0.0.1:{port}", null, "127.0.0.1", port, weight);

    /// <summary>A target where nobody listens.</summary>
    public static RelayTarget Closed()
    {
        using var server = new StubServer();
        return server.Target;
    }

    /// <summary>The next connection; the deadline only bounds a failing test.</summary>
    public Socket Accept()
    {
        Assert.True(_listener.Poll(TimeSpan.FromSeconds(20), SelectMode.SelectRead), "the relay target got no connection");
        var socket = _listener.Accept();
        socket.ReceiveTimeout = 20_000;
        _accepted.Add(socket);
        return socket;
    }

    /// <summary>Forgets the connections it has; they are the test's to close.</summary>
    public void Disown() => _accepted.Clear();

    /// <summary>Whether somebody has connected and was not accepted.</summary>
    public bool HasWaiting => _listener.Poll(TimeSpan.Zero, SelectMode.SelectRead);

    /// <summary>Says a line and reads the next.</summary>
    public static string Say(Socket socket, string text)
    {
        socket.Send(Encoding.Latin1.GetBytes(text + "\r\n"));
        return LoopHarness.ReadLine(socket).TrimEnd();
    }

    public void Dispose()
    {
        _listener.Dispose();
        foreach (var socket in _accepted)
            socket.Dispose();
    }
}
