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
/// own (ADR 10). Who asks for something else is given away unread, to <see cref="PageServer"/>.
/// </summary>
internal sealed class HttpEndpoint : IDisposable
{
    private const int MostRequest = 8192;
    private const int Patience = 5_000; // milliseconds for the client to send or to take the next piece
    private const int PeekPause = 10;
    private const int Backlog = 64;
    private const int ReusePort = 15; // SO_REUSEPORT

    private readonly SerialListener _listener;
    private readonly Func<string, HttpAnswer?> _answer;
    private readonly Func<Socket, string?> _passOn;
    private readonly byte[] _buffer = new byte[MostRequest];

    private HttpEndpoint(Socket listener, Func<string, HttpAnswer?> answer, Func<Socket, string?> passOn)
    {
        (Address, _answer, _passOn) = ((IPEndPoint)listener.LocalEndPoint!, answer, passOn);
        _listener = new SerialListener(listener, "http", Patience, Answer);
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address { get; }

    /// <param name="isTakenOver">Whether another process of ours, which is about to end, may still listen there.</param>
    /// <param name="answer">By path; null: it is none of ours. Called on a thread of its own.</param>
    /// <param name="passOn">Gives a connection away of which nothing was read; says why not, or null. On the same thread.</param>
    /// <param name="problem">In the administrator's words.</param>
    /// <returns>Null on failure.</returns>
    public static HttpEndpoint? Open(IPEndPoint address, bool isTakenOver, Func<string, HttpAnswer?> answer, Func<Socket, string?> passOn, out string? problem)
    {
        var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (isTakenOver)
                listener.SetRawSocketOption(Libc.SOL_SOCKET, ReusePort, BitConverter.GetBytes(1));
            listener.Bind(address);
            listener.Listen(Backlog);
            problem = null;
            return new HttpEndpoint(listener, answer, passOn);
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

    private void Answer(Socket client)
    {
        if (Peek(client, _buffer) is not { } line)
            return;
        var words = line.Split(' ');
        var path = words is [_, var target, "HTTP/1.0" or "HTTP/1.1"] ? target.Split('?')[0] : null;
        HttpAnswer answer;
        if (path is null)
            answer = new HttpAnswer(400, "text/plain", "bad request\n");
        else if (_answer(path) is { } own)
            answer = words[0] is "GET" or "HEAD" ? own : new HttpAnswer(405, "text/plain", "GET or HEAD\n");
        else if (_passOn(client) is { } problem)
            answer = new HttpAnswer(503, "text/plain", problem + "\n");
        else
            return;
        if (ReadHead(client, _buffer)) // a close with something unread would cut the answer
            Send(client, answer, withBody: words[0] != "HEAD");
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

    /// <summary>Waits for the request line, and leaves it where it is.</summary>
    /// <returns>Null: the client went away, was too slow, or said too much.</returns>
    private static string? Peek(Socket client, byte[] buffer)
    {
        var deadline = Environment.TickCount64 + Patience;
        for (var before = 0; Environment.TickCount64 < deadline;)
        {
            var length = client.Receive(buffer, SocketFlags.Peek);
            if (buffer.AsSpan(0, length).IndexOf((byte)'\n') is >= 0 and var end)
                return Encoding.Latin1.GetString(buffer, 0, end).TrimEnd('\r');
            if (length is 0 || length == buffer.Length)
                return null;
            if (length == before)
                Thread.Sleep(PeekPause); // what is there already is reported at once
            before = length;
        }

        return null;
    }

    /// <returns>False: the client went away, was too slow, or said too much.</returns>
    private static bool ReadHead(Socket client, byte[] buffer)
    {
        var deadline = Environment.TickCount64 + Patience;
        for (var length = 0; length < buffer.Length && Environment.TickCount64 < deadline;)
        {
            if (client.Receive(buffer, length, buffer.Length - length, SocketFlags.None) is not (> 0 and var read))
                return false;
            length += read;
            if (buffer.AsSpan(0, length).IndexOf("\r\n\r\n"u8) >= 0)
                return true;
        }

        return false;
    }

    private static void Send(Socket client, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
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
