using System.Text;
using Postern.Core.Config;
using Postern.Core.Versions;

namespace Postern.Tests.Config;

/// <summary>Observed with Postfix 3.11.7's postconf -x.</summary>
public sealed class MacroFunctionsTests
{
    [Theory]
    [InlineData("${domain_to_ascii{bücher.example}}", "xn--bcher-kva.example")]
    [InlineData("${domain_to_ascii{ BÜCHER.Example }}", "xn--bcher-kva.example")]
    [InlineData("${domain_to_ascii{bücher。example}}", "xn--bcher-kva.example")]
    [InlineData("${domain_to_ascii{faß.example}}", "xn--fa-hia.example")]
    [InlineData("${domain_to_ascii{☃.example}}", "xn--n3h.example")]
    [InlineData("${domain_to_ascii{EXAMPLE.com}}", "EXAMPLE.com")]
    [InlineData("${domain_to_ascii{x y}}", "x y")]
    [InlineData("${domain_to_ascii{[1.2.3.4]}}", "[1.2.3.4]")]
    [InlineData("${domain_to_ascii {x.example} }", "x.example")]
    [InlineData("$(domain_to_ascii{x.example})", "x.example")]
    [InlineData("${domain_to_ascii{$mydomain}}", "lab.example")]
    [InlineData("${domain_to_utf8{xn--bcher-kva.example}}", "bücher.example")]
    [InlineData("${domain_to_utf8{bücher.example}}", "bücher.example")]
    [InlineData("${domain_to_utf8{EXAMPLE.Com}}", "example.com")]
    [InlineData("${domain_to_utf8{x}}", "x")]
    public void A_name_in_the_other_form(string text, string expected)
    {
        Assert.True(Expand(text, new PostfixVersion(3, 11), out var result, out var error), error);

        Assert.Equal(expected, Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(result)));
    }

    [Theory]
    [InlineData("domain_to_ascii", "")]
    [InlineData("domain_to_ascii", ".bücher.example")]
    [InlineData("domain_to_ascii", "bücher.example.")]
    [InlineData("domain_to_ascii", "ä..b")]
    [InlineData("domain_to_ascii", "user@bücher.example")]
    [InlineData("domain_to_ascii", "ä b")]
    [InlineData("domain_to_ascii", "*.ä")]
    [InlineData("domain_to_ascii", "ääääääääääääääääääää.ääääääääääääääääääää.ääääääääääääääääääää.ääääääääääääääääääää.ääääääääääääääääääää.ääääääääääääääääääää.ääääääääääääääääääää.ääääääääääääääääääää.ääääääääääääääääääää.ääääääääääääääääääää.ääääääääääääääääääää.ääääääääääääääääääää")]
    [InlineData("domain_to_utf8", "xn--zz.example")]
    [InlineData("domain_to_utf8", "xn--a.example")]
    public void What_is_no_name_is_an_error(string function, string argument)
    {
        Assert.False(Expand($"${{{function}{{{argument}}}}}", new PostfixVersion(3, 11), out _, out var error));

        Assert.StartsWith($"bad domain argument in: '{function}{{", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Bytes_that_are_not_UTF_8_are_no_name() =>
        Assert.False(new MacroExpander(static _ => null, functions: MacroFunctions.In(new PostfixVersion(3, 11))).TryExpand("${domain_to_ascii{\u00ff.example}}", out _, out _));

    [Fact]
    public void Other_functions_do_not_exist_and_before_3_11_none_does()
    {
        Assert.False(Expand("${lowercase{X}}", new PostfixVersion(3, 11), out _, out var unknown));
        Assert.Equal("unknown function \"lowercase\" at\"...>>>lowercase{X}\"", unknown);
        Assert.False(Expand("${domain_to_ascii{x}}", new PostfixVersion(3, 10), out _, out var error));
        Assert.Equal("attribute name syntax error at: \"...domain_to_ascii>>>{x}\"", error);
    }

    private static bool Expand(string text, PostfixVersion postfix, out string result, out string? error) =>
        new MacroExpander(static name => name == "mydomain" ? "lab.example" : null, functions: MacroFunctions.In(postfix))
            .TryExpand(Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text)), out result, out error);
}
