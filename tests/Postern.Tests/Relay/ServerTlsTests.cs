using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Postern.Core.Config;
using Postern.Relay;
using Postern.Tests.Loop;
using Postern.Tests.Tls;

namespace Postern.Tests.Relay;

/// <summary>Servers that are talked to inside TLS (<c>postern_relay_tls</c>).</summary>
public sealed class ServerTlsTests
{
    private static readonly TestCertificates Pki = TestCertificates.Create("localhost");

    private static readonly Settings Deep = DeepSettings.WithTls with { LiveHandover = true };

    private readonly ChangingFiles _files = Pki.Files();

    [Theory]
    [InlineData(RelayTls.May, false)]
    [InlineData(RelayTls.Encrypt, false)]
    [InlineData(RelayTls.Encrypt, true)]
    [InlineData(RelayTls.Verify, true)]
    public async Task A_session_goes_on_inside_the_servers_TLS(RelayTls level, bool clientHasTls)
    {
        using var server = new StubServer();
        using var harness = Start(Rules(level), Named(server));
        using var client = new TlsTalk(harness);
        TalkUpToRecipient(client, clientHasTls);

        using var there = new Inside(server.Accept());
        there.Expect("EHLO foo.test", "250-there\r\n250 8BITMIME");
        there.Expect("MAIL FROM:<a@b>", "250 2.1.0 Ok");
        there.Expect("RCPT TO:<c@d>", "250 2.1.5 Ok");
        Assert.Equal("250 2.1.5 Ok\r\n", client.ReadReply());
        client.Say("DATA");
        there.Expect("DATA", "354 go");
        Assert.Equal("354 go\r\n", client.ReadReply());
        var body = string.Concat(Enumerable.Repeat("0123456789abcde\n", 100_000));
        var sender = Task.Run(() => client.Send(body), TestContext.Current.CancellationToken);
        Assert.Equal(body, there.Read(body.Length));
        await sender;
        there.Say("221 bye");
        Assert.Equal("221 bye\r\n", client.ReadReply());
        there.Dispose();
        Assert.Equal("", client.ReadReply());
        client.Dispose();
        LoopHarness.Until(() => harness.Loop.ClientCount == 0, "the session is still there");
        harness.WaitForLog($"relayed [127.0.0.1]:{client.Port} id=");
    }

    [Fact]
    public void The_servers_last_answer_reaches_a_client_that_has_closed_its_side()
    {
        using var server = new StubServer();
        using var harness = Start(Rules(RelayTls.Encrypt), Named(server));
        using var client = new TlsTalk(harness);
        TalkUpToRecipient(client, clientHasTls: false);
        using var there = new Inside(server.Accept());
        there.Expect("EHLO foo.test", "250 there");
        there.Expect("MAIL FROM:<a@b>", "250 2.1.0 Ok");
        there.Expect("RCPT TO:<c@d>", "250 2.1.5 Ok");
        Assert.Equal("250 2.1.5 Ok\r\n", client.ReadReply());

        client.Say("QUIT");
        client.Socket.Shutdown(SocketShutdown.Send);

        there.Expect("QUIT", "");
        Assert.Equal("", there.ReadLine());
        there.Say("221 bye");
        Assert.Equal("221 bye\r\n", client.ReadReply());
    }

    [Fact]
    public void XCLIENT_is_asked_for_inside()
    {
        using var server = new StubServer();
        using var harness = Start(Rules(RelayTls.Encrypt) with { Announcement = RelayAnnouncement.Xclient }, Named(server));
        using var client = new TlsTalk(harness);
        TalkUpToRecipient(client, clientHasTls: false);

        using var there = new Inside(server.Accept());
        there.Expect("EHLO postern.test", "250-there\r\n250 XCLIENT ADDR");
        there.Expect("XCLIENT ADDR=127.0.0.1", "220 there");
        there.Expect("EHLO foo.test", "250 there");
    }

    [Fact]
    public void May_goes_on_without_where_there_is_none()
    {
        using var server = new StubServer();
        using var harness = Start(Rules(RelayTls.May), Named(server));
        using var client = new TlsTalk(harness);
        TalkUpToRecipient(client, clientHasTls: false);

        var there = server.Accept();
        Assert.Equal("EHLO postern.test", StubServer.Say(there, "220 there"));
        Assert.Equal("EHLO foo.test", StubServer.Say(there, "250 there"));
        Assert.Equal("MAIL FROM:<a@b>", StubServer.Say(there, "250 there"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void May_goes_on_without_where_it_does_not_work(bool isRefused)
    {
        using var server = new StubServer();
        using var harness = Start(Rules(RelayTls.May), Named(server));
        using var client = new TlsTalk(harness);
        TalkUpToRecipient(client, clientHasTls: false);

        using (var first = server.Accept())
        {
            if (isRefused)
            {
                Assert.Equal("EHLO postern.test", StubServer.Say(first, "220 there"));
                Assert.Equal("STARTTLS", StubServer.Say(first, "250-there\r\n250 STARTTLS"));
                first.Send("454 no\r\n"u8);
            }
            else
            {
                Inside.AskForTls(first);
            }
        }

        var there = server.Accept();
        Assert.Equal("EHLO foo.test", StubServer.Say(there, "220 there"));
        Assert.Equal("MAIL FROM:<a@b>", StubServer.Say(there, "250 there"));
        harness.WaitForLog("-- it is talked to without TLS until that works");
        harness.Loop.Post(() => harness.Pool!.OnProbed(harness.Pool.Servers[0], new ProbeResult(harness.Pool.Servers[0].Addresses, null, null), 0));
        harness.WaitForLog(": TLS works again");
    }

    [Fact]
    public void A_probe_asks_again_without_where_TLS_does_not_work()
    {
        using var server = new StubServer();
        var pool = new RelayPool([Named(server)], Rules(RelayTls.May), static (_, _) => { });
        using var prober = new RelayProber(static action => action(0));
        prober.Watch([pool]);

        using (var first = server.Accept())
            Inside.AskForTls(first);
        using var there = server.Accept();
        Assert.Equal("EHLO postern.test", StubServer.Say(there, "220 there"));
        Assert.Equal("QUIT", StubServer.Say(there, "250-there\r\n250-STARTTLS\r\n250 DSN"));
        there.Send("221 bye\r\n"u8);

        prober.WaitForFirstRound(TimeSpan.FromSeconds(20));
        Assert.False(pool.Servers[0].IsOut);
        Assert.True(pool.Servers[0].IsTlsBroken);
    }

    [Theory]
    [InlineData("250 there", "it does not offer STARTTLS")]
    [InlineData("250 STARTTLS\r\n454 not now", "it says after STARTTLS: 454 not now")]
    [InlineData("250 STARTTLS\r\n220 go\r\nEHLO injected", "it talks out of turn")]
    public void Encrypt_costs_a_451_where_there_is_none(string replies, string reason)
    {
        using var server = new StubServer();
        using var harness = Start(Rules(RelayTls.Encrypt), Named(server));
        using var client = new TlsTalk(harness);
        TalkUpToRecipient(client, clientHasTls: false);

        var there = server.Accept();
        there.Send("220 there\r\n"u8);
        Assert.Equal("EHLO postern.test\r\n", LoopHarness.ReadLine(there));
        if (replies.Contains('\n'))
        {
            var at = replies.IndexOf('\n') + 1;
            there.Send(Encoding.ASCII.GetBytes("250-there\r\n" + replies[..at]));
            Assert.Equal("STARTTLS\r\n", LoopHarness.ReadLine(there));
            there.Send(Encoding.ASCII.GetBytes(replies[at..] + "\r\n"));
        }
        else
        {
            there.Send(Encoding.ASCII.GetBytes(replies + "\r\n"));
        }

        Assert.Equal("451 4.3.2 Service currently unavailable\r\n", client.ReadReply());
        harness.WaitForLog(reason);
        client.Say("QUIT");
        Assert.Equal("221 2.0.0 Bye\r\n", client.ReadReply());
    }

    [Theory]
    [InlineData("no handshake", "no TLS with it: ")]
    [InlineData("silence", "timeout after STARTTLS")]
    [InlineData("wrong name", "its certificate is not for 127.0.0.1")]
    [InlineData("unknown authority", "no authority in postern_relay_tls_CAfile vouches for its certificate")]
    public void A_handshake_that_fails_costs_a_451(string fault, string reason)
    {
        using var server = new StubServer();
        var rules = Rules(RelayTls.Verify) with { ReplyTimeout = TimeSpan.FromSeconds(fault == "silence" ? 0.3 : 20) };
        if (fault == "unknown authority")
            rules = rules with { TlsAuthorities = TestCertificates.Create("other").Root };
        using var harness = Start(rules, fault == "wrong name" ? server.Target : Named(server));
        using var client = new TlsTalk(harness);
        TalkUpToRecipient(client, clientHasTls: false);

        var there = server.Accept();
        if (fault is "no handshake" or "silence")
        {
            Inside.AskForTls(there);
            if (fault == "no handshake")
                there.Send("this is no TLS, and long enough to be none\r\n"u8);
        }
        else
        {
            Assert.ThrowsAny<Exception>(() => new Inside(there).Expect("EHLO foo.test", "250 there"));
        }

        Assert.Equal("451 4.3.2 Service currently unavailable\r\n", client.ReadReply());
        harness.WaitForLog(reason);
        Assert.Equal(0, harness.Pool!.Servers[0].Sessions);
    }

    [Fact]
    public void A_probe_asks_inside()
    {
        using var server = new StubServer();
        var pool = new RelayPool([Named(server)], Rules(RelayTls.Verify), static (_, _) => { });
        using var prober = new RelayProber(static action => action(0));
        prober.Watch([pool]);

        using var there = new Inside(server.Accept());
        there.Expect("EHLO postern.test", "250-there\r\n250 DSN");
        there.Expect("QUIT", "221 bye");

        prober.WaitForFirstRound(TimeSpan.FromSeconds(20));
        Assert.False(pool.Servers[0].IsOut);
        Assert.Equal(Postern.Core.Smtp.EhloKeywords.Dsn, pool.Offer.Current.Keywords);
    }

    private LoopHarness Start(RelayRules rules, RelayTarget target)
    {
        var harness = new LoopHarness(Deep, rules, _files, target);
        harness.Loop.Post(() => harness.Pool!.Servers[0].Addresses = ServerSocket.Resolve(target with { Host = "127.0.0.1" })); // the prober's business
        return harness;
    }

    private static RelayTarget Named(StubServer server) => server.Target with { Host = "localhost" };

    private static RelayRules Rules(RelayTls level) =>
        new() { Announcement = RelayAnnouncement.None, MyHostname = "postern.test", Tls = level, TlsAuthorities = Pki.Root };

    private static void TalkUpToRecipient(TlsTalk client, bool clientHasTls)
    {
        if (clientHasTls)
        {
            client.Say("EHLO foo.test");
            client.ReadReply();
            client.StartTls();
        }

        client.Say("EHLO foo.test");
        client.ReadReply();
        client.Say("MAIL FROM:<a@b>");
        Assert.Equal("250 2.1.0 Ok\r\n", client.ReadReply());
        client.Say("RCPT TO:<c@d>");
    }

    /// <summary>A server's side of a connection, inside TLS.</summary>
    private sealed class Inside : IDisposable
    {
        private readonly SslStream _tls;

        public Inside(Socket socket)
        {
            AskForTls(socket);
            _tls = new SslStream(new NetworkStream(socket, ownsSocket: true));
            using var leaf = X509Certificate2.CreateFromPem(Pki.Leaf, Pki.Key);
            using var between = X509Certificate2.CreateFromPem(Pki.Intermediate);
            _tls.AuthenticateAsServer(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = SslStreamCertificateContext.Create(leaf, [between], offline: true),
                EnabledSslProtocols = SslProtocols.None,
            });
        }

        public static void AskForTls(Socket socket)
        {
            Assert.Equal("EHLO postern.test", StubServer.Say(socket, "220 there"));
            Assert.Equal("STARTTLS", StubServer.Say(socket, "250-there\r\n250 STARTTLS"));
            socket.Send("220 go\r\n"u8);
        }

        public void Expect(string line, string reply)
        {
            Assert.Equal(line + "\r\n", ReadLine());
            if (reply.Length > 0)
                Say(reply);
        }

        public void Say(string reply) => _tls.Write(Encoding.ASCII.GetBytes(reply + "\r\n"));

        public string ReadLine()
        {
            var line = new StringBuilder();
            for (var next = _tls.ReadByte(); next >= 0; next = _tls.ReadByte())
            {
                line.Append((char)next);
                if (next == '\n')
                    break;
            }

            return line.ToString();
        }

        public string Read(int length)
        {
            var bytes = new byte[length];
            _tls.ReadExactly(bytes);
            return Encoding.ASCII.GetString(bytes);
        }

        public void Dispose() => _tls.Dispose();
    }
}
