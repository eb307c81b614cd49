using Postern.Core;
using Postern.Core.Dnsbl;
using Postern.Core.Rehearsal;
using Postern.Dns;

namespace Postern.Rehearsal;

/// <summary>What the DNS of a rehearsal holds: the clients' names, the configured DNS lists, and the senders' domains.</summary>
internal sealed class SampleNames : IDnsResolver
{
    private const uint Nobody = 0x7f000001, TestEntry = 0x7f000002; // RFC 5782 §5
    private const string ReverseDomain = ".in-addr.arpa";
    private const uint TimeToLive = 300;

    private readonly Dictionary<IpAddress, Host> _hosts = [];
    private readonly Dictionary<string, IpAddress> _names = [];
    private readonly DnsblSites? _sites;
    private readonly double _overlap;

    /// <param name="traffic">Whose clients are known here.</param>
    /// <param name="sites">The configured lists; null: none.</param>
    /// <param name="overlap">The share of listed clients that a single list knows.</param>
    public SampleNames(Traffic traffic, DnsblSites? sites, double overlap)
    {
        (_sites, _overlap) = (sites, overlap);
        foreach (var host in traffic.Senders.SelectMany(static sender => sender.Hosts))
        {
            _hosts[host.Address] = host;
            if (host is { Name: { } name, LeadsBack: true })
                _names[name] = host.Address;
        }
    }

    /// <summary>The records for a question; none: there is no such name.</summary>
    /// <param name="name">In lower case.</param>
    /// <param name="type">What is asked for.</param>
    public IReadOnlyList<DnsRecord> Find(string name, DnsType type)
    {
        if (type is DnsType.Reverse)
        {
            return TryReadReversed(name, ReverseDomain, out var address) && _hosts.GetValueOrDefault(address)?.Name is { } found
                ? [new DnsRecord(name, type, TimeToLive) { Target = found }] : [];
        }

        if (type is not DnsType.A)
            return [];
        if (_names.TryGetValue(name, out var own))
            return [new DnsRecord(name, type, TimeToLive) { Address = own }];
        foreach (var list in _sites?.Lists ?? [])
        {
            if (TryReadReversed(name, "." + list.Domain.ToLowerInvariant(), out var client))
                return AnswerOf(list, client) is { } answer ? [new DnsRecord(name, type, TimeToLive) { Address = IpAddress.FromIPv4(answer) }] : [];
        }

        return [];
    }

    /// <summary>For the built-in receiver, which wants to know whether senders' domains exist.</summary>
    public Task<DnsAnswer> LookUpAsync(string name, DnsType type, CancellationToken cancellation) => Task.FromResult(
        name == Traffic.NoDomain
            ? new DnsAnswer(DnsOutcome.NoSuchName, [], TimeSpan.Zero, null)
            : new DnsAnswer(DnsOutcome.Found, [new DnsRecord(name, type, TimeToLive) { Target = "mail." + name }], TimeSpan.Zero, null));

    private uint? AnswerOf(DnsblList list, IpAddress client)
    {
        if (client.IPv4Bits is Nobody)
            return null;
        var isTest = client.IPv4Bits is TestEntry;
        if (!isTest && !_hosts.ContainsKey(client))
            return null;
        var bad = list.Rules.FirstOrDefault(static rule => rule.Weight > 0);
        if (bad is not null && (isTest || (_hosts[client].IsListed && Knows(list, client, isBad: true))))
            return AnswerFor(bad);
        var good = list.Rules.FirstOrDefault(static rule => rule.Weight < 0);
        return good is not null && (isTest || (_hosts[client].IsPraised && Knows(list, client, isBad: false))) ? AnswerFor(good) : null;
    }

    /// <summary>One list knows every client that any list knows; which one differs from client to client.</summary>
    private bool Knows(DnsblList list, IpAddress client, bool isBad)
    {
        var others = _sites!.Lists.Where(other => other.Rules.Any(rule => rule.Weight > 0 == isBad)).ToList();
        var number = (uint)(client.IPv4Bits * 2654435761u); // Knuth's multiplicative hash: the same in every run
        return others[(int)(number % (uint)others.Count)] == list
            || (uint)((client.IPv4Bits + (uint)list.Index * 7919u) * 2246822519u) < _overlap * uint.MaxValue;
    }

    // The first answer that the rule's filter takes.
    private uint? AnswerFor(DnsblRule rule)
    {
        for (uint answer = 0x7f000002; answer <= 0x7f00ffff; answer++)
        {
            if (rule.Counts(answer, _sites!.CountsErrorAnswers))
                return answer;
        }

        return null;
    }

    private static bool TryReadReversed(string name, string domain, out IpAddress address)
    {
        address = default;
        if (!name.EndsWith(domain, StringComparison.Ordinal))
            return false;
        var labels = name[..^domain.Length].Split('.');
        Array.Reverse(labels);
        return labels.Length == 4 && IpAddress.TryParse(string.Join('.', labels), out address);
    }
}
