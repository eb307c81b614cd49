using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Postern.Interop.Tests.Harness;

/// <summary>A server behind <c>tcp:</c> or <c>socketmap:</c> tables, which answers by a list of addresses.</summary>
public sealed class TableServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<Socket> _sockets = [];
    private readonly bool _isSocketmap;
    private readonly Func<string, string?> _answer;

    /// <param name="isSocketmap">Which protocol it speaks.</param>
    /// <param name="answer">
    /// The reply to a key, in the protocol's form, <c>slow:</c> before it when each byte comes alone; null: there is none.
    /// </param>
    public TableServer(bool isSocketmap, Func<string, string?> answer)
    {
        (_isSocketmap, _answer) = (isSocketmap, answer);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        Spec = isSocketmap ? $"socketmap:inet:127.0.0.1:{Port}:clients" : $"tcp:127.0.0.1:{Port}";
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public int Port { get; }

    /// <summary>The table, as main.cf names it.</summary>
    public string Spec { get; }

    /// <summary>The keys that were asked for.</summary>
    public ConcurrentQueue<string> Keys { get; } = [];

    public void Dispose()
    {
        _listener.Dispose();
        foreach (var socket in _sockets)
            socket.Dispose();
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                var socket = _listener.AcceptSocket();
                _sockets.Add(socket);
                new Thread(() => Serve(socket)) { IsBackground = true }.Start();
            }
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException or InvalidOperationException)
        {
            // The test is over.
        }
    }

    private void Serve(Socket socket)
    {
        try
        {
            var buffer = new byte[1000];
            while (socket.Receive(buffer) is > 0 and var count)
            {
                var request = Encoding.Latin1.GetString(buffer, 0, count); // whole: it is short, and sent at once
                var key = _isSocketmap ? request[(request.IndexOf(' ', StringComparison.Ordinal) + 1)..^1] : request[4..^1];
                Keys.Enqueue(key);
                if (_answer(key) is not { } reply)
                    continue;
                var isSlow = reply.StartsWith("slow:", StringComparison.Ordinal);
                var bytes = Encoding.Latin1.GetBytes(isSlow ? reply[5..] : reply);
                for (var sent = 0; sent < bytes.Length; sent += isSlow ? 1 : bytes.Length)
                {
                    socket.Send(bytes.AsSpan(sent, isSlow ? 1 : bytes.Length));
                    if (isSlow)
                        Thread.Sleep(50);
                }
            }
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // The client, or the test, is done.
        }
    }
}
