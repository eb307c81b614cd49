namespace Postern.Core.Config;

/// <summary>The internet protocols in use (<c>inet_protocols</c>).</summary>
public readonly record struct InetProtocols(bool IPv4, bool IPv6)
{
    /// <summary>Whether an address belongs to a protocol in use.</summary>
    public bool Has(IpAddress address) => address.IsIPv4 ? IPv4 : IPv6;
}

/// <summary><c>inet_protocols</c>, <c>inet_interfaces</c> and the default of <c>mynetworks</c>.</summary>
internal static class Networks
{
    private static readonly char[] Separators = [',', ' ', '\t', '\r', '\n'];

    public static InetProtocols ReadProtocols(ParameterValues values, HostFacts host, ProblemList problems)
    {
        var text = values.Text("inet_protocols");
        var origin = values.OriginOf("inet_protocols");
        var protocols = default(InetProtocols);
        foreach (var word in Words(text))
        {
            switch (word)
            {
                case "all": protocols = new InetProtocols(true, true); break;
                case "ipv4": protocols = protocols with { IPv4 = true }; break;
                case "ipv6": protocols = protocols with { IPv6 = true }; break;
                default:
                    problems.Error(
                        origin, $"unknown inet_protocols value \"{word}\" in \"{text}\"", "write all, ipv4 or ipv6");
                    return new InetProtocols(true, true);
            }
        }

        if (protocols.IPv6 && host.NoIPv6Reason is { } reason)
        {
            problems.Warning(
                origin,
                $"inet_protocols: disabling IPv6 name/address support: {reason}",
                "write inet_protocols = ipv4 to say that this machine is without IPv6");
            protocols = protocols with { IPv6 = false };
        }

        if (!protocols.IPv4 && !protocols.IPv6)
            problems.Error(
                origin, $"all network protocols are disabled (inet_protocols = {text})", "write all, ipv4 or ipv6");
        return protocols;
    }

    /// <summary>The own addresses that <c>inet_interfaces</c> names.</summary>
    public static List<IpAddress> OwnAddresses(
        ParameterValues values, HostFacts host, InetProtocols protocols, ProblemList problems)
    {
        var addresses = new List<IpAddress>();
        var origin = values.OriginOf("inet_interfaces");
        var words = Words(values.Text("inet_interfaces"));
        if (words is ["all"] or ["loopback-only"])
        {
            foreach (var own in host.Addresses)
            {
                if (protocols.Has(own.Address) && (words[0] == "all" || own.Address.IsLoopback))
                    AddOnce(addresses, own.Address);
            }

            return addresses;
        }

        foreach (var word in words)
        {
            var name = word is ['[', .. var inner, ']'] ? inner : word;
            IReadOnlyList<IpAddress> found = IpAddress.TryParse(name, out var literal) ? [literal] : host.ResolveHost(name);
            var any = false;
            foreach (var address in found)
            {
                if (!protocols.Has(address))
                    continue;
                any = true;
                if (PrefixLength(address, host) is null)
                    problems.Error(
                        origin,
                        $"parameter inet_interfaces: no local interface found for {address}",
                        "name addresses of this machine only, or write all");
                else
                    AddOnce(addresses, address);
            }

            if (!any)
                problems.Error(
                    origin,
                    $"config variable inet_interfaces: host not found: {word}",
                    "name this machine or its addresses, or write all or loopback-only");
        }

        return addresses;
    }

    /// <summary>The default of <c>mynetworks</c>: a network for each own address.</summary>
    public static string MyNetworks(
        ParameterValues values, HostFacts host, IReadOnlyList<IpAddress> ownAddresses, ProblemList problems)
    {
        var text = values.Text("mynetworks_style");
        var origin = values.OriginOf("mynetworks_style");
        var words = Words(text);
        if (words.Length != 1)
        {
            problems.Error(
                origin, $"bad mynetworks_style value: {text}; specify exactly one value", "write host, subnet or class");
            return "";
        }

        var networks = new List<string>();
        foreach (var address in ownAddresses)
        {
            var full = address.IsIPv4 ? 32 : 128;
            int? length = words[0] switch
            {
                "host" => full,
                "subnet" => PrefixLength(address, host) ?? full,
                "class" when !address.IsIPv4 => PrefixLength(address, host) ?? full,
                "class" => ClassPrefixLength(address),
                _ => null,
            };
            if (length is null)
            {
                problems.Error(
                    origin,
                    words[0] == "class"
                        ? $"mynetworks_style: address {address} belongs to no class"
                        : $"unknown mynetworks mask style value \"{words[0]}\" in \"{text}\"",
                    "write host, subnet or class");
                return "";
            }

            var network = address.Network(length.Value);
            var one = address.IsIPv4 ? $"{network}/{length}" : $"[{network}]/{length}";
            if (!networks.Contains(one))
                networks.Add(one);
        }

        return string.Join(' ', networks);
    }

    /// <summary>What <see cref="MyNetworks"/> is with <c>mynetworks_style = host</c>.</summary>
    public static string HostStyle(IReadOnlyList<IpAddress> ownAddresses) =>
        string.Join(' ', ownAddresses.Select(static address => address.IsIPv4 ? $"{address}/32" : $"[{address}]/128"));

    /// <summary>Splits a list as Postfix does, at commas and white space.</summary>
    public static string[] Words(string text) => text.Split(Separators, StringSplitOptions.RemoveEmptyEntries);

    private static void AddOnce(List<IpAddress> addresses, IpAddress address)
    {
        if (!addresses.Contains(address))
            addresses.Add(address);
    }

    private static int? PrefixLength(IpAddress address, HostFacts host)
    {
        foreach (var own in host.Addresses)
        {
            if (own.Address == address)
                return own.PrefixLength;
        }

        return null;
    }

    private static int? ClassPrefixLength(IpAddress address) => (address.IPv4Bits >> 24) switch
    {
        < 128 => 8,
        < 192 => 16,
        < 224 => 24,
        < 240 => 4,
        _ => null,
    };
}
