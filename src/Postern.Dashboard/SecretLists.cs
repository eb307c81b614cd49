using System.Text.Json;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Dnsbl;

namespace Postern.Dashboard;

/// <summary>Keeps the keys of paid DNS lists out of what the page shows: whoever can reach it sees all of it.</summary>
internal sealed class SecretLists
{
    private readonly (string Domain, string Shown)[] _names;

    /// <param name="services">With their lists.</param>
    public SecretLists(IEnumerable<ScreeningService> services)
    {
        var lists = services.SelectMany(static service => service.Settings.DnsblSites?.Lists ?? []).DistinctBy(static list => list.Domain, StringComparer.OrdinalIgnoreCase);
        _names = [.. lists.Select(static list => (list.Domain, Shown: ListName.ToShow(list, Unheard.Sink))).Where(static name => name.Shown != name.Domain).OrderByDescending(static name => name.Domain.Length)];
    }

    /// <summary>A line of JSON, with the names that may be shown.</summary>
    public string HideIn(string json)
    {
        foreach (var (domain, shown) in _names)
            json = json.Replace(domain, JsonEncodedText.Encode(shown).ToString(), StringComparison.OrdinalIgnoreCase);
        return json;
    }

    /// <summary>The value of a parameter, without keys of lists that are not in use as well.</summary>
    public static string HideIn(string name, string value) => name is "postscreen_dnsbl_sites" or "postscreen_dnsbl_reply_map" ? ListName.WithoutKeys(value) : value;

    /// <summary>What the daemon warns of, it has warned of.</summary>
    private sealed class Unheard : IWarningSink
    {
        public static readonly Unheard Sink = new();

        public void Warn(string text)
        {
        }
    }
}
