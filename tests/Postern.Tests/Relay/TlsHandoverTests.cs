using System.Net.Sockets;
using System.Text;
using Postern.Core.Config;
using Postern.Tests.Loop;
using Postern.Tests.Tls;

namespace Postern.Tests.Relay;

/// <summary>Clients inside TLS that go on to the server in the same session: their TLS stays with us.</summary>
public sealed class TlsHandoverTests
{
    private static readonly TestCertificates Pki = TestCertificates.Create("mx.example.com");

    private static readonly Settings Deep = DeepSettings.WithTls with { LiveHandover = true };

    private readonly ChangingFiles _files = Pki.Files();

    [Fact]
    public async Task The_server_learns_of_the_TLS_and_the_mail_gets_through()
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Deep, new RelayRules { Announcement = RelayAnnouncement.ProxyV2 }, _files, server.Target);
        using var client = new TlsTalk(harness);
        TalkUpToRecipient(client);

        var there = server.Accept();
        var header = new byte[16];
        Assert.Equal(header.Length, there.Receive(header));
        var rest = new byte[header[14] * 256 + header[15]];
        Assert.Equal(rest.Length, there.Receive(rest));
        Assert.Contains("TLSv1.3", Encoding.Latin1.GetString(rest), StringComparison.Ordinal);
        Assert.Contains("TLS_AES_256_GCM_SHA384", Encoding.Latin1.GetString(rest), StringComparison.Ordinal);
        TakeOver(there);

        Assert.Equal("250 2.1.5 Ok\r\n", client.ReadReply());
        client.Say("DATA");
        Assert.Equal("DATA\r\n", LoopHarness.ReadLine(there));
        there.Send("354 go\r\n"u8);
        Assert.Equal("354 go\r\n", client.ReadReply());
        var body = string.Concat(Enumerable.Repeat("0123456789abcdef", 250_000));
        var sender = Task.Run(() => client.Send(body), TestContext.Current.CancellationToken);
        var received = new byte[body.Length];
        for (var got = 0; got < received.Length;)
            got += there.Receive(received, got, received.Length - got, SocketFlags.None);
        Assert.Equal(body, Encoding.Latin1.GetString(received));
        await sender;
        there.Send("221 bye\r\n"u8);
        there.Shutdown(SocketShutdown.Send);
        Assert.Equal("221 bye\r\n", client.ReadReply());
        Assert.Equal("", client.ReadReply());
        harness.WaitForLog("4000006 bytes in, ");
        harness.WaitForLog("ended by the server");
        harness.WaitForLog("PASS NEW [127.0.0.1]:" + client.Port);
        LoopHarness.Until(() => harness.Loop.ClientCount == 0, "the session is still there");
        Assert.Equal(0, harness.Pool!.Servers[0].Sessions);
    }

    [Fact]
    public void A_server_that_is_away_costs_a_451_and_the_dialogue_goes_on_inside()
    {
        using var harness = new LoopHarness(Deep, new RelayRules { Announcement = RelayAnnouncement.None }, _files, StubServer.Closed());
        using var client = new TlsTalk(harness);
        TalkUpToRecipient(client);

        Assert.Equal("451 4.3.2 Service currently unavailable\r\n", client.ReadReply());
        client.Say("RCPT TO:<e@f>");
        Assert.Equal("451 4.3.2 Service currently unavailable\r\n", client.ReadReply());
        client.Say("QUIT");
        Assert.Equal("221 2.0.0 Bye\r\n", client.ReadReply());
        Assert.Equal("", client.ReadReply());
    }

    [Fact]
    public void A_server_that_hangs_up_in_the_replay_costs_a_451()
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Deep, new RelayRules { Announcement = RelayAnnouncement.None }, _files, server.Target);
        using var client = new TlsTalk(harness);
        TalkUpToRecipient(client);

        var there = server.Accept();
        Assert.Equal("EHLO foo.test", StubServer.Say(there, "220 there"));
        there.Dispose();

        Assert.Equal("451 4.3.2 Service currently unavailable\r\n", client.ReadReply());
        client.Say("QUIT");
        Assert.Equal("221 2.0.0 Bye\r\n", client.ReadReply());
    }

    [Fact]
    public void The_client_may_say_the_last_word()
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Deep, new RelayRules { Announcement = RelayAnnouncement.None }, _files, server.Target);
        using var client = new TlsTalk(harness);
        TalkUpToRecipient(client);
        var there = server.Accept();
        TakeOver(there);
        Assert.Equal("250 2.1.5 Ok\r\n", client.ReadReply());

        client.SayGoodbye();

        Assert.Equal("", LoopHarness.ReadLine(there));
        there.Dispose();
        harness.WaitForLog("ended by the client");
    }

    [Fact]
    public void A_stop_ends_the_session_on_both_sides()
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Deep, new RelayRules { Announcement = RelayAnnouncement.None }, _files, server.Target);
        using var client = new TlsTalk(harness);
        TalkUpToRecipient(client);
        var there = server.Accept();
        TakeOver(there);
        Assert.Equal("250 2.1.5 Ok\r\n", client.ReadReply());

        harness.Stop(TimeSpan.Zero);

        Assert.Equal("", LoopHarness.ReadLine(there));
    }

    private static void TalkUpToRecipient(TlsTalk client)
    {
        client.Say("EHLO foo.test");
        client.ReadReply();
        client.StartTls();
        client.Say("EHLO foo.test");
        Assert.Equal("250 mx\r\n", client.ReadReply());
        client.Say("MAIL FROM:<a@b>");
        Assert.Equal("250 2.1.0 Ok\r\n", client.ReadReply());
        client.Say("RCPT TO:<c@d>");
    }

    private static void TakeOver(Socket there)
    {
        Assert.Equal("EHLO foo.test", StubServer.Say(there, "220 there"));
        Assert.Equal("MAIL FROM:<a@b>", StubServer.Say(there, "250 there"));
        Assert.Equal("RCPT TO:<c@d>", StubServer.Say(there, "250 2.1.0 Ok"));
        there.Send("250 2.1.5 Ok\r\n"u8);
    }
}
