using Postern.Core.Tables;

namespace Postern.Tests.Tables;

public sealed class TableTypesTests
{
    private readonly FakeTextFiles _files = new();
    private readonly WarningList _warnings = new();

    public static TheoryData<string> Names => [.. TableTypes.All.Select(type => type.Name)];

    [Fact]
    public void Each_type_has_one_row() =>
        Assert.Equal(TableTypes.All.Count, TableTypes.All.DistinctBy(type => type.Name).Count());

    [Theory]
    [MemberData(nameof(Names))]
    public void Each_type_opens_or_says_that_it_is_missing(string name)
    {
        _files["/file"] = "1.2.3.4 value\n";
        var type = TableTypes.All.Single(row => row.Name == name);
        var tables = new TableCatalog(_files);
        var spec = name + ":" + (type.IsPath("/file") ? "/file" : "{a=b}");

        var table = tables.Open(spec, foldCase: false, _warnings);

        Assert.Equal(spec, table.Name);
        if (type.IsAvailable)
            Assert.Empty(tables.OpenErrors);
        else
            Assert.Equal([$"this version of Postern does not have the dictionary type {name} yet"], tables.OpenErrors);
    }

    // Of `postconf -m` and the packages of Debian 12.
    [Theory]
    [InlineData("btree")]
    [InlineData("cdb")]
    [InlineData("environ")]
    [InlineData("hash")]
    [InlineData("ldap")]
    [InlineData("lmdb")]
    [InlineData("memcache")]
    [InlineData("mysql")]
    [InlineData("nis")]
    [InlineData("pcre")]
    [InlineData("pgsql")]
    [InlineData("pipemap")]
    [InlineData("proxy")]
    [InlineData("randmap")]
    [InlineData("regexp")]
    [InlineData("socketmap")]
    [InlineData("sqlite")]
    [InlineData("tcp")]
    [InlineData("unionmap")]
    [InlineData("unix")]
    public void A_type_of_Postfix_is_known_here(string name) =>
        Assert.Contains(TableTypes.All, type => type.Name == name);
}
