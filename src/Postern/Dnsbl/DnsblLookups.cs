using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Dnsbl;
using Postern.Dns;
using Postern.Logging;

namespace Postern.Dnsbl;

/// <summary>
/// Asks DNS lists about clients, for the event loop, and keeps what postscreen and dnsblog keep between them: who is told,
/// what is logged, how long a list may take. All of it on the loop's thread.
/// </summary>
internal sealed class DnsblLookups
{
    private readonly UdpResolver _resolver;
    private readonly MailLog _log;
    private readonly LogTags _tags;
    private readonly TimeProvider _clock;
    private readonly long _origin;
    private readonly List<ListAsker> _lists = [];
    private readonly Dictionary<DnsblSites, ListAsker[]> _bySites = [];
    private readonly PriorityQueue<Request, long> _timeouts = new();
    private readonly PriorityQueue<DelayedAnswer, long> _delayed = new();
    private readonly ByteBuffer _line = new();

    /// <param name="resolver">Carries the questions; ticked here.</param>
    /// <param name="log">Takes the lines.</param>
    /// <param name="tags">Under which names.</param>
    /// <param name="clock">Monotonic time.</param>
    public DnsblLookups(UdpResolver resolver, MailLog log, LogTags tags, TimeProvider clock)
    {
        (_resolver, _log, _tags, _clock) = (resolver, log, tags, clock);
        _origin = clock.GetTimestamp();
    }

    /// <summary>Told of each score that is complete: <see cref="DnsblScore.Waiting"/> wait for that.</summary>
    public Action<DnsblScore>? Completed { get; set; }

    /// <summary>Milliseconds until <see cref="Tick"/> has something to do; -1: nothing until an answer comes.</summary>
    public int UntilNext
    {
        get
        {
            var next = long.MaxValue;
            foreach (var list in _lists)
                next = Math.Min(next, list.NextCheck);
            if (_timeouts.TryPeek(out _, out var timeout))
                next = Math.Min(next, timeout);
            if (_delayed.TryPeek(out _, out var delay))
                next = Math.Min(next, delay);
            var own = next == long.MaxValue ? -1 : (int)Math.Clamp(next - Now, 0, 60_000);
            var resolver = _resolver.UntilNext;
            return own < 0 ? resolver : resolver < 0 ? own : Math.Min(own, resolver);
        }
    }

    /// <summary>The lists of all services.</summary>
    public IReadOnlyList<ListAsker> Lists => _lists;

    private long Now => (long)_clock.GetElapsedTime(_origin).TotalMilliseconds;

    /// <summary>Keeps the lists of these services, and what is known of them; forgets the others.</summary>
    public void Configure(IEnumerable<Settings> services)
    {
        var named = new HashSet<string>(StringComparer.Ordinal);
        _bySites.Clear();
        foreach (var settings in services)
        {
            if (settings.DnsblSites is not { } sites)
                continue;
            foreach (var asker in AskersOf(sites))
            {
                named.Add(asker.List.Domain);
                (asker.List, asker.WithErrors) = (sites.Lists.First(list => list.Domain == asker.List.Domain), sites.CountsErrorAnswers);
                asker.CheckInterval = (long)settings.DnsblCheckInterval.TotalMilliseconds;
            }
        }

        _lists.RemoveAll(asker => !named.Contains(asker.List.Domain));
    }

    /// <summary>Asks every list that is well about the client.</summary>
    /// <param name="score">Takes the answers.</param>
    public void Ask(DnsblScore score, IpAddress client, Settings settings)
    {
        var request = new Request(this, score, client, AskersOf(score.Sites), (int)settings.DnsblTimeout.TotalSeconds, (long)settings.DnsblReplyDelay.TotalMilliseconds);
        var count = 0;
        foreach (var asker in request.Lists)
            count += asker.IsWell ? 1 : 0;
        score.Start(count);
        if (count == 0)
            return;

        Span<byte> prefix = stackalloc byte[DnsblQuery.MaxPrefixLength];
        prefix = prefix[..DnsblQuery.WritePrefix(prefix, client)];
        for (var i = 0; i < request.Lists.Length; i++)
        {
            if (request.Lists[i].IsWell)
                request.Lists[i].Ask(prefix, request, i);
            else
                score.GiveUp(score.Sites.Lists[i]);
        }

        _timeouts.Enqueue(request, Now + (long)settings.DnsblTimeout.TotalMilliseconds);
    }

    /// <summary>Does what has become due.</summary>
    public void Tick()
    {
        _resolver.Tick();
        var now = Now;
        while (_delayed.TryPeek(out var answer, out var due) && due <= now)
        {
            _delayed.Dequeue();
            Add(answer.Score, answer.List, answer.Addresses, answer.TimeToLive, answer.After);
        }

        while (_timeouts.TryPeek(out var request, out var due) && due <= now)
        {
            _timeouts.Dequeue();
            GiveUp(request);
        }

        foreach (var list in _lists)
            list.Tick(now);
    }

    private ListAsker[] AskersOf(DnsblSites sites)
    {
        if (_bySites.TryGetValue(sites, out var askers))
            return askers;
        askers = new ListAsker[sites.Lists.Length];
        foreach (var list in sites.Lists)
        {
            if (_lists.Find(known => known.List.Domain == list.Domain) is not { } asker)
            {
                asker = new ListAsker(list, sites.CountsErrorAnswers, _resolver, new WarningLog(_log, _tags.Postern), Now);
                _lists.Add(asker);
            }

            askers[list.Index] = asker;
        }

        return _bySites[sites] = askers;
    }

    private void OnAnswer(Request request, int index, in AddressAnswer answer)
    {
        var list = request.Score.Sites.Lists[index];
        if (answer.HasFailed)
        {
            LogText.DnsblLookupError(_line, DnsblQuery.Text(request.Client, list.Domain));
            WriteLine(LogSeverity.Warning);
        }

        foreach (var address in answer.Addresses)
        {
            LogText.Listed(_line, request.Client, list.Domain, address);
            WriteLine(LogSeverity.Info);
        }

        var now = Now;
        request.Lists[index].OnClientAnswer(answer, now, request.AskedAt);
        var after = TimeSpan.FromMilliseconds(now - request.AskedAt + request.ReplyDelay);
        if (request.ReplyDelay > 0)
            _delayed.Enqueue(new DelayedAnswer(request.Score, list, answer.Addresses.ToArray(), answer.TimeToLive, after), now + request.ReplyDelay);
        else
            Add(request.Score, list, answer.Addresses, answer.TimeToLive, after);
    }

    private void Add(DnsblScore score, DnsblList list, ReadOnlySpan<uint> addresses, int timeToLive, TimeSpan after)
    {
        if (score.Add(list, addresses, timeToLive, after))
            Completed?.Invoke(score);
    }

    // Such a score is never complete: the client's session waits for its own timer.
    private void GiveUp(Request request)
    {
        for (var i = 0; i < request.Lists.Length; i++)
        {
            var list = request.Score.Sites.Lists[i];
            if (!request.Score.GiveUp(list))
                continue;
            request.Lists[i].Counts.TimedOut++;
            _log.Write(_tags.Postscreen, LogSeverity.Warning, $"dnsblog reply timeout {request.Timeout}s for {list.Domain}");
        }
    }

    private void WriteLine(LogSeverity severity)
    {
        _log.Write(_tags.Dnsblog, severity, _line.Written);
        _line.Truncate(0);
    }

    /// <summary>The queries for one score.</summary>
    private sealed class Request(DnsblLookups lookups, DnsblScore score, IpAddress client, ListAsker[] lists, int timeout, long replyDelay) : IAnswerTaker
    {
        public DnsblScore Score { get; } = score;

        public IpAddress Client { get; } = client;

        public ListAsker[] Lists { get; } = lists;

        /// <summary><c>postscreen_dnsbl_timeout</c>, in seconds.</summary>
        public int Timeout { get; } = timeout;

        /// <summary>Monotonic milliseconds.</summary>
        public long AskedAt { get; } = lookups.Now;

        /// <summary><c>dnsblog_reply_delay</c>, in milliseconds.</summary>
        public long ReplyDelay { get; } = replyDelay;

        public void OnAnswer(int tag, in AddressAnswer answer) => lookups.OnAnswer(this, tag, answer);
    }

    /// <summary>An answer that is kept for <c>dnsblog_reply_delay</c>.</summary>
    private sealed record DelayedAnswer(DnsblScore Score, DnsblList List, uint[] Addresses, int TimeToLive, TimeSpan After);
}
