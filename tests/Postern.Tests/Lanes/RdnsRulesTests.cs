using Postern.Core.Lanes;
using Postern.Core.Tables;
using Postern.Tests.Tables;

namespace Postern.Tests.Lanes;

public sealed class RdnsRulesTests
{
    private static readonly RdnsRules OfSite = new()
    {
        ServerMaps = Tables("inline:{ {adsl1.partner.example = office}, {.friends.example = ok}, {.dull.example = ok}, {adsl3.dull.example = DUNNO} }"),
        GenericMaps = Tables("inline:{ {.pool.example = pool}, {mail.cellar.example = no} } regexp:{{/^user[^.]*\\.cable\\.example$/ hex}}"),
        BigSenders = new NameSuffixes(["big.example"]),
    };

    [Theory]
    [InlineData(ReverseNameStatus.None, "", RdnsKind.None, "rule=0")]
    [InlineData(ReverseNameStatus.Unconfirmed, "mail.example.com", RdnsKind.Unconfirmed, "rule=0")]
    [InlineData(ReverseNameStatus.Unconfirmed, "mail.friends.example", RdnsKind.Unconfirmed, "rule=0")] // anybody can write that
    [InlineData(ReverseNameStatus.Unconfirmed, "smtp.big.example", RdnsKind.Unconfirmed, "rule=0")]
    [InlineData(ReverseNameStatus.Failed, "", RdnsKind.Undecided, "by=failure")]
    [InlineData(ReverseNameStatus.Confirmed, "mail.example.com", RdnsKind.Named, "by=name")]
    [InlineData(ReverseNameStatus.Confirmed, "adsl2.partner.example", RdnsKind.Generic, "rule=6")]
    [InlineData(ReverseNameStatus.Confirmed, "adsl1.partner.example", RdnsKind.Named, "by=server_maps")]
    [InlineData(ReverseNameStatus.Confirmed, "adsl1.x.friends.example", RdnsKind.Named, "by=server_maps")]
    [InlineData(ReverseNameStatus.Confirmed, "adsl1.nofriends.example", RdnsKind.Generic, "rule=6")]
    [InlineData(ReverseNameStatus.Confirmed, "adsl3.dull.example", RdnsKind.Generic, "rule=6")] // an exception to .dull.example
    [InlineData(ReverseNameStatus.Confirmed, "mail-12-34.big.example", RdnsKind.Named, "by=big_senders")]
    [InlineData(ReverseNameStatus.Confirmed, "mail-12-34.notbig.example", RdnsKind.Generic, "rule=1")]
    [InlineData(ReverseNameStatus.Confirmed, "berlin.pool.example", RdnsKind.Generic, "by=generic_maps")]
    [InlineData(ReverseNameStatus.Confirmed, "mail.cellar.example", RdnsKind.Generic, "by=generic_maps")]
    [InlineData(ReverseNameStatus.Confirmed, "user-cafe.cable.example", RdnsKind.Generic, "by=generic_maps")]
    [InlineData(ReverseNameStatus.Confirmed, "x.user.cable.example", RdnsKind.Named, "by=name")] // a pattern is for whole names
    [InlineData(ReverseNameStatus.Confirmed, "132-255-37-205.starman.net.br", RdnsKind.Generic, "rule=1")]
    public void Class_of_a_client(ReverseNameStatus status, string name, RdnsKind kind, string why)
    {
        var verdict = OfSite.Classify(new ReverseName(status, name), new WarningList());

        Assert.Equal((kind, why), (verdict.Kind, verdict.Why));
    }

    [Fact]
    public void A_table_that_cannot_answer_leaves_the_client_undecided()
    {
        var warnings = new WarningList();
        var rules = new RdnsRules { ServerMaps = Tables("texthash:/nowhere") };

        var verdict = rules.Classify(new ReverseName(ReverseNameStatus.Confirmed, "adsl1.example"), warnings);

        Assert.Equal((RdnsKind.Undecided, "by=table"), (verdict.Kind, verdict.Why));
        Assert.Contains(warnings.Texts, static text => text.Contains("lookup error", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_big_sender_is_exempt_and_would_not_be_without_its_row()
    {
        var rules = new RdnsRules { BigSenders = new NameSuffixes(BigSenders.All.Select(static row => row.Domain)) };

        Assert.All(BigSenders.All, row =>
        {
            var name = new ReverseName(ReverseNameStatus.Confirmed, row.Example);
            Assert.Equal(RdnsReason.BigSender, rules.Classify(name, new WarningList()).Reason);
            Assert.Equal(RdnsKind.Generic, new RdnsRules().Classify(name, new WarningList()).Kind);
            Assert.EndsWith("." + row.Domain, row.Example, StringComparison.Ordinal);
            Assert.Matches(@"^(S25R 2007|postgrey 1\.37|archives|samples)(, (postgrey 1\.37))?$", row.Source);
        });
        Assert.Equal(BigSenders.All.Select(static row => row.Domain).Order(StringComparer.Ordinal).Distinct(), BigSenders.All.Select(static row => row.Domain));
    }

    private static TableList? Tables(string text) =>
        TableList.Parse("test", text, HostTables.Catalog(new FakeTextFiles()), new WarningList(), foldCase: true);
}
