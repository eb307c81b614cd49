using System.Net;
using System.Net.Sockets;
using System.Text;
using Postern.Core.Config;
using Postern.Tests.Loop;

namespace Postern.Tests.Relay;

/// <summary>
/// A server that dies, hangs up or falls silent at every moment of a mail. A client that tries again as mail servers do
/// gets its mail there, once.
/// </summary>
public sealed class DyingServerTests
{
    private const int StepCount = 9;

    private static readonly string[] Faults = ["hangs up", "is killed", "falls silent"];

    private static readonly Settings Plain = new() { GreetBanner = "mx ESMTP", GreetWait = TimeSpan.FromMilliseconds(20), Banner = "mx real", MyHostname = "mx" };

    private static readonly Settings Live = Plain with
    {
        BareNewlineEnable = true,
        BareNewlineAction = FailAction.Enforce,
        PipeliningEnable = true,
        PipeliningAction = FailAction.Enforce,
        LiveHandover = true,
    };

    private static readonly RelayRules Rules = new()
    {
        Announcement = RelayAnnouncement.None,
        ConnectTimeout = TimeSpan.FromMilliseconds(300),
        ReplyTimeout = TimeSpan.FromMilliseconds(300),
        IdleTimeout = TimeSpan.FromMilliseconds(600),
    };

    [Theory]
    [MemberData(nameof(EveryMoment))]
    public void No_mail_is_lost_or_doubled(bool isLive, string fault, int step)
    {
        using var server = new MailServer(fault, step);
        using var harness = new LoopHarness(isLive ? Live : Plain, Rules, StubServer.TargetAt(server.Port));
        var answers = new List<string>();

        for (var attempt = 0; attempt < 5 && (answers.Count == 0 || answers[^1][0] != '2'); attempt++)
            answers.Add(Send(harness));

        Assert.Equal("250 stored\r\n", answers[^1]);
        Assert.Equal(2, answers.Count);
        Assert.True(answers[0][0] is '4' or '-', answers[0]); // an answer, or the end of the connection: it may come back
        if (isLive && step < 4)
            Assert.Equal("451 4.3.2 Service currently unavailable\r\n", answers[0]);
        Assert.Equal(1, server.Stored);
        LoopHarness.Until(() => harness.Loop.ClientCount == 0, "the session is still there");
        Assert.Equal(0, harness.Pool!.Servers[0].Sessions);
    }

    [Fact]
    public void A_server_that_takes_no_connection_costs_a_451_in_time()
    {
        using var full = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        full.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        full.Listen(0);
        var port = ((IPEndPoint)full.LocalEndPoint!).Port;
        var fillers = Enumerable.Range(0, 3).Select(_ => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false }).ToList();
        foreach (var filler in fillers)
            _ = Record.Exception(() => filler.Connect(IPAddress.Loopback, port)); // it is on its way, for ever
        using var harness = new LoopHarness(Live, Rules, StubServer.TargetAt(port));

        Assert.Equal("451 4.3.2 Service currently unavailable\r\n", Send(harness));
        harness.WaitForLog($"relay target tcp:127.0.0.1:{port} is out: Connection timed out");
        fillers.ForEach(static filler => filler.Dispose());
    }

    public static TheoryData<bool, string, int> EveryMoment()
    {
        var moments = new TheoryData<bool, string, int>();
        foreach (var isLive in (bool[])[true, false])
        {
            foreach (var fault in Faults)
            {
                for (var step = 0; step < StepCount; step++)
                    moments.Add(isLive, fault, step);
            }
        }

        return moments;
    }

    /// <summary>One attempt of a client to deliver its mail.</summary>
    /// <returns>The reply that ended it; a hyphen: there was none.</returns>
    private static string Send(LoopHarness harness)
    {
        using var client = harness.Connect();
        try
        {
            var reply = LoopHarness.ReadLine(client);
            while (reply.StartsWith("220-", StringComparison.Ordinal))
                reply = LoopHarness.ReadLine(client);
            foreach (var command in (string[])["EHLO client.test", "MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA", "Subject: x", "\r\nHello.\r\n."])
            {
                if (reply.Length == 0)
                    return "-";
                if (reply[0] is not ('2' or '3'))
                    return reply;
                client.Send(Encoding.ASCII.GetBytes(command + "\r\n"));
                if (command != "Subject: x")
                    reply = LoopHarness.ReadLine(client);
            }

            return reply.Length == 0 ? "-" : reply;
        }
        catch (SocketException reset) when (reset.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            return "-";
        }
    }

    /// <summary>Keeps mails. Its first session does not go well.</summary>
    private sealed class MailServer : IDisposable
    {
        // What it waits for at each step, and what it says then. At the last step it has the whole mail, not yet stored.
        private static readonly (string? Heard, string? Said)[] Steps =
        [
            (null, "220 there"), ("EHLO client.test", "250 there"), ("MAIL FROM:<a@b>", "250 2.1.0 Ok"), ("RCPT TO:<c@d>", "250 2.1.5 Ok"),
            ("DATA", "354 go"), ("Subject: x", null), ("", null), ("Hello.", null), (".", null),
        ];

        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly Thread _thread;
        private readonly string _fault;
        private readonly int _step;
        private int _stored;
        private readonly List<Socket> _silent = [];

        public MailServer(string fault, int step)
        {
            (_fault, _step) = (fault, step);
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen(16);
            Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
            _thread = new Thread(Run) { IsBackground = true };
            _thread.Start();
        }

        public int Port { get; }

        /// <summary>How many mails it has.</summary>
        public int Stored => Volatile.Read(ref _stored);

        public void Dispose()
        {
            _listener.Dispose();
            _thread.Join();
            _silent.ForEach(static socket => socket.Dispose());
        }

        private void Run()
        {
            try
            {
                Serve(_listener.Accept(), _step);
                while (true)
                    Serve(_listener.Accept(), failAt: StepCount);
            }
            catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
            {
                // the test is over
            }
        }

        private void Serve(Socket socket, int failAt)
        {
            socket.ReceiveTimeout = 20_000;
            for (var step = 0; step < StepCount; step++)
            {
                var (heard, said) = Steps[step];
                if (heard is not null && LoopHarness.ReadLine(socket) != heard + "\r\n")
                {
                    socket.Dispose();
                    return;
                }

                if (step == failAt)
                {
                    Fail(socket);
                    return;
                }

                if (said is not null)
                    socket.Send(Encoding.ASCII.GetBytes(said + "\r\n"));
            }

            Interlocked.Increment(ref _stored);
            socket.Send("250 stored\r\n"u8);
            socket.Dispose();
        }

        private void Fail(Socket socket)
        {
            if (_fault == "falls silent")
            {
                _silent.Add(socket);
                return;
            }

            if (_fault == "is killed")
                socket.LingerState = new LingerOption(true, 0); // what it has not read makes the kernel reset the connection
            socket.Dispose();
        }
    }
}
