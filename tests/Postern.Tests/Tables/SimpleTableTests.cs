using System.Text.Json.Nodes;
using CsCheck;
using Postern.Core.Tables;

namespace Postern.Tests.Tables;

public sealed class SimpleTableTests
{
    private const string Path = "/etc/table";
    private readonly FakeTextFiles _files = new();
    private readonly WarningList _warnings = new();

    public static TheoryData<string> Texthash => TableVectors.Read("simple_tables.json", "texthash");

    public static TheoryData<string> Inline => TableVectors.Read("simple_tables.json", "inline");

    public static TheoryData<string> Static => TableVectors.Read("simple_tables.json", "static");

    [Theory]
    [MemberData(nameof(Texthash))]
    public void Texthash_reads_like_Postfix(string vector)
    {
        var expected = JsonNode.Parse(vector)!;
        _files[Path] = string.Join('\n', expected["file_lines"]!.AsArray().Select(line => (string)line!));
        var duplicates = (string?)expected["duplicates"] == "warn" ? DuplicateKeys.Warned : DuplicateKeys.Refused;
        var tables = new TableCatalog(_files);

        var table = tables.Open("texthash:" + Path, foldCase: false, duplicates, _warnings);

        Assert.Empty(tables.OpenErrors);
        Assert.Equal(
            expected["expected_warnings"]!.AsArray().Select(warning => $"{Path}, line {warning!["line"]}: {warning["text"]}"),
            _warnings.Texts);
        Assert.NotEmpty(expected["entries"]!.AsObject());
        foreach (var (key, value) in expected["entries"]!.AsObject())
            Assert.Equal(LookupResult.Found((string)value!), table.Lookup(key, _warnings));
        Assert.Equal(LookupResult.NotFound, table.Lookup("never there", _warnings));
    }

    [Theory]
    [MemberData(nameof(Inline))]
    public void Inline_reads_like_Postfix(string vector)
    {
        var expected = JsonNode.Parse(vector)!;
        var tables = new TableCatalog(_files);

        var table = tables.Open((string)expected["spec"]!, foldCase: (bool?)expected["fold_keys"] == true, _warnings);

        if ((string?)expected["error"] is { } error)
        {
            Assert.Equal([error], tables.OpenErrors);
            return;
        }

        Assert.Empty(tables.OpenErrors);
        foreach (var (key, value) in expected["entries"]!.AsObject())
            Assert.Equal(LookupResult.Found((string)value!), table.Lookup(key, _warnings));
        foreach (var key in expected["missing"]!.AsArray())
            Assert.Equal(LookupResult.NotFound, table.Lookup((string)key!, _warnings));
    }

    [Theory]
    [MemberData(nameof(Static))]
    public void Static_reads_like_Postfix(string vector)
    {
        var expected = JsonNode.Parse(vector)!;
        var tables = new TableCatalog(_files);

        var table = tables.Open((string)expected["spec"]!, foldCase: false, _warnings);

        if ((string?)expected["error"] is { } error)
            Assert.Equal([error], tables.OpenErrors);
        else
            Assert.Equal(LookupResult.Found((string)expected["result_for_any_key"]!), table.Lookup("any", _warnings));
    }

    // Seen in Postfix 3.7.11.
    [Theory]
    [InlineData("inline:{}", "bad syntax: \"inline:{}\"; need \"inline:{name=value...}\"")]
    [InlineData("inline:{,}", "empty table: \"inline:{,}\"; need \"inline:{name=value...}\"")]
    [InlineData("inline:foo", "bad syntax: \"inline:foo\"; need \"inline:{name=value...}\"")]
    [InlineData("inline:{a=b} ", "bad syntax: \"inline:{a=b} \"; need \"inline:{name=value...}\"")]
    [InlineData("inline:{a=b}{c=d}", "bad syntax: \"inline:{a=b}{c=d}\"; need \"inline:{name=value...}\"")]
    [InlineData("inline:{{ }}", "no key found; expected format: key = value: \"inline:{{ }}\"; need \"inline:{name=value...}\"")]
    [InlineData("inline:{\"a b\"=c}", "unbalanced '\"': \"inline:{\"a b\"=c}\"; need \"inline:{name=value...}\"")]
    [InlineData("inline:{{a b = c}}", "missing '=' after attribute name: \"inline:{{a b = c}}\"; need \"inline:{name=value...}\"")]
    [InlineData("static:{a}}", "bad static:name syntax: syntax error after '}' in \"{a}}\"")]
    [InlineData("texthash:/nonexist", "open database /nonexist: No such file or directory")]
    [InlineData("cidr:", "open dictionary: expecting \"type:name\" form instead of \"cidr:\"")]
    [InlineData(":foo", "open dictionary: expecting \"type:name\" form instead of \":foo\"")]
    [InlineData("foo:bar", "unsupported dictionary type: foo")]
    [InlineData("CIDR:{}", "unsupported dictionary type: CIDR")]
    public void What_cannot_be_opened_gives_Postfix_words(string spec, string error)
    {
        var tables = new TableCatalog(_files);

        tables.Open(spec, foldCase: false, _warnings);

        Assert.Equal([error], tables.OpenErrors);
    }

    [Theory]
    [InlineData("inline:{a=b,a=c}", "a", "c")]
    [InlineData("inline:{a=}", "a", "")]
    [InlineData("inline:{=b}", "", "b")]
    [InlineData("inline:{a==b}", "a", "=b")]
    [InlineData("inline:{{a = b c}}", "a", "b c")]
    [InlineData("inline:{{\"a b\" = c}}", "\"a b\"", "c")]
    [InlineData("inline:{a\\\"=b}", "a\\\"", "b")]
    [InlineData("inline:{{ {a}=b }}", "{a}", "b")]
    [InlineData("static:{{a}}", "x", "{a}")]
    [InlineData("static:{}", "x", "")]
    [InlineData("static: x", "x", " x")]
    [InlineData("static:a}", "x", "a}")]
    public void Values_are_as_in_Postfix(string spec, string key, string value)
    {
        Assert.Equal(LookupResult.Found(value), new TableCatalog(_files).Open(spec, foldCase: false, _warnings).Lookup(key, _warnings));
        Assert.Empty(_warnings.Texts);
    }

    [Theory]
    [InlineData("a\\ b c", "a\\ b", "c")]
    [InlineData("a\"b c\"d e", "a\"b c\"d", "e")]
    [InlineData("\"a\\\" b\" c", "\"a\\\" b\"", "c")]
    [InlineData("\"\" c", "\"\"", "c")]
    [InlineData("a b\\", "a", "b\\")]
    [InlineData("a b\r\n", "a", "b")]
    [InlineData("a b \0 c\n", "a", "b")]
    [InlineData("a b\n c\n#x\n  d\n", "a", "b c  d")]
    [InlineData("\"a:\" b", "\"a:\"", "b")]
    public void Texthash_keys_end_where_Postfix_ends_them(string text, string key, string value)
    {
        _files[Path] = text;

        var table = new TableCatalog(_files).Open("texthash:" + Path, foldCase: false, _warnings);

        Assert.Equal(LookupResult.Found(value), table.Lookup(key, _warnings));
    }

    [Fact]
    public void Folded_texthash_keys_are_one_key_and_a_duplicate_spoils_the_table()
    {
        _files[Path] = "A b\na c\n";
        var tables = new TableCatalog(_files);

        tables.Open("texthash:" + Path, foldCase: true, _warnings);

        Assert.Equal([$"{Path}, line 2: duplicate entry: \"a\""], tables.OpenErrors);
    }

    [Fact]
    public void Folding_leaves_bytes_above_ASCII_alone()
    {
        _files[Path] = "\u00c3\u0089A b\n";
        var table = new TableCatalog(_files).Open("texthash:" + Path, foldCase: true, _warnings);

        Assert.Equal("b", table.Lookup("\u00c3\u0089a", _warnings).Value);
        Assert.Equal(LookupStatus.NotFound, table.Lookup("\u00e3\u0089a", _warnings).Status);
    }

    [Fact]
    public void No_text_makes_a_parser_throw() =>
        TableGen.Text.Sample(text =>
        {
            foreach (var type in TableTypes.All)
            {
                type.FromFile?.Invoke(new TableSource("x:/x", "/x", FakeTextFiles.Reader(text), true, DuplicateKeys.Warned), _warnings, out _);
                type.FromArgument?.Invoke(new TableSource("x:" + text, text, null, true, DuplicateKeys.Refused), _warnings, out _);
                type.FromArgument?.Invoke(
                    new TableSource("x:{" + text + "}", "{" + text + "}", null, true, DuplicateKeys.Refused), _warnings, out _);
            }

            _warnings.Texts.Clear();
        }, iter: 1000, threads: 1);
}
