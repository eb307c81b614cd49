using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Postern.Tests.Memcache;

/// <summary>A server that answers each line it is sent as the test says; null: not at all.</summary>
internal sealed class FakeMemcached : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<Socket> _clients = [];
    private readonly List<string> _lines = [];

    public FakeMemcached(Func<string, byte[]?> answer, int port = 0)
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen();
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        new Thread(() => Accept(answer)) { IsBackground = true }.Start();
    }

    public int Port { get; }

    /// <summary>What it was sent.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lines)
                return [.. _lines];
        }
    }

    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    /// <summary>Ends the connections that there are.</summary>
    public void HangUp()
    {
        lock (_clients)
        {
            foreach (var client in _clients)
                client.Dispose();
            _clients.Clear();
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        HangUp();
    }

    private void Accept(Func<string, byte[]?> answer)
    {
        try
        {
            while (true)
            {
                var client = _listener.Accept();
                lock (_clients)
                    _clients.Add(client);
                new Thread(() => Serve(client, answer)) { IsBackground = true }.Start();
            }
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private void Serve(Socket client, Func<string, byte[]?> answer)
    {
        try
        {
            using var stream = new NetworkStream(client);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            while (reader.ReadLine() is { } line)
            {
                lock (_lines)
                    _lines.Add(line);
                if (answer(line) is { } reply)
                    stream.Write(reply);
            }
        }
        catch (Exception end) when (end is IOException or SocketException or ObjectDisposedException)
        {
            // The client has hung up, or the test is over.
        }
    }
}
