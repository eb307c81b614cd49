using System.Net;
using System.Net.Sockets;
using System.Text;
using Postern.Native;

namespace Postern.Control;

/// <summary>What a path answers.</summary>
/// <param name="Status">Such as 200.</param>
/// <param name="ContentType">MIME type.</param>
/// <param name="Body">Goes out as UTF-8.</param>
internal readonly record struct HttpAnswer(int Status, string ContentType, string Body);

/// <summary>
/// <c>postern_http</c>: answers GET and HEAD for monitoring, one request a connection, one at a time, on a thread of its
/// own (ADR 10): a request is looked at when its head is all here. Who asks for something else is given away unread, to <see cref="PageServer"/>.
/// </summary>
internal sealed class HttpEndpoint : IDisposable
{
    /// <summary>Bytes of a request's head.</summary>
    public const int MaxRequest = 8192;

    private const int Patience = 5_000; // milliseconds for the client to send or to take the next piece
    private const int Backlog = 64;
    private const int ReusePort = 15; // SO_REUSEPORT

    private readonly SerialListener _listener;
    private readonly Func<string, Func<string, HttpAnswer>?> _find;
    private readonly Func<Socket, string?> _passOn;
    private readonly byte[] _buffer = new byte[MaxRequest];

    private HttpEndpoint(Socket listener, Func<string, Func<string, HttpAnswer>?> find, Func<Socket, string?> passOn)
    {
        (Address, _find, _passOn) = ((IPEndPoint)listener.LocalEndPoint!, find, passOn);
        _listener = new SerialListener(listener, "http", Patience, HasAsked, Answer);
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address { get; }

    /// <param name="isTakenOver">Whether another process of ours, which is about to end, may still listen there.</param>
    /// <param name="find">What answers at a path, and is told what the header Accept says, empty if there is none; null: it is none of ours. Both on a thread of its own.</param>
    /// <param name="passOn">Takes a connection of which nothing was read, for good; or says why not. On the same thread, and must not wait.</param>
    /// <param name="problem">In the administrator's words.</param>
    /// <returns>Null on failure.</returns>
    public static HttpEndpoint? Open(IPEndPoint address, bool isTakenOver, Func<string, Func<string, HttpAnswer>?> find, Func<Socket, string?> passOn, out string? problem)
    {
        var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (isTakenOver)
                listener.SetRawSocketOption(Libc.SOL_SOCKET, ReusePort, BitConverter.GetBytes(1));
            listener.Bind(address);
            listener.Listen(Backlog);
            problem = null;
            return new HttpEndpoint(listener, find, passOn);
        }
        catch (SocketException refusal)
        {
            listener.Dispose();
            problem = $"cannot listen on {address}: {refusal.Message}";
            return null;
        }
    }

    /// <summary>Listens no more.</summary>
    public void Dispose() => _listener.Dispose();

    /// <summary>Says to a client of which nothing was read why there is nothing for it. Waits for the rest of its request.</summary>
    /// <param name="buffer">Room for <see cref="MaxRequest"/> bytes.</param>
    /// <exception cref="SocketException">It went away.</exception>
    public static void Refuse(Socket client, string why, byte[] buffer)
    {
        if (ReadHead(client, buffer) is not null) // a close with something unread would cut the answer
            Send(client, new HttpAnswer(503, "text/plain", why + "\n"), withBody: true);
    }

    private bool Answer(Socket client)
    {
        if (Peek(client, _buffer) is not { } line)
            return true;
        var words = line.Split(' ');
        var path = words is [_, var target, "HTTP/1.0" or "HTTP/1.1"] ? target.Split('?')[0] : null;
        var answer = path is null ? static _ => new HttpAnswer(400, "text/plain", "bad request\n") : _find(path);
        if (answer is null)
        {
            if (_passOn(client) is not { } problem)
                return false;
            answer = _ => new HttpAnswer(503, "text/plain", problem + "\n");
        }
        else if (path is not null && words[0] is not ("GET" or "HEAD"))
        {
            answer = static _ => new HttpAnswer(405, "text/plain", "GET or HEAD\n");
        }

        if (ReadHead(client, _buffer) is { } head) // a close with something unread would cut the answer
            Send(client, answer(Accept(head)), withBody: words[0] != "HEAD");
        return true;
    }

    private static void Send(Socket client, HttpAnswer answer, bool withBody)
    {
        var body = Encoding.UTF8.GetBytes(answer.Body);
        Send(client, Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {answer.Status} {Reason(answer.Status)}\r\nContent-Type: {answer.ContentType}\r\nContent-Length: {body.Length}\r\n"
            + "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"));
        if (withBody)
            Send(client, body);
        client.Shutdown(SocketShutdown.Send);
    }

    /// <summary>Whether the head of the request is there, or will never be all here. Leaves it where it is.</summary>
    private bool HasAsked(Socket client)
    {
        var length = client.Receive(_buffer, SocketFlags.Peek);
        return length == 0 || length == _buffer.Length || _buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8) >= 0;
    }

    /// <returns>The request line, which stays where it is; null: there is none.</returns>
    private static string? Peek(Socket client, byte[] buffer)
    {
        var head = buffer.AsSpan(0, client.Receive(buffer, SocketFlags.Peek));
        return head.IndexOf((byte)'\n') is >= 0 and var end ? Encoding.Latin1.GetString(head[..end]).TrimEnd('\r') : null;
    }

    /// <returns>Null: the client went away, was too slow, or said too much.</returns>
    private static string? ReadHead(Socket client, byte[] buffer)
    {
        var deadline = Environment.TickCount64 + Patience;
        for (var length = 0; length < buffer.Length && Environment.TickCount64 < deadline;)
        {
            if (client.Receive(buffer, length, buffer.Length - length, SocketFlags.None) is not (> 0 and var read))
                return null;
            length += read;
            if (buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8) >= 0)
                return Encoding.Latin1.GetString(buffer, 0, length);
        }

        return null;
    }

    private static string Accept(string head) => string.Join(',', head.Split("\r\n").Skip(1)
        .Where(static line => line.StartsWith("Accept:", StringComparison.OrdinalIgnoreCase)).Select(static line => line["Accept:".Length..].Trim()));

    private static void Send(Socket client, ReadOnlySpan<byte> bytes)
    {
        var deadline = Environment.TickCount64 + Patience;
        while (!bytes.IsEmpty && Environment.TickCount64 < deadline)
            bytes = bytes[client.Send(bytes)..];
    }

    private static string Reason(int status) => status switch
    {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        405 => "Method Not Allowed",
        500 => "Internal Server Error",
        _ => "Service Unavailable",
    };
}
