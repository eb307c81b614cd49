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
    private const long SaveInterval = 3_600_000;

    private readonly UdpResolver _resolver;
    private readonly MailLog _log;
    private readonly LogTags _tags;
    private readonly TimeProvider _clock;
    private readonly long _origin;
    private readonly List<ListAsker> _lists = [];
    private readonly Dictionary<DnsblSites, ListAsker[]> _bySites = [];
    private readonly PriorityQueue<Request, long> _timeouts = new();
    private readonly PriorityQueue<TakenAnswer, long> _delayed = new();
    private readonly List<(TakenAnswer Answer, long Since)> _held = []; // of lists that have yet to be found healthy
    private readonly ByteBuffer _line = new();
    private readonly KnownLists? _memory;
    private readonly IReadOnlyDictionary<string, KnownList> _known;
    private KnownList[] _saved = [];
    private long _savedAt;

    /// <param name="resolver">Carries the questions; ticked here.</param>
    /// <param name="log">Takes the lines.</param>
    /// <param name="tags">Under which names.</param>
    /// <param name="clock">Monotonic time.</param>
    /// <param name="memory">Tells the next process which lists are healthy; null: nobody does.</param>
    /// <param name="known">What the one before has told.</param>
    public DnsblLookups(
        UdpResolver resolver, MailLog log, LogTags tags, TimeProvider clock, KnownLists? memory = null, IReadOnlyDictionary<string, KnownList>? known = null)
    {
        (_resolver, _log, _tags, _clock) = (resolver, log, tags, clock);
        (_memory, _known) = (memory, known ?? new Dictionary<string, KnownList>());
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
        _held.RemoveAll(held => !_lists.Contains(held.Answer.Asker));
    }

    /// <summary>Asks every list about the client that is not out of order.</summary>
    /// <param name="score">Takes the answers.</param>
    public void Ask(DnsblScore score, IpAddress client, Settings settings)
    {
        var request = new Request(this, score, client, AskersOf(score.Sites), (int)settings.DnsblTimeout.TotalSeconds, (long)settings.DnsblReplyDelay.TotalMilliseconds);
        var count = 0;
        foreach (var asker in request.Lists)
            count += asker.IsAsked ? 1 : 0;
        score.Start(count);
        if (count == 0)
            return;

        Span<byte> prefix = stackalloc byte[DnsblQuery.MaxPrefixLength];
        prefix = prefix[..DnsblQuery.WritePrefix(prefix, client)];
        for (var i = 0; i < request.Lists.Length; i++)
        {
            if (request.Lists[i].IsAsked)
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
            Take(answer);
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
                asker = new ListAsker(
                    list, sites.CountsErrorAnswers, _resolver, new WarningLog(_log, _tags.Postern), _known.GetValueOrDefault(list.Domain), Now)
                { Checked = OnChecked };
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
        var asker = request.Lists[index];
        if (request.ReplyDelay > 0)
            _delayed.Enqueue(new TakenAnswer(request.Score, list, asker, answer.Addresses.ToArray(), answer.TimeToLive, after), now + request.ReplyDelay);
        else if (asker.State is ListState.Unchecked)
            Hold(new TakenAnswer(request.Score, list, asker, answer.Addresses.ToArray(), answer.TimeToLive, after));
        else
            Add(request.Score, list, asker, answer.Addresses, answer.TimeToLive, after);
    }

    private void Take(TakenAnswer answer)
    {
        if (answer.Asker.State is ListState.Unchecked)
            Hold(answer);
        else
            Add(answer.Score, answer.List, answer.Asker, answer.Addresses, answer.TimeToLive, answer.After);
    }

    private void Hold(TakenAnswer answer) => _held.Add((answer, Now));

    // What comes from a list that cannot be believed is an answer, and says nothing.
    private void Add(DnsblScore score, DnsblList list, ListAsker asker, ReadOnlySpan<uint> addresses, int timeToLive, TimeSpan after)
    {
        var isBelieved = asker.State is ListState.Healthy or ListState.Hidden;
        if (isBelieved ? score.Add(list, addresses, timeToLive, after) : score.Add(list, [], timeToLive: -1, after))
            Completed?.Invoke(score);
    }

    /// <summary>A list has been checked: what it said before that is taken for what it is worth, also where that could not be found out.</summary>
    private void OnChecked(ListAsker asker)
    {
        var held = _held.FindAll(held => held.Answer.Asker == asker);
        _held.RemoveAll(held => held.Answer.Asker == asker);
        foreach (var (answer, since) in held)
            Add(answer.Score, answer.List, asker, answer.Addresses, answer.TimeToLive, answer.After + TimeSpan.FromMilliseconds(Now - since));
        Remember();
    }

    private void Remember()
    {
        if (_memory is null)
            return;
        KnownList[] healthy = [.. _lists.Select(static list => list.Known).OfType<KnownList>().OrderBy(static list => list.Domain, StringComparer.Ordinal)];
        if (healthy.SequenceEqual(_saved) && Now - _savedAt < SaveInterval)
            return;
        (_saved, _savedAt) = (healthy, Now);
        _memory.Save(healthy);
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

    /// <summary>An answer that is kept: for <c>dnsblog_reply_delay</c>, or until the list has been checked.</summary>
    private sealed record TakenAnswer(DnsblScore Score, DnsblList List, ListAsker Asker, uint[] Addresses, int TimeToLive, TimeSpan After);
}
