using System.Text.RegularExpressions;

namespace Postern.Interop.Tests;

/// <summary>
/// Servers that do not know what <c>postern_relay_announce</c> says they are told, or do not go by it: they would take clients
/// for Postern. So no client gets there, new or known, though no other server is left, and the log says why, once.
/// </summary>
[Collection(nameof(InteropCollection))]
public sealed class UntoldServerTests
{
    private const string Permitted = "127.0.6.40";

    [Theory]
    [InlineData("sendmail", "proxy-v1", "does not know the PROXY protocol: ")]
    [InlineData("sendmail", "proxy-v2", "does not know the PROXY protocol: ")]
    [InlineData("sendmail", "xclient", "does not offer XCLIENT with ADDR to us")]
    [InlineData("courier", "proxy-v1", "does not know the PROXY protocol: ")]
    [InlineData("courier", "proxy-v2", "does not know the PROXY protocol: ")]
    [InlineData("courier", "xclient", "does not offer XCLIENT with ADDR to us")]
    [InlineData("nginx", "proxy-v1", "does not know the PROXY protocol: ")]
    [InlineData("nginx", "proxy-v2", "does not know the PROXY protocol: ")]
    [InlineData("nginx", "xclient", "does not offer XCLIENT with ADDR to us")]
    [InlineData("Exim", "proxy-v1", "does not know the PROXY protocol: ")]
    [InlineData("Exim", "proxy-v2", "does not know the PROXY protocol: ")]
    [InlineData("Exim", "xclient", "does not offer XCLIENT with ADDR to us")]
    [InlineData("Dovecot", "proxy-v1", "does not know the PROXY protocol: ")]
    [InlineData("Dovecot", "proxy-v2", "does not know the PROXY protocol: ")]
    [InlineData("Dovecot", "xclient", "goes by the address of our connection, not by the one that XCLIENT tells it")]
    public void No_client_gets_to_it(string name, string announcement, string reason)
    {
        using var certificates = new Certificates();
        using var behind = name == "nginx" ? new SmtpSink() : null;
        using var server = Start(name, announcement, certificates, behind);
        using var host = MailHost.Alone(
            null, "postscreen_pipelining_enable = yes", $"postscreen_access_list = inline:{{ {Permitted}=permit }}",
            $"postern_handoff = relay:tcp:127.0.0.1:{server.Port}", $"postern_relay_announce = {announcement}", "postern_auth_passthrough = yes");
        host.WaitForLog($"relay target tcp:127.0.0.1:{server.Port} is out: it {reason}");

        for (var round = 0; round < 3; round++)
        {
            using (var permitted = host.Connect(Permitted))
                Assert.StartsWith("421 ", permitted.ReadReply(), StringComparison.Ordinal);
            using var client = host.Connect($"127.0.6.{50 + round}");
            client.ExpectGreeting();
            Assert.StartsWith("451 ", client.SendMail("a@good.example", "b@lab.example", "lost"), StringComparison.Ordinal);
            client.Say("QUIT", "221");
            using var known = host.Connect($"127.0.6.{50 + round}");
            Assert.StartsWith("421 ", known.ReadReply(), StringComparison.Ordinal);
        }

        Assert.Equal(0, server.Mails.Count + (behind?.Mails.Count ?? 0));
        Assert.Equal((1, 0), (host.Count(" is out: "), host.Count(" is well again")));
        Assert.DoesNotMatch("MAIL FROM:<a@good", server.Log);
    }

    // What is left for them: they take Postern for the client, and have to be configured for that.
    [Theory]
    [InlineData("sendmail")]
    [InlineData("courier")]
    public void Told_nothing_it_takes_mail_as_from_Postern(string name)
    {
        using var certificates = new Certificates();
        using var server = Start(name, "none", certificates, behind: null);
        using var host = MailHost.Alone(
            null, "postscreen_pipelining_enable = yes", $"postern_handoff = relay:tcp:127.0.0.1:{server.Port}", "postern_relay_announce = none");
        Wait.Until(() => host.Count(" is out: ") == host.Count(" is well again"), () => "the target is not well: " + host.Log + server.Log);

        foreach (var subject in (string[])["new", "known"])
        {
            using var client = host.Connect("127.0.6.60");
            client.ExpectGreeting();
            Assert.StartsWith("250", client.SendMail("a@good.example", "b@lab.example", subject), StringComparison.Ordinal);
        }

        Wait.Until(() => server.Mails.Count == 2, () => $"{server.Mails.Count} mails: {server.Log}{host.LogEnd}");
    }

    [Theory]
    [InlineData("proxy-v1")]
    [InlineData("proxy-v2")]
    public void Dovecot_knows_the_user_by_the_address_of_the_client(string announcement)
    {
        Tool.Require("swaks");
        using var server = new Dovecot(announcement);
        using var host = MailHost.Alone(
            null, "postscreen_pipelining_enable = yes", $"postern_handoff = relay:tcp:127.0.0.1:{server.Port}", $"postern_relay_announce = {announcement}",
            "postern_auth_passthrough = yes");
        Wait.Until(() => host.Count(" is out: ") == host.Count(" is well again"), () => "the target is not well: " + host.Log + server.Log);

        foreach (var subject in (string[])["new", "known"])
        {
            var (status, output) = Tool.Run(
                "swaks", "--server", "127.0.0.1", "--port", $"{host.Port}", "--local-interface", "127.0.6.61", "--ehlo", "client.example",
                "--auth", "PLAIN", "--auth-user", "joe", "--auth-password", "secret",
                "--from", "joe@lab.example", "--to", "b@elsewhere.example", "--header", $"Subject: {subject}", "--timeout", "30");
            Assert.True(status == 0, output + server.Log + host.LogEnd);
        }

        Wait.Until(() => server.Mails.Count == 2, () => $"{server.Mails.Count} mails: {server.Log}{host.LogEnd}");
        Wait.Until(() => Regex.Count(server.Log, server.Trace(@"127\.0\.6\.61")) == 2, () => "not twice by the client's address: " + server.Log);
    }

    private static IMailServer Start(string name, string announcement, Certificates certificates, SmtpSink? behind) => name switch
    {
        "sendmail" => new Sendmail(),
        "courier" => new Courier(),
        "nginx" => new Nginx(behind!.Port, knowsProxy: false),
        "Exim" => Exim.Start(certificates, knowsProxy: false),
        _ => new Dovecot(announcement, hasProxyListener: false),
    };
}
