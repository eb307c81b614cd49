using System.Net;
using System.Net.Sockets;
using System.Text;
using Postern.Core.Config;
using Postern.Tests.Loop;

namespace Postern.Tests.Relay;

/// <summary>Clients that pass the deep tests and go on to the server in the same session.</summary>
public sealed class LiveHandoverTests
{
    private static readonly Settings Deep = new()
    {
        GreetBanner = "mx ESMTP",
        GreetWait = TimeSpan.FromMilliseconds(20),
        Banner = "mx real",
        MyHostname = "mx",
        BareNewlineEnable = true,
        BareNewlineAction = FailAction.Enforce,
        LiveHandover = true,
    };

    private static readonly RelayRules Plain = new() { Announcement = RelayAnnouncement.None };

    // What the server hears at each step, and what it says if all is well.
    private static readonly (string Heard, string Said)[] Steps =
    [
        ("", "220 there"), ("EHLO foo.test", "250 there"), ("MAIL FROM:<a@b>", "250 2.1.0 Ok"), ("RCPT TO:<c@d>", "250 2.1.5 Ok"),
    ];

    [Fact]
    public void A_new_client_delivers_its_mail_in_its_first_session()
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Deep, Plain with { Announcement = RelayAnnouncement.ProxyV1 }, server.Target);
        using var client = harness.Connect();
        var port = ((IPEndPoint)client.LocalEndPoint!).Port;
        TalkUpToRecipient(client);

        var there = server.Accept();
        Assert.Equal($"PROXY TCP4 127.0.0.1 127.0.0.1 {port} {harness.Port}\r\n", LoopHarness.ReadLine(there));
        Play(there, Steps.Length);

        Assert.Equal("250 2.1.5 Ok\r\n", LoopHarness.ReadLine(client));
        harness.WaitForLog($"PASS NEW [127.0.0.1]:{port}\n");
        Assert.Single(((MemoryAllowlist)harness.Service.Allowlist!).Records);
        client.Send("DATA\r\n"u8);
        Assert.Equal("DATA\r\n", LoopHarness.ReadLine(there));
        there.Send("354 go\r\n"u8);
        Assert.Equal("354 go\r\n", LoopHarness.ReadLine(client));
        client.Send("Subject: x\r\n"u8);
        Assert.Equal("Subject: x\r\n", LoopHarness.ReadLine(there));
        Assert.DoesNotContain("reject", harness.LogText, StringComparison.Ordinal);
    }

    // It was changed since it was probed: its answer to the header is not the one to EHLO, whatever pieces its replies come in.
    [Theory]
    [InlineData(RelayAnnouncement.ProxyV1, 0)]
    [InlineData(RelayAnnouncement.ProxyV1, 50)]
    [InlineData(RelayAnnouncement.ProxyV2, 0)]
    [InlineData(RelayAnnouncement.ProxyV2, 50)]
    public void A_server_that_does_not_know_the_PROXY_protocol_takes_no_mail_from_anybody(RelayAnnouncement announcement, int milliseconds)
    {
        using var server = new LineServer(TimeSpan.FromMilliseconds(milliseconds));
        using var harness = new LoopHarness(Deep, Plain with { Announcement = announcement }, server.Target);
        using var client = harness.Connect();
        TalkUpToRecipient(client);
        Assert.Equal("451 4.3.2 Service currently unavailable\r\n", LoopHarness.ReadLine(client));
        client.Send("DATA\r\n"u8);
        Assert.Equal("554 5.5.1 Error: no valid recipients\r\n", LoopHarness.ReadLine(client));
        harness.WaitForLog("is out: it does not know the PROXY protocol: it answers its header (");
        var sessions = server.Sessions;

        using var known = harness.Connect();

        Assert.Equal("421 4.3.2 All server ports are busy\r\n", LoopHarness.ReadLine(known));
        harness.WaitForLog("it has yet to show that it may be told of clients");
        Assert.Equal((sessions, 0), (server.Sessions, server.Mails));
    }

    [Theory]
    [MemberData(nameof(StepNumbers))]
    public void A_server_that_hangs_up_at_any_step_costs_a_451(int step)
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Deep, Plain, server.Target);
        using var client = harness.Connect();
        TalkUpToRecipient(client);

        var there = server.Accept();
        Play(there, step);
        there.Dispose();

        Assert.Equal("451 4.3.2 Service currently unavailable\r\n", LoopHarness.ReadLine(client));
        AssertTheDialogueGoesOn(harness, client);
    }

    [Theory]
    [MemberData(nameof(StepNumbers))]
    public void A_server_that_stalls_at_any_step_costs_a_451_in_time(int step)
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Deep, Plain with { ReplyTimeout = TimeSpan.FromMilliseconds(200) }, server.Target);
        using var client = harness.Connect();
        TalkUpToRecipient(client);

        Play(server.Accept(), step);

        Assert.Equal("451 4.3.2 Service currently unavailable\r\n", LoopHarness.ReadLine(client));
        AssertTheDialogueGoesOn(harness, client);
    }

    [Theory]
    [MemberData(nameof(StepNumbers))]
    public void Another_server_begins_where_the_first_has_left(int step)
    {
        using var dying = new StubServer();
        using var server = new StubServer();
        using var harness = new LoopHarness(Deep, Plain, dying.Target with { Weight = 10 }, server.Target);
        using var client = harness.Connect();
        TalkUpToRecipient(client);

        var there = dying.Accept();
        Play(there, step);
        there.Dispose();
        Play(server.Accept(), Steps.Length);

        Assert.Equal("250 2.1.5 Ok\r\n", LoopHarness.ReadLine(client));
    }

    [Theory]
    [InlineData(0, "554 5.7.1 no", "554 5.7.1 no")]
    [InlineData(0, "421 4.3.2 later", "421 4.3.2 later")]
    [InlineData(1, "550 5.7.1 HELO", "550 5.7.1 HELO")]
    [InlineData(2, "452 4.3.1 full", "452 4.3.1 full")]
    [InlineData(3, "450 4.2.0 greylisted", "450 4.2.0 greylisted")]
    [InlineData(3, "550 5.1.1 unknown", "550 5.1.1 unknown")]
    public void The_servers_no_is_the_clients_answer(int step, string said, string heard)
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Deep, Plain, server.Target);
        using var client = harness.Connect();
        TalkUpToRecipient(client);

        var there = server.Accept();
        Play(there, step);
        there.Send(Encoding.Latin1.GetBytes(said + "\r\n"));

        Assert.Equal(heard + "\r\n", LoopHarness.ReadLine(client));
    }

    [Fact]
    public void A_server_that_dies_in_the_mail_leaves_the_client_without_an_answer()
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Deep, Plain, server.Target);
        using var client = harness.Connect();
        TalkUpToRecipient(client);
        var there = server.Accept();
        Play(there, Steps.Length);
        Assert.Equal("250 2.1.5 Ok\r\n", LoopHarness.ReadLine(client));
        client.Send("DATA\r\n"u8);
        Assert.Equal("DATA\r\n", LoopHarness.ReadLine(there));
        there.Send("354 go\r\n"u8);
        Assert.Equal("354 go\r\n", LoopHarness.ReadLine(client));
        client.Send("half a mail\r\n"u8);

        there.LingerState = new LingerOption(true, 0);
        there.Dispose();

        var end = Record.Exception(() => Assert.Equal("", LoopHarness.ReadLine(client)));
        Assert.True(end is null or SocketException, end?.ToString());
    }

    [Fact]
    public void What_was_pipelined_behind_the_recipient_goes_to_the_server()
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Deep, Plain, server.Target);
        using var client = harness.Connect();
        TalkUpTo(client, "MAIL FROM:<a@b>");
        client.Send("RCPT TO:<c@d>\r\nRCPT TO:<e@f>\r\nDATA\r\n"u8);

        var there = server.Accept();
        Play(there, Steps.Length);

        Assert.Equal("RCPT TO:<e@f>\r\n", LoopHarness.ReadLine(there));
        Assert.Equal("DATA\r\n", LoopHarness.ReadLine(there));
    }

    // Published smuggling sequences: what one server takes for the end of a mail, and another does not.
    [Theory]
    [InlineData("\n.\n")]
    [InlineData("\n.\r\n")]
    [InlineData("\r.\r")]
    [InlineData("\r.\r\n")]
    [InlineData("\r\n.\n")]
    [InlineData("\r\n.\r")]
    [InlineData("\n\n.\r\n")]
    [InlineData("\r\n\0.\r\n")]
    [InlineData("\r\n..\r\n")]
    [InlineData("\r\r\n.\r\r\n")]
    public void Where_a_mail_ends_is_for_the_server_alone_to_say(string sequence)
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Deep, Plain, server.Target);
        using var client = harness.Connect();
        TalkUpToRecipient(client);
        var there = server.Accept();
        Play(there, Steps.Length);
        Assert.Equal("250 2.1.5 Ok\r\n", LoopHarness.ReadLine(client));
        var sent = Encoding.Latin1.GetBytes($"DATA\r\nSubject: x\r\n\r\na{sequence}MAIL FROM:<admin@d>\r\nRCPT TO:<c@d>\r\nDATA\r\nb\r\n.\r\n");

        client.Send(sent);

        var received = new byte[sent.Length];
        for (var got = 0; got < sent.Length;)
            got += there.Receive(received, got, sent.Length - got, SocketFlags.None);
        Assert.Equal(sent, received);
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, there.Receive(received));
    }

    [Fact]
    public void A_client_that_fails_a_test_never_reaches_the_server()
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Deep, Plain, server.Target);
        using var client = harness.Connect();
        TalkUpTo(client, "MAIL FROM:<a@b>", end: "\n");

        client.Send("RCPT TO:<c@d>\r\n"u8);

        Assert.Equal("550 5.5.1 Protocol error\r\n", LoopHarness.ReadLine(client));
        Assert.False(server.HasWaiting);
    }

    public static TheoryData<int> StepNumbers() => [0, 1, 2, 3];

    private static void TalkUpToRecipient(Socket client)
    {
        TalkUpTo(client, "MAIL FROM:<a@b>");
        client.Send("RCPT TO:<c@d>\r\n"u8);
    }

    private static void TalkUpTo(Socket client, string last, string end = "\r\n")
    {
        Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(client));
        Assert.Equal("220 mx real\r\n", LoopHarness.ReadLine(client));
        client.Send(Encoding.Latin1.GetBytes("EHLO foo.test" + end));
        Assert.Equal("250 mx\r\n", LoopHarness.ReadLine(client)); // nothing is known of the server, so nothing is promised
        client.Send(Encoding.Latin1.GetBytes(last + end));
        Assert.Equal("250 2.1.0 Ok\r\n", LoopHarness.ReadLine(client));
    }

    /// <summary>The server's part, up to a step; before that one it hears what it should.</summary>
    private static void Play(Socket server, int steps)
    {
        for (var step = 0; step <= steps && step < Steps.Length; step++)
        {
            if (Steps[step].Heard.Length > 0)
                Assert.Equal(Steps[step].Heard + "\r\n", LoopHarness.ReadLine(server));
            if (step < steps)
                server.Send(Encoding.Latin1.GetBytes(Steps[step].Said + "\r\n"));
        }
    }

    private static void AssertTheDialogueGoesOn(LoopHarness harness, Socket client)
    {
        client.Send("RCPT TO:<e@f>\r\n"u8);
        Assert.Equal("451 4.3.2 Service currently unavailable\r\n", LoopHarness.ReadLine(client));
        client.Send("QUIT\r\n"u8);
        Assert.Equal("221 2.0.0 Bye\r\n", LoopHarness.ReadLine(client));
        harness.WaitForLog("PASS NEW");
        harness.WaitForLog("NOQUEUE: reject: RCPT from [127.0.0.1]");
        harness.WaitForLog("cannot pass connection to service tcp:127.0.0.1:");
    }
}
