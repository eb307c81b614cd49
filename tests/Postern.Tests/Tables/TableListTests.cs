using Postern.Core.Tables;

namespace Postern.Tests.Tables;

public sealed class TableListTests
{
    private readonly FakeTextFiles _files = new();
    private readonly WarningList _warnings = new();

    [Theory]
    [InlineData("")]
    [InlineData(" ,\t ")]
    public void No_words_no_list(string text) => Assert.Null(TableList.Parse("list", text, new TableCatalog(_files), _warnings));

    [Theory]
    [InlineData("a", "1")]
    [InlineData("b", "second")]
    [InlineData("A", "second")] // keys are not folded
    public void The_first_table_that_has_the_key_answers(string key, string expected)
    {
        var list = Parse("inline:{ a=1 }, static:{second}");

        Assert.Equal(LookupResult.Found(expected), list.Lookup(key, _warnings));
        Assert.Empty(_warnings.Texts);
    }

    [Fact]
    public void No_table_has_it() => Assert.Equal(LookupResult.NotFound, Parse("inline:{ a=1 } inline:{ b=2 }").Lookup("c", _warnings));

    [Fact]
    public void A_table_that_cannot_say_ends_the_search()
    {
        Assert.Equal(LookupResult.Error, Parse("inline:{ a=1 } fail:x static:{never}").Lookup("b", _warnings));
        Assert.Equal(["fail:x lookup error for \"b\""], _warnings.Texts);
    }

    [Fact]
    public void An_empty_value_is_a_mistake_of_the_tables()
    {
        Assert.Equal(LookupResult.Error, Parse("inline:{ a= } static:{never}").Lookup("a", _warnings));
        Assert.Equal(["list lookup of a returns an empty string result", "list should return NO RESULT in case of NOT FOUND"], _warnings.Texts);
    }

    private TableList Parse(string text) => TableList.Parse("list", text, new TableCatalog(_files), _warnings)!;
}
