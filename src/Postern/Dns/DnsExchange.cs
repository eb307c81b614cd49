using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Postern.Dns;

/// <summary>One question to one server: UDP first, TCP when the answer did not fit.</summary>
internal static class DnsExchange
{
    /// <summary>We announce no larger size (no EDNS), so an honest server stays below 512; more is read so that it is seen.</summary>
    private const int UdpBufferLength = 4096;

    /// <returns>A judged answer; a failure of this server is an answer too.</returns>
    /// <param name="cancellation">Ends the exchange with <see cref="OperationCanceledException"/>.</param>
    public static async Task<DnsAnswer> AskAsync(IPEndPoint server, DnsQuestion question, CancellationToken cancellation)
    {
        // A random id and the random port of a socket of its own: a forger has to guess both (RFC 5452).
        var id = (ushort)RandomNumberGenerator.GetInt32(ushort.MaxValue + 1);
        var query = new byte[DnsCodec.MaxQueryLength];
        var length = DnsCodec.WriteQuery(query, id, question);
        if (length == 0)
            return new DnsAnswer(DnsOutcome.NoSuchName, [], TimeSpan.Zero, null);

        try
        {
            var reply = await AskUdpAsync(server, query.AsMemory(0, length), id, question, cancellation).ConfigureAwait(false);
            if (reply is { IsTruncated: true })
            {
                var message = await AskOverTcpAsync(server, query.AsMemory(0, length), cancellation).ConfigureAwait(false);
                reply = message is not null && DnsCodec.IsReplyTo(message, id, question) ? DnsCodec.ReadReply(message) : null;
            }

            return reply switch
            {
                null => DnsAnswer.Failure("malformed answer"),
                { IsTruncated: true } => DnsAnswer.Failure("truncated answer over TCP"),
                _ => reply.Judge(question),
            };
        }
        catch (SocketException problem)
        {
            return DnsAnswer.Failure(problem.Message); // the system's words, e.g. "Connection refused"
        }
    }

    private static async Task<DnsReply?> AskUdpAsync(
        IPEndPoint server, ReadOnlyMemory<byte> query, ushort id, DnsQuestion question, CancellationToken cancellation)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(server, cancellation).ConfigureAwait(false); // the kernel drops what others send, and tells us of refusals
        await socket.SendAsync(query, cancellation).ConfigureAwait(false);
        var buffer = new byte[UdpBufferLength];
        while (true)
        {
            var length = await socket.ReceiveAsync(buffer, cancellation).ConfigureAwait(false);
            if (DnsCodec.IsReplyTo(buffer.AsSpan(0, length), id, question))
                return DnsCodec.ReadReply(buffer.AsSpan(0, length));
        }
    }

    /// <summary>Sends a query over TCP.</summary>
    /// <returns>The first message that comes back, not looked at; null when the server closes before.</returns>
    /// <exception cref="SocketException">The server cannot be reached.</exception>
    /// <remarks>Over TCP each message has its length in front, two bytes (RFC 1035 §4.2.2), which also bounds what we read.</remarks>
    internal static async Task<byte[]?> AskOverTcpAsync(IPEndPoint server, ReadOnlyMemory<byte> query, CancellationToken cancellation)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(server, cancellation).ConfigureAwait(false);
        var framed = new byte[2 + query.Length];
        BinaryPrimitives.WriteUInt16BigEndian(framed, (ushort)query.Length);
        query.CopyTo(framed.AsMemory(2));
        for (var sent = 0; sent < framed.Length;)
            sent += await socket.SendAsync(framed.AsMemory(sent), cancellation).ConfigureAwait(false);

        var prefix = new byte[2];
        if (!await FillAsync(socket, prefix, cancellation).ConfigureAwait(false))
            return null;
        var message = new byte[BinaryPrimitives.ReadUInt16BigEndian(prefix)];
        return await FillAsync(socket, message, cancellation).ConfigureAwait(false) ? message : null;
    }

    private static async Task<bool> FillAsync(Socket socket, Memory<byte> buffer, CancellationToken cancellation)
    {
        while (!buffer.IsEmpty)
        {
            var length = await socket.ReceiveAsync(buffer, cancellation).ConfigureAwait(false);
            if (length == 0)
                return false;
            buffer = buffer[length..];
        }

        return true;
    }
}
