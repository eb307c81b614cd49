using System.Text.Json.Nodes;
using Postern.Core.Tables;
using Postern.Native;

namespace Postern.Tests.Tables;

public sealed class PatternTableTests
{
    private const string Path = "/etc/rules";
    private readonly FakeTextFiles _files = new();
    private readonly WarningList _warnings = new();
    private readonly TableCatalog _tables;

    public PatternTableTests() => _tables = HostTables.Catalog(_files);

    public static TheoryData<string> Vectors => TableVectors.Read("regex_tables.json", "tables");

    [Theory]
    [MemberData(nameof(Vectors))]
    public void Tables_read_and_answer_like_Postfix(string vector)
    {
        var expected = JsonNode.Parse(vector)!;
        var type = (string)expected["type"]!;

        var table = Open(type, string.Join('\n', expected["table_lines"]!.AsArray().Select(line => (string)line!)));

        Assert.Equal(
            expected["expected_warnings"]!.AsArray().Select(warning => $"{type} map {Path}, line {warning!["line"]}: {warning["text"]}"),
            _warnings.Take());
        var lookups = expected["lookups"]!.AsArray();
        Assert.NotEmpty(lookups);
        foreach (var lookup in lookups)
        {
            var answer = (string?)lookup!["result"] is { } value ? LookupResult.Found(value) : LookupResult.NotFound;
            Assert.Equal(answer, table.Lookup((string)lookup["key"]!, _warnings));
        }

        Assert.Empty(_warnings.Texts);
    }

    // Seen in Postfix 3.7.11.
    [Theory]
    [InlineData("pcre", "/a(b)(c)?/ [$1][$2][${1}][$(2)] $$", "abc", "[b][c][b][c] $")]
    [InlineData("regexp", "/a(b)(c)?/ [$1][$2][${1}][$(2)] $$", "ab", "[b][][b][] $")]
    [InlineData("pcre", "/(b)/ $01", "ABC", "B")]
    [InlineData("pcre", "/(?<n>a)/ named $1", "a", "named a")]
    [InlineData("pcre", "/a\\d/x  d1", "a1", "d1")]
    [InlineData("pcre", "/b c/x bc", "abc", "bc")]
    [InlineData("pcre", "/A/i x", "a", null)]
    [InlineData("pcre", "/a.b/s x", "a\nb", null)]
    [InlineData("pcre", "/a.b/ x", "a\nb", "x")]
    [InlineData("pcre", "/^b$/m x", "a\nb", "x")]
    [InlineData("pcre", "/b/A x", "ab", null)]
    [InlineData("pcre", "/b$/E x", "b\n", null)]
    [InlineData("pcre", "/b$/ x", "b\n", "x")]
    [InlineData("pcre", "/(a+)/U $1", "aaa", "a")]
    [InlineData("pcre", "!/b/ x$$", "a", "x$")]
    [InlineData("pcre", "! /abc/ neg\n /cont/ x", "a", "neg /cont/ x")]
    [InlineData("pcre", "if aXa\n/./ y\nendif", "x", "y")]
    [InlineData("pcre", "|\\|x| y", "|x", "y")]
    [InlineData("pcre", "IF /q/\nENDIF\n/./ y", "a", "y")]
    [InlineData("pcre", "/^..$/ two", "\u00c3\u00a9", "two")]
    [InlineData("regexp", "/^..$/ two", "\u00c3\u00a9", "two")]
    [InlineData("pcre", "/^\u00c3\u00a9$/ e", "\u00c3\u0089", null)]
    [InlineData("regexp", "/^\u00c3\u00a9$/ e", "\u00c3\u0089", null)]
    [InlineData("regexp", "/a/!!/c/ y", "acx", "y")]
    [InlineData("regexp", "/a/!!/c/ y", "abx", null)]
    [InlineData("regexp", "!/a/!/c/ z", "bb", "z")]
    [InlineData("regexp", "!/a/!/c/ z", "cb", null)]
    [InlineData("regexp", "!/a/!/c/ z", "", "z")]
    [InlineData("regexp", "/(b)/!/q/ [$1]", "ab", "[b]")]
    [InlineData("regexp", "/a\\(b\\)/x $1", "ab", "b")]
    [InlineData("regexp", "/^b$/m x", "a\nb", "x")]
    [InlineData("regexp", "/A/i x", "a", null)]
    public void Rules_answer_like_Postfix(string type, string rules, string key, string? value)
    {
        var table = Open(type, rules);

        Assert.Empty(_warnings.Texts);
        Assert.Equal(value is null ? LookupResult.NotFound : LookupResult.Found(value), table.Lookup(key, _warnings));
        Assert.Empty(_warnings.Texts);
    }

    // Seen in Postfix 3.7.11; HERE stands for "pcre map /etc/rules, line 1: ".
    [Theory]
    [InlineData("pcre", "foo bar", "HERE ignoring unrecognized request")]
    [InlineData("pcre", "iffy /x/ y", "HERE ignoring unrecognized request")]
    [InlineData("pcre", "endif/x", "HERE ignoring ENDIF without matching IF")]
    [InlineData("pcre", "/a/ $00", "HERE out of range replacement index \"00\"", "HERE bad replacement syntax: skipping this rule")]
    [InlineData("pcre", "/a/ $9999999999", "HERE out of range replacement index \"1410065407\": skipping this rule")]
    [InlineData("pcre", "/a/ $2147483648", "HERE out of range replacement index \"-2147483648\": skipping this rule")]
    [InlineData("pcre", "/a/ $(${1})", "HERE non-numeric replacement index \"${1}\"", "HERE bad replacement syntax: skipping this rule")]
    [InlineData("pcre", "!/(/ $1", "HERE $number found in negative match replacement text: skipping this rule")]
    [InlineData("regexp", "/a/!/(/ $2", "HERE out of range replacement index \"2\": skipping this rule")]
    [InlineData("regexp", "/(/!/[/ x", "HERE Unmatched ( or \\(")]
    [InlineData("regexp", "/a/!", "HERE no regexp: skipping this rule")]
    [InlineData("pcre", "if", "HERE no regexp: skipping this rule")]
    [InlineData("pcre", "if !", "HERE no regexp: skipping this rule")]
    [InlineData("pcre", "/x", "HERE no closing regexp delimiter \"/\": ignoring this rule")]
    [InlineData("regexp", "/x", "HERE no closing regexp delimiter \"/\": skipping this rule")]
    [InlineData("pcre", "/x\\/ y", "HERE no closing regexp delimiter \"/\": ignoring this rule")]
    [InlineData("pcre", "/b/ t$", "empty macro name: \"t$\"", "HERE bad replacement syntax: skipping this rule")]
    [InlineData("pcre", "/b/ ${1", "truncated macro reference: \"${1\"", "HERE bad replacement syntax: skipping this rule")]
    [InlineData("pcre", "/b/ $(1}", "truncated macro reference: \"$(1}\"", "HERE bad replacement syntax: skipping this rule")]
    [InlineData("pcre", "/b/ ${a}", "HERE non-numeric replacement index \"a\"", "HERE bad replacement syntax: skipping this rule")]
    [InlineData("pcre", "/b/ $1a", "HERE non-numeric replacement index \"1a\"", "HERE bad replacement syntax: skipping this rule")]
    [InlineData("pcre", "/b/ $0", "HERE out of range replacement index \"0\"", "HERE bad replacement syntax: skipping this rule")]
    [InlineData("regexp", "/b/ $0", "HERE out-of-range replacement index \"0\"", "HERE bad replacement syntax: skipping this rule")]
    [InlineData("regexp", "/a/!/(c)/ x$1", "HERE out of range replacement index \"1\": skipping this rule")]
    [InlineData("pcre", "/b/q x", "HERE unknown regexp option \"q\": skipping this rule")]
    [InlineData("pcre", "/b/X x", "HERE ignoring obsolete regexp option \"X\"")]
    [InlineData("regexp", "/a/!c/ x", "HERE no closing regexp delimiter \"c\": skipping this rule")]
    [InlineData("pcre", "/\\j/ x", "HERE error in regex at offset 1: unrecognized character follows \\")]
    [InlineData("regexp", "/(/ x", "HERE Unmatched ( or \\(")]
    [InlineData("regexp", "!/q/!/(x)/ $1", "HERE $number found in negative match replacement text: skipping this rule")]
    public void Bad_rules_are_reported_like_Postfix(string type, string rule, params string[] expected)
    {
        var table = Open(type, rule);

        Assert.Equal(expected.Select(text => text.Replace("HERE", $"{type} map {Path}, line 1:", StringComparison.Ordinal)), _warnings.Take());
        if (!expected[0].Contains("obsolete", StringComparison.Ordinal))
            Assert.Equal(LookupResult.NotFound, table.Lookup("b", _warnings));
    }

    [Theory]
    [InlineData("pcre:{a}", "pcre map: no '{' at start of text in \"a\"")]
    [InlineData("pcre:{{a}", "pcre map: missing '}' in \"{{a}\"")]
    [InlineData("pcre:{{/a/ b}}x", "pcre map: syntax error after '}' in \"{{/a/ b}}x\"")]
    [InlineData("regexp:{{a}x}", "regexp map: syntax error after '}' in \"{a}x\"")]
    [InlineData("regexp:/nonexist", "open /nonexist: No such file or directory")]
    public void What_cannot_be_opened_gives_Postfix_words(string spec, string error)
    {
        _tables.Open(spec, foldCase: false, _warnings);

        Assert.Equal([error], _tables.OpenErrors);
    }

    [Fact]
    public void Rules_may_stand_in_the_configuration_itself()
    {
        var table = _tables.Open("pcre:{{/a(.)?/ x$1}, {if /b/}, {/bc/ y} {endif}}", foldCase: false, _warnings);

        Assert.Equal(LookupResult.Found("x"), table.Lookup("A", _warnings));
        Assert.Equal(LookupResult.Found("y"), table.Lookup("bc", _warnings));
        Assert.Equal(LookupResult.NotFound, table.Lookup("b", _warnings));
        Assert.Empty(_warnings.Texts);
    }

    [Fact]
    public void A_condition_without_end_reaches_to_the_end()
    {
        var table = Open("pcre", "if /q/\n/./ y");

        Assert.Equal([$"pcre map {Path}, line 1: IF has no matching ENDIF"], _warnings.Texts);
        Assert.Equal(LookupResult.NotFound, table.Lookup("a", _warnings));
        Assert.Equal(LookupResult.Found("y"), table.Lookup("q", _warnings));
    }

    [Fact]
    public void An_expression_that_explodes_is_reported_and_does_not_match_even_when_it_is_negated()
    {
        var table = Open("pcre", "if /^(a+)+$/\n/./ y\nendif\n!/^(a+)+$/ cat\n/./ z\n");

        var answer = table.Lookup(new string('a', 40) + "b", _warnings);

        Assert.Equal(LookupResult.Found("z"), answer);
        Assert.Equal([$"pcre map {Path}, line 1: match limit exceeded", $"pcre map {Path}, line 4: match limit exceeded"], _warnings.Texts);
    }

    [Fact]
    public void A_key_ends_at_a_NUL_and_may_be_long()
    {
        var table = Open("pcre", "/^a$/ short\n/^(b+)$/ $1\n");
        var text = new string('b', 5000);

        Assert.Equal(LookupResult.Found("short"), table.Lookup("a\0b", _warnings));
        Assert.Equal(LookupResult.Found(text), table.Lookup(text, _warnings));
    }

    [Fact]
    public void A_group_that_took_no_part_is_empty_though_a_later_one_did()
    {
        foreach (var type in (string[])["pcre", "regexp"])
            Assert.Equal(LookupResult.Found("[][b]"), Open(type, "/(a)?(b)(c)?/ [$1][$2]$3\n").Lookup("b", _warnings));
    }

    [Fact]
    public void A_new_version_takes_over_and_one_with_a_bad_rule_does_not()
    {
        var table = Open("regexp", "/a/ old\n");

        _files[Path] = "/a/ new\n";
        Refresh();
        Assert.Equal(LookupResult.Found("new"), table.Lookup("a", _warnings));
        Assert.Equal([$"table regexp:{Path} has changed - using the new version"], _warnings.Take());

        _files[Path] = "/a/ newer\n/(/ bad\n";
        Refresh();
        Assert.Equal(LookupResult.Found("new"), table.Lookup("a", _warnings));
        Assert.Equal(
            [$"regexp map {Path}, line 2: Unmatched ( or \\(", $"table regexp:{Path} has changed - the version read before stays in force"],
            _warnings.Texts);
    }

    [Fact]
    public void Expressions_that_nobody_uses_any_more_are_freed()
    {
        // 20,000 expressions in libpcre2's memory would be some 100 MB.
        for (var i = 0; i < 200; i++)
        {
            foreach (var type in (string[])["pcre", "regexp"])
                Assert.NotNull(HostTables.Catalog(_files).Open(type + ":{" + string.Concat(Enumerable.Repeat("{/(a|b)*c[[:digit:]]{1,20}/ x}", 100)) + "}", false, _warnings));
            if (i % 20 != 0)
                continue;
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        var resident = File.ReadLines("/proc/self/status").Single(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        Assert.InRange(long.Parse(resident.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture), 0, 600_000);
    }

    private ILookupTable Open(string type, string rules)
    {
        Assert.SkipUnless(type != "pcre" || Pcre2.IsInstalled, "needs libpcre2-8-0, which is not installed");
        _files[Path] = rules;
        return _tables.Open($"{type}:{Path}", foldCase: true, _warnings);
    }

    private void Refresh()
    {
        _tables.Refresh(_warnings);
        _tables.Refresh(_warnings);
    }
}
