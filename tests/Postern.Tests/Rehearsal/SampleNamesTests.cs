using Postern.Core.Dnsbl;
using Postern.Core.Rehearsal;
using Postern.Dns;
using Postern.Rehearsal;

namespace Postern.Tests.Rehearsal;

public sealed class SampleNamesTests
{
    private static readonly Traffic Traffic = Traffic.Generate(TrafficModel.Default, 1, "site.example");

    [Fact]
    public void A_name_leads_back_where_the_host_says_so()
    {
        var names = new SampleNames(Traffic, null, 1);
        foreach (var host in Traffic.Senders.SelectMany(static sender => sender.Hosts))
        {
            var found = names.Find(DnsblQuery.Text(host.Address, "in-addr.arpa"), DnsType.Reverse);
            Assert.Equal(host.Name, found.SingleOrDefault()?.Target);
            if (host.Name is not null)
                Assert.Equal(host.LeadsBack, names.Find(host.Name, DnsType.A).Any(record => record.Address == host.Address));
        }
    }

    [Theory]
    [InlineData("bad.example", 1)]
    [InlineData("bad.example=127.0.0.[10..11]*2", 2)]
    [InlineData("bad.example=127.0.5.7", 1)]
    public void Who_is_listed_gets_an_answer_that_the_filter_takes(string site, int weight)
    {
        var sites = Sites(site);
        var names = new SampleNames(Traffic, sites, 1);
        foreach (var host in Traffic.Senders.SelectMany(static sender => sender.Hosts))
        {
            var found = names.Find(DnsblQuery.Text(host.Address, "bad.example"), DnsType.A);
            Assert.Equal(host.IsListed, found.Count > 0);
            if (host.IsListed)
                Assert.True(sites.Lists[0].Rules[0].Counts(found[0].Address.IPv4Bits, withErrors: false));
        }

        Assert.Equal(weight, sites.Lists[0].Rules[0].Weight);
    }

    [Fact]
    public void A_list_of_good_senders_praises_those_who_are()
    {
        var names = new SampleNames(Traffic, Sites("good.example=127.0.[0..255].[2..3]*-2"), 1);

        Assert.All(
            Traffic.Senders.SelectMany(static sender => sender.Hosts),
            host => Assert.Equal(host.IsPraised, names.Find(DnsblQuery.Text(host.Address, "good.example"), DnsType.A).Count > 0));
    }

    [Fact]
    public void Of_several_lists_one_knows_every_listed_client_and_none_knows_all()
    {
        string[] domains = ["a.example", "b.example", "c.example"];
        var names = new SampleNames(Traffic, Sites(string.Join(' ', domains)), 0.4);
        var listed = Traffic.Senders.SelectMany(static sender => sender.Hosts).Where(static host => host.IsListed).ToList();

        var known = listed.ConvertAll(host => domains.Count(domain => names.Find(DnsblQuery.Text(host.Address, domain), DnsType.A).Count > 0));

        Assert.All(known, static count => Assert.InRange(count, 1, 3));
        Assert.All(domains, domain => Assert.InRange(
            (double)listed.Count(host => names.Find(DnsblQuery.Text(host.Address, domain), DnsType.A).Count > 0) / listed.Count, 0.45, 0.75)); // 1/3 + 2/3 × 0.4 = 0.6
    }

    [Fact]
    public void The_test_addresses_of_lists_are_as_they_should_be()
    {
        var names = new SampleNames(Traffic, Sites("bad.example"), 1);

        Assert.Single(names.Find("2.0.0.127.bad.example", DnsType.A));
        Assert.Empty(names.Find("1.0.0.127.bad.example", DnsType.A));
    }

    private static DnsblSites Sites(string text) =>
        DnsblSites.Parse(text, null, countsErrorAnswers: false, new RecordedWarnings(), new RecordedWarnings());
}
