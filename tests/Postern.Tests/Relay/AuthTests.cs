using Postern.Core.Config;
using Postern.Core.Relay;
using Postern.Core.Smtp;
using Postern.Tests.Loop;
using Postern.Tests.Tls;

namespace Postern.Tests.Relay;

/// <summary>Clients that authenticate themselves to the server behind (<c>postern_auth_passthrough</c>).</summary>
public sealed class AuthTests
{
    private static readonly TestCertificates Pki = TestCertificates.Create("mx.example.com");

    private static readonly Settings Deep = DeepSettings.Plain with { AuthPassthrough = true };

    private static readonly Settings Encrypted = DeepSettings.WithTls with { AuthPassthrough = true };

    private readonly ChangingFiles _files = Pki.Files();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_server_decides_and_its_refusals_are_counted(bool hasTls)
    {
        using var server = new StubServer();
        using var harness = Start(hasTls ? Encrypted : Deep, server);
        using var client = new TlsTalk(harness);
        if (hasTls)
        {
            client.Say("EHLO foo.test");
            Assert.DoesNotContain("AUTH", client.ReadReply(), StringComparison.Ordinal);
            client.StartTls();
        }

        client.Say("EHLO foo.test");
        Assert.Contains("AUTH PLAIN LOGIN\r\n", client.ReadReply(), StringComparison.Ordinal);
        client.Say("AUTH PLAIN AGpvZQBzZWNyZXQ=");
        var there = server.Accept();
        Assert.Equal("EHLO foo.test", StubServer.Say(there, "220 there"));
        Assert.Equal("AUTH PLAIN AGpvZQBzZWNyZXQ=", StubServer.Say(there, "250 there"));
        there.Send("535 5.7.8 no\r\n"u8);
        Assert.Equal("535 5.7.8 no\r\n", client.ReadReply());
        client.Say("AUTH LOGIN");
        Assert.Equal("AUTH LOGIN\r\n", LoopHarness.ReadLine(there));
        there.Send("334 VXNlcm5hbWU6\r\n"u8);
        Assert.Equal("334 VXNlcm5hbWU6\r\n", client.ReadReply());
        client.Say("am9l");
        Assert.Equal("am9l\r\n", LoopHarness.ReadLine(there));
        there.Send("535 5.7.8 "u8);
        there.Send("still no\r\n"u8);
        Assert.Equal("535 5.7.8 still no\r\n", client.ReadReply());
        client.Say("AUTH LOGIN again");
        Assert.Equal("AUTH LOGIN again\r\n", LoopHarness.ReadLine(there));
        there.Send("235 2.7.0 welcome\r\n"u8);
        Assert.Equal("235 2.7.0 welcome\r\n", client.ReadReply());

        harness.WaitForLog($"authentication failed for [127.0.0.1]:{client.Port} id=");
        harness.WaitForLog($" at {server.Target.Name}: 535 5.7.8 no\n");
        harness.WaitForLog($" at {server.Target.Name}: 535 5.7.8 still no\n");
        Assert.Equal(2, harness.Pool!.Servers[0].AuthFailures);
        Assert.DoesNotContain("AGpvZQBzZWNyZXQ", harness.LogText, StringComparison.Ordinal);
    }

    [Fact]
    public void Refusals_of_a_client_that_is_relayed_from_its_first_byte_are_counted_too()
    {
        using var server = new StubServer();
        using var harness = Start(new Settings { GreetBanner = "", AuthPassthrough = true }, server);
        using var client = harness.Connect();
        var there = server.Accept();
        there.Send("220 there\r\n"u8);
        Assert.Equal("220 there\r\n", LoopHarness.ReadLine(client));

        client.Send("AUTH PLAIN AGpvZQBzZWNyZXQ=\r\n"u8);
        Assert.Equal("AUTH PLAIN AGpvZQBzZWNyZXQ=\r\n", LoopHarness.ReadLine(there));
        there.Send("535 5.7.8 no\r\n"u8);
        Assert.Equal("535 5.7.8 no\r\n", LoopHarness.ReadLine(client));

        harness.WaitForLog($" at {server.Target.Name}: 535 5.7.8 no\n");
        Assert.Equal(1, harness.Pool!.Servers[0].AuthFailures);
    }

    [Fact]
    public void A_server_that_is_away_costs_a_454()
    {
        using var server = new StubServer();
        using var harness = Start(Deep, server);
        using var client = new TlsTalk(harness);
        client.Say("EHLO foo.test");
        client.ReadReply();
        client.Say("AUTH PLAIN AGpvZQBzZWNyZXQ=");

        server.Accept().Dispose();

        Assert.Equal("454 4.7.0 Temporary authentication failure\r\n", client.ReadReply());
        client.Say("MAIL FROM:<a@b>");
        Assert.Equal("250 2.1.0 Ok\r\n", client.ReadReply());
        client.Say("RCPT TO:<c@d>");
        Assert.Equal("450 4.3.2 Service currently unavailable\r\n", client.ReadReply());
    }

    [Fact]
    public void Without_AUTH_there_it_is_no_command_here()
    {
        using var server = new StubServer();
        using var harness = Start(Deep, server, EhloOffer.Nothing);
        using var client = new TlsTalk(harness);

        client.Say("EHLO foo.test");
        Assert.Equal("250 mx\r\n", client.ReadReply());
        client.Say("AUTH PLAIN AGpvZQBzZWNyZXQ=");

        Assert.Equal("502 5.5.2 Error: command not recognized\r\n", client.ReadReply());
        Assert.False(server.HasWaiting);
    }

    private LoopHarness Start(Settings settings, StubServer server, EhloOffer? offer = null)
    {
        var harness = new LoopHarness(settings, new RelayRules { Announcement = RelayAnnouncement.None }, _files, server.Target);
        harness.Loop.Post(() => harness.Pool!.OnLearned(harness.Pool.Servers[0], offer ?? new EhloOffer(EhloKeywords.Auth, 0, null) { Mechanisms = ["PLAIN", "LOGIN"] }));
        return harness;
    }
}
