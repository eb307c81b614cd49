using Postern.Core.Dnsbl;
using Postern.Core.Tables;

namespace Postern.Tests.Dnsbl;

/// <summary>Parsed <c>postscreen_dnsbl_sites</c> for tests.</summary>
internal static class Sites
{
    public static DnsblSites Of(string text, bool countsErrorAnswers = false, ILookupTable? replyMap = null)
    {
        var problems = new RecordedWarnings();
        var sites = DnsblSites.Parse(text, replyMap, countsErrorAnswers, problems, problems);
        Assert.Empty(problems.Texts);
        return sites;
    }

    public static DnsblList Named(this DnsblSites sites, string domain) => sites.Lists.Single(list => list.Domain == domain);

    public static uint[] Addresses(params string[] texts) => [.. texts.Select(text => Ip.Of(text).IPv4Bits)];
}
