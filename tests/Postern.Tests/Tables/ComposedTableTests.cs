using Postern.Core.Tables;

namespace Postern.Tests.Tables;

/// <summary>Tables made of tables, and those that need no file.</summary>
public sealed class ComposedTableTests
{
    private readonly FakeTextFiles _files = new();
    private readonly WarningList _warnings = new();

    // Seen in Postfix 3.7.11.
    [Theory]
    [InlineData("unionmap:{static:a,inline:{a=b}}", "a,b")]
    [InlineData("unionmap:{ static:a , static:b }", "a,b")]
    [InlineData("unionmap:{inline:{x=y}}", null)]
    [InlineData("unionmap:{inline:{x=y},static:z}", "z")]
    [InlineData("unionmap:{inline:{a=},static:q}", "q")]
    [InlineData("unionmap:{static:q,inline:{a=}}", "q,")]
    [InlineData("unionmap:{static:q,inline:{a=},static:r}", "q,,r")]
    [InlineData("unionmap:{static:{},inline:{z=q}}", null)]
    [InlineData("unionmap:{unionmap:{static:a},static:b}", "a,b")]
    [InlineData("pipemap:{static:b,inline:{b=q}}", "q")]
    [InlineData("pipemap:{static:b,inline:{c=q},static:x}", null)]
    [InlineData("pipemap:{inline:{a=},static:q}", "q")]
    [InlineData("pipemap:{pcre:{{/(a)/ $1$1}},inline:{aa=x}}", "x")]
    [InlineData("randmap:{v}", "v")]
    [InlineData("randmap:{{c d}}", "{c d}")]
    [InlineData("internal:x", null)]
    [InlineData("environ:x", null)]
    public void Answers_are_as_in_Postfix(string spec, string? value)
    {
        var tables = HostTables.Catalog(_files);

        var answer = tables.Open(spec, foldCase: false, _warnings).Lookup("a", _warnings);

        Assert.Empty(tables.OpenErrors);
        Assert.Equal(value is null ? LookupResult.NotFound : LookupResult.Found(value), answer);
    }

    [Theory]
    [InlineData("unionmap:{}", "bad syntax: \"unionmap:{}\"; need \"unionmap:{type:name...}\"")]
    [InlineData("unionmap:{,}", "bad syntax: \"unionmap:{,}\"; need \"unionmap:{type:name...}\"")]
    [InlineData("unionmap:{a}", "bad syntax: \"unionmap:{a}\"; need \"unionmap:{type:name...}\"")]
    [InlineData("unionmap:{static:a,b}", "bad syntax: \"unionmap:{static:a,b}\"; need \"unionmap:{type:name...}\"")]
    [InlineData("unionmap:x", "bad syntax: \"unionmap:x\"; need \"unionmap:{type:name...}\"")]
    [InlineData("unionmap:{static:a}x", "bad syntax: \"unionmap:{static:a}x\"; need \"unionmap:{type:name...}\"")]
    [InlineData("pipemap:{static:a,", "bad syntax: \"pipemap:{static:a,\"; need \"pipemap:{type:name...}\"")]
    [InlineData("unionmap:{{static:a b}, static:c}", "unsupported dictionary type: {static")]
    [InlineData("randmap:{ }", "bad syntax: \"randmap:{ }\"; need \"randmap:{value...}\"")]
    [InlineData("randmap:a", "bad syntax: \"randmap:a\"; need \"randmap:{value...}\"")]
    [InlineData("randmap:{a},", "bad syntax: \"randmap:{a},\"; need \"randmap:{value...}\"")]
    [InlineData("pipemap:{static:a,hash:/nope}", "open database /nope.db: No such file or directory")]
    public void What_cannot_be_opened_gives_Postfix_words(string spec, string error)
    {
        var tables = HostTables.Catalog(_files);

        tables.Open(spec, foldCase: false, _warnings);

        Assert.Equal([error], tables.OpenErrors);
    }

    [Theory]
    [InlineData("unionmap:{static:b,fail:a}")]
    [InlineData("unionmap:{fail:a,static:b}")]
    [InlineData("pipemap:{static:b,fail:a,static:c}")]
    public void An_error_of_one_is_an_error_of_all(string spec) =>
        Assert.Equal(LookupResult.Error, new TableCatalog(_files).Open(spec, foldCase: false, _warnings).Lookup("a", _warnings));

    [Fact]
    public void Members_fold_case_as_the_whole_does()
    {
        var tables = new TableCatalog(_files);

        Assert.Equal("q", tables.Open("pipemap:{inline:{A=B},inline:{b=q}}", foldCase: true, _warnings).Lookup("A", _warnings).Value);
        Assert.Equal(LookupStatus.NotFound, tables.Open("pipemap:{inline:{A=B},inline:{b=q}}", foldCase: false, _warnings).Lookup("A", _warnings).Status);
    }

    [Fact]
    public void Members_that_are_files_follow_their_changes()
    {
        _files["/t"] = "a old\n";
        var tables = new TableCatalog(_files);
        var table = tables.Open("unionmap:{static:x,texthash:/t}", foldCase: false, _warnings);

        _files["/t"] = "a new\n";
        tables.Refresh(_warnings);
        tables.Refresh(_warnings);

        Assert.Equal("x,new", table.Lookup("a", _warnings).Value);
    }

    [Fact]
    public void Endless_nesting_is_refused()
    {
        var spec = string.Concat(Enumerable.Repeat("unionmap:{", 10_000)) + "static:a" + new string('}', 10_000);
        var tables = new TableCatalog(_files);

        var table = tables.Open(spec, foldCase: false, _warnings);

        Assert.StartsWith("tables in tables, more than 20 deep: unionmap:{", Assert.Single(tables.OpenErrors), StringComparison.Ordinal);
        Assert.Equal(LookupStatus.Error, table.Lookup("a", _warnings).Status);
    }

    [Fact]
    public void Randmap_draws_each_value()
    {
        var drawn = new Queue<int>([2, 0, 1]);
        var type = new TableType("randmap")
        {
            FromArgument = RandMapTable.Parser(count =>
            {
                Assert.Equal(3, count);
                return drawn.Dequeue();
            }),
        };
        var table = new TableCatalog(_files, [type]).Open("randmap:{a, b, c}", foldCase: false, _warnings);

        Assert.Equal(["c", "a", "b"], Enumerable.Range(0, 3).Select(_ => table.Lookup("key", _warnings).Value));
    }

    [Fact]
    public void Environ_gives_variables()
    {
        var type = new TableType("environ") { FromArgument = EnvironTable.Parser(name => name == "TZ" ? "UTC" : null) };
        var tables = new TableCatalog(_files, [type]);

        Assert.Equal(LookupResult.Found("UTC"), tables.Open("environ:x", foldCase: false, _warnings).Lookup("TZ", _warnings));
        Assert.Equal(LookupResult.NotFound, tables.Open("environ:x", foldCase: false, _warnings).Lookup("HOME", _warnings));
    }
}
