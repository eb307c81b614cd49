using System.Text.Json.Nodes;
using CsCheck;
using Postern.Core;
using Postern.Core.Tables;

namespace Postern.Tests.Tables;

public sealed class AccessListTests
{
    private readonly FakeTextFiles _files = new();
    private readonly WarningList _warnings = new();
    private readonly TableCatalog _tables;

    public AccessListTests() => _tables = new TableCatalog(_files);

    public static TheoryData<string> Cases => TableVectors.Read("access_list.json", "cases", "extra_cases");

    [Theory]
    [MemberData(nameof(Cases))]
    public void Decides_like_Postfix(string vector)
    {
        var expected = JsonNode.Parse(vector)!;
        var list = Parse((string)expected["access_list"]!, (string)expected["mynetworks"]!);
        Assert.Empty(_warnings.Take());

        var verdict = Evaluate(list, (string)expected["client"]!);

        var decision = (string)expected["decision"]!;
        Assert.Equal(
            decision switch { "permit" => AccessVerdict.Permit, "reject" => AccessVerdict.Reject, _ => AccessVerdict.Undecided }, verdict);
        if (decision == "error")
            Assert.NotEmpty(_warnings.Texts);
        if (decision == "dunno")
            Assert.Empty(_warnings.Texts);
        if ((string?)expected["warning"] is { } warning)
            Assert.Contains(warning, _warnings.Texts);
    }

    // Seen in Postfix 3.7.11, as are the warnings.
    [Theory]
    [InlineData("{permit}", AccessVerdict.Undecided, "postscreen_access_list: unknown command: {permit} -- ignoring the remainder of this access list")]
    [InlineData("{foo permit", AccessVerdict.Undecided, "postscreen_access_list: unknown command: {foo permit -- ignoring the remainder of this access list")]
    [InlineData("permit} permit", AccessVerdict.Undecided, "postscreen_access_list: unknown command: permit} -- ignoring the remainder of this access list")]
    [InlineData("dunno permit", AccessVerdict.Undecided, null)]
    [InlineData("Permit_MyNetworks,REJECT", AccessVerdict.Reject, null)]
    [InlineData("inline:{{127.0.5.1=PERMIT}}", AccessVerdict.Permit, null)]
    [InlineData("inline:{{127.0.5.1=dunno reject}} permit", AccessVerdict.Permit, null)]
    [InlineData("inline:{ {127.0.5.1=permit foo} } reject", AccessVerdict.Permit, null)]
    [InlineData("inline:{{127.0.5.1=,}} reject", AccessVerdict.Reject, null)]
    [InlineData("inline:{127.0.5.1=} reject", AccessVerdict.Undecided, "inline:{127.0.5.1=}: unknown command:  -- ignoring the remainder of this access list")]
    [InlineData("inline:{{127.0.5.1=permit_mynetworks foo, permit}} reject", AccessVerdict.Undecided, "inline:{{127.0.5.1=permit_mynetworks foo, permit}}: unknown command: foo -- ignoring the remainder of this access list")]
    [InlineData("inline:{{127.0.5.1=permit hash:/x}} reject", AccessVerdict.Permit, "table inline:{{127.0.5.1=permit hash:/x}}: lookup result \"hash:/x\" is not allowed -- ignoring remainder of access list")]
    [InlineData("inline:{{127.0.5.1=hash:/x permit}} reject", AccessVerdict.Reject, "table inline:{{127.0.5.1=hash:/x permit}}: lookup result \"hash:/x\" is not allowed -- ignoring remainder of access list")]
    [InlineData("inline:{{127.0.5.1=permit_mynetworks hash:/x permit}} reject", AccessVerdict.Reject, "table inline:{{127.0.5.1=permit_mynetworks hash:/x permit}}: lookup result \"hash:/x\" is not allowed -- ignoring remainder of access list")]
    [InlineData("fail:1 permit", AccessVerdict.Undecided, "postscreen_access_list: fail:1: table lookup error -- ignoring the remainder of this access list")]
    [InlineData("static:reject permit", AccessVerdict.Reject, null)]
    public void Words_and_answers_are_obeyed_in_order(string text, AccessVerdict expected, string? warning)
    {
        var verdict = Evaluate(Parse(text, "10.0.0.0/8"), "127.0.5.1");

        Assert.Equal(expected, verdict);
        Assert.Equal(warning is null ? [] : [warning], _warnings.Texts);
    }

    [Fact]
    public void A_bad_word_after_a_table_in_an_answer_is_warned_about_too()
    {
        Evaluate(Parse("inline:{{127.0.5.1=foo hash:/x}} reject", ""), "127.0.5.1");

        Assert.Equal(
            [
                "table inline:{{127.0.5.1=foo hash:/x}}: lookup result \"hash:/x\" is not allowed -- ignoring remainder of access list",
                "inline:{{127.0.5.1=foo hash:/x}}: unknown command: foo -- ignoring the remainder of this access list",
            ],
            _warnings.Texts);
    }

    [Fact]
    public void An_error_of_mynetworks_inside_an_answer_names_the_table()
    {
        Assert.Equal(AccessVerdict.Undecided, Evaluate(Parse("inline:{127.0.5.1=permit_mynetworks} permit", "fail:1"), "127.0.5.1"));

        Assert.Equal(
            [
                "postscreen_access_list: fail:1: table lookup problem",
                "inline:{127.0.5.1=permit_mynetworks}: permit_mynetworks: mynetworks lookup error -- ignoring the remainder of this access list",
            ],
            _warnings.Texts);
    }

    [Fact]
    public void A_table_that_could_not_be_opened_stops_the_list()
    {
        var list = Parse("foo:bar foo:bar permit", "");

        Assert.Equal(AccessVerdict.Undecided, Evaluate(list, "127.0.5.1"));

        Assert.Equal(["unsupported dictionary type: foo"], _tables.OpenErrors);
        Assert.Equal(
            [
                "foo:bar is unavailable. unsupported dictionary type: foo",
                "postscreen_access_list: foo:bar: table lookup error -- ignoring the remainder of this access list",
            ],
            _warnings.Texts);
    }

    [Fact]
    public void The_empty_list_decides_nothing()
    {
        Assert.Equal(AccessVerdict.Undecided, Evaluate(AccessList.Empty, "127.0.0.1"));
        Assert.Equal(AccessVerdict.Undecided, Evaluate(Parse(" ,\t", "0.0.0.0/0"), "127.0.0.1"));
        Assert.Empty(_warnings.Texts);
    }

    [Fact]
    public void Asking_mynetworks_and_networks_allocates_nothing()
    {
        _files["/networks"] = "192.0.2.0/24\n[2001:db8::]/32\n";
        _files["/access"] = "if 10.0.0.0/8\n10.1.0.0/16 permit\nendif\n198.51.100.0/24 dunno, reject\n203.0.113.7 reject\n2001:db8:1::/48 permit\n";
        var list = Parse("permit_mynetworks, cidr:/access, cidr:{{203.0.113.0/24 permit_mynetworks reject}}", "127.0.0.1 /networks");
        IpAddress[] clients =
            [.. new[] { "10.1.2.3", "10.2.3.4", "198.51.100.1", "203.0.113.7", "203.0.113.8", "2001:db8:1::1", "fe80::1" }.Select(Address)];
        Span<AccessVerdict> verdicts = stackalloc AccessVerdict[clients.Length];
        list.Evaluate(clients[0], _warnings);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < clients.Length; i++)
            verdicts[i] = list.Evaluate(clients[i], _warnings);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.Equal(0, allocated);
        Assert.Equal(
            [
                AccessVerdict.Permit, AccessVerdict.Undecided, AccessVerdict.Undecided, AccessVerdict.Reject, AccessVerdict.Reject,
                AccessVerdict.Permit, AccessVerdict.Undecided,
            ],
            verdicts.ToArray());
    }

    [Fact]
    public void No_text_makes_parsing_or_evaluation_throw() =>
        Gen.Select(TableGen.Text, TableGen.Text, TableGen.Text).Sample((text, mynetworks, file) =>
        {
            var files = new FakeTextFiles { ["/t"] = file, ["/file"] = file };
            var tables = new TableCatalog(files);
            var networks = MatchList.Parse("postscreen_access_list", mynetworks, tables, _warnings, out var fatal);
            Assert.Equal(networks is null, fatal is not null);
            var list = AccessList.Parse(text, networks ?? MatchList.Everything, null, tables, _warnings);
            list.Evaluate(Address("1.2.3.4"), _warnings);
            list.Evaluate(Address("::1"), _warnings);
            networks?.Match(text, _warnings);
            _warnings.Texts.Clear();
        }, iter: 1000, threads: 1);

    private AccessList Parse(string text, string mynetworks)
    {
        var networks = MatchList.Parse("postscreen_access_list", mynetworks, _tables, _warnings, out var fatal);
        Assert.Null(fatal);
        return AccessList.Parse(text, networks!, null, _tables, _warnings);
    }

    private AccessVerdict Evaluate(AccessList list, string client) => list.Evaluate(Address(client), _warnings);

    private static IpAddress Address(string text)
    {
        Assert.True(IpAddress.TryParse(text, out var address));
        return address;
    }
}
