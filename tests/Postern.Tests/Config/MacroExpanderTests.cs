using System.Text.Json;
using CsCheck;
using Postern.Core.Config;

namespace Postern.Tests.Config;

public sealed class MacroExpanderTests
{
    private static readonly Dictionary<string, MacroExpander.Comparison> Length = new()
    {
        ["length"] = static (string left, string right, out string? warning) =>
        {
            warning = null;
            return left.Length.CompareTo(right.Length);
        },
    };

    private static readonly Dictionary<string, Func<string, string?>> Functions = new()
    {
        ["test_named_fn"] = static argument => $"-=oO{argument}Oo=-",
    };

    public static TheoryData<int, string> Vectors()
    {
        using var vectors = Load();
        var cases = new TheoryData<int, string>();
        foreach (var (group, index) in vectors.RootElement.GetProperty("groups").EnumerateArray().Select((one, i) => (one, i)))
        {
            foreach (var one in group.GetProperty("cases").EnumerateArray())
                cases.Add(index, one.GetProperty("input").GetString()!);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Expansion_of_the_vector(int group, string input)
    {
        using var vectors = Load();
        var groupElement = vectors.RootElement.GetProperty("groups")[group];
        var names = groupElement.GetProperty("names");
        var vector = groupElement.GetProperty("cases").EnumerateArray()
            .First(one => one.GetProperty("input").GetString() == input);
        var expander = new MacroExpander(
            name => names.TryGetProperty(name, out var value) ? value.GetString() : null,
            Length, Functions, isRecursive: false);

        var succeeded = expander.TryExpand(input, out var result, out var error);

        Assert.Equal(vector.GetProperty("output").GetString(), result);
        Assert.Equal(vector.GetProperty("syntax_error").GetBoolean(), !succeeded);
        Assert.Equal(vector.GetProperty("undefined_name_used").GetBoolean(), expander.UsedUndefinedName);
        Assert.Equal(
            vector.GetProperty("warnings").EnumerateArray().Select(static one => one.GetString()),
            error is null ? [] : [error]);
    }

    // Observed with Postfix 3.7.11.
    [Theory]
    [InlineData("${{a} <level {b}}", "malformed compatibility level syntax: \"a\"")]
    [InlineData("${{3.10.1024} <level {3.9}}", "malformed compatibility level syntax: \"3.10.1024\"")]
    [InlineData("${{3.} <level {4}}", "malformed compatibility level syntax: \"3.\"")]
    [InlineData("${{5} <level {}}", "malformed compatibility level syntax: \"\"")]
    [InlineData("${{a} <level (b)}", "\"{expression}\" expected at: \"...{a} <>>> (b)\"")]
    [InlineData("${{1} < level {2}}", "\"{expression}\" expected at: \"...{1} <>>> level {2}\"")]
    [InlineData("${{1} <level(2)}", "\"{expression}\" expected at: \"...{1} <>>>(2)\"")]
    [InlineData("${{a} == {bcd}x}", "\"?\" or \":\" expected at: \"...}>>>x\"")]
    [InlineData("${{1} <foo {2}}", "bad operator suffix at: \"...<>>>foo\"")]
    [InlineData("$(name?{a)", "unbalanced {} in attribute expression: \"{a\"")]
    [InlineData("${{99999999999999999999} == {1}}", "mac_exp_eval: bad conversion: 99999999999999999999")]
    [InlineData("${{a} =={b", "truncated macro reference: \"${{a} =={b\"")]
    [InlineData("$(name?{a}}:{b})", "\":\" expected at: \"...a}>>>}:{b}\"")]
    [InlineData("${foo{x}}", "attribute name syntax error at: \"...foo>>>{x}\"")]
    [InlineData("${name {x}}", "attribute name syntax error at: \"...name>>> {x}\"")]
    [InlineData("$", "empty macro name: \"$\"")]
    [InlineData("a$ b", "empty macro name: \"a$ b\"")]
    [InlineData("$()b", "empty macro name: \"$()b\"")]
    [InlineData("$self", "unreasonable macro call nesting: \"self\"")]
    [InlineData("${{$name} < {$(name}}", "truncated macro reference: \"$(name\"")]
    [InlineData("${name ? {a} : {b} z}", "unexpected input at: \"...b}>>>z\"")]
    public void Errors_have_the_words_of_Postfix(string text, string expected)
    {
        Assert.False(Production().TryExpand(text, out _, out var error));
        Assert.Equal(expected, error);
    }

    [Theory]
    [InlineData("${ }", "")]
    [InlineData("[$( name )]", "[v]")]
    [InlineData("a$$b", "a$b")]
    [InlineData("${ref?x:y}", "x:y")]
    [InlineData("${ref?{x}:{y}}", "x")] // not empty before it is expanded
    [InlineData("[$ref]", "[]")]
    [InlineData("$nested!", "<v>!")]
    [InlineData("[${name ? z }]", "[ z ]")]
    [InlineData("[${name ? {z}  }]", "[z]")]
    [InlineData("${{-1} < {-2}}", "true")]
    [InlineData("${{10} < {9}}", "")]
    [InlineData("${{3.10} <level {3.9}}", "")]
    [InlineData("${{ 3} <level {4}}", "true")]
    [InlineData("${{+3} <level {4}}", "true")]
    public void Results_of_Postfix(string text, string expected)
    {
        Assert.True(Production().TryExpand(text, out var result, out var error), error);
        Assert.Equal(expected, result);
    }

    [Fact]
    public void The_name_that_is_to_blame_is_known()
    {
        var expander = new MacroExpander(name => name switch { "outer" => "x$inner", "inner" => "$(", _ => null });

        Assert.False(expander.TryExpand("a $outer", out _, out _));
        Assert.Equal("inner", expander.FailedName);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0123456789")]
    public void Doubling_at_every_level_ends(string leaf)
    {
        var expander = new MacroExpander(
            name => name == "n60" ? leaf : $"$n{int.Parse(name[1..]) + 1}$n{int.Parse(name[1..]) + 1}");

        Assert.False(expander.TryExpand("$n0", out var result, out var error));
        Assert.StartsWith("unreasonable macro expansion", error, StringComparison.Ordinal);
        Assert.True(result.Length <= MacroExpander.LongestResult);
    }

    [Fact]
    public void Deep_braces_end_in_an_error_not_in_a_broken_stack()
    {
        var text = string.Concat(Enumerable.Repeat("${name?{", 300)) + string.Concat(Enumerable.Repeat("}}", 300));

        Assert.False(Production().TryExpand(text, out _, out var error));
        Assert.StartsWith("unreasonable macro call nesting", error, StringComparison.Ordinal);
    }

    [Fact]
    public void No_text_breaks_the_expander() =>
        Gen.String[Gen.Char["${}()?:<=> ab3!"], 0, 60].Select(Gen.String[Gen.Char["${}ab?:"], 0, 20]).Sample((text, value) =>
        {
            var expander = new MacroExpander(name => name is "a" or "b" ? value : null, CompatibilityLevel.Comparisons);
            var succeeded = expander.TryExpand(text, out var result, out var error);
            Assert.Equal(succeeded, error is null);
            Assert.True(result.Length <= MacroExpander.LongestResult);
        });

    private static MacroExpander Production() => new(
        name => name switch { "name" => "v", "empty" => "", "ref" => "$empty", "self" => "$self", "nested" => "<$name>", _ => null },
        CompatibilityLevel.Comparisons);

    private static JsonDocument Load() =>
        JsonDocument.Parse(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Vectors", "mac_expand.json")));
}
