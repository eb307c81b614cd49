using Postern.Core;
using Postern.Core.Tables;
using Postern.Core.Versions;
using Postern.Tests.Tables;

namespace Postern.Tests.Versions;

/// <summary>Lists and tables where versions of Postfix read them differently; the cases of tests/Lab/versions have what each does.</summary>
public sealed class TablesByVersionTests
{
    private readonly FakeTextFiles _files = new();
    private readonly WarningList _warnings = new();

    [Theory]
    [InlineData("3.7", "127.0.0.4 # c\n  127.0.0.5\n127.0.0.6\n", "4 5 6", "list: comment at end of line is not supported: # c\n")]
    [InlineData("3.10", "127.0.0.4 # c\n  127.0.0.5\n127.0.0.6\n", "4 6", "list: #comment after other text is not allowed: # c  127.0.0.5...")]
    [InlineData("3.11", "127.0.0.4 # c\n  127.0.0.5\n127.0.0.6\n", "4 6", "list: #comment after other text is not allowed: # c  127.0.0.5...")]
    [InlineData("3.7", "  127.0.0.4\n127.0.0.5\n", "4 5", "")]
    [InlineData("3.10", "  127.0.0.4\n127.0.0.5\n", "5", "/nets: logical line must not start with whitespace: \"  127.0.0.4\"")]
    [InlineData("3.7", "127.0.0.4\n  # c\n  127.0.0.5\n", "4 5", "list: comment at end of line is not supported: # c\n")]
    [InlineData("3.10", "127.0.0.4\n  # c\n  127.0.0.5\n", "4 5", "")]
    [InlineData("3.7", "# c\n127.0.0.4, 127.0.0.5", "4 5", "")]
    [InlineData("3.12", "# c\n127.0.0.4, 127.0.0.5", "4 5", "")]
    public void A_list_file(string version, string text, string expected, string warning)
    {
        _files["/nets"] = text;

        var list = MatchList.Parse("list", "/nets", Catalog(version), _warnings, out var fatal)!;

        Assert.Null(fatal);
        Assert.Equal(warning.Length == 0 ? [] : [warning], _warnings.Take());
        Assert.Equal(expected, string.Join(' ', Enumerable.Range(4, 3).Where(last => list.Match(Ip.Of($"127.0.0.{last}"), _warnings) is MatchOutcome.Yes)));
    }

    [Theory]
    [InlineData("3.7", "list: comment at end of line is not supported: # with, more {words here} than fit")]
    [InlineData("3.10", "list: #comment after other text is not allowed: # with, more {words he...")]
    public void A_comment_in_the_text_of_a_parameter(string version, string warning)
    {
        var list = MatchList.Parse("list", "127.0.0.5 # with, more {words here} than fit", Catalog(version), _warnings, out _)!;

        Assert.Equal(MatchOutcome.Yes, list.Match(Ip.Of("127.0.0.5"), _warnings));
        Assert.Equal([warning], _warnings.Texts);
    }

    [Theory]
    [InlineData("3.10", "inline:{127.0.0.5=boo}: unknown command: boo -- ignoring the remainder of this access list")]
    [InlineData("3.11", "inline:{127.0.0.5=boo}(0,lock|fold_fix|utf8_request): unknown command: boo -- ignoring the remainder of this access list")]
    public void A_table_that_answered_is_named(string version, string warning)
    {
        var list = AccessList.Parse("inline:{127.0.0.5=boo}", MatchList.Everything, null, Catalog(version), _warnings);

        Assert.Equal(AccessVerdict.Undecided, list.Evaluate(Ip.Of("127.0.0.5"), _warnings));
        Assert.Equal([warning], _warnings.Texts);
    }

    [Fact]
    public void A_table_that_fails_is_named_as_ever()
    {
        var list = AccessList.Parse("fail:x", MatchList.Everything, null, Catalog("3.11"), _warnings);

        list.Evaluate(Ip.Of("127.0.0.5"), _warnings);

        Assert.Equal(["postscreen_access_list: fail:x: table lookup error -- ignoring the remainder of this access list"], _warnings.Texts);
    }

    [Theory]
    [InlineData("debug:inline:{a=b}", "a", "inline:{a=b} lookup: \"a\" = \"b\"")]
    [InlineData("debug:inline:{a=b}", "c", "inline:{a=b} lookup: \"c\" = \"not_found\"")]
    [InlineData("debug:fail:x", "a", "fail:x lookup: \"a\" = \"error\"")]
    [InlineData("debug:debug:static:s", "a", "static:s lookup: \"a\" = \"s\"", "debug:static:s lookup: \"a\" = \"s\"")]
    [InlineData("unionmap:{debug:static:s,static:t}", "a", "static:s lookup: \"a\" = \"s\"")]
    public void A_debug_table_tells_of_each_lookup(string spec, string key, params string[] lines)
    {
        var table = Catalog("3.11").Open(spec, foldCase: false, _warnings);

        table.Lookup(key, _warnings);

        Assert.Equal(lines, _warnings.Texts);
    }

    [Fact]
    public void Before_3_11_nobody_knows_it_and_Debian_names_a_package()
    {
        var catalog = Catalog("3.10");
        catalog.Open("debug:static:x", foldCase: false, _warnings);
        Catalog("3.7").Open("debug:static:x", foldCase: false, _warnings);

        Assert.Equal(["unsupported dictionary type: debug"], catalog.OpenErrors);
        Assert.Equal(["unsupported dictionary type: debug. Is the postfix-debug package installed?"], _warnings.Texts);
    }

    [Theory]
    [InlineData("hash:/x", "cdb:/x")]
    [InlineData("btree:/x", "lmdb:/x")]
    [InlineData("btree:/y", "texthash:/y")]
    [InlineData("cdb:/x", null)]
    [InlineData("proxy:hash:/x", null)]
    [InlineData("hash:", null)]
    public void A_table_of_Berkeley_DB_is_redirected(string spec, string? expected)
    {
        var catalog = Catalog("3.11");
        catalog.Redirection = new TableRedirection("cdb", "lmdb", catalog.Open("inline:{btree:/y=texthash}", foldCase: false, _warnings));

        catalog.Open(spec, foldCase: false, _warnings);

        Assert.Equal(expected is null ? [] : [$"redirecting {spec} to {expected}"], catalog.Redirections);
    }

    [Fact]
    public void A_redirected_table_that_is_not_there_is_called_by_its_new_name()
    {
        var catalog = Catalog("3.11");
        catalog.Redirection = new TableRedirection("cdb", "lmdb", custom: null) { IsLogged = false };

        var table = catalog.Open("hash:/x", foldCase: false, _warnings);
        table.Lookup("a", _warnings);

        Assert.Empty(catalog.Redirections);
        Assert.Equal(["open database /x.cdb: No such file or directory"], catalog.OpenErrors);
        Assert.Equal(["cdb:/x is unavailable. open database /x.cdb: No such file or directory"], _warnings.Texts);
    }

    [Fact]
    public void Until_somebody_has_made_the_new_file_the_old_one_is_read_where_Postfix_would_make_it()
    {
        _files["/x.db"] = "";
        var catalog = Catalog("3.11");
        catalog.Redirection = new TableRedirection("cdb", "lmdb", custom: null) { KeepsOldFiles = true };

        Assert.Equal("hash:/x", catalog.Redirect("hash:/x", isLogged: true, _warnings, out _));
        Assert.Equal("cdb:/y", catalog.Redirect("hash:/y", isLogged: true, _warnings, out _));
        _files["/x.cdb"] = "";
        Assert.Equal("cdb:/x", catalog.Redirect("hash:/x", isLogged: true, _warnings, out _));
    }

    [Fact]
    public void A_mapping_that_makes_no_sense_leaves_the_table_out()
    {
        var catalog = Catalog("3.11");
        catalog.Redirection = new TableRedirection("cdb", "lmdb", catalog.Open("inline:{hash=lmdb:x}", foldCase: false, _warnings));

        catalog.Open("hash:/x", foldCase: false, _warnings);

        Assert.Equal(["Berkeley DB type mapping lookup error for 'hash:/x': bad non-legacy database type syntax: 'lmdb:x'"], catalog.OpenErrors);
        Assert.Equal(["non-Berkeley-DB type mapping lookup error for 'hash:/x': bad non-legacy database type syntax: 'lmdb:x'"], _warnings.Texts);
    }

    private TableCatalog Catalog(string version)
    {
        Assert.True(PostfixVersion.TryParse(version, out var postfix));
        return new TableCatalog(_files, new TableType("lmdb") { FromArgument = static (TableSource source, IWarningSink _, out string? problem) => { problem = "no lmdb here"; return null; } }) { Postfix = postfix };
    }
}
