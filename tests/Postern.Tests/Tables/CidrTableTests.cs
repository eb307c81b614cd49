using System.Text.Json.Nodes;
using CsCheck;
using Postern.Core;
using Postern.Core.Tables;

namespace Postern.Tests.Tables;

public sealed class CidrTableTests
{
    private const string Path = "/etc/access.cidr";
    private readonly FakeTextFiles _files = new();
    private readonly WarningList _warnings = new();

    public static TheoryData<string> Tables => TableVectors.Read("cidr_table.json", "tables");

    [Theory]
    [MemberData(nameof(Tables))]
    public void Answers_and_warns_like_Postfix(string vector)
    {
        var expected = JsonNode.Parse(vector)!;
        var lines = expected["table_lines"]!.AsArray().Select(line => (string)line!);
        _files[Path] = string.Join('\n', lines) + "\n";
        var inline = (string?)expected["inline_spec"];
        var argument = inline is null ? Path : inline["cidr:".Length..];
        var expectedWarnings = expected["expected_warnings"]!.AsArray().Select(warning =>
            $"cidr map {argument}, line {warning!["line"]}: {warning["reason"]}"
            + ((bool)warning["rule_skipped"]! ? ": skipping this rule" : ""));

        var table = Open("cidr:" + argument);

        Assert.Equal(expectedWarnings, _warnings.Take());
        var lookups = expected["lookups"]!.AsArray();
        Assert.NotEmpty(lookups);
        foreach (var lookup in lookups)
        {
            var key = (string)lookup!["key"]!;
            var answer = (string?)lookup["result"] is { } result ? LookupResult.Found(result) : LookupResult.NotFound;
            Assert.Equal(answer, table.Lookup(key, _warnings));
            Assert.True(IpAddress.TryParse(key, out var address));
            Assert.Equal(answer, table.Lookup(address, _warnings));
        }
    }

    // Seen in Postfix 3.7.11.
    [Theory]
    [InlineData("if\n1.2.3.4 x\n", "line 1: no address pattern")]
    [InlineData("if(1.2.3.4) x\n", "line 1: bad address pattern: \"(1.2.3.4) x\"")]
    [InlineData("if 1.2.3.4 foo\n", "line 1: bad address pattern: \"1.2.3.4 foo\"")]
    [InlineData("iffy 9.9.9.9\n", "line 1: bad address pattern: \"iffy\"")]
    [InlineData("endif x\n", "line 1: garbage after ENDIF")]
    [InlineData("endif1\n", "line 1: bad address pattern: \"endif1\"")]
    [InlineData("1.2.3.4/ x\n", "line 1: bad mask value in \"1.2.3.4/\"")]
    [InlineData("9.9.9.9/32/3 x\n", "line 1: bad mask value in \"9.9.9.9/32/3\"")]
    [InlineData("1.2.3.4/1234567890123 x\n", "line 1: bad mask length in \"1.2.3.4/1234567890123\"")]
    [InlineData("1.2.3.4/99999999999999999999 x\n", "line 1: bad mask length in \"1.2.3.4/99999999999999999999\"")]
    [InlineData("::1/129 x\n", "line 1: bad mask length in \"::1/129\"")]
    [InlineData("/24 x\n", "line 1: bad network value in \"/24\"")]
    [InlineData("foo/24 x\n", "line 1: bad network value in \"foo/24\"")]
    [InlineData("[] x\n", "line 1: bad address pattern: \"\"")]
    [InlineData("[1.2.3.4/24 x\n", "line 1: missing ']' character after \"[1.2.3.4/24\"")]
    [InlineData("[9.9.9.9 ] x\n", "line 1: missing ']' character after \"[9.9.9.9\"")]
    [InlineData("[[9.9.9.9]] x\n", "line 1: garbage after \"[[9.9.9.9]\"")]
    [InlineData("[1.2.3.4/24]x x\n", "line 1: garbage after \"[1.2.3.4/24]\"")]
    [InlineData("[1.2.3.4/24]/24 x\n", "line 1: bad network value in \"1.2.3.4/24/24\"")]
    [InlineData("[1.2.3/99x] x\n", "line 1: bad mask value in \"1.2.3/99x\"")]
    [InlineData("[1.2.3.4]/24 x\n", "line 1: non-null host address bits in \"1.2.3.4/24\", perhaps you should use \"1.2.3.0/24\" instead")]
    [InlineData("1.2.3.4/0000000024 x\n", "line 1: non-null host address bits in \"1.2.3.4/0000000024\", perhaps you should use \"1.2.3.0/24\" instead")]
    [InlineData("::ffff:9.9.9.9/120 x\n", "line 1: non-null host address bits in \"::ffff:9.9.9.9/120\", perhaps you should use \"::ffff:9.9.9.0/120\" instead")]
    [InlineData("172.16.1.999\n", "line 1: bad address pattern: \"172.16.1.999\"")]
    [InlineData("9.9.9.9\0 x\n", "line 1: no lookup result")]
    public void A_bad_rule_is_skipped_with_the_reason(string text, string reason)
    {
        _files[Path] = text + "2.2.2.2 y\n";

        var table = Open("cidr:" + Path);

        Assert.Contains($"cidr map {Path}, {reason}: skipping this rule", _warnings.Texts);
        Assert.Equal("y", table.Lookup("2.2.2.2", _warnings).Value);
    }

    [Theory]
    [InlineData("!9.9.9.8 yes\n", "9.9.9.9", "yes")]
    [InlineData("!9.9.9.8 yes\n", "::1", null)]
    [InlineData("! \t!9.9.9.9  x\r\n", "9.9.9.9", "x")]
    [InlineData("IF [9.9.9.9] \n0.0.0.0/0 yes\nENDIF\n", "9.9.9.9", "yes")]
    [InlineData("if 1.1.1.1\nif 9.9.9.9\nendif\n9.9.9.9 y\n", "9.9.9.9", null)]
    [InlineData("if ::1\nif 9.9.9.9\nendif\n9.9.9.9 x\nendif\n9.9.9.9 y", "9.9.9.9", "y")]
    [InlineData("1.2.3.4/4294967328 x\n", "1.2.3.4", "x")]
    [InlineData("::/0 x\n", "9.9.9.9", null)]
    [InlineData("::ffff:9.9.9.9 x\n", "9.9.9.9", null)]
    [InlineData("0.0.0.0/0 x\n", "9.9.9", null)]
    [InlineData("0.0.0.0/0 x\n", "[9.9.9.9]", null)]
    [InlineData("9.9.9.9 a \0 b \n", "9.9.9.9", "a")]
    [InlineData("9.9.9.9 a\n  b c\n", "9.9.9.9", "a  b c")]
    public void Rules_match_like_Postfix(string text, string key, string? result)
    {
        _files[Path] = text;

        var answer = Open("cidr:" + Path).Lookup(key, _warnings);

        Assert.Equal(result is null ? LookupResult.NotFound : LookupResult.Found(result), answer);
    }

    [Theory]
    [InlineData("cidr:{{9.9.9.9 x} foo}", "cidr map: no '{' at start of text in \"foo\"")]
    [InlineData("cidr:{{9.9.9.9 x} {foo}x}", "cidr map: syntax error after '}' in \"{foo}x\"")]
    [InlineData("cidr:{{9.9.9.9 x} {foo}", "cidr map: missing '}' in \"{{9.9.9.9 x} {foo}\"")]
    [InlineData("cidr:{{9.9.9.9 x}} y", "cidr map: syntax error after '}' in \"{{9.9.9.9 x}} y\"")]
    [InlineData("cidr:foo", "open foo: No such file or directory")]
    public void What_cannot_be_opened_gives_the_reason(string spec, string reason)
    {
        var tables = new TableCatalog(_files);

        var table = tables.Open(spec, foldCase: true, _warnings);

        Assert.Equal([reason], tables.OpenErrors);
        Assert.Equal(LookupResult.Error, table.Lookup("9.9.9.9", _warnings));
        Assert.Equal([$"{spec} is unavailable. {reason}"], _warnings.Texts);
    }

    [Fact]
    public void No_text_makes_the_parser_throw() =>
        TableGen.Text.Sample(text =>
        {
            CidrTable.Parse(new TableSource("cidr:/x", "/x", FakeTextFiles.Reader(text), true, DuplicateKeys.Refused), _warnings, out _);
            CidrTable.Parse(new TableSource("cidr:" + text, text, null, true, DuplicateKeys.Refused), _warnings, out _);
            CidrTable.Parse(new TableSource("cidr:{" + text + "}", "{" + text + "}", null, true, DuplicateKeys.Refused), _warnings, out _);
            _warnings.Texts.Clear();
        }, iter: 1000, threads: 1);

    [Fact]
    public void Answers_like_a_reading_of_the_rules_one_by_one() =>
        Gen.Select(Gen.OneOf(NaiveCidr.Line, NaiveCidr.Line, NaiveCidr.IPv4Run).Array[0, 40], NaiveCidr.Address.Array[1, 10])
            .Sample((blocks, addresses) =>
            {
                var lines = blocks.SelectMany(block => block.Split('\n')).ToArray();
                var table = CidrTable.Parse(
                    new TableSource("cidr:/x", "/x", FakeTextFiles.Reader(string.Join('\n', lines)), true, DuplicateKeys.Refused), _warnings, out _)!;
                foreach (var address in addresses)
                {
                    var expected = NaiveCidr.Lookup(lines, address) ?? "";
                    Assert.Equal(expected, table.Lookup(address, _warnings).Value);
                    Assert.True(IpAddress.TryParse(address, out var client));
                    if (!(client.IsIPv4 && address.Contains(':'))) // which as a client is an IPv4 client
                        Assert.Equal(expected, table.Lookup(client, _warnings).Value);
                }

                _warnings.Texts.Clear();
            }, iter: 5000, threads: 1);

    [Fact]
    public void Negations_in_negated_blocks_leave_what_is_outside_of_all()
    {
        _files[Path] = "if !10.0.0.0/8\nif !192.168.0.0/16\n!172.16.0.0/12 outside\nendif\nendif\n172.16.0.0/12 inside\n10.1.0.0/16 ten\n";

        var table = Open("cidr:" + Path);

        Assert.Equal(
            ["outside", "inside", "ten", "", "", "outside"],
            ((string[])["9.255.255.255", "172.16.0.1", "10.1.0.1", "10.2.0.1", "192.168.7.7", "255.255.255.255"]).Select(key => table.Lookup(key, _warnings).Value));
    }

    [Fact]
    public void Conditions_that_would_be_millions_of_rules_are_refused()
    {
        var tables = new TableCatalog(_files);
        _files[Path] = string.Concat(Enumerable.Range(0, 500).Select(static i => $"if !{i >> 8}.{i & 255}.1.1\n")) + "0.0.0.0/0 x\n";

        tables.Open("cidr:" + Path, foldCase: true, _warnings);

        Assert.Equal([$"cidr map {Path}: too many rules in nested conditions with '!'"], tables.OpenErrors);
    }

    private ILookupTable Open(string spec)
    {
        var tables = new TableCatalog(_files);
        var table = tables.Open(spec, foldCase: true, _warnings);
        Assert.Empty(tables.OpenErrors);
        return table;
    }
}
