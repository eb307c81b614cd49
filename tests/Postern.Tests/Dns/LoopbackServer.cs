using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Postern.Dns;

namespace Postern.Tests.Dns;

/// <summary>A name server for one test, on one port of UDP and TCP.</summary>
internal sealed class LoopbackServer : IDisposable
{
    private readonly Socket _udp;
    private readonly Socket _tcp;
    private readonly Func<ushort, DnsQuestion, bool, IEnumerable<byte[]>> _answer;

    /// <param name="answer">Given the id, the question and whether TCP was used: the messages to send back.</param>
    /// <param name="address">A loopback address; null: 127.0.0.1.</param>
    public LoopbackServer(Func<ushort, DnsQuestion, bool, IEnumerable<byte[]>> answer, IPAddress? address = null)
    {
        _answer = answer;
        address ??= IPAddress.Loopback;
        _udp = new(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        _tcp = new(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _tcp.Bind(new IPEndPoint(address, 0));
        _tcp.Listen();
        _udp.Bind(Address);
        _ = Task.Run(ServeUdpAsync);
        _ = Task.Run(ServeTcpAsync);
    }

    public IPEndPoint Address => (IPEndPoint)_tcp.LocalEndPoint!;

    /// <summary>The ports that UDP queries came from.</summary>
    public ConcurrentQueue<int> Ports { get; } = [];

    /// <summary>Whether each of the questions came with EDNS, and the size that it said.</summary>
    public ConcurrentQueue<int?> EdnsSizes { get; } = [];

    /// <summary>How often it was asked.</summary>
    public int Queries { get; private set; }

    public void Dispose()
    {
        _udp.Dispose();
        _tcp.Dispose();
    }

    private async Task ServeUdpAsync()
    {
        var buffer = new byte[512];
        try
        {
            while (true)
            {
                var query = await _udp.ReceiveFromAsync(buffer, new IPEndPoint(_udp.AddressFamily is AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0));
                Ports.Enqueue(((IPEndPoint)query.RemoteEndPoint).Port);
                foreach (var message in Answer(buffer.AsSpan(0, query.ReceivedBytes), isTcp: false))
                    await _udp.SendToAsync(message, query.RemoteEndPoint);
            }
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // Disposed: the test is over.
        }
    }

    private async Task ServeTcpAsync()
    {
        var buffer = new byte[512];
        try
        {
            while (true)
            {
                using var client = await _tcp.AcceptAsync();
                for (var length = 0; length < 2 || length < 2 + (buffer[0] << 8 | buffer[1]);)
                    length += await client.ReceiveAsync(buffer.AsMemory(length));
                foreach (var message in Answer(buffer.AsSpan(2, buffer[0] << 8 | buffer[1]), isTcp: true))
                {
                    foreach (var piece in new byte[] { (byte)(message.Length >> 8), (byte)message.Length }.Concat(message).Chunk(7))
                        await client.SendAsync(piece);
                }
            }
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // Disposed: the test is over.
        }
    }

    private IEnumerable<byte[]> Answer(ReadOnlySpan<byte> query, bool isTcp)
    {
        Queries++;
        var name = new List<string>();
        var position = 12;
        while (query[position] != 0)
        {
            name.Add(System.Text.Encoding.ASCII.GetString(query.Slice(position + 1, query[position])));
            position += 1 + query[position];
        }

        EdnsSizes.Enqueue(query[11] == 0 ? null : query[position + 8] << 8 | query[position + 9]);
        return _answer((ushort)(query[0] << 8 | query[1]), new DnsQuestion(string.Join('.', name), (DnsType)query[position + 2]), isTcp);
    }
}
