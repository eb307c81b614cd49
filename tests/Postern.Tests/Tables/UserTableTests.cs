using Postern.Core.Tables;

namespace Postern.Tests.Tables;

public sealed class UserTableTests
{
    private readonly WarningList _warnings = new();

    [Theory]
    [InlineData("unix:passwd.byname", "root", "root:x:0:0:")]
    [InlineData("unix:passwd.byname", "ROOT", "root:x:0:0:")]
    [InlineData("unix:group.byname", "root", "root:x:0:")]
    public void Users_and_groups_are_lines_of_their_files(string spec, string key, string start)
    {
        var result = HostTables.Catalog(new FakeTextFiles()).Open(spec, foldCase: true, _warnings).Lookup(key, _warnings);

        Assert.StartsWith(start, result.Value, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("unix:passwd.byname", "nosuch-user")]
    [InlineData("unix:passwd.byname", "")]
    [InlineData("unix:group.byname", "192.0.2.7")]
    public void Others_are_not_there(string spec, string key)
    {
        Assert.Equal(LookupResult.NotFound, HostTables.Catalog(new FakeTextFiles()).Open(spec, foldCase: true, _warnings).Lookup(key, _warnings));
        Assert.Empty(_warnings.Texts);
    }

    [Fact]
    public void Case_counts_for_users_of_the_table_to_whom_it_does() =>
        Assert.Equal(LookupResult.NotFound, HostTables.Catalog(new FakeTextFiles()).Open("unix:passwd.byname", foldCase: false, _warnings).Lookup("ROOT", _warnings));
}
