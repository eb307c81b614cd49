using System.Net;
using System.Net.Sockets;
using System.Text;
using Postern.Core.Config;
using Postern.Tests.Loop;

namespace Postern.Tests.Relay;

/// <summary>
/// A mail server that knows SMTP and nothing else: it greets at once, answers every line by itself, each in a segment of its own
/// and after a delay, and keeps what it is sent.
/// </summary>
internal sealed class LineServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly TimeSpan _delay;
    private int _sessions;
    private int _mails;

    public LineServer(TimeSpan delay)
    {
        _delay = delay;
        _listener.Start();
        Target = StubServer.TargetAt(((IPEndPoint)_listener.LocalEndpoint).Port);
        _ = AcceptAsync();
    }

    public RelayTarget Target { get; }

    /// <summary>Mails that it has taken.</summary>
    public int Mails => Volatile.Read(ref _mails);

    /// <summary>Sessions that have begun.</summary>
    public int Sessions => Volatile.Read(ref _sessions);

    public void WaitForSessions(int count) => LoopHarness.Until(() => Sessions >= count, $"only {Sessions} sessions");

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync();
                Interlocked.Increment(ref _sessions);
                _ = ServeAsync(client);
            }
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            // disposed
        }
    }

    private async Task ServeAsync(TcpClient connection)
    {
        using var client = connection;
        client.NoDelay = true;
        try
        {
            using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);
            await SayAsync("220 line");
            for (var isInMail = false; await reader.ReadLineAsync() is { } line;)
            {
                if (isInMail && line != ".")
                    continue;
                _mails += isInMail ? 1 : 0;
                var reply = isInMail ? "250 taken" : ReplyTo(line.Split(' ')[0].ToUpperInvariant());
                isInMail = reply.StartsWith('3');
                await SayAsync(reply);
                if (reply.StartsWith("221", StringComparison.Ordinal))
                    return;
            }
        }
        catch (IOException)
        {
            // the other side is gone
        }

        async Task SayAsync(string reply)
        {
            await Task.Delay(_delay);
            await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(reply + "\r\n"));
        }
    }

    private static string ReplyTo(string verb) => verb switch
    {
        "EHLO" => "250-line\r\n250 SIZE 1000",
        "HELO" or "MAIL" or "RCPT" or "NOOP" or "RSET" => "250 ok",
        "DATA" => "354 go on",
        "QUIT" => "221 bye",
        _ => "500 what?",
    };
}
