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
/// own. A web server would cost the daemon more memory than all the rest of it (ADR 10).
/// </summary>
internal sealed class HttpEndpoint : IDisposable
{
    private const int MostRequest = 8192;
    private const int Patience = 5_000; // milliseconds for the client to send or to take the next piece
    private const int Backlog = 64;
    private const int ReusePort = 15; // SO_REUSEPORT

    private readonly SerialListener _listener;
    private readonly Func<string, string, HttpAnswer> _answer;
    private readonly byte[] _buffer = new byte[MostRequest];

    private HttpEndpoint(Socket listener, Func<string, string, HttpAnswer> answer)
    {
        (Address, _answer) = ((IPEndPoint)listener.LocalEndPoint!, answer);
        _listener = new SerialListener(listener, "http", Patience, Answer);
    }

    /// <summary>Where it listens.</summary>
    public IPEndPoint Address { get; }

    /// <param name="isTakenOver">Whether another process of ours, which is about to end, may still listen there.</param>
    /// <param name="answer">By path, and by what the header Accept says, empty if there is none; called on a thread of its own.</param>
    /// <param name="problem">In the administrator's words.</param>
    /// <returns>Null on failure.</returns>
    public static HttpEndpoint? Open(IPEndPoint address, bool isTakenOver, Func<string, string, HttpAnswer> answer, out string? problem)
    {
        var listener = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (isTakenOver)
                listener.SetRawSocketOption(Libc.SOL_SOCKET, ReusePort, BitConverter.GetBytes(1));
            listener.Bind(address);
            listener.Listen(Backlog);
            problem = null;
            return new HttpEndpoint(listener, answer);
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
        if (ReadHead(client, _buffer) is not { } head)
            return;
        var words = head.Split("\r\n", 2)[0].Split(' ');
        var answer = words is not [var method, var target, "HTTP/1.0" or "HTTP/1.1"] ? new HttpAnswer(400, "text/plain", "bad request\n")
            : method is not ("GET" or "HEAD") ? new HttpAnswer(405, "text/plain", "GET or HEAD\n")
            : _answer(target.Split('?')[0], Accept(head));
        var body = Encoding.UTF8.GetBytes(answer.Body);
        Send(client, Encoding.ASCII.GetBytes(
            $"HTTP/1.1 {answer.Status} {Reason(answer.Status)}\r\nContent-Type: {answer.ContentType}\r\nContent-Length: {body.Length}\r\n"
            + "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"));
        if (!head.StartsWith("HEAD ", StringComparison.Ordinal))
            Send(client, body);
        client.Shutdown(SocketShutdown.Send);
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
