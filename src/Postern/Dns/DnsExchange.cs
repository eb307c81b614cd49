using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Postern.Dns;

/// <summary>One question to one server: UDP first, TCP when the answer did not fit.</summary>
internal static class DnsExchange
{
    /// <summary>An honest server stays below what EDNS announces, 1232; more is read so that it is seen.</summary>
    private const int UdpBufferLength = 4096;

    /// <returns>A judged answer; a failure of this server is an answer too.</returns>
    /// <param name="withEdns">Whether to try with EDNS first; some firewalls drop that.</param>
    /// <param name="cancellation">Ends the exchange with <see cref="OperationCanceledException"/>.</param>
    public static async Task<DnsAnswer> AskAsync(IPEndPoint server, DnsQuestion question, bool withEdns, CancellationToken cancellation)
    {
        // A random id and the random port of a socket of its own: a forger has to guess both (RFC 5452).
        var id = (ushort)RandomNumberGenerator.GetInt32(ushort.MaxValue + 1);
        var query = new byte[DnsCodec.MaxQueryLength + DnsCodec.EdnsLength];
        var length = DnsCodec.WriteQuery(query, id, question);
        if (length == 0)
            return new DnsAnswer(DnsOutcome.NoSuchName, [], TimeSpan.Zero, null);

        try
        {
            DnsCodec.WriteEdns(query.AsSpan(length));
            DnsCodec.SetEdns(query, withEdns);
            var full = withEdns ? length + DnsCodec.EdnsLength : length;
            var message = await AskUdpAsync(server, query.AsMemory(0, full), id, question, cancellation).ConfigureAwait(false);
            if (withEdns && DnsCodec.RefusesEdns(message.Span, id))
            {
                DnsCodec.SetEdns(query, hasEdns: false);
                full = length;
                message = await AskUdpAsync(server, query.AsMemory(0, full), id, question, cancellation).ConfigureAwait(false);
            }

            var reply = Read(message.Span, id, question);
            if (reply is { IsTruncated: true })
            {
                message = await AskOverTcpAsync(server, query.AsMemory(0, full), cancellation).ConfigureAwait(false);
                reply = Read(message.Span, id, question);
            }

            return reply switch
            {
                null => DnsAnswer.Failure("malformed answer"),
                { IsTruncated: true } => DnsAnswer.Failure("truncated answer over TCP"),
                { ResponseCode: 0 or DnsReply.NameError } => reply.Judge(question),
                _ => Failure(reply.ResponseCode, AddressReply.ExplanationIn(message.Span, length)),
            };
        }
        catch (SocketException problem)
        {
            return DnsAnswer.Failure(problem.Message); // the system's words, e.g. "Connection refused"
        }
    }

    private static DnsAnswer Failure(int code, string? explanation) =>
        DnsAnswer.Failure($"server answered {LookupProblem.NameOf(code)}{(explanation is null ? "" : $" ({explanation})")}") with { ErrorCode = code, Explanation = explanation };

    private static DnsReply? Read(ReadOnlySpan<byte> message, ushort id, DnsQuestion question) =>
        DnsCodec.IsReplyTo(message, id, question) ? DnsCodec.ReadReply(message) : null;

    /// <returns>The answer, or that the server does not know EDNS.</returns>
    private static async Task<ReadOnlyMemory<byte>> AskUdpAsync(
        IPEndPoint server, ReadOnlyMemory<byte> query, ushort id, DnsQuestion question, CancellationToken cancellation)
    {
        using var socket = new Socket(server.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        await socket.ConnectAsync(server, cancellation).ConfigureAwait(false); // the kernel drops what others send, and tells us of refusals
        await socket.SendAsync(query, cancellation).ConfigureAwait(false);
        var buffer = new byte[UdpBufferLength];
        while (true)
        {
            var length = await socket.ReceiveAsync(buffer, cancellation).ConfigureAwait(false);
            var message = buffer.AsMemory(0, length);
            if (DnsCodec.IsReplyTo(message.Span, id, question) || (DnsCodec.HasEdns(query.Span) && DnsCodec.RefusesEdns(message.Span, id)))
                return message;
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
