using System.Text;
using Postern.Core.Tables;
using Postern.Core.Versions;

namespace Postern.Tests.Tables;

public sealed class TableTypesTests
{
    private readonly FakeTextFiles _files = new();
    private readonly WarningList _warnings = new();

    public static TheoryData<string> Names => [.. TableTypes.All.Select(type => type.Name)];

    [Fact]
    public void Each_type_has_one_row_and_the_daemon_adds_no_name_that_Core_does_not_know()
    {
        Assert.Equal(TableTypes.All.Count, TableTypes.All.DistinctBy(type => type.Name).Count());
        Assert.Empty(HostTables.Types().Select(type => type.Name).Except(TableTypes.All.Select(type => type.Name)));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Each_type_opens_or_says_why_not(string name)
    {
        var host = HostTables.Types("queue_directory = /nonexistent\n");
        var type = host.SingleOrDefault(row => row.Name == name) ?? TableTypes.All.Single(row => row.Name == name);
        _files["/file" + type.FileSuffix] = type.FileSuffix.Length == 0 || type.FromFile is null ? "/1.2.3.4/ value\n" : ReadFile(name + type.FileSuffix);
        if (name is "cidr" or "texthash")
            _files["/file"] = "1.2.3.4 value\n";
        var tables = new TableCatalog(_files, host) { Postfix = PostfixVersion.Known[^1] };
        var spec = name + ":" + name switch
        {
            "debug" => "static:a",
            "tcp" => "127.0.0.1:1",
            "socketmap" => "inet:127.0.0.1:1:a",
            "unix" => "passwd.byname",
            _ => type.IsPath("/file") ? "/file" : type.FromTables is null ? "{a=b}" : "{static:a}",
        };

        var table = tables.Open(spec, foldCase: false, _warnings);

        Assert.Equal(spec, table.Name);
        if (!type.IsAvailable)
            Assert.Equal([$"unsupported dictionary type: {name}"], tables.OpenErrors);
        else if (tables.OpenErrors.Count > 0)
            Assert.Matches(name is "lmdb" or "memcache" ? "No such file or directory" : "proxymap service", Assert.Single(tables.OpenErrors));
        Assert.Empty(_warnings.Texts);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Entries_that_are_listed_are_those_that_a_look_up_finds(string name)
    {
        var host = HostTables.Types();
        var type = host.SingleOrDefault(row => row.Name == name) ?? TableTypes.All.Single(row => row.Name == name);
        if (type.FromFile is null)
            return;
        _files["/file" + type.FileSuffix] = type.FileSuffix.Length > 0 ? ReadFile(name + type.FileSuffix) : name is "pcre" or "regexp" ? "!/^1/ a\n/^(1)/ b$1\nbad\n" : "# text\n1.2.3.4 a\nbad\n2.0.0.0/8\n b\n";
        var tables = new TableCatalog(_files, host);
        var table = tables.Open($"{name}:/file", foldCase: false, new WarningList());

        var rules = tables.RulesOf($"{name}:/file");

        Assert.NotNull(rules);
        Assert.NotEmpty(rules.Rules);
        if (name is "pcre" or "regexp")
            Assert.Equal([new TableRule(1, "!/^1/ a", "a"), new TableRule(2, "/^(1)/ b$1", "b")], rules.Rules);
        else if (name is "cidr" or "texthash")
            Assert.Equal([new TableRule(2, "1.2.3.4", "a"), new TableRule(4, "2.0.0.0/8", "b")], rules.Rules);
        else
            Assert.All(rules.Rules, rule => Assert.Equal(LookupResult.Found(rule.Value), table.Lookup(rule.Key, _warnings)));
    }

    [Fact]
    public void Entries_of_a_database_have_the_lines_of_the_text_that_it_was_made_of()
    {
        _files["/t.db"] = ReadFile("hash.db");
        var tables = new TableCatalog(_files);
        var rules = tables.RulesOf("hash:/t")!;
        Assert.Equal("/t.db", rules.File);
        Assert.All(rules.Rules, static rule => Assert.Equal(0, rule.Line));

        var key = rules.Rules.First().Key;
        _files["/t"] = $"# text\nother x\n{key} y\n";

        Assert.Equal("/t", tables.RulesOf("proxy:hash:/t")!.File);
        Assert.Equal(3, tables.RulesOf("hash:/t")!.Rules.First().Line);
        Assert.Null(tables.RulesOf("hash:/none"));
        Assert.Null(tables.RulesOf("tcp:127.0.0.1:1"));
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

    private static string ReadFile(string name) =>
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "TableFiles", name), Encoding.Latin1);
}
