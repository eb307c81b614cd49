using Postern.Core;
using Postern.Core.Dnsbl;
using Postern.Core.Lanes;

namespace Postern.Dns;

/// <summary>
/// One search for a client's reverse name, and whether it leads back: PTR, then A or AAAA, as getnameinfo(3) and
/// getaddrinfo(3) would. It says what to ask; whoever it serves asks.
/// </summary>
internal sealed class ReverseSearch(IpAddress client)
{
    private const int MostNames = 3; // of one address; a server has one

    private string[]? _names;
    private int _next;
    private bool _hasFailed;

    /// <summary>The question to begin with.</summary>
    public DnsQuestion First => new(DnsblQuery.Text(client, client.IsIPv4 ? "in-addr.arpa" : "ip6.arpa"), DnsType.Reverse);

    /// <summary>What has come of it, once there is nothing more to ask.</summary>
    public ReverseName Result { get; private set; }

    /// <summary>Takes the answer to the question before.</summary>
    /// <returns>The next question; null: there is a <see cref="Result"/>.</returns>
    public DnsQuestion? Take(DnsAnswer answer)
    {
        if (_names is null)
            return TakeNames(answer);
        _hasFailed |= answer.Outcome is DnsOutcome.TemporaryFailure;
        return answer.Records.Any(record => record.Address == client)
            ? End(new ReverseName(ReverseNameStatus.Confirmed, _names[_next - 1]))
            : Next(_names);
    }

    private DnsQuestion? TakeNames(DnsAnswer answer)
    {
        switch (answer.Outcome)
        {
            case DnsOutcome.TemporaryFailure:
                return End(ReverseName.Failed);
            case DnsOutcome.NoData or DnsOutcome.NoSuchName:
                return End(ReverseName.None);
        }

        _names = [.. answer.Records.Take(MostNames).Select(static record => record.Target)];
        return Next(_names);
    }

    // One after the other: that there is more than one name is rare, and the first is nearly always the right one.
    private DnsQuestion? Next(string[] names)
    {
        while (_next < names.Length)
        {
            var name = names[_next++];
            if (HostNameSyntax.Problem(name) is null)
                return new DnsQuestion(name, client.IsIPv4 ? DnsType.A : DnsType.Aaaa);
        }

        return End(_hasFailed ? ReverseName.Failed : new ReverseName(ReverseNameStatus.Unconfirmed, names[0]));
    }

    private DnsQuestion? End(ReverseName result)
    {
        Result = result;
        return null;
    }
}
