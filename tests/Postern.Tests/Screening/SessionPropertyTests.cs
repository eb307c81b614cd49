using System.Text;
using CsCheck;
using Postern.Core.Config;
using Postern.Core.Relay;
using Postern.Core.Screening;
using Postern.Core.Smtp;

namespace Postern.Tests.Screening;

/// <summary>What holds for every client, whatever it does and in whatever order things happen.</summary>
public sealed class SessionPropertyTests
{
    private static readonly Gen<string> Talk = Gen.OneOf(
        Any.Of(
            "EHLO x\r\n", "HELO y\r\n", "MAIL FROM:<a@b>\r\n", "RCPT TO:<c@d>\r\n", "DATA\r\n", "BDAT 3 LAST\r\n", "QUIT\r\n", "RSET\r\n", "AUTH PLAIN x\r\n",
            "NOOP\n", "VRFY z\r\n", "ETRN\r\n", "STARTTLS\r\n", "GET / HTTP/1.1\r\n", "Subject: x\r\n", "E", "\r", "\n", "\0", "\xff\xfe\r\n", "AUTH PLAIN\r\n"),
        Gen.String[Gen.Char['\0', '\xff'], 0, 40],
        Gen.Const(new string('x', 3000)));

    private static readonly Gen<FailAction> Action = Any.Of(FailAction.Ignore, FailAction.Enforce, FailAction.Drop);

    private static readonly Gen<Settings> AnySettings =
        Gen.Select(Action, Action, Action, Action, Gen.Select(Gen.Bool, Gen.Bool, Gen.Bool), Gen.Int[1, 5], Any.Of(TlsLevel.None, TlsLevel.May, TlsLevel.Encrypt)).Select(
            (greet, pipelining, nonSmtp, newline, flags, commands, tls) => new Settings
            {
                GreetAction = greet,
                PipeliningAction = pipelining,
                NonSmtpCommandAction = nonSmtp,
                BareNewlineAction = newline,
                PipeliningEnable = flags.Item1,
                NonSmtpCommandEnable = flags.Item1,
                BareNewlineEnable = flags.Item1,
                GreetBanner = flags.Item2 ? "mx ESMTP" : "",
                SoftBounce = flags.Item3,
                TlsLevel = tls,
                CommandCountLimit = commands,
                HeloRequired = flags.Item3,
            });

    [Fact]
    public void Every_session_ends_and_none_is_handed_off_after_a_byte_was_read() => Gen.Select(AnySettings, Gen.Select(Gen.Double[0, 20], Talk, Gen.Int[0, 20]).Array[0, 12]).Sample((settings, steps) =>
    {
        var shell = NewShell(settings);
        shell.Connect();

        foreach (var (pause, talk, chance) in steps)
        {
            shell.AdvanceTo(shell.Now + TimeSpan.FromSeconds(pause));
            if (shell.IsOver)
                break;
            if (chance == 0)
                shell.HangUp();
            else if (chance == 1)
                shell.Shutdown();
            else
                shell.Receive(Encoding.Latin1.GetBytes(talk));
        }

        shell.AdvanceTo(shell.Now + TimeSpan.FromDays(1));
        Assert.True(shell.IsOver);
        Assert.False(shell.HandedOff && shell.HasRead);
        Assert.True(shell.Session.IsDone);
    });

    [Fact]
    public void What_a_server_is_told_is_what_the_client_said_to_the_byte()
    {
        var word = Gen.String[Gen.Char["ab <>:@.=\0\r\t\xe9"], 0, 12];
        var handedOver = 0;
        Gen.Select(word, word, word).Sample((hello, mail, recipient) =>
        {
            var settings = new Settings { GreetBanner = "", LiveHandover = true, BareNewlineEnable = true };
            var shell = new FakeShell(settings, Ip.Of("192.0.2.7"), offer: new TargetOffer());
            shell.Connect();
            shell.AdvanceTo(TimeSpan.FromMinutes(1));

            foreach (var line in (string[])["EHLO " + hello, $"MAIL FROM:<a@b>{mail}", $"RCPT TO:<c@d>{recipient}"])
                shell.Receive(Encoding.Latin1.GetBytes(line + "\r\n"));

            if (shell.Session.Envelope is not { } told)
                return;
            Interlocked.Increment(ref handedOver);
            Assert.Equal(told.Extended ? hello : "", Encoding.Latin1.GetString(told.Helo));
            Assert.Equal("FROM:<a@b>" + mail, Encoding.Latin1.GetString(told.Mail!));
            Assert.Equal("TO:<c@d>" + recipient, Encoding.Latin1.GetString(told.Last));
        });
        Assert.NotEqual(0, handedOver);
    }

    [Fact]
    public void A_session_that_can_be_handed_over_ends_and_is_handed_over_only_when_nothing_was_wrong() => Gen.Select(AnySettings, Gen.Select(Gen.Double[0, 20], Talk, Gen.Int[0, 20]).Array[0, 12]).Sample((settings, steps) =>
    {
        var shell = new FakeShell(settings with { LiveHandover = true, AuthPassthrough = true }, Ip.Of("192.0.2.7"), offer: new TargetOffer { Current = new(EhloKeywords.Auth, 0, null) { Mechanisms = ["PLAIN"] } });
        shell.Connect();

        foreach (var (pause, talk, chance) in steps)
        {
            if (shell.Session.IsHandingOver && chance < 15)
            {
                Assert.False(shell.Output.Exists(line => IsFailure(line, settings)));
                if (chance < 5)
                    shell.TakeOver();
                else if (chance < 7)
                    shell.Shutdown();
                else
                    shell.FailHandover(new HandoffFailure(true, "s", "r") { Answer = chance < 11 ? "421-4.0.0 a\r\n421 b\r\n"u8.ToArray() : null });
            }

            if (shell.IsOver)
                break;
            shell.AdvanceTo(shell.Now + TimeSpan.FromSeconds(pause));
            if (!shell.IsOver)
                shell.Receive(Encoding.Latin1.GetBytes(talk));
        }

        if (shell.Session.IsHandingOver)
            shell.TakeOver();
        shell.AdvanceTo(shell.Now + TimeSpan.FromDays(1));
        Assert.True(shell.IsOver);
        Assert.True(shell.Session.IsDone);
    });

    [Fact]
    public void The_replies_do_not_depend_on_how_the_input_is_cut() => Gen.Select(AnySettings, Talk.Array[1, 8], Gen.Int[1, 5]).Sample((settings, talk, chunk) =>
    {
        // Pipelining is judged by what one read brings, so only the other tests are on; and so is what stands behind
        // STARTTLS, which waits for the next read, or is forgotten.
        settings = settings with { PipeliningEnable = false, PipeliningAction = FailAction.Ignore, GreetBanner = "", BareNewlineEnable = true };
        var text = Encoding.Latin1.GetBytes(string.Concat(talk).Replace("STARTTLS", "NOOP", StringComparison.OrdinalIgnoreCase));

        Assert.Equal(Replies(settings, text, text.Length), Replies(settings, text, chunk));
    });

    [Fact]
    public void Nothing_sent_before_the_handshake_is_executed_after_it() => Gen.Select(AnySettings, Talk.Array[0, 4], Talk.Array[0, 4]).Sample((settings, before, behind) =>
    {
        if (before.Concat(behind).Sum(static part => part.Length) > 4000)
            return; // what one read does not bring is still in the kernel, and no TLS when it is read
        settings = settings with { TlsLevel = TlsLevel.May, GreetBanner = "", CommandCountLimit = 20 };
        var (with, without) = (NewShell(settings), NewShell(settings));

        foreach (var (shell, injected) in ((FakeShell, string)[])[(with, string.Concat(behind)), (without, "")])
        {
            shell.Connect();
            shell.Receive(Encoding.Latin1.GetBytes(string.Concat(before) + "\r\n"));
            if (!shell.IsInTls)
                shell.Receive(Encoding.Latin1.GetBytes("STARTTLS\r\n" + injected));
        }

        // Where the injection is a test's business it may change the answers to recipients, or end the session.
        if (!settings.PipeliningEnable && with.IsInTls && without.IsInTls)
            Assert.Equal(without.Sent.ToString(), with.Sent.ToString());
        if (with.IsInTls && !with.IsOver)
            Assert.EndsWith("220 2.0.0 Ready to start TLS\r\n", with.Sent.ToString(), StringComparison.Ordinal);
    });

    [Fact]
    public void A_client_that_failed_a_test_is_never_remembered() => Gen.Select(Action, Talk.Array[0, 6]).Sample((action, talk) =>
    {
        var shell = NewShell(new Settings { GreetAction = action });
        shell.Connect();

        shell.Receive("EHLO early\r\n"u8);
        foreach (var text in talk)
            shell.Receive(Encoding.Latin1.GetBytes(text));
        shell.AdvanceTo(TimeSpan.FromDays(1));

        Assert.Empty(shell.Allowlist);
    });

    [Fact]
    public void Sessions_of_one_client_share_the_lists_answers_and_leave_nothing_behind() =>
        Gen.Select(Action, Action, Gen.Int[-3, 3].Array[3], Gen.Bool, Gen.Select(Gen.Double[0, 3], Gen.Int[0, 9], Gen.Int[0, 2]).Array[0, 25]).Sample((greet, dnsbl, weights, banner, steps) =>
        {
            var sites = $"a.example*{weights[0]} b.example*{weights[1]} c.example*{weights[2]}";
            var settings = new Settings
            {
                GreetAction = greet,
                GreetBanner = banner ? "mx ESMTP" : "",
                DnsblSites = Tests.Dnsbl.Sites.Of(sites),
                DnsblAction = dnsbl,
                DnsblThreshold = 2,
                DnsblAllowlistThreshold = -2,
            };
            var client = new ClientAddressState(Ip.Of("192.0.2.7"));
            var load = new ServiceLoad();
            List<FakeShell> shells = [NewSession()];
            foreach (var (pause, what, which) in steps)
            {
                foreach (var shell in shells)
                    shell.AdvanceTo(shell.Now + TimeSpan.FromSeconds(pause));
                switch (what)
                {
                    case 0 when shells.Count < 4:
                        shells.Add(NewSession());
                        break;
                    case 1:
                        shells[which % shells.Count].HangUp();
                        break;
                    case 2 when !shells[which % shells.Count].IsOver:
                        shells[which % shells.Count].Receive("EHLO x\r\n"u8);
                        break;
                    case > 4:
                        AnswerAll(what % 3, isListed: which > 0);
                        break;
                }

                Assert.InRange(client.Dnsbl?.Sessions ?? 1, 1, shells.Count);
            }

            foreach (var shell in shells)
                shell.AdvanceTo(shell.Now + TimeSpan.FromDays(1));
            foreach (var shell in shells)
            {
                Assert.True(shell.IsOver);
                Assert.False(shell.HandedOff && shell.HasRead);
                Assert.Equal(0, shell.DnsblScore?.Sessions ?? 0);
                if (shell.Output.Exists(line => line.StartsWith("= log DNSBL rank", StringComparison.Ordinal)) && dnsbl is not FailAction.Ignore)
                    Assert.False(shell.HandedOff);
            }

            Assert.Null(client.Dnsbl);

            FakeShell NewSession()
            {
                var shell = new FakeShell(settings, client.Address, load, client);
                shell.Connect();
                return shell;
            }

            // As the daemon does: an answer goes to the score once, and everybody who shares in it is told.
            void AnswerAll(int list, bool isListed)
            {
                if (client.Dnsbl is not { } score || !score.Add(score.Sites.Lists[list], isListed ? [0x7f000002] : [], 60))
                    return;
                foreach (var shell in shells.Where(shell => shell.DnsblScore == score))
                    shell.TellDnsblComplete();
            }
        });
    private static bool IsFailure(string line, Settings settings) =>
        (line.StartsWith("= log PREGREET", StringComparison.Ordinal) && settings.GreetAction is not FailAction.Ignore)
        || (line.StartsWith("= log COMMAND PIPELINING", StringComparison.Ordinal) && settings.PipeliningAction is not FailAction.Ignore)
        || (line.StartsWith("= log NON-SMTP COMMAND", StringComparison.Ordinal) && settings.NonSmtpCommandAction is not FailAction.Ignore)
        || (line.StartsWith("= log BARE NEWLINE", StringComparison.Ordinal) && settings.BareNewlineAction is not FailAction.Ignore);

    private static class Any
    {
        public static Gen<T> Of<T>(params T[] values) => Gen.Int[0, values.Length - 1].Select(i => values[i]);
    }

    private static FakeShell NewShell(Settings settings) => new(settings, Ip.Of("192.0.2.7"));

    private static string Replies(Settings settings, byte[] text, int chunk)
    {
        var shell = NewShell(settings);
        shell.Connect();
        shell.AdvanceTo(TimeSpan.FromSeconds(6));
        for (var start = 0; start < text.Length && !shell.IsOver; start += chunk)
            shell.Receive(text.AsSpan(start, Math.Min(chunk, text.Length - start)));
        return shell.Sent.ToString();
    }
}
