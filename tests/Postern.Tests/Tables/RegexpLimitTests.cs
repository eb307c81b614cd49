using Postern.Core.Tables;

namespace Postern.Tests.Tables;

/// <summary>What keeps a careless expression from taking the memory or the loop.</summary>
public sealed class RegexpLimitTests
{
    private readonly FakeTextFiles _files = new();
    private readonly WarningList _warnings = new();

    [Theory]
    [InlineData("/^(a+)$/ x", LookupWait.None)]
    [InlineData("/^(a)\\1$/ x", LookupWait.Answer)]
    [InlineData("/a/!/(b)\\1/ x", LookupWait.Answer)]
    [InlineData("if /(b)\\1/\n/a/ x\nendif", LookupWait.Answer)]
    public void A_table_with_back_references_is_asked_beside_the_loop(string rules, LookupWait wait)
    {
        _files["/t"] = rules + "\n";

        Assert.Equal(wait, HostTables.Catalog(_files).OpenUtf8("regexp:/t", foldCase: true, _warnings).Wait);
    }

    [Fact]
    public void Who_cannot_wait_asks_it_all_the_same()
    {
        _files["/t"] = "/^(a)\\1$/ x$1\n";
        var table = HostTables.BriefCatalog(_files).OpenBrief("regexp:/t", foldCase: true, _warnings);

        Assert.Equal(LookupWait.None, table.Wait);
        Assert.Equal(LookupResult.Found("xa"), table.Lookup("aa", _warnings));
    }

    [Theory]
    [InlineData("/^(x)/ y", 16_384)]
    [InlineData("/^(x)\\1/ y", 1024)]
    public void A_text_that_is_too_long_is_an_error(string rule, int limit)
    {
        _files["/t"] = rule + "\n";
        var table = HostTables.Catalog(_files).OpenUtf8("regexp:/t", foldCase: true, _warnings);

        Assert.Equal(LookupResult.Found("y"), table.Lookup(new string('x', limit), _warnings));
        Assert.Empty(_warnings.Texts);
        Assert.Equal(LookupResult.Error, table.Lookup(new string('x', limit + 1), _warnings));
        Assert.Contains($"a text of {limit + 1} bytes is too long", Assert.Single(_warnings.Texts), StringComparison.Ordinal);
    }

    [Fact]
    public void A_rule_that_would_take_too_much_memory_is_left_out()
    {
        _files["/t"] = "/((a{100}){100}){100}/ x\n/a/ y\n";

        var table = HostTables.Catalog(_files).OpenUtf8("regexp:/t", foldCase: true, _warnings);

        Assert.Equal(["regexp map /t, line 1: its counted repetitions take too much memory: skipping this rule"], _warnings.Texts);
        Assert.Equal(LookupResult.Found("y"), table.Lookup("a", _warnings));
    }

    [Fact]
    public void Rules_with_back_references_can_be_listed()
    {
        _files["/t"] = "/a/ x\n/(a)\\1/ y\nif /(b)\\1/\n/c/ z\nendif\n/d/ q\n";

        Assert.Equal([(1, false), (2, true), (4, true), (6, false)], HostTables.Catalog(_files).RulesOf("regexp:/t")!.Rules.Select(static rule => (rule.Line, rule.MayTakeLong)));
    }
}
