using System.Text;
using Postern.Core.Config;
using Postern.Core.Screening;
using Postern.Core.Tables;
using Postern.Tests.Tables;

namespace Postern.Tests.Screening;

/// <summary>Tables that the dummy engine asks: the command filter, EHLO keywords by client, forbidden commands.</summary>
public sealed class EngineTableTests
{
    private static readonly Settings Engine = new()
    {
        GreetBanner = "",
        PipeliningEnable = true,
        NonSmtpCommandEnable = true,
        NonSmtpCommandAction = FailAction.Enforce,
        SmtpUtf8 = false,
    };

    [Theory]
    [InlineData("hello\r\n", "hello", "EHLO x.example")]
    [InlineData("HELLO\r\n", "HELLO", "EHLO x.example")]
    [InlineData("  \thello\r\n", "  \thello", "EHLO x.example")]
    [InlineData("hello\0 there\r\n", "hello", "EHLO x.example")]
    [InlineData("Bye\n", "Bye", "QUIT now")]
    public void The_filter_puts_another_command_in_place(string sent, string shown, string replacement)
    {
        var shell = Connect(Engine with { CommandFilter = Table("inline:{ {hello = EHLO x.example}, {bye = QUIT now} }", foldCase: true) });

        shell.Receive(Encoding.Latin1.GetBytes(sent));

        Assert.Equal($"= log [192.0.2.7]:40000: replacing command \"{shown}\" with \"{replacement}\"", shell.Output[2]);
        Assert.Equal(replacement[0] == 'Q' ? "S 221 2.0.0 Bye" : "S 250-localhost", shell.Output[3]);
    }

    [Theory]
    [InlineData("hello there\r\n")]
    [InlineData("hello \r\n")]
    public void A_line_that_the_filter_does_not_have_is_taken_as_it_is(string sent)
    {
        var shell = Connect(Engine with { CommandFilter = Table("inline:{ {hello = EHLO x.example} }", foldCase: true) });

        shell.Receive(Encoding.Latin1.GetBytes(sent));

        Assert.Equal("S 502 5.5.2 Error: command not recognized", shell.Output[^1]);
    }

    [Fact]
    public void The_filter_comes_before_the_tests_of_the_command()
    {
        var shell = Connect(Engine with { CommandFilter = Table("inline:{ {noop=GET /}, {get = NOOP} }", foldCase: true) });

        shell.Receive("GET\r\n"u8);
        Assert.DoesNotContain(shell.Output, l => l.Contains("NON-SMTP", StringComparison.Ordinal));

        shell.Receive("NOOP\r\n"u8);
        Assert.Contains("= log NON-SMTP COMMAND from [192.0.2.7]:40000 after NOOP: GET /", shell.Output);
    }

    [Fact]
    public void With_smtputf8_a_line_that_is_no_UTF8_is_not_filtered()
    {
        var shell = Connect(Engine with { SmtpUtf8 = true, NonSmtpCommandEnable = false, CommandFilter = Table("static:{QUIT}", foldCase: true) });

        shell.Receive(Encoding.Latin1.GetBytes("caf\xe9\r\n"));
        Assert.Equal("S 502 5.5.2 Error: command not recognized", shell.Output[^1]);

        shell.Receive(Encoding.Latin1.GetBytes("NOOP\0\xff\r\n")); // what a NUL hides counts
        Assert.Equal("S 250 2.0.0 Ok", shell.Output[^1]);

        shell.Receive("café\r\n"u8);
        Assert.Contains("S 221 2.0.0 Bye", shell.Output);
    }

    [Fact]
    public void Old_and_new_command_are_cut_in_the_log()
    {
        var shell = Connect(Engine with { CommandFilter = Table("static:{" + new string('y', 200) + "}", foldCase: true) });

        shell.Receive(Encoding.ASCII.GetBytes(new string('x', 200) + "\r\n"));

        Assert.Contains($"= log [192.0.2.7]:40000: replacing command \"{new string('x', 100)}\" with \"{new string('y', 100)}\"", shell.Output);
    }

    [Fact]
    public void A_filter_that_cannot_say_costs_the_client_a_second_try()
    {
        var shell = Connect(Engine with { CommandFilter = Table("fail:x", foldCase: true) });

        shell.Receive("NOOP\r\nNOOP\r\n"u8);

        Assert.Equal(
            ["= log error: fail:x lookup error for \"NOOP\"", "S 421 4.3.2 No system resources", "= log DISCONNECT [192.0.2.7]:40000", "= close"],
            shell.Output.Skip(2));
    }

    [Theory]
    [InlineData("dsn", "static:{dsn}", null, "DSN")]
    [InlineData("dsn", "static:{etrn, silent-discard}", null, "ETRN")]
    [InlineData("dsn", "static:{nonsense}", null, "")]
    [InlineData("dsn", "inline:{192.0.2.8=etrn}", null, "DSN")]
    [InlineData("", "static:{Chunking smtputf8,AUTH}", "AUTH EHLO_MASK_SMTPUTF8 CHUNKING", "CHUNKING")]
    public void The_clients_own_list_replaces_the_common_one(string common, string map, string? logged, string missing)
    {
        var shell = Connect(Engine with { DiscardEhloKeywords = common, DiscardEhloKeywordAddressMaps = Tables(map) });

        shell.Receive("EHLO x\r\n"u8);

        Assert.Equal(
            logged is null ? [] : [$"= log [192.0.2.7]40000: discarding EHLO keywords: {logged}"],
            shell.Output.Skip(2).Where(l => l.StartsWith("= log", StringComparison.Ordinal)));
        foreach (var keyword in (string[])["DSN", "ETRN", "CHUNKING"])
            Assert.Equal(keyword != missing, shell.Sent.ToString().Contains(keyword, StringComparison.Ordinal));
    }

    [Fact]
    public void Keywords_that_the_tables_cannot_tell_cost_the_client_a_second_try()
    {
        var shell = Connect(Engine with { DiscardEhloKeywordAddressMaps = Tables("fail:x") });

        shell.Receive("EHLO x\r\n"u8);

        Assert.Equal(
            [
                "= log warning: fail:x lookup error for \"192.0.2.7\"",
                "= log error: postscreen_discard_ehlo_keyword_address_maps lookup error for 192.0.2.7",
                "S 421 4.3.2 No system resources", "= log DISCONNECT [192.0.2.7]:40000", "= close",
            ],
            shell.Output.Skip(2));
    }

    [Fact]
    public void Bytes_of_other_alphabets_are_not_folded()
    {
        var list = MatchList.Parse("postscreen_forbidden_commands", "inline:{ \xc9=x }", new TableCatalog(new FakeTextFiles()), new SessionActions(), out _);
        var shell = Connect(Engine with { ForbiddenCommands = list });

        shell.Receive(Encoding.Latin1.GetBytes("\xc9\r\n"));

        Assert.Contains(shell.Output, l => l.StartsWith("= log NON-SMTP COMMAND", StringComparison.Ordinal));
    }

    [Fact]
    public void What_stands_behind_a_refused_STARTTLS_waits_until_more_comes()
    {
        var shell = Connect(Engine);

        shell.Receive("STARTTLS\r\nNOOP\r\nSTARTTLS\r\nHELO y\r\n"u8);
        Assert.Equal("S 502 5.5.1 Error: command not implemented", shell.Output[^1]);

        shell.Receive("RS"u8);
        Assert.Equal(["S 250 2.0.0 Ok", "S 502 5.5.1 Error: command not implemented"], shell.Output.TakeLast(2));

        shell.Receive("ET\r\n"u8);
        Assert.Equal(["S 250 localhost", "S 250 2.0.0 Ok"], shell.Output.TakeLast(2));
    }

    private static FakeShell Connect(Settings settings)
    {
        var shell = new FakeShell(settings, Ip.Of("192.0.2.7"));
        shell.Connect();
        return shell;
    }

    private static ILookupTable Table(string spec, bool foldCase) => new TableCatalog(new FakeTextFiles()).Open(spec, foldCase, new SessionActions());

    private static TableList Tables(string text) => TableList.Parse("postscreen_discard_ehlo_keyword_address_maps", text, new TableCatalog(new FakeTextFiles()), new SessionActions())!;
}
