
namespace Postern.Interop.Tests;

/// <summary>Postern with its built-in receiver, on a machine without Postfix.</summary>
[Collection(nameof(InteropCollection))]
public sealed class ReceiverTests
{
    private const string DnsServer = "127.0.53.7";

    [Fact]
    public void A_mail_sent_with_swaks_is_in_the_Maildir()
    {
        Tool.Require("swaks");
        using var host = MailHost.Alone();

        var (status, output) = Swaks(host, "a@[127.0.0.1]", "b@lab.example");

        Assert.True(status == 0, output);
        host.WaitForMails(1);
        Assert.Contains("Subject: alone", Assert.Single(host.Mails), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFiles(Path.Combine(host.Maildir, "tmp")));
    }

    // Patient ones pass the tests, and then stay.
    [Fact]
    public void Neither_one_address_nor_many_keep_others_out()
    {
        using var host = MailHost.Alone(
            null, "postern_receiver_session_limit = 20", "postscreen_client_connection_count_limit = 5", "postscreen_access_list = inline:{ 127.0.6.99=permit }",
            "postscreen_cache_map =");
        var patient = new List<SmtpTalk>();
        try
        {
            for (var i = 0; i < 5; i++)
                Stay("127.0.6.70", "220");
            using (var sixth = host.Connect("127.0.6.70"))
                Assert.Equal("421 4.7.0 Error: too many connections", sixth.ReadReply());
            for (var i = 0; i < 13; i++) // 18 of 20 then, the rest is kept
                Stay($"127.0.6.{71 + i / 5}", "220");
            Stay("127.0.6.80", "421 4.3.2 ");

            for (var i = 0; i < 3; i++)
            {
                using var permitted = host.Connect("127.0.6.99");
                permitted.ExpectGreeting();
                Assert.StartsWith("250", permitted.SendMail("a@[127.0.0.1]", "b@lab.example", "permitted"), StringComparison.Ordinal);
                permitted.Say("QUIT", "221");
            }

            host.WaitForMails(3);
            patient[0].Dispose();
            Wait.Until(() => host.Count("disconnect from unknown[127.0.6.70]") == 1, () => "it is still there: " + host.LogEnd);
            Stay("127.0.6.70", "220"); // in the place of the one that has left
        }
        finally
        {
            patient.ForEach(static talk => talk.Dispose());
        }

        void Stay(string from, string reply)
        {
            var talk = host.Connect(from);
            patient.Add(talk);
            talk.ExpectGreeting();
            var said = talk.Say("EHLO patient.example");
            Assert.StartsWith(reply == "220" ? "250" : reply, said, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Recipients_elsewhere_are_refused()
    {
        using var host = MailHost.Alone();
        using var talk = host.Connect();

        talk.ExpectGreeting();
        talk.Say("EHLO client.example", "250");
        talk.Say("MAIL FROM:<>", "250");
        talk.Say("RCPT TO:<victim@elsewhere.example>", "554 5.7.1 <victim@elsewhere.example>: Relay access denied");
        talk.Say("DATA", "554 5.5.1");
        talk.Say("QUIT", "221");
        Assert.Equal(0, host.MailCount);
    }

    [Fact]
    public void An_early_talker_is_refused()
    {
        using var host = MailHost.Alone(null, "postscreen_greet_action = enforce");
        using var talk = host.Connect();

        talk.TalkEarly();
        talk.Say("MAIL FROM:<a@early.example>", "250");
        talk.Say("RCPT TO:<b@lab.example>", "550 5.5.1 Protocol error");
    }

    [Fact]
    public void Senders_from_domains_that_do_not_exist_are_refused_and_others_taken()
    {
        Tool.RequireRoot();
        Tool.Require("unshare", "mount");
        using var dns = Rbldnsd.Start(DnsServer, "test:generic", "$SOA 600 ns.test root.test 1 600 300 86400 120\npresent A 192.0.2.1\n");
        using var host = MailHost.Alone(dns.ResolvConf);

        using var talk = host.Connect();
        talk.ExpectGreeting();
        talk.Say("EHLO client.example", "250");
        talk.Say("MAIL FROM:<a@missing.test>", "250 2.1.0 Ok"); // refused later, as smtpd does it, so that the recipient is in the log
        talk.Say("RCPT TO:<b@lab.example>", "550 5.1.8 <a@missing.test>: Sender address rejected: Domain not found");
        talk.Say("RSET", "250");
        talk.Say("MAIL FROM:<a@present.test>", "250 2.1.0 Ok");
        talk.Say("RCPT TO:<b@lab.example>", "250 2.1.5 Ok");
    }

    [Fact]
    public void Without_an_answer_from_DNS_the_sender_is_told_to_try_again()
    {
        Tool.RequireRoot();
        Tool.Require("unshare", "mount");
        using var host = MailHost.Alone($"nameserver {DnsServer}\noptions timeout:1 attempts:1\n"); // nobody listens there

        using var talk = host.Connect();
        talk.ExpectGreeting();
        talk.Say("EHLO client.example", "250");
        talk.Say("MAIL FROM:<a@present.test>", "250 2.1.0 Ok");
        talk.Say("RCPT TO:<b@lab.example>", "450 4.1.8 <a@present.test>: Sender address rejected: Domain not found");
    }

    private static (int Status, string Output) Swaks(MailHost host, string sender, string recipient) => Tool.Run(
        "swaks", "--server", "127.0.0.1", "--port", $"{host.Port}", "--ehlo", "client.example",
        "--from", sender, "--to", recipient, "--header", "Subject: alone", "--timeout", "30");
}
