using Postern.Core;
using Postern.Core.Dnsbl;
using Postern.Core.Lanes;

namespace Postern.Dns;

/// <summary>
/// Finds the reverse names of clients, and whether they lead back: PTR, then A or AAAA, as getnameinfo(3) and
/// getaddrinfo(3) would, for the event loop. Sessions of one address share a lookup. There is no cache: the name server has
/// one, and a client that is known is not asked about.
/// </summary>
/// <param name="resolver">Carries the questions; ticked by whoever made it.</param>
internal sealed class ReverseLookups(UdpResolver resolver)
{
    /// <summary>Most names of one address that are looked up; a server has one.</summary>
    public const int MostNames = 3;

    private readonly Dictionary<IpAddress, Lookup> _lookups = [];

    /// <summary>Told of each answer, for everybody who asked.</summary>
    public Action<ulong, ReverseName>? Completed { get; set; }

    /// <summary>Lookups under way.</summary>
    public int Count => _lookups.Count;

    /// <summary>Looks up an address.</summary>
    /// <param name="client">The address.</param>
    /// <param name="token">Given to <see cref="Completed"/>, never from within this call.</param>
    public void Ask(IpAddress client, ulong token)
    {
        if (_lookups.TryGetValue(client, out var running))
        {
            running.Waiting.Add(token);
            return;
        }

        var lookup = _lookups[client] = new Lookup(client);
        lookup.Waiting.Add(token);
        resolver.Ask(new DnsQuestion(DnsblQuery.Text(client, client.IsIPv4 ? "in-addr.arpa" : "ip6.arpa"), DnsType.Reverse), answer => TakeNames(lookup, answer));
    }

    private void TakeNames(Lookup lookup, DnsAnswer answer)
    {
        switch (answer.Outcome)
        {
            case DnsOutcome.TemporaryFailure:
                End(lookup, ReverseName.Failed);
                return;
            case DnsOutcome.NoData or DnsOutcome.NoSuchName:
                End(lookup, ReverseName.None);
                return;
        }

        lookup.Names = [.. answer.Records.Take(MostNames).Select(static record => record.Target)];
        AskNext(lookup);
    }

    // One after the other: that there is more than one name is rare, and the first is nearly always the right one.
    private void AskNext(Lookup lookup)
    {
        while (lookup.Next < lookup.Names.Length)
        {
            var name = lookup.Names[lookup.Next++];
            if (HostNameSyntax.Problem(name) is not null)
                continue;
            var type = lookup.Client.IsIPv4 ? DnsType.A : DnsType.Aaaa;
            resolver.Ask(new DnsQuestion(name, type), answer => TakeAddresses(lookup, name, answer));
            return;
        }

        End(lookup, lookup.HasFailed ? ReverseName.Failed : new ReverseName(ReverseNameStatus.Unconfirmed, lookup.Names[0]));
    }

    private void TakeAddresses(Lookup lookup, string name, DnsAnswer answer)
    {
        lookup.HasFailed |= answer.Outcome is DnsOutcome.TemporaryFailure;
        foreach (var record in answer.Records)
        {
            if (record.Address == lookup.Client)
            {
                End(lookup, new ReverseName(ReverseNameStatus.Confirmed, name));
                return;
            }
        }

        AskNext(lookup);
    }

    private void End(Lookup lookup, ReverseName name)
    {
        _lookups.Remove(lookup.Client);
        foreach (var token in lookup.Waiting)
            Completed?.Invoke(token, name);
    }

    private sealed class Lookup(IpAddress client)
    {
        public IpAddress Client { get; } = client;

        public List<ulong> Waiting { get; } = new(1);

        public string[] Names { get; set; } = [];

        /// <summary>The place of the name that is asked for after this one.</summary>
        public int Next { get; set; }

        /// <summary>For some name DNS could not say.</summary>
        public bool HasFailed { get; set; }
    }
}
