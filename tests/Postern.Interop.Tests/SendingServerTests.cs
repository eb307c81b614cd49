using System.Text.RegularExpressions;

namespace Postern.Interop.Tests;

/// <summary>A real Postfix, and smtp-source, as they deliver mail to us; each also to the real postscreen, to know that the test is right.</summary>
[Collection(nameof(InteropCollection))]
public sealed class SendingServerTests
{
    private const int Many = 500;

    [Theory]
    [InlineData(Front.Postscreen)]
    [InlineData(Front.Postern)]
    public void Five_hundred_mails_of_a_Postfix_that_insists_on_TLS_arrive_once_each(Front front)
    {
        Tool.Require("smtp-source");
        using var certificates = new Certificates();
        using var host = MailHost.Behind(front, [.. certificates.Settings, "postscreen_pipelining_enable = yes", "postscreen_bare_newline_enable = yes"]);
        using var sender = new SendingPostfix(host.Port, "smtp_tls_security_level = encrypt", $"smtp_tls_CAfile = {certificates.RootFile}");

        Submit(sender.Port);
        AssertAllArrivedOnce(host, sender.Log);

        // First with the dummy engine, over TLS and to no avail; then with smtpd, over TLS again.
        Assert.Matches($@"Trusted TLS connection established to 127\.0\.0\.1\[127\.0\.0\.1\]:{host.Port}: TLSv1\.3", sender.Log);
        Assert.Matches(@"status=deferred \(host 127\.0\.0\.1\[127\.0\.0\.1\] said: 450 4\.3\.2 Service currently unavailable", sender.Log);
        Assert.Contains($"NOQUEUE: reject: RCPT from [{SendingPostfix.Address}]:", host.Log, StringComparison.Ordinal);
        Assert.Contains($"PASS NEW [{SendingPostfix.Address}]:", host.Log, StringComparison.Ordinal);
        Assert.Contains($"PASS OLD [{SendingPostfix.Address}]:", host.Log, StringComparison.Ordinal);
        Assert.Contains($"TLS connection established from unknown[{SendingPostfix.Address}]", host.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("status=bounced", sender.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("COMMAND PIPELINING", host.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Front.Postscreen)]
    [InlineData(Front.Postern)]
    public void Hundreds_of_mails_in_fifty_sessions_at_once_arrive_once_each(Front front)
    {
        Tool.Require("smtp-source");
        using var host = MailHost.Behind(front);

        var (status, output) = Tool.Run("smtp-source", "-s", "50", "-m", $"{Many}", "-N", "-f", "a@good.example", "-t", "box@lab.example", $"127.0.0.1:{host.Port}");

        Assert.True(status == 0, output + host.LogEnd);
        AssertAllArrivedOnce(host, "");
        Assert.Equal(Many, host.Count("CONNECT from [127.0.0.1]"));
    }

    [Theory]
    [InlineData(Front.Postscreen, "send-proxy")]
    [InlineData(Front.Postscreen, "send-proxy-v2")]
    [InlineData(Front.Postern, "send-proxy")]
    [InlineData(Front.Postern, "send-proxy-v2")]
    public void Hundreds_of_mails_through_HAProxy_arrive_once_each(Front front, string options)
    {
        Tool.Require("haproxy", "smtp-source");
        using var host = MailHost.Behind(front, "postscreen_upstream_proxy_protocol = haproxy");
        using var proxy = new HaProxy(host.Port, options);

        Submit(proxy.Port);

        AssertAllArrivedOnce(host, "");
        Assert.Matches($@"CONNECT from \[127\.0\.0\.1\]:\d+ to \[127\.0\.0\.1\]:{proxy.Port}\n", host.Log);
        Assert.DoesNotContain(HaProxy.Address, host.Log, StringComparison.Ordinal);
    }

    private static void Submit(int port)
    {
        var (status, output) = Tool.Run("smtp-source", "-s", "20", "-m", $"{Many}", "-N", "-f", "a@good.example", "-t", "box@lab.example", $"127.0.0.1:{port}");
        Assert.True(status == 0, output);
    }

    private static void AssertAllArrivedOnce(MailHost host, string senderLog)
    {
        Wait.Until(
            () => host.MailCount >= Many,
            () => $"{host.MailCount} of {Many} mails have arrived. The log ends:\n{host.LogEnd}\nThe sender's:\n{senderLog[Math.Max(0, senderLog.Length - 3000)..]}",
            TimeSpan.FromMinutes(2));
        var recipients = host.Mails.Select(mail => Regex.Match(mail, "Delivered-To: (.*)").Groups[1].Value).ToList();

        Assert.Equal(Many, recipients.Count);
        Assert.Equal(Many, recipients.Distinct().Count());
    }
}
