using System.Diagnostics;
using System.Net;
using Postern.Core;
using Postern.Core.Dnsbl;
using Postern.Dns;
using Postern.Metrics;

namespace Postern.Dnsbl;

/// <summary>
/// One domain of <c>postscreen_dnsbl_sites</c> as the daemon knows it: its name on the wire, how it is, and when it was
/// last complained about. Asks it at the start, and now and then, for the addresses that RFC 5782 §5 sets aside for tests,
/// without any client having to wait for that.
/// </summary>
internal sealed class ListAsker : IAnswerTaker
{
    private const long CheckOfSick = 60_000;
    private const long CheckOfSuspected = 10_000;
    private const long FirstRetry = 1_000; // of a check without an answer; then twice as long each time
    private const long ComplaintInterval = 3_600_000;
    private const int LoopbackTag = 1, TestEntryTag = 2;
    private static readonly IpAddress Loopback = IpAddress.FromIPv4(0x7f000001);
    private static readonly IpAddress TestEntry = IpAddress.FromIPv4(0x7f000002);

    private readonly UdpResolver _resolver;
    private readonly IWarningSink _log;
    private readonly byte[] _domain;
    private readonly ListHealth _health;
    private ListAnswer? _loopback, _testEntry; // of the check under way
    private bool _isCheckOut, _isExplained;
    private LookupProblem? _problem; // the last
    private IPEndPoint? _server; // who has answered the last check
    private string? _trouble;
    private long _now;
    private long _nextCheck;
    private long _retry = FirstRetry;
    private long _lastComplaint = -ComplaintInterval, _lastFailure = -ComplaintInterval;

    /// <param name="list">The list.</param>
    /// <param name="withErrors">Whether its error answers count.</param>
    /// <param name="resolver">Carries the questions.</param>
    /// <param name="log">Told of what the administrator should know.</param>
    /// <param name="known">What the process before this one has found; null: nothing.</param>
    /// <param name="now">Monotonic milliseconds.</param>
    public ListAsker(DnsblList list, bool withErrors, UdpResolver resolver, IWarningSink log, KnownList? known, long now)
    {
        (List, WithErrors, _resolver, _log) = (list, withErrors, resolver, log);
        Span<byte> domain = stackalloc byte[DnsCodec.MaxQueryLength];
        var length = DnsCodec.WriteName(domain, list.Domain);
        Debug.Assert(length > 0); // a valid host name
        _domain = domain[..length].ToArray();
        _health = new ListHealth(known is not null, known?.HasTestEntry is true);
        _nextCheck = now;
    }

    /// <summary>The list as it is configured now.</summary>
    public DnsblList List { get; set; }

    /// <summary>Whether its error answers count.</summary>
    public bool WithErrors { get; set; }

    /// <summary>Milliseconds between checks; 0: its health is not watched.</summary>
    public long CheckInterval { get; set; }

    /// <summary>How it is.</summary>
    public ListState State => CheckInterval == 0 ? ListState.Healthy : _health.State;

    /// <summary>Whether clients are asked about.</summary>
    public bool IsAsked => State is not (ListState.ListsEverybody or ListState.OnlyErrors);

    /// <summary>What is wrong with it, as it was logged; null: nothing, or that is not known yet.</summary>
    public string? Trouble => State is ListState.Healthy ? null : _trouble;

    /// <summary>Who has answered the last check, as resolv.conf(5) has it; null: nobody.</summary>
    public string? Resolver => _server is null ? null : LookupProblem.NameOf(_server);

    /// <summary>What the next process may begin with; null: nothing.</summary>
    public KnownList? Known => State is ListState.Healthy && CheckInterval > 0 ? new KnownList(List.Domain, _health.HasTestEntry) : null;

    /// <summary>Told when a check has been answered, or was not.</summary>
    public Action<ListAsker>? Checked { get; init; }

    /// <summary>Monotonic milliseconds of the next check.</summary>
    public long NextCheck => CheckInterval == 0 || _isCheckOut ? long.MaxValue : _nextCheck;

    /// <summary>What its answers about clients were.</summary>
    public ListCounts Counts { get; } = new();

    /// <summary>Asks about an address.</summary>
    /// <param name="prefix">The address as <see cref="DnsblQuery.WritePrefix"/> has it.</param>
    public void Ask(ReadOnlySpan<byte> prefix, IAnswerTaker taker, int tag) => _resolver.Ask(prefix, _domain, taker, tag);

    /// <summary>An answer about a client has come.</summary>
    /// <param name="now">Monotonic milliseconds.</param>
    /// <param name="askedAt">Likewise.</param>
    public void OnClientAnswer(in AddressAnswer answer, long now, long askedAt)
    {
        _now = now;
        Counts.Add(Judge(answer), TimeSpan.FromMilliseconds(now - askedAt));
        if (answer.Problem is { } problem && CheckInterval > 0 && now - _lastFailure >= ComplaintInterval)
        {
            _lastFailure = now;
            _log.Warn($"DNS list {List.Domain} could not be asked about a client: {problem}");
        }

        if (_health.IsSuspected)
            _nextCheck = Math.Min(_nextCheck, now + Math.Min(CheckInterval, CheckOfSuspected));
    }

    /// <summary>Asks for the test addresses when it is time.</summary>
    public void Tick(long now)
    {
        _now = now;
        if (now < NextCheck)
            return;
        (_isCheckOut, _isExplained, _loopback, _testEntry) = (true, false, null, null);
        Span<byte> prefix = stackalloc byte[DnsblQuery.MaxPrefixLength];
        Ask(prefix[..DnsblQuery.WritePrefix(prefix, Loopback)], this, LoopbackTag);
        Ask(prefix[..DnsblQuery.WritePrefix(prefix, TestEntry)], this, TestEntryTag);
    }

    /// <inheritdoc />
    public void OnAnswer(int tag, in AddressAnswer answer)
    {
        var judged = Judge(answer);
        _server = answer.HasFailed && _server is not null ? _server : answer.Server;
        if (tag == LoopbackTag)
        {
            _loopback = judged;
        }
        else
        {
            // Filters are about clients; here it matters whether the address came through.
            _testEntry = judged is ListAnswer.NotListed && !answer.Addresses.IsEmpty ? ListAnswer.Listed : judged;
            _isExplained = ListDiagnosis.ExplainsRebinding(answer.Problem?.Explanation);
            _server = answer.Server ?? _server; // the one that hides something
        }

        if (_loopback is { } loopback && _testEntry is { } testEntry)
            Conclude(_health.OnCheck(loopback, testEntry, _isExplained));
    }

    private void Conclude(HealthNews? news)
    {
        _isCheckOut = false;
        var isUnchecked = _health.State is ListState.Unchecked;
        _nextCheck = _now + (isUnchecked ? _retry
            : _health.IsSuspected ? Math.Min(CheckInterval, CheckOfSuspected)
            : _health.State is ListState.Healthy ? CheckInterval : Math.Min(CheckInterval, CheckOfSick));
        _retry = isUnchecked ? Math.Min(2 * _retry, CheckOfSick) : FirstRetry;
        Tell(news);
        Checked?.Invoke(this);
    }

    private ListAnswer Judge(in AddressAnswer answer)
    {
        var judged = answer.Problem is { } problem ? problem.IsAnswer ? ListAnswer.Failed : ListAnswer.Silent
            : answer.NameExists && answer.Addresses.IsEmpty ? ListAnswer.Empty : ListAnswer.NotListed;
        foreach (var address in answer.Addresses)
        {
            if (List.Counts(address, WithErrors))
            {
                judged = ListAnswer.Listed;
            }
            else if (!WithErrors && List.IsErrorAnswer(address))
            {
                judged = judged is ListAnswer.Listed ? judged : ListAnswer.ErrorCode;
                Complain(address);
            }
        }

        _problem = answer.Problem ?? _problem;
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

    private void Tell(HealthNews? told)
    {
        if (told is not { } news)
            return;
        if (news.IsGood)
        {
            _log.Note($"DNS list {List.Domain} {news.Text}");
            return;
        }

        _trouble = news.State switch
        {
            ListState.Hidden => $"{Resolver} {news.Text}: it seems to protect against DNS rebinding{(_isExplained ? $", and says so ({_problem?.Explanation})" : "")}, "
                + $"so that listings do not get here and refuse nobody; {ListDiagnosis.RebindRemedy(List.Domain)}",
            ListState.OnlyErrors or ListState.Unchecked when _problem is { } problem => $"{news.Text} ({problem})",
            _ => news.Text,
        };
        _log.Warn($"DNS list {List.Domain}{(news.State is ListState.Hidden ? ":" : "")} {_trouble}");
        if (news.State is not (ListState.Healthy or ListState.Unchecked))
            _nextCheck = Math.Min(_nextCheck, _now + CheckOfSick);
    }
}
