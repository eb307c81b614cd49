using System.Text;
using Postern.Core.Config;
using Postern.Core.Smtp;
using Postern.Core.Tables;
using Postern.Core.Versions;
using Postern.Tests.Screening;
using Postern.Tests.Tables;

namespace Postern.Tests.Versions;

/// <summary>The dialogue where versions of Postfix differ; the cases of tests/Lab/versions have what each does.</summary>
public sealed class EngineByVersionTests
{
    private static readonly PostfixVersion V37 = PostfixVersion.Base, V310 = new(3, 10), V311 = new(3, 11), V312 = new(3, 12);
    private static readonly Settings Engine = new() { GreetBanner = "", PipeliningEnable = true, SmtpUtf8 = true };

    public static TheoryData<PostfixVersion, string> StartTlsReplies => new()
    {
        { V37, "501 Syntax: EHLO hostname" }, { V310, "501 5.5.4 Syntax: STARTTLS" }, { V312, "501 5.5.4 Syntax: STARTTLS" },
    };

    [Theory]
    [MemberData(nameof(StartTlsReplies))]
    public void StartTls_with_an_argument(PostfixVersion postfix, string reply)
    {
        var shell = Connect(Engine with { Postfix = postfix });

        shell.Receive("STARTTLS now\r\n"u8);

        Assert.Equal("S " + reply, shell.Output[^1]);
    }

    [Theory]
    [InlineData(false, 2047, "\r\n", LineEnd.CrLf)]
    [InlineData(true, 2047, "\r\n", LineEnd.TooLong)]
    [InlineData(true, 2046, "\r\n", LineEnd.CrLf)]
    [InlineData(false, 2048, "\r\n", LineEnd.TooLong)]
    [InlineData(true, 2047, "\n", LineEnd.BareLf)]
    [InlineData(true, 2048, "\n", LineEnd.TooLong)]
    [InlineData(true, 2046, "\r\r\n", LineEnd.TooLong)]
    [InlineData(false, 2046, "\r\r\n", LineEnd.CrLf)]
    [InlineData(true, 2045, "\r\r\n", LineEnd.CrLf)]
    public void The_longest_line(bool countsCr, int length, string end, LineEnd expected)
    {
        var bytes = Encoding.Latin1.GetBytes(new string('N', length) + end);
        foreach (var chunk in (int[])[bytes.Length, 1, 1000])
        {
            var reader = new LineReader(2048, countsCr);
            var found = LineEnd.Incomplete;
            for (var start = 0; start < bytes.Length && found is LineEnd.Incomplete; start += chunk)
            {
                ReadOnlySpan<byte> input = bytes.AsSpan(start, Math.Min(chunk, bytes.Length - start));
                found = reader.Read(ref input, out _);
            }

            Assert.Equal(expected, found);
        }
    }

    [Fact]
    public void The_dialogue_counts_as_its_version_does()
    {
        var line = Encoding.Latin1.GetBytes(new string('N', 2047) + "\r\n");
        var (old, newer, patched) = (Connect(Engine), Connect(Engine with { Postfix = V310 }), Connect(Engine with { Postfix = new(3, 7, 22) }));
        foreach (var shell in (FakeShell[])[old, newer, patched])
            shell.Receive(line);

        Assert.Equal("S 502 5.5.2 Error: command not recognized", old.Output[^1]);
        Assert.Contains("= log COMMAND LENGTH LIMIT from [192.0.2.7]:40000 after CONNECT", newer.Output);
        Assert.Contains("= log COMMAND LENGTH LIMIT from [192.0.2.7]:40000 after CONNECT", patched.Output);
    }

    public static TheoryData<PostfixVersion, string, string?> DiscardedWords => new()
    {
        { V310, "SMTPUTF8, dsn, requiretls", "DSN EHLO_MASK_SMTPUTF8" },
        { V311, "SMTPUTF8, dsn, requiretls", "DSN, SMTPUTF8, REQUIRETLS" },
        { V310, "requiretls", null },
        { V311, "requiretls", "REQUIRETLS" },
        { V311, "requiretls, silent-discard", null },
    };

    [Theory]
    [MemberData(nameof(DiscardedWords))]
    public void Discarded_keywords_in_the_log(PostfixVersion postfix, string words, string? logged)
    {
        var shell = Connect(Engine with { Postfix = postfix, DiscardEhloKeywordAddressMaps = TableList.Parse("t", $"inline:{{{{192.0.2.7={words}}}}}", new TableCatalog(new FakeTextFiles()), new RecordedWarnings()) });

        shell.Receive("EHLO x\r\n"u8);

        Assert.Equal(
            logged is null ? [] : [$"= log [192.0.2.7]40000: discarding EHLO keywords: {logged}"],
            shell.Output.Where(static line => line.Contains("discarding", StringComparison.Ordinal)));
    }

    public static TheoryData<PostfixVersion, string> FilteredReplies => new() { { V37, "S 502 5.5.2 Error: command not recognized" }, { V310, "S 250 2.0.0 Ok" } };

    [Theory]
    [MemberData(nameof(FilteredReplies))]
    public void A_command_with_bad_bytes_behind_a_NUL_before_the_filter(PostfixVersion postfix, string reply)
    {
        var filter = new TableCatalog(new FakeTextFiles()).Open("inline:{nope=NOOP}", foldCase: true, new RecordedWarnings());
        var shell = Connect(Engine with { Postfix = postfix, CommandFilter = filter });

        shell.Receive([.. "NOPE\0"u8, 0xff, .. "\r\n"u8]);

        Assert.Equal(reply, shell.Output[^1]);
    }

    public static TheoryData<PostfixVersion, string> DiscardedStartTls => new() { { V311, "S 502 5.5.1 Error: command not implemented" }, { V312, "S 220 2.0.0 Ready to start TLS" } };

    [Theory]
    [MemberData(nameof(DiscardedStartTls))]
    public void StartTls_that_was_not_announced(PostfixVersion postfix, string reply)
    {
        var shell = Connect(Engine with { Postfix = postfix, TlsLevel = TlsLevel.May, DiscardEhloKeywords = "starttls" });
        shell.Receive("EHLO x\r\n"u8);

        shell.Receive("STARTTLS\r\n"u8);

        Assert.Contains(reply, shell.Output);
        Assert.DoesNotContain("S 250-STARTTLS", shell.Output);
    }

    [Fact]
    public void A_footer_may_call_functions_where_there_are_any()
    {
        var footer = Engine with { RejectFooter = @"\c ${domain_to_ascii{B" + "\u00c3\u00bc" + "cher.Example}}" };
        var (old, newer) = (Connect(footer), Connect(footer with { Postfix = V311 }));
        old.Receive("HELP\r\n"u8);
        newer.Receive("HELP\r\n"u8);

        Assert.Equal("S 502 5.5.2 Error: command not recognized", old.Output[^1]);
        Assert.Equal("S 502 5.5.2 Error: command not recognized xn--bcher-kva.example", newer.Output[^1]);
    }

    private static FakeShell Connect(Settings settings)
    {
        var shell = new FakeShell(settings, Ip.Of("192.0.2.7"));
        shell.Connect();
        return shell;
    }
}
