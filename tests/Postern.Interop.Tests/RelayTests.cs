using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace Postern.Interop.Tests;

/// <summary>
/// Any mail server behind Postern: a new client, with every deep test on, delivers its mail in its first session, once,
/// and the server knows whose it is.
/// </summary>
[Collection(nameof(InteropCollection))]
public sealed class RelayTests
{
    private static readonly string[] DeepTests =
        ["postscreen_pipelining_enable = yes", "postscreen_non_smtp_command_enable = yes", "postscreen_bare_newline_enable = yes"];

    [Theory]
    [InlineData("proxy-v1", "smtpd_upstream_proxy_protocol=haproxy")]
    [InlineData("proxy-v2", "smtpd_upstream_proxy_protocol=haproxy")]
    [InlineData("xclient", "smtpd_authorized_xclient_hosts=127.0.0.1")]
    public void Postfix_takes_new_and_known_clients(string announcement, string option)
    {
        var port = MailHost.FreePort();
        using var host = MailHost.WithPostfixAnd(
            $"127.0.0.1:{port} inet n - n - - smtpd -o {option}\n",
            [.. DeepTests, $"postern_handoff = relay:tcp:127.0.0.1:{port}", $"postern_relay_announce = {announcement}"]);

        Deliver(host, "127.0.6.1", "first");
        Deliver(host, "127.0.6.1", "second");

        host.WaitForMails(2);
        AssertArrivedOnce(host.Mails, "first", "second");
        Assert.Equal(1, host.Count("PASS NEW [127.0.6.1]:"));
        Assert.Equal(1, host.Count("PASS OLD [127.0.6.1]:"));
        Assert.Equal(2, host.Count("client=unknown[127.0.6.1]"));
        Assert.Equal(0, host.Count("NOQUEUE: reject"));
    }

    [Theory]
    [InlineData("proxy-v2", "smtpd_upstream_proxy_protocol=haproxy")]
    [InlineData("xclient", "smtpd_authorized_xclient_hosts=127.0.0.1")]
    public void Beside_descriptor_passing_a_second_smtpd_takes_the_sessions_over(string announcement, string option)
    {
        using var host = MailHost.WithPostfixAnd(
            $"smtpd-live unix - - n - - smtpd -o {option}\n",
            [.. DeepTests, "postern_live_target = relay:unix:private/smtpd-live", $"postern_relay_announce = {announcement}"]);

        Deliver(host, "127.0.6.2", "first");
        Deliver(host, "127.0.6.2", "second");

        host.WaitForMails(2);
        AssertArrivedOnce(host.Mails, "first", "second");
        Assert.Equal(2, host.Count("client=unknown[127.0.6.2]"));
        Assert.Equal(1, host.Count("relayed [127.0.6.2]:")); // the second went by its descriptor
        Assert.Contains("clients that pass go to private/smtpd", host.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void A_new_client_inside_TLS_delivers_in_its_first_session()
    {
        Tool.Require("swaks");
        var port = MailHost.FreePort();
        using var certificates = new Certificates();
        using var host = MailHost.WithPostfixAnd(
            $"127.0.0.1:{port} inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy -o smtpd_tls_security_level=none\n",
            [.. certificates.Settings, .. DeepTests, $"postern_handoff = relay:tcp:127.0.0.1:{port}"]);

        var (status, output) = Tool.Run(
            "swaks", "--server", "127.0.0.1", "--port", $"{host.Port}", "--local-interface", "127.0.6.9", "--ehlo", "mail.lab.example", "--tls",
            "--from", "a@good.example", "--to", "b@lab.example", "--header", "Subject: inside", "--timeout", "30");

        Assert.True(status == 0, output + host.LogEnd);
        host.WaitForMails(1);
        AssertArrivedOnce(host.Mails, "inside");
        Assert.Contains("client=unknown[127.0.6.9]", host.Log, StringComparison.Ordinal);
        Assert.Contains("PASS NEW [127.0.6.9]", host.Log, StringComparison.Ordinal);
        host.WaitForLog("relayed [127.0.6.9]:");
    }

    [Fact]
    public void The_client_is_promised_what_the_server_keeps()
    {
        var port = MailHost.FreePort();
        using var host = MailHost.WithPostfixAnd(
            $"127.0.0.1:{port} inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy -o smtpd_discard_ehlo_keywords=dsn,chunking -o message_size_limit=5000000\n",
            [.. DeepTests, $"postern_handoff = relay:tcp:127.0.0.1:{port}", "smtputf8_enable = yes"]);
        using var talk = host.Connect("127.0.6.3");
        talk.ExpectGreeting();

        var before = talk.Say("EHLO client.example")!;
        talk.Say("MAIL FROM:<a@good.example> SIZE=100 BODY=8BITMIME", "250");
        talk.Say("RCPT TO:<b@lab.example>", "250 2.1.5 Ok");
        talk.Say("RSET", "250");
        var after = talk.Say("EHLO client.example")!;

        Assert.Contains("250-SIZE 5000000", before, StringComparison.Ordinal);
        Assert.DoesNotContain("DSN", before, StringComparison.Ordinal);
        Assert.DoesNotContain("CHUNKING", before, StringComparison.Ordinal);
        Assert.DoesNotContain("PIPELINING", before, StringComparison.Ordinal);
        foreach (var keyword in before.Split('\n').Skip(1))
            Assert.Contains(keyword[4..], after, StringComparison.Ordinal);
    }

    [Fact]
    public void The_servers_no_to_a_recipient_is_the_clients_answer()
    {
        var port = MailHost.FreePort();
        using var host = MailHost.WithPostfixAnd(
            $"127.0.0.1:{port} inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy\n",
            [.. DeepTests, $"postern_handoff = relay:tcp:127.0.0.1:{port}"]);
        using var talk = host.Connect("127.0.6.4");
        talk.ExpectGreeting();
        talk.Say("EHLO client.example", "250");
        talk.Say("MAIL FROM:<a@good.example>", "250");

        talk.Say("RCPT TO:<b@elsewhere.example>", "554 5.7.1 <b@elsewhere.example>: Relay access denied");
        talk.Say("RCPT TO:<b@lab.example>", "250 2.1.5 Ok");
    }

    [Fact]
    public async Task A_server_that_comes_and_goes_loses_no_mail_and_doubles_none()
    {
        const int count = 150;
        var port = MailHost.FreePort();
        using var host = MailHost.WithPostfixAnd(
            $"127.0.0.1:{port} inet n - n - - smtpd -o smtpd_upstream_proxy_protocol=haproxy\n",
            [.. DeepTests, $"postern_handoff = relay:tcp:127.0.0.1:{port}", "postscreen_cache_map ="]); // every client is new
        var subjects = new ConcurrentQueue<string>(Enumerable.Range(0, count).Select(number => $"number-{number:000}-"));
        var uncertain = new ConcurrentBag<string>();
        var (delivered, refused) = (0, 0);
        void Sender()
        {
            while (subjects.TryDequeue(out var subject))
            {
                while (!TrySend(subject))
                    Interlocked.Increment(ref refused);
                Interlocked.Increment(ref delivered);
            }
        }

        bool TrySend(string subject)
        {
            using var talk = host.Connect();
            var reply = talk.ReadReply();
            if (reply?.StartsWith("220", StringComparison.Ordinal) != true)
                return false;
            reply = talk.SendMail("a@good.example", "b@lab.example", subject);
            Assert.True(reply is null || reply[0] is '2' or '4', reply);
            if (reply?[0] != '2')
                uncertain.Add(subject); // Postfix may have been stopped between queueing the mail and saying so
            return reply?[0] == '2';
        }

        var senders = Enumerable.Range(0, 8).Select(_ => Task.Factory.StartNew(Sender, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
        Wait.Until(() => Volatile.Read(ref delivered) > count / 4, () => "nothing is delivered: " + host.Log);
        host.StopPostfix();
        Wait.Until(() => Volatile.Read(ref refused) > 5, () => "nobody is refused: " + host.Log);
        // A connection that the kernel had taken when the port was closed is reset, the next ones are refused. The target is
        // out with the first that fails; clients that were greeted by nobody do not make it so.
        Wait.Until(
            () => Regex.IsMatch(host.Log, $"relay target tcp:127\\.0\\.0\\.1:{port} is out: Connection (refused|reset by peer) -- "),
            () => "the target is not out: " + host.Log);
        host.StartPostfix();
        await Task.WhenAll(senders);

        List<(string Subject, string QueueId)> Arrived() =>
            [.. host.Mails.Select(mail => (Regex.Match(mail, "Subject: (number-[0-9]{3}-)").Groups[1].Value, Regex.Match(mail, @"\bid ([0-9A-F]+)").Groups[1].Value)).Distinct()];
        Wait.Until(() => Arrived().DistinctBy(mail => mail.Subject).Count() == count, () => $"not all mails have arrived. The log ends:\n{host.LogEnd}", TimeSpan.FromMinutes(2));
        Assert.Empty(Arrived().GroupBy(mail => mail.Subject).Where(group => group.Count() > 1 && !uncertain.Contains(group.Key)).Select(group => group.Key));
        host.WaitForLog($"relay target tcp:127.0.0.1:{port} is well again");
    }

    private static void Deliver(MailHost host, string from, string subject, string hello = "EHLO")
    {
        using var talk = host.Connect(from);
        talk.ExpectGreeting();
        talk.Say($"{hello} client.example", "250");
        talk.Say("MAIL FROM:<a@good.example>", "250");
        talk.Say("RCPT TO:<b@lab.example>", "250");
        talk.Say("DATA", "354");
        talk.Say($"From: <a@good.example>\r\nSubject: {subject}\r\n\r\nHello.\r\n.", "250");
        talk.Say("QUIT", "221");
    }

    private static void AssertArrivedOnce(IReadOnlyList<string> mails, params string[] subjects)
    {
        Assert.Equal(subjects.Length, mails.Count);
        foreach (var subject in subjects)
            Assert.Single(mails, mail => mail.Contains($"Subject: {subject}", StringComparison.Ordinal));
    }
}
