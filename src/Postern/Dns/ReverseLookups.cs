using Postern.Core;
using Postern.Core.Lanes;

namespace Postern.Dns;

/// <summary>
/// Finds the reverse names of clients for the event loop. Sessions of one address share a search. There is no cache: the
/// name server has one, and a client that is known is not asked about.
/// </summary>
/// <param name="resolver">Carries the questions; ticked by whoever made it.</param>
internal sealed class ReverseLookups(UdpResolver resolver)
{
    private readonly Dictionary<IpAddress, Lookup> _lookups = [];

    /// <summary>Lookups under way.</summary>
    public int Count => _lookups.Count;

    /// <summary>Looks up an address.</summary>
    /// <param name="client">The address.</param>
    /// <param name="token">Names who asks.</param>
    /// <param name="told">Is given the token with the answer, never from within this call.</param>
    public void Ask(IpAddress client, ulong token, Action<ulong, ReverseName> told)
    {
        if (_lookups.TryGetValue(client, out var running))
        {
            running.Waiting.Add((token, told));
            return;
        }

        var lookup = _lookups[client] = new Lookup(client);
        lookup.Waiting.Add((token, told));
        Ask(lookup, lookup.Search.First);
    }

    private void Ask(Lookup lookup, DnsQuestion question) => resolver.Ask(question, answer =>
    {
        if (lookup.Search.Take(answer) is { } next)
        {
            Ask(lookup, next);
            return;
        }

        _lookups.Remove(lookup.Client);
        foreach (var (token, told) in lookup.Waiting)
            told(token, lookup.Search.Result);
    });

    private sealed class Lookup(IpAddress client)
    {
        public IpAddress Client { get; } = client;

        public ReverseSearch Search { get; } = new(client);

        public List<(ulong Token, Action<ulong, ReverseName> Told)> Waiting { get; } = new(1);
    }
}
