using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Postern.Interop.Tests;

/// <summary>Mail through Postern to a real Postfix: all of it arrives, and arrives once.</summary>
[Collection(nameof(InteropCollection))]
public sealed class DeliveryTests
{
    private const int Many = 2000;

    [Fact]
    public void A_mail_sent_with_swaks_arrives_once_and_smtpd_sees_the_clients_address()
    {
        Tool.Require("swaks");
        using var host = MailHost.WithPostfix();

        var (status, output) = Swaks(host, "127.0.5.1");

        Assert.True(status == 0, output);
        host.WaitForMails(1);
        Assert.Contains("220-mail.lab.example ESMTP", output, StringComparison.Ordinal);
        Assert.Contains("Subject: through postern", Assert.Single(host.Mails), StringComparison.Ordinal);
        Assert.Contains("PASS NEW [127.0.5.1]:", host.Log, StringComparison.Ordinal);
        Assert.Contains("client=unknown[127.0.5.1]", host.Log, StringComparison.Ordinal);
    }

    [Fact]
    public void Thousands_of_mails_in_parallel_arrive_once_each()
    {
        Tool.Require("smtp-source");
        using var host = MailHost.WithPostfix();

        var (status, output) = Tool.Finish(StartSource(host));

        Assert.True(status == 0, output + host.LogEnd);
        AssertAllArrivedOnce(host);
    }

    [Fact]
    public void Reloads_lose_no_mail_and_double_none()
    {
        Tool.Require("smtp-source");
        using var host = MailHost.WithPostfix();

        using var source = StartSource(host);
        var reloads = 0;
        Wait.Until(
            () =>
            {
                host.Postern.Reload();
                reloads++;
                return source.HasExited;
            },
            () => "smtp-source does not end",
            TimeSpan.FromMinutes(4));

        Assert.True(source.ExitCode == 0, source.StandardError.ReadToEnd() + host.LogEnd);
        Assert.True(reloads > 10, $"only {reloads} reloads");
        AssertAllArrivedOnce(host);
    }

    [Fact]
    public async Task While_the_server_is_down_clients_are_told_to_retry_and_nothing_is_lost_or_doubled()
    {
        const int count = 200;
        using var host = MailHost.WithPostfix();
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
            if (reply is null || !reply.StartsWith("220", StringComparison.Ordinal))
            {
                // Both are temporary to a client: a 4xx, and a connection that ends.
                Assert.True(reply is null || reply[0] == '4', reply);
                Thread.Sleep(20);
                return false;
            }

            reply = talk.SendMail("a@good.example", "b@lab.example", subject);
            Assert.True(reply is null || reply[0] is '2' or '4', reply);
            if (reply?[0] != '2')
                uncertain.Add(subject); // Postfix may have been stopped between queueing the mail and saying so
            return reply?[0] == '2';
        }

        var senders = Enumerable.Range(0, 4).Select(_ => Task.Factory.StartNew(Sender, TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)).ToArray();
        Wait.Until(() => Volatile.Read(ref delivered) > count / 4, () => "nothing is delivered: " + host.Log);
        host.StopPostfix();
        Wait.Until(() => Volatile.Read(ref refused) > 10, () => "nobody is refused: " + host.Log);
        host.StartPostfix();
        await Task.WhenAll(senders);

        // A delivery agent that is stopped after it delivered does so again when it is back: the same mail, under the
        // same queue id. What was taken in twice has two.
        List<(string Subject, string QueueId)> Arrived() =>
            [.. host.Mails.Select(mail => (Regex.Match(mail, "Subject: (number-[0-9]{3}-)").Groups[1].Value, Regex.Match(mail, @"\bid ([0-9A-F]+)").Groups[1].Value)).Distinct()];
        Wait.Until(() => Arrived().DistinctBy(mail => mail.Subject).Count() == count, () => $"not all mails have arrived. The log ends:\n{host.LogEnd}", TimeSpan.FromMinutes(2));
        Assert.Contains("cannot connect to service private/smtpd: Connection refused", host.Log, StringComparison.Ordinal);
        Assert.All(Arrived(), mail => Assert.NotEmpty(mail.QueueId));
        Assert.Empty(Arrived().GroupBy(mail => mail.Subject).Where(group => group.Count() > 1 && !uncertain.Contains(group.Key)).Select(group => group.Key));
    }

    private static (int Status, string Output) Swaks(MailHost host, string from) => Tool.Run(
        "swaks", "--server", "127.0.0.1", "--port", $"{host.Port}", "--local-interface", from, "--ehlo", "good.example",
        "--from", "a@good.example", "--to", "b@lab.example", "--header", "Subject: through postern", "--timeout", "30");

    private static Process StartSource(MailHost host) =>
        Tool.Start("smtp-source", "-s", "20", "-m", $"{Many}", "-N", "-f", "a@good.example", "-t", "box@lab.example", $"127.0.0.1:{host.Port}");

    private static void AssertAllArrivedOnce(MailHost host)
    {
        host.WaitForMails(Many);
        var recipients = host.Mails.Select(mail => Regex.Match(mail, "Delivered-To: (.*)").Groups[1].Value).ToList();

        Assert.Equal(Many, recipients.Count);
        Assert.Equal(Many, recipients.Distinct().Count());
        Assert.Equal(Many, host.Count("CONNECT from [127.0.0.1]"));
    }
}
