using System.Text;
using System.Text.RegularExpressions;

namespace Postern.Interop.Tests;

/// <summary>
/// The mail servers of docs/behind: a new client, with every deep test on, delivers a whole mail in its first session,
/// once, and the server logs the client's own address. And where a mail ends, the server alone decides.
/// </summary>
[Collection(nameof(InteropCollection))]
public sealed class BehindTests
{
    // What one server takes for the end of a mail, and another does not; as published (SEC Consult, December 2023).
    private static readonly string[] Sequences =
        ["\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\n", "\r\n.\r", "\n\n.\r\n", "\r\n\0.\r\n", "\r\n..\r\n", "\r\r\n.\r\r\n", "\r\n.\0\r\n"];

    public static TheoryData<string> Servers() => [.. Scene.Servers];

    [Theory]
    [MemberData(nameof(Servers))]
    public void New_and_known_clients_deliver_their_mail_at_once(string server)
    {
        using var scene = new Scene(server);
        WaitForTarget(scene);

        Deliver(scene.Host, "127.0.6.1", "first");
        Deliver(scene.Host, "127.0.6.1", "second");
        Deliver(scene.Host, "127.0.6.2", "third", hello: "HELO");

        AssertArrivedOnce(scene, "first", "second", "third");
        AssertTraced(scene, "127.0.6.1", 2);
        AssertTraced(scene, "127.0.6.2", 1);
        scene.Host.WaitForLog("relayed [127.0.6.2]:");
        Assert.Equal(1, scene.Host.Count("PASS NEW [127.0.6.1]:"));
        Assert.Equal(1, scene.Host.Count("PASS OLD [127.0.6.1]:"));
        Assert.Equal(0, scene.Host.Count("NOQUEUE: reject"));
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public void A_new_client_inside_TLS_delivers_its_mail_at_once(string server)
    {
        using var scene = new Scene(server);
        WaitForTarget(scene);

        DeliverInsideTls(scene, "127.0.6.3", "inside");

        AssertArrivedOnce(scene, "inside");
        AssertTraced(scene, "127.0.6.3", 1);
        scene.Host.WaitForLog("relayed [127.0.6.3]:");
        Assert.Equal(1, scene.Host.Count("PASS NEW [127.0.6.3]:"));
    }

    [Theory]
    [InlineData("Postfix proxy-v2")]
    [InlineData("Postfix xclient")]
    [InlineData("Exim proxy-v2")]
    [InlineData("Haraka proxy-v1")]
    [InlineData("Haraka xclient")]
    public void With_TLS_to_the_server_too(string server)
    {
        using var scene = new Scene(server, "postern_relay_tls = encrypt");
        WaitForTarget(scene);

        Deliver(scene.Host, "127.0.6.4", "plain");
        DeliverInsideTls(scene, "127.0.6.5", "inside");

        AssertArrivedOnce(scene, "plain", "inside");
        AssertTraced(scene, "127.0.6.4", 1);
        AssertTraced(scene, "127.0.6.5", 1);
        Assert.Equal(0, scene.Host.Count("NOQUEUE: reject"));
    }

    [Theory]
    [InlineData("Postfix proxy-v2")]
    [InlineData("Postfix xclient")]
    public void Behind_HAProxy_and_beside_it_each_client_is_known_to_the_server(string server)
    {
        Tool.Require("haproxy");
        using var scene = new Scene(server, "postscreen_upstream_proxy_protocol = haproxy", $"postern_proxy_networks = {HaProxy.Address}");
        using var proxy = new HaProxy(scene.Host.Port, "send-proxy-v2");
        WaitForTarget(scene);

        Deliver(proxy.Connect("127.0.6.9"), "through");
        Deliver(scene.Host, "127.0.6.10", "beside");

        AssertArrivedOnce(scene, "through", "beside");
        AssertTraced(scene, "127.0.6.9", 1);
        AssertTraced(scene, "127.0.6.10", 1);
        AssertTraced(scene, HaProxy.Address, 0);
    }

    // As in Kubernetes: a load balancer before an ingress.
    [Theory]
    [InlineData("Postfix proxy-v2")]
    [InlineData("Exim proxy-v2")]
    public void Through_two_proxies_in_a_row_the_server_knows_the_client(string server)
    {
        Tool.Require("haproxy");
        using var scene = new Scene(server, "postscreen_upstream_proxy_protocol = haproxy", $"postern_proxy_networks = {HaProxy.Address}");
        using var ingress = new HaProxy(scene.Host.Port, "send-proxy-v2", "accept-proxy");
        using var balancer = new HaProxy(ingress.Port, "send-proxy");
        WaitForTarget(scene);

        Deliver(balancer.Connect("127.0.6.31"), "new");
        Deliver(balancer.Connect("127.0.6.31"), "known");

        AssertArrivedOnce(scene, "new", "known");
        AssertTraced(scene, "127.0.6.31", 2);
        AssertTraced(scene, HaProxy.Address, 0);
    }

    // As Docker's userland proxy, and a Kubernetes service that is not local.
    [Fact]
    public void A_proxy_that_hides_its_clients_is_named_once_and_costs_no_mail()
    {
        Tool.Require("haproxy");
        using var scene = new Scene("Postfix proxy-v2", "postscreen_client_connection_count_limit = 0");
        using var proxy = new HaProxy(scene.Host.Port, "");
        WaitForTarget(scene);

        Deliver(proxy.Connect("127.0.6.32"), "first");
        for (var client = 0; client < 110; client++)
        {
            using var talk = proxy.Connect("127.0.6.33");
            talk.ReadReply();
            talk.Say("QUIT", "221");
        }

        Deliver(proxy.Connect("127.0.6.34"), "last");

        AssertArrivedOnce(scene, "first", "last");
        AssertTraced(scene, HaProxy.Address, 2);
        Assert.Equal(1, scene.Host.Count($"warning: all of the first 100 clients came from {HaProxy.Address}, a private address"));
    }

    [Fact]
    public void XCLIENT_tells_the_names_that_smtpd_would_have_found()
    {
        using var names = Dnsmasq.Start([("mail.good.lab", "127.0.6.21")], [("mail.liar.lab", "127.0.6.22")]);
        using var scene = new Scene("Postfix xclient", "smtpd_recipient_restrictions = reject_unknown_client_hostname");
        scene.Host.UseResolvConf(names.ResolvConf);
        scene.Host.StartPostern();
        WaitForTarget(scene);

        Deliver(scene.Host, "127.0.6.21", "new");
        Deliver(scene.Host, "127.0.6.21", "known");
        using (var liar = scene.Host.Connect("127.0.6.22"))
        {
            liar.ReadReply();
            Assert.StartsWith("450 4.7.25 Client host rejected: cannot find your hostname", liar.SendMail("a@liar.lab", "b@lab.example", "refused"), StringComparison.Ordinal);
        }

        AssertArrivedOnce(scene, "new", "known");
        Wait.Until( // smtpd's lines go by way of postlogd
            () => Regex.Count(scene.ServerLog, @"smtpd\[\d+\]: [0-9A-F]+: client=mail\.good\.lab\[127\.0\.6\.21\]") == 2
                && Regex.IsMatch(scene.ServerLog, @"NOQUEUE: reject: RCPT from unknown\[127\.0\.6\.22\]: 450 4\.7\.25 "),
            () => $"smtpd did not see the two as we told it: {scene.ServerLog}");
    }

    [Fact]
    public void A_user_who_authenticates_himself_may_send_anywhere()
    {
        Tool.Require("swaks");
        using var scene = new Scene("Exim proxy-v2", "postern_auth_passthrough = yes");
        WaitForTarget(scene);
        (int Status, string Output) Submit(string password) => Tool.Run(
            "swaks", "--server", "127.0.0.1", "--port", $"{scene.Host.Port}", "--local-interface", "127.0.6.11", "--ehlo", "client.example", "--tls",
            "--auth", "PLAIN", "--auth-user", "joe", "--auth-password", password,
            "--from", "a@good.example", "--to", "b@elsewhere.example", "--header", "Subject: submitted", "--timeout", "30");

        var wrong = Submit("guess");
        var right = Submit("secret");

        Assert.True(wrong.Status != 0 && wrong.Output.Contains("535 Incorrect authentication data", StringComparison.Ordinal), wrong.Output + scene.Host.LogEnd);
        Assert.True(right.Status == 0, right.Output + scene.Host.LogEnd);
        AssertArrivedOnce(scene, "submitted");
        scene.Host.WaitForLog("warning: authentication failed for [127.0.6.11]:");
        Assert.Equal(1, scene.Host.Count("authentication failed for [127.0.6.11]:"));
    }

    // Debian 12's OpenSMTPD offers STARTTLS, and then cannot use its key with OpenSSL 3, whoever the client is.
    [Fact]
    public void TLS_that_does_not_work_costs_no_mail()
    {
        using var scene = new Scene("OpenSMTPD proxy-v2", "postern_relay_tls = may");
        WaitForTarget(scene);

        Deliver(scene.Host, "127.0.6.6", "first");

        AssertArrivedOnce(scene, "first");
        AssertTraced(scene, "127.0.6.6", 1);
    }

    // Whatever the server makes of them, it makes the same of them without Postern.
    [Theory]
    [MemberData(nameof(Servers))]
    public void Smuggling_sequences_end_a_mail_where_the_server_alone_ends_it(string server)
    {
        using var scene = new Scene(server, "postscreen_greet_wait = 1s", "postscreen_cache_map =");
        WaitForTarget(scene);

        foreach (var sequence in Sequences)
        {
            var before = scene.Mails.Count;
            var direct = Smuggle(new SmtpTalk(scene.DirectPort, "127.0.6.8"), sequence);
            var mailsDirect = CountOf(direct);
            Wait.Until(() => scene.Mails.Count == before + mailsDirect, () => $"{mailsDirect} mails were taken, {scene.Mails.Count - before} are there: {scene.ServerLog}");
            var through = Smuggle(new SmtpTalk(scene.Host.Port, "127.0.6.7"), sequence);

            Assert.Equal($"{Name(sequence)}: {direct}", $"{Name(sequence)}: {through}");
            Wait.Until(() => scene.Mails.Count == before + 2 * mailsDirect, () => $"{mailsDirect} mails were taken, {scene.Mails.Count - before} are there: {scene.ServerLog}");
        }

        Wait.Until(() => scene.Host.Count("relayed [127.0.6.7]") == Sequences.Length, () => "not every session was relayed: " + scene.Host.Log);
    }

    private static void WaitForTarget(Scene scene) => Wait.Until(
        () => scene.Host.Count(" is out: ") == scene.Host.Count(" is well again"), () => "the target is not well: " + scene.Host.Log + scene.ServerLog);

    private static void Deliver(MailHost host, string from, string subject, string hello = "EHLO") => Deliver(host.Connect(from), subject, hello);

    private static void Deliver(SmtpTalk client, string subject, string hello = "EHLO")
    {
        using var talk = client;
        talk.ExpectGreeting();
        SayHello(talk, hello);
        talk.Say("MAIL FROM:<a@good.example>", "250");
        talk.Say("RCPT TO:<b@lab.example>", "250");
        talk.Say("DATA", "354");
        talk.Say($"From: <a@good.example>\r\nSubject: {subject}\r\n\r\nHello.\r\n.", "250");
        talk.Say("QUIT", "221");
    }

    private static void DeliverInsideTls(Scene scene, string from, string subject)
    {
        Tool.Require("swaks");
        var (status, output) = Tool.Run(
            "swaks", "--server", "127.0.0.1", "--port", $"{scene.Host.Port}", "--local-interface", from, "--ehlo", "mail.lab.example", "--tls",
            "--from", "a@good.example", "--to", "b@lab.example", "--header", $"Subject: {subject}", "--timeout", "30");
        Assert.True(status == 0, output + scene.Host.LogEnd + scene.ServerLog);
    }

    /// <summary>Two mails to a server that takes the sequence for the end of the first; the codes of its replies to the end of the session.</summary>
    private static string Smuggle(SmtpTalk talk, string sequence)
    {
        using (talk)
        {
            talk.ExpectGreeting();
            SayHello(talk, "EHLO");
            talk.Say("MAIL FROM:<a@good.example>", "250");
            talk.Say("RCPT TO:<b@lab.example>", "250");
            talk.Say("DATA", "354");
            talk.Send($"Subject: x\r\n\r\na{sequence}MAIL FROM:<admin@lab.example>\r\nRCPT TO:<b@lab.example>\r\nDATA\r\nSubject: smuggled\r\n\r\nb\r\n.\r\n");
            var replies = new StringBuilder("354");
            for (var hasQuit = false; talk.ReadLine() is { } line; hasQuit = true)
            {
                replies.Append(' ').Append(line.AsSpan(0, Math.Min(3, line.Length)));
                if (!hasQuit)
                    talk.Send("QUIT\r\n"); // not before the mail's reply: some servers take no command behind a mail
            }

            return replies.ToString();
        }
    }

    /// <summary>How many mails a server has taken that said this.</summary>
    private static int CountOf(string replies) => Regex.Count(replies, "354 250");

    // There are servers without EHLO.
    private static void SayHello(SmtpTalk talk, string hello)
    {
        if (hello != "EHLO" || talk.Say("EHLO client.example")?.StartsWith("250", StringComparison.Ordinal) != true)
            talk.Say("HELO client.example", "250");
    }

    private static string Name(string sequence) => string.Concat(sequence.Select(static c => c switch { '\r' => "CR ", '\n' => "LF ", '\0' => "NUL ", _ => c + " " }));

    private static void AssertArrivedOnce(Scene scene, params string[] subjects)
    {
        Wait.Until(() => scene.Mails.Count >= subjects.Length, () => $"{scene.Mails.Count} mails have arrived: {scene.ServerLog} {scene.Host.LogEnd}");
        Assert.Equal(subjects.Length, scene.Mails.Count);
        foreach (var subject in subjects)
            Assert.Single(scene.Mails, mail => mail.Contains($"Subject: {subject}", StringComparison.Ordinal));
    }

    private static void AssertTraced(Scene scene, string client, int times)
    {
        if (scene.Trace(client) is { Length: > 0 } trace)
            Wait.Until(() => Regex.Count(scene.ServerLog, trace) == times, () => $"not {times} times {trace} in the server's log: {scene.ServerLog}");
    }
}
