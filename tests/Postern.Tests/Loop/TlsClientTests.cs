using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using System.Text.RegularExpressions;
using Postern.Core.Config;
using Postern.Tests.Tls;

namespace Postern.Tests.Loop;

/// <summary>Clients inside TLS, with real sockets and real handshakes.</summary>
public sealed class TlsClientTests
{
    private static readonly TestCertificates Pki = TestCertificates.Create("mx.example.com");

    private static readonly TlsSettings Tls = TestCertificates.Settings with { LogsHandshakes = true };

    private static readonly Settings Settings = new()
    {
        GreetBanner = "",
        Banner = "mx ESMTP",
        MyHostname = "mx",
        PipeliningEnable = true,
        TlsLevel = TlsLevel.May,
        Tls = Tls,
        CommandTimeLimit = TimeSpan.FromMinutes(1),
    };

    private readonly ChangingFiles _files = Pki.Files();

    [Theory]
    [InlineData(SslProtocols.Tls12, "TLSv1.2 with cipher ECDHE-RSA-AES256-GCM-SHA384 (256/256 bits)")]
    [InlineData(SslProtocols.Tls13, "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 bits)")]
    public void The_dialogue_goes_on_inside(SslProtocols version, string logged)
    {
        using var harness = NewHarness(Settings);
        using var client = new TlsTalk(harness);
        client.Say("EHLO one");
        Assert.Contains("250-STARTTLS", client.ReadReply(), StringComparison.Ordinal);

        client.StartTls(version);

        client.Say("EHLO two");
        Assert.DoesNotContain("STARTTLS", client.ReadReply(), StringComparison.Ordinal);
        client.Say("MAIL FROM:<a@b>");
        Assert.Equal("250 2.1.0 Ok\r\n", client.ReadReply());
        client.Say("RCPT TO:<c@d>");
        Assert.Equal("450 4.3.2 Service currently unavailable\r\n", client.ReadReply());
        client.Say("QUIT");
        Assert.Equal("221 2.0.0 Bye\r\n", client.ReadReply());
        Assert.Equal("", client.ReadReply());
        Assert.Equal(["CN=mx.example.com", "CN=Between"], client.ServerCertificates);
        harness.WaitForLog("]: DISCONNECT [127.0.0.1]:" + client.Port);
        harness.WaitForLog($"tlsproxy[{Environment.ProcessId}]: DISCONNECT");
        Assert.Contains($"]: Anonymous TLS connection established from [127.0.0.1]:{client.Port}: {logged}\n", harness.LogText, StringComparison.Ordinal);
        Assert.Contains($"tlsproxy[{Environment.ProcessId}]: CONNECT from [127.0.0.1]:{client.Port}\n", harness.LogText, StringComparison.Ordinal);
        Assert.Contains("helo=<two>", harness.LogText, StringComparison.Ordinal);
    }

    [Fact]
    public void A_version_that_is_not_wanted_is_refused()
    {
        using var harness = NewHarness(Settings with { Tls = Tls with { Versions = TlsVersions.Tls13 } });
        using var client = new TlsTalk(harness);

        Assert.ThrowsAny<Exception>(() => client.StartTls(SslProtocols.Tls12));

        harness.WaitForLog("HANGUP after");
        harness.WaitForLog("warning: TLS library problem: ");
        harness.WaitForLog($"TLS handshake failed for service=smtpd peer=[127.0.0.1]:{client.Port}\n");
    }

    [Theory]
    [InlineData("this is no client hello at all, it is just some text that goes on for a while\r\n")]
    [InlineData("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00")]
    [InlineData("\x16\x03\x01\xff\xff\x01")]
    [InlineData("\x80\x2e\x01\x00\x02")]
    public void Garbage_instead_of_a_handshake(string garbage)
    {
        using var harness = NewHarness(Settings);
        using var client = new TlsTalk(harness);
        client.AskForTls();

        client.Socket.Send(Encoding.Latin1.GetBytes(garbage));
        client.Socket.Shutdown(SocketShutdown.Send);

        harness.WaitForLog($"TLS handshake failed for service=smtpd peer=[127.0.0.1]:{client.Port}\n");
        harness.WaitForLog("]: HANGUP after");
        harness.WaitForLog($"tlsproxy[{Environment.ProcessId}]: DISCONNECT");
        LoopHarness.Until(() => harness.Loop.ClientCount == 0, "the client is still there");
        Assert.DoesNotContain("internal error", harness.LogText, StringComparison.Ordinal);
    }

    [Fact]
    public void A_handshake_may_take_as_long_as_a_command()
    {
        using var harness = NewHarness(Settings with { CommandTimeLimit = TimeSpan.FromMilliseconds(300) });
        using var client = new TlsTalk(harness);
        client.AskForTls();

        client.Socket.Send("\x16\x03\x01"u8);

        Assert.Equal("", LoopHarness.ReadLine(client.Socket)); // no words: nobody could read them
        harness.WaitForLog($"COMMAND TIME LIMIT from [127.0.0.1]:{client.Port} after STARTTLS\n");
        harness.WaitForLog($"warning: ciphertext read/write timeout for [127.0.0.1]:{client.Port}\n");
        harness.WaitForLog($"TLS handshake failed for service=smtpd peer=[127.0.0.1]:{client.Port}\n");
    }

    [Fact]
    public void Leaving_in_the_handshake()
    {
        using var harness = NewHarness(Settings);
        using (var client = new TlsTalk(harness))
            client.AskForTls();

        harness.WaitForLog("HANGUP after");
        harness.WaitForLog("TLS handshake failed for service=smtpd");
        LoopHarness.Until(() => harness.Loop.ClientCount == 0, "the client is still there");
    }

    [Fact]
    public void The_time_limit_inside_has_its_words()
    {
        using var harness = NewHarness(Settings with { CommandTimeLimit = TimeSpan.FromSeconds(1) });
        using var client = new TlsTalk(harness);
        client.StartTls();

        Assert.Equal("421 4.4.2 mx Error: timeout exceeded\r\n", client.ReadReply());
        Assert.Equal("", client.ReadReply());
    }

    [Fact]
    public void A_line_of_many_records_ends_at_the_line_limit()
    {
        using var harness = NewHarness(Settings);
        using var client = new TlsTalk(harness);
        client.StartTls();

        client.Send(new string('x', 40_000));

        Assert.Equal("421 mx Service unavailable - try again later\r\n", client.ReadReply());
        harness.WaitForLog("COMMAND LENGTH LIMIT from");
    }

    [Fact]
    public void Two_commands_in_a_record_are_pipelining()
    {
        using var harness = NewHarness(Settings);
        using var client = new TlsTalk(harness);
        client.StartTls();

        client.Send("NOOP\r\nRSET\r\n");

        Assert.Equal("250 2.0.0 Ok\r\n", client.ReadReply());
        Assert.Equal("250 2.0.0 Ok\r\n", client.ReadReply());
        harness.WaitForLog($"COMMAND PIPELINING from [127.0.0.1]:{client.Port} after NOOP: RSET\\r\\n\n");
    }

    [Fact]
    public void What_is_injected_behind_STARTTLS_is_no_part_of_the_session()
    {
        using var harness = NewHarness(Settings with { PipeliningEnable = false, NonSmtpCommandEnable = true });
        using var client = new TlsTalk(harness);

        client.StartTls(injected: "RSET\r\nMAIL FROM:<injected@x>\r\n");

        client.Say("RCPT TO:<c@d>");
        Assert.Equal("503 5.5.1 Error: need MAIL command\r\n", client.ReadReply());
    }

    [Fact]
    public void A_client_that_says_goodbye_in_TLSs_way_has_hung_up()
    {
        using var harness = NewHarness(Settings);
        using var client = new TlsTalk(harness);
        client.StartTls();

        client.SayGoodbye();

        harness.WaitForLog("HANGUP after");
        harness.WaitForLog($"tlsproxy[{Environment.ProcessId}]: DISCONNECT");
        Assert.DoesNotContain("handshake failed", harness.LogText, StringComparison.Ordinal);
    }

    [Fact]
    public void A_renewed_certificate_is_in_force_within_a_second()
    {
        var renewed = TestCertificates.Create("renewed.example.com", elliptic: true);
        using var harness = NewHarness(Settings);
        using (var before = new TlsTalk(harness))
            before.StartTls();

        (_files["/cert"], _files["/key"]) = (renewed.Chain, renewed.Key);

        LoopHarness.Until(
            () =>
            {
                using var client = new TlsTalk(harness);
                client.StartTls();
                return client.ServerCertificates[0] == "CN=renewed.example.com";
            },
            "the old certificate is still served");
        harness.WaitForLog("certificates have been read again");
    }

    [Fact]
    public void Without_a_certificate_the_client_goes_on_without_TLS()
    {
        _files["/key"] = null;
        using var harness = NewHarness(Settings);
        using var client = new TlsTalk(harness);

        client.Say("STARTTLS");

        Assert.Equal("454 4.7.0 TLS not available due to local problem\r\n", client.ReadReply());
        client.Say("NOOP");
        Assert.Equal("250 2.0.0 Ok\r\n", client.ReadReply());
        harness.WaitForLog("warning: problem receiving status from private/tlsproxy service\n");
        harness.WaitForLog($"tlsproxy[{Environment.ProcessId}]: warning: error opening chain file: /key: Permission denied\n");
    }

    [Fact]
    public void Stopping_tells_the_clients_inside()
    {
        using var harness = NewHarness(Settings);
        using var client = new TlsTalk(harness);
        using var inHandshake = new TlsTalk(harness);
        client.StartTls();
        client.Say("HELO client.example");
        Assert.StartsWith("250", client.ReadReply(), StringComparison.Ordinal); // so the server knows it is inside
        inHandshake.AskForTls();

        harness.Stop(TimeSpan.Zero);

        Assert.Equal("421 4.3.2 Service currently unavailable\r\n", client.ReadReply());
        Assert.Equal("", client.ReadReply());
        Assert.Equal("", LoopHarness.ReadLine(inHandshake.Socket));
        Assert.DoesNotContain("timeout", harness.LogText, StringComparison.Ordinal);
        Assert.Equal(2, Regex.Count(harness.LogText, @"tlsproxy\[\d+\]: DISCONNECT"));
    }

    [Fact]
    public async Task Two_hundred_handshakes_cost_nobody_else_a_delay()
    {
        using var harness = NewHarness(Settings with { PreQueueLimit = 1000, ClientConnectionCountLimit = 1000 });
        var turns = harness.Loop.Tls!.Turns;
        var taken = 0;
        using (var first = new TlsTalk(harness))
        {
            first.StartTls(); // the certificate is read
            harness.WaitForLog("TLS connection established");
        }

        while (await turns.WaitAsync(0, TestContext.Current.CancellationToken))
            taken++; // so that no handshake can be computed
        var clients = Enumerable.Range(0, 200).Select(_ => new TlsTalk(harness)).ToArray();
        var handshakes = clients // threads of their own: the server's work is done on those of the pool
            .Select(client => Task.Factory.StartNew(() => client.StartTls(), TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
        LoopHarness.Until(() => Regex.Count(harness.LogText, @"tlsproxy\[\d+\]: CONNECT") == 201, "not all handshakes are under way");

        using (var plain = new TlsTalk(harness))
        {
            plain.Say("NOOP");
            Assert.Equal("250 2.0.0 Ok\r\n", plain.ReadReply());
            plain.Say("QUIT");
            Assert.Equal("221 2.0.0 Bye\r\n", plain.ReadReply());
        }

        Assert.Single(Regex.Matches(harness.LogText, "TLS connection established"));
        turns.Release(taken);
        await Task.WhenAll(handshakes);
        foreach (var client in clients)
        {
            client.Say("QUIT");
            Assert.Equal("221 2.0.0 Bye\r\n", client.ReadReply());
            client.Dispose();
        }

        LoopHarness.Until(() => turns.CurrentCount == taken, "a turn is lost");
    }

    [Fact]
    public void A_clients_certificate_is_judged_when_that_is_asked_for()
    {
        _files["/ca"] = Pki.Root;
        using var harness = NewHarness(Settings with { Tls = Tls with { AsksForCertificate = true, AuthoritiesFile = "/ca" } });
        using var anonymous = new TlsTalk(harness);
        using var unknown = new TlsTalk(harness);
        anonymous.StartTls();

        unknown.StartTls(certificate: TestCertificates.Create("stranger.example.com"));

        harness.WaitForLog("]: Anonymous TLS connection established from");
        harness.WaitForLog("]: Untrusted TLS connection established from");
    }

    private LoopHarness NewHarness(Settings settings) => new(settings, "/nonexistent/private/smtpd", certificates: _files);
}
