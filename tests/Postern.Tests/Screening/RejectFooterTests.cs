using System.Text.Json.Nodes;
using Postern.Core.Config;
using Postern.Core.Screening;
using Postern.Core.Tables;
using Postern.Tests.Tables;

namespace Postern.Tests.Screening;

public sealed class RejectFooterTests
{
    private readonly WarningList _warnings = new();

    public static TheoryData<string> Cases => TableVectors.Read("reply_footer.json", "cases", "extra_cases");

    [Theory]
    [MemberData(nameof(Cases))]
    public void Appends_like_Postfix(string vector)
    {
        var expected = JsonNode.Parse(vector)!;
        var macros = expected["macros"];

        var result = RejectFooter.Append((string)expected["reply"]!, (string)expected["template"]!, name => (string?)macros?[name] ?? "DUMMY", _warnings);

        Assert.Equal((string?)expected["result"], result);
        if ((string?)expected["warning_contains"] is { } warning)
            Assert.Contains(warning, Assert.Single(_warnings.Texts), StringComparison.Ordinal);
        else
            Assert.Empty(_warnings.Texts);
    }

    [Theory]
    [InlineData(@"\c. See $client_address:$client_port $$5", "502 5.5.2 Error: command not recognized. See 192.0.2.7:40000 $5")]
    [InlineData("$server_name at $localtime", "502-5.5.2 Error: command not recognized\r\n502 5.5.2 mx.example at Nov 04 03:00:07")]
    [InlineData(@"a\nb", "502-5.5.2 Error: command not recognized\r\n502-5.5.2 a\r\n502 5.5.2 b")]
    [InlineData(@"\ca\n", "502-5.5.2 Error: command not recognizeda\r\n502 5.5.2 ")]
    [InlineData(@"one\ctwo", "502-5.5.2 Error: command not recognized\r\n502 5.5.2 one\\ctwo")]
    [InlineData(@"${client_port?{p}:{q}}${{$server_name} == {x} ? {same} : {other}}", "502-5.5.2 Error: command not recognized\r\n502 5.5.2 pother")]
    [InlineData("", "502 5.5.2 Error: command not recognized")]
    [InlineData(@"\c", "502 5.5.2 Error: command not recognized")]
    public void Templates(string template, string expected) => Assert.Equal(expected, Say("HELP", With(template)));

    [Fact]
    public void A_macro_that_nobody_knows_is_empty_and_warned_of_once_a_use()
    {
        var shell = Shell(With(@"\c $nobody ${nobody?x}"));

        shell.Receive("HELP\r\n"u8);

        Assert.EndsWith("502 5.5.2 Error: command not recognized  \r\n", shell.Sent.ToString(), StringComparison.Ordinal);
        Assert.Equal(2, shell.Output.Count(l => l == "= log warning: unknown macro name \"nobody\" in expansion request"));
    }

    [Fact]
    public void A_mistake_in_a_later_line_leaves_the_reply_as_it_is()
    {
        var shell = Shell(With(@"first\nsecond $(x"));

        shell.Receive("HELP\r\n"u8);

        Assert.EndsWith("\r\n502 5.5.2 Error: command not recognized\r\n", shell.Sent.ToString(), StringComparison.Ordinal);
        Assert.Contains("= log warning: truncated macro reference: \"second $(x\"", shell.Output);
    }

    [Fact]
    public void Soft_bounce_comes_before_the_footer_and_after_the_search_for_it()
    {
        var settings = With("") with { SoftBounce = true, RejectFooterMaps = Tables("inline:{ {500=never} } static:{mapped}") };

        Assert.Equal("402-4.5.2 Error: command not recognized\r\n402 4.5.2 mapped", Say("HELP", settings));
        Assert.Equal("400-Syntax: ETRN domain\r\n400 mapped", Say("ETRN", settings));
        Assert.Equal("250 2.0.0 Ok", Say("NOOP", settings));
    }

    [Fact]
    public void When_the_tables_cannot_say_the_common_footer_counts()
    {
        var shell = Shell(With("common") with { RejectFooterMaps = Tables("fail:x static:second") });

        shell.Receive("HELP\r\n"u8);

        Assert.EndsWith("502 5.5.2 common\r\n", shell.Sent.ToString(), StringComparison.Ordinal);
        Assert.Contains("= log warning: fail:x lookup error for \"502 5.5.2 Error: command not recognized\"", shell.Output);
    }

    [Fact]
    public void What_the_filter_does_not_let_through_is_an_underscore() => Assert.Equal(
        "502 5.5.2 Error: command not recognized 192_0_2_7 e", Say("HELP", With(@"\c $client_address e") with { ExpansionFilter = "0123456789" }));

    [Fact]
    public void The_log_shows_the_reply_without_its_footer()
    {
        var shell = Shell(With(@"\c footer"));

        shell.Receive("MAIL FROM:<a>\r\n"u8);
        shell.Receive("RCPT TO:<b>\r\n"u8);

        Assert.Contains(shell.Output, l => l.Contains(": 450 4.3.2 Service currently unavailable; from=<a>", StringComparison.Ordinal));
        Assert.EndsWith("450 4.3.2 Service currently unavailable footer\r\n", shell.Sent.ToString(), StringComparison.Ordinal);
    }

    private static Settings With(string template) => new() { GreetBanner = "", PipeliningEnable = true, MyHostname = "mx.example", RejectFooter = template };

    private static TableList Tables(string text) => TableList.Parse("smtpd_reject_footer_maps", text, new TableCatalog(new FakeTextFiles()), new SessionActions())!;

    private static FakeShell Shell(Settings settings)
    {
        var shell = new FakeShell(settings, Ip.Of("192.0.2.7"), localTime: new DateTimeOffset(2026, 11, 4, 3, 0, 7, TimeSpan.FromHours(1)));
        shell.Connect();
        return shell;
    }

    private static string Say(string command, Settings settings)
    {
        var shell = Shell(settings);
        var greeting = shell.Sent.Length;
        shell.Receive(System.Text.Encoding.ASCII.GetBytes(command + "\r\n"));
        return shell.Sent.ToString()[greeting..^2];
    }
}
