using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Postern.Interop.Tests.Harness;

/// <summary>An SMTP client that says what it is told to, when it is told to.</summary>
internal sealed class SmtpTalk : IDisposable
{
    private const int Patience = 40_000; // milliseconds
    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    /// <param name="from">The client's address, of 127.0.0.0/8.</param>
    public SmtpTalk(int port, string from = "127.0.0.1")
    {
        _socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        (_socket.ReceiveTimeout, _socket.SendTimeout) = (Patience, Patience);
        _socket.Connect(IPAddress.Loopback, port);
    }

    /// <summary>Whether somebody listens there.</summary>
    public static bool IsOpen(int port)
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            probe.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>One line without its end; null: the server has hung up.</summary>
    public string? ReadLine()
    {
        var line = new StringBuilder();
        var one = new byte[1];
        try
        {
            while (_socket.Receive(one) == 1)
            {
                if (one[0] == '\n')
                    return line.ToString().TrimEnd('\r');
                line.Append((char)one[0]);
            }
        }
        catch (SocketException problem) when (problem.SocketErrorCode is SocketError.ConnectionReset)
        {
            // It hung up while we were still sending.
        }

        return line.Length == 0 ? null : line.ToString();
    }

    /// <summary>A whole reply, lines separated by newlines; null: the server has hung up.</summary>
    public string? ReadReply()
    {
        var lines = new List<string>();
        while (ReadLine() is { } line)
        {
            lines.Add(line);
            if (line.Length < 4 || line[3] != '-')
                return string.Join('\n', lines);
        }

        return lines.Count == 0 ? null : string.Join('\n', lines);
    }

    public void Send(string text) => Send(Encoding.Latin1.GetBytes(text));

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[_socket.Send(bytes)..];
    }

    /// <summary>Sends a line and reads the reply.</summary>
    public string? Say(string line)
    {
        Send(line + "\r\n");
        return ReadReply();
    }

    /// <summary>Says a line and expects a reply that begins so.</summary>
    public void Say(string line, string expected)
    {
        var reply = Say(line);
        Assert.True(reply?.StartsWith(expected, StringComparison.Ordinal) == true, $"{line}: expected {expected}, got {reply ?? "a hang-up"}");
    }

    /// <summary>Reads the greeting, the teaser included.</summary>
    public void ExpectGreeting() => Assert.StartsWith("220", ReadReply());

    /// <summary>Talks before the whole greeting is out: where that is enforced, the dialogue with Postern itself begins.</summary>
    public void TalkEarly()
    {
        Assert.StartsWith("220-", ReadLine());
        Say("EHLO early.example", "250");
    }

    /// <summary>A whole mail after the greeting.</summary>
    /// <returns>The first reply that was none of success; else the reply to the mail's end; null: a hang-up.</returns>
    public string? SendMail(string sender, string recipient, string subject)
    {
        string? reply = null;
        foreach (var line in (string[])["EHLO client.example", $"MAIL FROM:<{sender}>", $"RCPT TO:<{recipient}>", "DATA"])
        {
            reply = Say(line);
            if (reply?[0] is not ('2' or '3'))
                return reply;
        }

        return Say($"From: <{sender}>\r\nTo: <{recipient}>\r\nSubject: {subject}\r\n\r\nHello.\r\n.");
    }

    /// <summary>Sends as if it were going to read nothing: false when the server has hung up.</summary>
    public bool TrySend(ReadOnlySpan<byte> bytes)
    {
        try
        {
            Send(bytes);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    public void Dispose() => _socket.Dispose();
}
