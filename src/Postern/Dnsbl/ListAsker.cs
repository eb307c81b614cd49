using System.Diagnostics;
using Postern.Core;
using Postern.Core.Dnsbl;
using Postern.Dns;
using Postern.Metrics;

namespace Postern.Dnsbl;

/// <summary>
/// One domain of <c>postscreen_dnsbl_sites</c> as the daemon knows it: its name on the wire, how it is, and when it was
/// last complained about. Asks it now and then for the addresses that RFC 5782 §5 sets aside for tests, without any client
/// having to wait for that.
/// </summary>
internal sealed class ListAsker : IAnswerTaker
{
    private const long FirstCheck = 30_000; // a daemon that has just started has clients to serve
    private const long CheckOfSick = 60_000;
    private const long ComplaintInterval = 3_600_000;
    private const int LoopbackTag = 1, TestEntryTag = 2;
    private static readonly IpAddress Loopback = IpAddress.FromIPv4(0x7f000001);
    private static readonly IpAddress TestEntry = IpAddress.FromIPv4(0x7f000002);

    private readonly UdpResolver _resolver;
    private readonly IWarningSink _log;
    private readonly byte[] _domain;
    private readonly ListHealth _health = new();
    private long _now;
    private long _nextCheck;
    private long _lastComplaint = -ComplaintInterval;

    /// <param name="list">The list.</param>
    /// <param name="withErrors">Whether its error answers count.</param>
    /// <param name="resolver">Carries the questions.</param>
    /// <param name="log">Told of what the administrator should know.</param>
    /// <param name="now">Monotonic milliseconds.</param>
    public ListAsker(DnsblList list, bool withErrors, UdpResolver resolver, IWarningSink log, long now)
    {
        (List, WithErrors, _resolver, _log) = (list, withErrors, resolver, log);
        Span<byte> domain = stackalloc byte[DnsCodec.MaxQueryLength];
        var length = DnsCodec.WriteName(domain, list.Domain);
        Debug.Assert(length > 0); // a valid host name
        _domain = domain[..length].ToArray();
        _nextCheck = now + FirstCheck;
    }

    /// <summary>The list as it is configured now.</summary>
    public DnsblList List { get; set; }

    /// <summary>Whether its error answers count.</summary>
    public bool WithErrors { get; set; }

    /// <summary>Milliseconds between checks; 0: its health is not watched.</summary>
    public long CheckInterval { get; set; }

    /// <summary>Whether it counts.</summary>
    public bool IsWell => CheckInterval == 0 || _health.IsWell;

    /// <summary>Monotonic milliseconds of the next check.</summary>
    public long NextCheck => CheckInterval == 0 ? long.MaxValue : _nextCheck;

    /// <summary>Asks about an address.</summary>
    /// <param name="prefix">The address as <see cref="DnsblQuery.WritePrefix"/> has it.</param>
    public void Ask(ReadOnlySpan<byte> prefix, IAnswerTaker taker, int tag) => _resolver.Ask(prefix, _domain, taker, tag);

    /// <summary>What its answers about clients were.</summary>
    public ListCounts Counts { get; } = new();

    /// <summary>An answer about a client has come.</summary>
    /// <param name="now">Monotonic milliseconds.</param>
    /// <param name="askedAt">Likewise.</param>
    public void OnClientAnswer(in AddressAnswer answer, long now, long askedAt)
    {
        _now = now;
        Counts.Add(Judge(answer), TimeSpan.FromMilliseconds(now - askedAt));
    }

    /// <summary>Asks for the test addresses when it is time.</summary>
    public void Tick(long now)
    {
        _now = now;
        if (now < NextCheck)
            return;
        _nextCheck = now + (_health.IsWell ? CheckInterval : Math.Min(CheckInterval, CheckOfSick));
        Span<byte> prefix = stackalloc byte[DnsblQuery.MaxPrefixLength];
        Ask(prefix[..DnsblQuery.WritePrefix(prefix, Loopback)], this, LoopbackTag);
        Ask(prefix[..DnsblQuery.WritePrefix(prefix, TestEntry)], this, TestEntryTag);
    }

    /// <inheritdoc />
    public void OnAnswer(int tag, in AddressAnswer answer)
    {
        var judged = Judge(answer);
        Tell(tag == LoopbackTag ? _health.OnLoopbackCheck(judged) : _health.OnTestEntryCheck(judged));
    }

    private ListAnswer Judge(in AddressAnswer answer)
    {
        var judged = answer.HasFailed ? ListAnswer.Failed : ListAnswer.NotListed;
        foreach (var address in answer.Addresses)
        {
            if (List.Counts(address, WithErrors))
            {
                judged = ListAnswer.Listed;
            }
            else if (!WithErrors && List.IsErrorAnswer(address))
            {
                judged = judged is ListAnswer.Listed ? judged : ListAnswer.Failed;
                Complain(address);
            }
        }

        if (CheckInterval > 0)
            Tell(_health.OnAnswer(judged, TimeSpan.FromMilliseconds(_now)));
        return judged;
    }

    private void Complain(uint address)
    {
        if (_now - _lastComplaint < ComplaintInterval)
            return;
        _lastComplaint = _now;
        _log.Warn($"DNS list {List.Domain} answers {IpAddress.FromIPv4(address)}, which does not count as a listing: {ErrorAnswer.Meaning(address)}");
    }

    private void Tell(string? change)
    {
        if (change is null)
            return;
        _log.Warn($"DNS list {List.Domain} {change}");
        if (!_health.IsWell)
            _nextCheck = Math.Min(_nextCheck, _now + CheckOfSick);
    }
}
