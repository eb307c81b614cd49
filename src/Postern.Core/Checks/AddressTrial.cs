using Postern.Core.Config;
using Postern.Core.Lanes;
using Postern.Core.Tables;

namespace Postern.Core.Checks;

/// <summary>Asks the lists of a service about addresses, as when a client comes from there: those that lists and tables name, and some that nobody does.</summary>
internal sealed class AddressTrial(ScreeningService service, TableCatalog tables, FindingList findings)
{
    private const int MaxAddresses = 2000;
    private const int DeepestNesting = 20;

    // Of the networks for documentation (RFC 5737, RFC 3849), and this machine's own.
    private static readonly string[] Strangers = ["198.51.100.77", "2001:db8:77::77", "127.0.0.1", "::1"];

    private readonly Settings _settings = service.Settings;
    private readonly WarningCollector _warnings = new();

    public void Run()
    {
        var list = _settings.AccessList;
        var addresses = Strangers.Concat(list.Tables.Concat(list.MyNetworks.Tables).SelectMany(table => KeysOf(table, depth: 0))).Select(FirstAddressOf).OfType<IpAddress>()
            .Concat(list.MyNetworks.Patterns.Select(static pattern => pattern.First).OfType<IpAddress>())
            .Where(_settings.Protocols.Has).Distinct().Take(MaxAddresses).ToList();
        Try("postscreen_access_list", "mend the table; until then what follows it in postscreen_access_list does not count", addresses, address => list.Evaluate(address, _warnings));
        Try("postscreen_allowlist_interfaces", "mend the list; until then no client that needs a test is let in", addresses, address => _settings.AllowlistInterfaces.Match(address, _warnings));
        if (_settings.ProxyNetworks is { } proxies)
            Try("postern_proxy_networks", "mend the list; until then everybody is turned away with 421", addresses, address => proxies.Match(address, _warnings));
        if (_settings.Lanes is { } lanes)
            Try("postern_rdns_server_maps", "mend the table; until then it decides nothing", addresses[..1], _ => lanes.Rules.Classify(new ReverseName(ReverseNameStatus.Confirmed, "host-77.example.com"), _warnings));
    }

    private void Try<T>(string parameter, string remedy, IEnumerable<IpAddress> addresses, Func<IpAddress, T> ask)
    {
        foreach (var address in addresses)
        {
            _ = ask(address);
            findings.AddOfClient(_warnings.Take(), service.OriginOf(parameter), remedy);
        }
    }

    /// <summary>What the table has entries for; of a table of tables, what these have.</summary>
    private IEnumerable<string> KeysOf(string table, int depth)
    {
        if (tables.RulesOf(table) is { } rules)
            return rules.Rules.Take(MaxAddresses).Select(static rule => rule.Key);
        var brace = table.IndexOf(":{", StringComparison.Ordinal);
        if (brace < 0 || depth >= DeepestNesting || !ListText.TryStripBraces(table.AsSpan(brace + 1), out var inner, out _))
            return [];
        var keys = new List<string>();
        while (ListText.TryTakeToken(ref inner, out var token))
            keys.AddRange(KeysOf(token.ToString(), depth + 1));
        return keys;
    }

    private static IpAddress? FirstAddressOf(string key) => IpNetwork.TryParse(key, out var network, out _) ? network.Address : null;
}
