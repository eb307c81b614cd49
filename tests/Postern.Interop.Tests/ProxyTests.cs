using System.Text.RegularExpressions;

namespace Postern.Interop.Tests;

/// <summary>HAProxy in front of us; each also in front of the real postscreen where that can do it.</summary>
[Collection(nameof(InteropCollection))]
public sealed class ProxyTests
{
    private const string Haproxy = "postscreen_upstream_proxy_protocol = haproxy";

    [Theory]
    [InlineData(Front.Postscreen, "send-proxy")]
    [InlineData(Front.Postscreen, "send-proxy-v2")]
    [InlineData(Front.Postern, "send-proxy")]
    [InlineData(Front.Postern, "send-proxy-v2")]
    public void The_client_of_HAProxy_is_the_client_to_everybody(Front front, string options)
    {
        Tool.Require("haproxy");
        using var host = MailHost.Behind(front, Haproxy);
        using var proxy = new HaProxy(host.Port, options);

        Deliver(proxy.Connect("127.0.5.70"));
        Deliver(proxy.Connect("127.0.5.70"));

        host.WaitForMails(2);
        Assert.Equal(2, Regex.Count(host.Log, $@"postscreen\[\d+\]: CONNECT from \[127\.0\.5\.70\]:\d+ to \[127\.0\.0\.1\]:{proxy.Port}\n"));
        Assert.Equal(1, host.Count("PASS NEW [127.0.5.70]:"));
        Assert.Equal(1, host.Count("PASS OLD [127.0.5.70]:"));
        Assert.Equal(2, host.Count("client=unknown[127.0.5.70]"));
        Assert.All(host.Mails, static mail => Assert.Contains("[127.0.5.70]", mail, StringComparison.Ordinal));
        Assert.DoesNotContain(HaProxy.Address, host.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Front.Postscreen, "send-proxy")]
    [InlineData(Front.Postscreen, "send-proxy-v2")]
    [InlineData(Front.Postern, "send-proxy")]
    [InlineData(Front.Postern, "send-proxy-v2")]
    public void An_early_talker_behind_HAProxy_is_refused(Front front, string options)
    {
        Tool.Require("haproxy");
        using var host = MailHost.Behind(front, Haproxy, "postscreen_greet_action = enforce");
        using var proxy = new HaProxy(host.Port, options);
        using var talk = proxy.Connect("127.0.5.73");

        talk.TalkEarly();
        talk.Say("MAIL FROM:<a@spam.example>", "250");
        talk.Say("RCPT TO:<b@lab.example>", "550 5.5.1 Protocol error");
        talk.Say("QUIT", "221");

        host.WaitForLog("DISCONNECT [127.0.5.73]:");
        Assert.Matches(@"PREGREET 20 after [\d.]+ from \[127\.0\.5\.73\]:\d+: EHLO early\.example\\r\\n\n", host.Log);
    }

    [Theory]
    [InlineData(Front.Postscreen, "send-proxy")]
    [InlineData(Front.Postscreen, "send-proxy-v2")]
    [InlineData(Front.Postern, "send-proxy")]
    [InlineData(Front.Postern, "send-proxy-v2")]
    public void Health_checks_are_visits_and_no_trouble(Front front, string options)
    {
        const string Checks = "check inter 100ms";
        Tool.Require("haproxy");
        using var host = MailHost.Behind(front, Haproxy, "postscreen_client_connection_count_limit = 3");
        using var proxy = new HaProxy(host.Port, $"{options} {Checks}");
        using var plain = new HaProxy(host.Port, $"{options} {Checks} port {host.Port}"); // with a port of its own, a check has no header

        // A check that hangs up with a reset before it is looked at has no address any more; it may be all of them.
        Wait.Until(() => host.Count("CONNECT from [" + HaProxy.Address) + host.Count("getpeername: ") > 5, () => "no checks: " + host.LogEnd);
        Deliver(proxy.Connect("127.0.5.74"));

        host.WaitForMails(1);
        Assert.Equal(("UP", 0), proxy.Health);
        Assert.Equal(("UP", 0), plain.Health);

        var lines = host.Log.Split('\n').Where(static line => line.Contains(HaProxy.Address, StringComparison.Ordinal) || line.Contains("warning", StringComparison.Ordinal));
        Assert.All(lines, static line => Assert.Matches(
            @"postscreen\[\d+\]: (CONNECT from \[127\.0\.0\.77\]:\d+ to \[127\.0\.0\.1\]:\d+"
            + @"|HANGUP after [\d.]+ from \[127\.0\.0\.77\]:\d+ in tests before SMTP handshake|DISCONNECT \[127\.0\.0\.77\]:\d+"
            + @"|warning: getpeername: Transport endpoint is not connected -- dropping this connection)$", line));
    }

    [Fact]
    public void Clients_of_HAProxy_and_others_share_a_port_and_only_HAProxy_is_believed()
    {
        Tool.Require("haproxy");
        using var host = MailHost.WithPostfix(Haproxy, $"postern_proxy_networks = {HaProxy.Address}", "postscreen_greet_action = enforce");
        using var first = new HaProxy(host.Port, "send-proxy");
        using var second = new HaProxy(host.Port, "send-proxy-v2");

        Deliver(first.Connect("127.0.5.75"));
        Deliver(second.Connect("127.0.5.76"));
        Deliver(host.Connect("127.0.5.77"));
        using var liar = host.Connect("127.0.5.78");
        liar.Send("PROXY TCP4 127.0.5.77 127.0.0.1 4000 25\r\n");

        host.WaitForMails(3);
        Assert.All((string[])["127.0.5.75", "127.0.5.76", "127.0.5.77"], client => Assert.Equal(1, host.Count($"client=unknown[{client}]")));
        Assert.Matches($@"CONNECT from \[127\.0\.5\.75\]:\d+ to \[127\.0\.0\.1\]:{first.Port}\n", host.Log);
        Assert.Matches($@"CONNECT from \[127\.0\.5\.77\]:\d+ to \[127\.0\.0\.1\]:{host.Port}\n", host.Log);
        host.WaitForLog("from [127.0.5.78]:");
        Wait.Until(() => Regex.IsMatch(host.Log, @"PREGREET 41 after [\d.]+ from \[127\.0\.5\.78\]:\d+: PROXY TCP4 127\.0\.5\.77 "), () => host.LogEnd);
        Assert.Equal(1, host.Count("CONNECT from [127.0.5.77]"));
    }

    private static void Deliver(SmtpTalk client)
    {
        using (client)
        {
            client.ExpectGreeting();
            Assert.StartsWith("250 2.0.0 Ok: queued", client.SendMail("a@good.example", "b@lab.example", "through a proxy"));
            client.Say("QUIT", "221");
        }
    }
}
