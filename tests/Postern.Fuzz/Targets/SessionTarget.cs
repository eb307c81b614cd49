using System.Text;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Screening;
using Postern.Tests.Screening;

namespace Postern.Fuzz.Targets;

/// <summary>
/// One client from its connection to its end. The input is a script that can be read, one step a line:
/// <code>
/// =eddidxB   settings: greet, pipelining, non-SMTP command and bare newline action (i, e, d), then flags
/// >EHLO x    send a line with CR LF        ->x  send a line with LF         |x  send without a line end
/// +EHLO x    a line with CR LF that goes out with the next send             w25 wait 2.5 seconds
/// h          hang up       s  the daemon stops        f, F  the hand-off fails (after, before it could connect)
/// </code>
/// </summary>
internal static class SessionTarget
{
    private const int LongestLogLine = 30_000; // three addresses of a line's length, each byte escaped as \ooo

    public static readonly FuzzTarget Target = new(
        "session", Run, MaxInput: 8192, MaxAllocated: (4_000_000, 60_000),
        ["\n>EHLO x\n", "\n>HELO x\n", "\n>MAIL FROM:<a@b>\n", "\n>RCPT TO:<c@d>\n", "\n>DATA\n", "\n>BDAT 3 LAST\n", "\n>QUIT\n", "\n>RSET\n", "\n>NOOP\n",
            "\n>VRFY z\n", "\n>ETRN x\n", "\n>STARTTLS\n", "\n>AUTH PLAIN\n", "\n>GET / HTTP/1.1\n", "\n>Subject: x\n", "\n+", "\n|", "\n-", "\n>", "\nw60\n", "\nw250\n", "\nh\n",
            "\ns\n", "\nf\n", "\nF\n", "=iiii", "=eeee", "=dddd", "\0", "\r", "\xff\xfe", "<", ">", "@", "\"", "\\", "SIZE=", "BODY=8BITMIME", " ", new string('x', 200)]);

    private static void Run(byte[] input)
    {
        var steps = Encoding.Latin1.GetString(input).Split('\n');
        var text = steps[0].StartsWith('=') ? steps[0][1..] : "";
        var settings = SettingsFrom(text);
        var shell = new FakeShell(settings, IpAddress.FromIPv4(0xc0000207)) { HasAllowlist = !text.Contains('n') };
        if (text.Contains('k'))
            shell.Allowlist[shell.Client.Address] = Known(text);

        shell.Connect();
        var sent = Play(shell, steps);
        shell.AdvanceTo(shell.Now + TimeSpan.FromDays(1));

        FuzzFailure.Unless(shell.IsOver && shell.Session.IsDone, "every session ends");
        FuzzFailure.Unless(!(shell.HandedOff && shell.HasRead), "nobody is handed off after a byte was read");
        CheckOutput(shell, settings, sent);
    }

    private static int Play(FakeShell shell, string[] steps)
    {
        var pending = new StringBuilder();
        var sent = 0;
        foreach (var step in steps)
        {
            if (step.Length == 0)
                continue;
            if (shell.IsOver)
            {
                if (!shell.HandedOff || step[0] is not ('f' or 'F'))
                    break;
                shell.FailHandoff(new HandoffFailure(step[0] == 'f', "private/smtpd", "Connection refused"));
                continue;
            }

            switch (step[0])
            {
                case '+':
                    pending.Append(step, 1, step.Length - 1).Append("\r\n");
                    break;
                case '>' or '-' or '|':
                    pending.Append(step, 1, step.Length - 1).Append(step[0] is '>' ? "\r\n" : step[0] is '-' ? "\n" : "");
                    sent += pending.Length;
                    shell.Receive(Encoding.Latin1.GetBytes(pending.ToString()));
                    pending.Clear();
                    break;
                case 'w' when double.TryParse(step.AsSpan(1), out var tenths) && tenths is >= 0 and < 1e6:
                    shell.AdvanceTo(shell.Now + TimeSpan.FromSeconds(tenths / 10));
                    break;
                case 'h':
                    shell.HangUp();
                    break;
                case 's':
                    shell.Shutdown();
                    break;
            }
        }

        return sent;
    }

    private static void CheckOutput(FakeShell shell, Settings settings, int sent)
    {
        // Bytes that do not print are the log's business; the length is ours.
        foreach (var line in shell.Output)
            FuzzFailure.Unless(line.Length <= LongestLogLine, $"a line of {line.Length} characters: {line}");
        // Greeting and farewell, and for each command, which is at least a line end, the answer to EHLO.
        var bound = 1024 + 300L * Math.Min(sent, settings.CommandCountLimit + 1);
        FuzzFailure.Unless(shell.Sent.Length <= bound, $"{sent} bytes were answered with {shell.Sent.Length}");
        FuzzFailure.Unless(shell.Sent.Length == 0 || shell.Sent.ToString().EndsWith("\r\n", StringComparison.Ordinal), "replies are whole lines");
    }

    private static Settings SettingsFrom(string text) => new()
    {
        GreetAction = Action(text, 0),
        PipeliningAction = Action(text, 1),
        NonSmtpCommandAction = Action(text, 2),
        BareNewlineAction = Action(text, 3),
        PipeliningEnable = !text.Contains('P'),
        NonSmtpCommandEnable = !text.Contains('N'),
        BareNewlineEnable = !text.Contains('B'),
        GreetBanner = text.Contains('G') ? "" : "mx.example.com ESMTP",
        Banner = "mx.example.com ESMTP",
        MyHostname = "mx.example.com",
        SoftBounce = text.Contains('S'),
        HeloRequired = text.Contains('H'),
        DisableVrfyCommand = text.Contains('V'),
        SmtpUtf8 = !text.Contains('U'),
        CommandCountLimit = text.Contains('C') ? 3 : 20,
        LineLengthLimit = text.Contains('L') ? 64 : 2048,
        MessageSizeLimit = text.Contains('M') ? 0 : 10_240_000,
        LogAddressesQuoted = !text.Contains('Q'),
        DiscardEhloKeywords = text.Contains('D') ? "chunking, silent-discard, dsn" : "",
        PreQueueLimit = text.Contains('T') ? 1 : 100,
        PostQueueLimit = text.Contains('O') ? 0 : 100,
        TlsLevel = text.Contains('t') ? TlsLevel.May : text.Contains('y') ? TlsLevel.Encrypt : TlsLevel.None,
        ClientConnectionCountLimit = text.Contains('1') ? 0 : 50,
    };

    private static FailAction Action(string text, int column) => (column < text.Length ? text[column] : ' ') switch
    {
        'e' => FailAction.Enforce,
        'd' => FailAction.Drop,
        _ => FailAction.Ignore,
    };

    /// <summary>A record of a client that passed before: all tests, or with "x" all but the deep ones, long ago.</summary>
    private static TestExpiry Known(string text)
    {
        var later = FakeShell.UnixSeconds(3600);
        var earlier = FakeShell.UnixSeconds(-3600);
        return text.Contains('x') ? new TestExpiry(later, 1, earlier, 0, earlier) : new TestExpiry(later, later, later, later, later);
    }
}
