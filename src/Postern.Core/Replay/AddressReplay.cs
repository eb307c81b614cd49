using Postern.Core.Allowlist;
using Postern.Core.Dnsbl;
using Postern.Core.Relay;
using Postern.Core.Screening;

namespace Postern.Core.Replay;

/// <summary>What becomes of a recorded client in a replay.</summary>
/// <param name="Facts">As its session wrote them down.</param>
/// <param name="Unknowns">What had to be supposed for it.</param>
public readonly record struct ReplayedClient(ClientFacts Facts, Unknowns Unknowns)
{
    /// <summary>What became of it.</summary>
    public Outcome Outcome => Facts.Outcome;

    /// <summary>Until we were rid of it.</summary>
    public TimeSpan Lasted => Facts.Ended - Facts.Connected;
}

/// <summary>
/// Has the recorded sessions of one address again, under settings of one's choice and with a clock of its own: real
/// <see cref="Session"/>s decide, and what the client and DNS do is what the recording says, or the hypothesis.
/// </summary>
public sealed class AddressReplay : IAllowlistView
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1);

    private readonly ReplayRules _rules;
    private readonly ReplayMemory _memory;
    private readonly Hypothesis _hypothesis;
    private readonly IReadOnlyList<RecordedClient> _clients;
    private readonly List<ReplayedSession> _sessions = [];
    private readonly PriorityQueue<(ReplayedSession Session, Step Step, object? Payload), (long Ticks, int Order)> _steps = new();
    private readonly SessionActions _actions = new();
    private readonly ServiceLoad _calm = new(), _stressed = new();
    private ClientAddressState? _address;
    private ReplayedSession? _recalling;
    private DateTimeOffset _now;
    private int _order;
    private bool _isMemorySupposed;

    private AddressReplay(IReadOnlyList<RecordedClient> clients, ReplayRules rules, Hypothesis hypothesis)
    {
        (_clients, _rules, _hypothesis) = (clients, rules, hypothesis);
        _memory = new ReplayMemory(clients, rules.Recorded, rules.Settings, hypothesis.Recollection);
        _stressed.ClientArrived(rules.Settings with { PreQueueLimit = 1 }, _actions);
        if (rules.Settings.LiveHandover)
            _calm.Offer = _stressed.Offer = new TargetOffer();
    }

    private enum Step
    {
        Timer,
        Connect,
        ListAnswers,
        Name,
        Talk,
        HangUp,
        KnowledgeEnds,
        Dialogue,
        Gone,
    }

    /// <summary>Replays the sessions of one address.</summary>
    /// <param name="clients">Of one address, in the order in which they connected.</param>
    /// <param name="rules">Under which settings.</param>
    /// <param name="hypothesis">What to suppose where the recording is silent.</param>
    /// <returns>One result for each, in the same order.</returns>
    public static IReadOnlyList<ReplayedClient> Run(IReadOnlyList<RecordedClient> clients, ReplayRules rules, Hypothesis hypothesis)
    {
        var replay = new AddressReplay(clients, rules, hypothesis);
        replay.Run();
        return [.. replay._sessions.Select(static session => new ReplayedClient(session.Facts, session.Unknowns))];
    }

    bool IAllowlistView.TryRecall(IpAddress address, out TestExpiry expiry)
    {
        var known = _memory.TryRecall(_recalling!.Recorded, CacheRecord.Seconds(_now), out expiry, out var isSupposed);
        if (isSupposed)
            _recalling.Unknowns |= Unknowns.Memory;
        return known;
    }

    private void Run()
    {
        foreach (var client in _clients)
        {
            var session = new ReplayedSession(client, _hypothesis, _rules);
            _sessions.Add(session);
            At(client.Connected, session, Step.Connect);
        }

        while (_steps.TryDequeue(out var next, out var due))
        {
            _now = new DateTimeOffset(due.Ticks, TimeSpan.Zero);
            Take(next.Session, next.Step, next.Payload);
        }
    }

    private void At(DateTimeOffset time, ReplayedSession session, Step step, object? payload = null) =>
        _steps.Enqueue((session, step, payload), (time.UtcTicks, step is Step.Timer ? 0 : ++_order));

    private void After(TimeSpan delay, ReplayedSession session, Step step, object? payload = null) => At(_now + delay, session, step, payload);

    private void Take(ReplayedSession session, Step step, object? payload)
    {
        if (step is Step.Connect)
        {
            Connect(session);
            return;
        }

        if (step is Step.Gone)
        {
            Leave(session, isHandedOff: true);
            return;
        }

        if (step is Step.ListAnswers)
            Answer((ListAnswer)payload!);
        if (session.IsOver || step is Step.ListAnswers)
            return;
        _actions.Clear();
        switch (step)
        {
            case Step.Timer when (int)payload! == session.TimerNumber:
                session.Decisions.OnTimer(MomentOf(session), _actions);
                break;
            case Step.Name:
                session.Decisions.OnReverseName((Lanes.ReverseName)payload!, _actions);
                break;
            case Step.Talk when session.Watch is WatchMode.Peek:
                session.Decisions.OnReadable(session.Recorded.SaidQuit ? "QUIT\r\n"u8 : "EHLO early\r\n"u8, MomentOf(session), _actions);
                break;
            case Step.HangUp when session.Watch is WatchMode.Peek:
                session.Decisions.OnReadable([], MomentOf(session), _actions);
                break;
            case Step.KnowledgeEnds when session.Watch is WatchMode.Peek:
                session.Unknowns |= Unknowns.Silence;
                if (_hypothesis.Continuation is not Continuation.Waits)
                    session.Decisions.OnReadable(_hypothesis.Continuation is Continuation.Talks ? "EHLO early\r\n"u8 : [], MomentOf(session), _actions);
                break;
            case Step.Dialogue:
                Say(session, (string)payload!);
                break;
        }

        Perform(session);
    }

    private void Connect(ReplayedSession session)
    {
        _address ??= new ClientAddressState(session.Recorded.Address);
        _address.Concurrency++;
        session.Begin(new Session(_rules.Settings, LoadOf(session), _address, session.Recorded.Port, session.Recorded.Server) { Facts = session.Facts });
        _recalling = session;
        _actions.Clear();
        session.Decisions.OnConnected(Allowlist, MomentOf(session), _actions);
        Perform(session);
    }

    private IAllowlistView? Allowlist => _rules.Settings.CacheMap is null ? null : this;

    private void Say(ReplayedSession session, string words)
    {
        if (words.Length == 0)
            session.Decisions.OnReceived([], MomentOf(session), _actions);
        else if (words == ReplayedSession.SaysNothing)
            return; // until its time is over
        else
            session.Decisions.OnReceived(System.Text.Encoding.Latin1.GetBytes(words), MomentOf(session), _actions);
    }

    private void Answer(in ListAnswer answer)
    {
        if (answer.IsSupposed)
        {
            foreach (var token in answer.Score.Waiting)
                _sessions[(int)token].Suppose(Unknowns.Lists);
        }

        if (answer.Addresses is null || !answer.Score.Add(answer.List, answer.Addresses, answer.TimeToLive))
            return;
        foreach (var token in answer.Score.Waiting)
        {
            var session = _sessions[(int)token];
            if (session.IsOver)
                continue;
            _actions.Clear();
            session.Decisions.OnDnsblComplete(MomentOf(session), _actions);
            Perform(session);
        }
    }

    private void Perform(ReplayedSession session)
    {
        var mustAsk = false;
        foreach (var action in _actions.All.ToArray())
        {
            switch (action.Kind)
            {
                case ActionKind.LookUp:
                    mustAsk = true;
                    break;
                case ActionKind.Watch:
                    Watch(session, action.Watch);
                    break;
                case ActionKind.WakeAfter:
                    After(action.Delay, session, Step.Timer, ++session.TimerNumber);
                    break;
                case ActionKind.LookUpDnsbl:
                    AskLists(session);
                    break;
                case ActionKind.LookUpReverseName:
                    After(TimeSpan.Zero, session, Step.Name, session.ReverseName());
                    break;
                case ActionKind.Remember:
                    Remember(session, action.Record);
                    break;
                case ActionKind.HandOff:
                    session.Facts.HandOff("", MomentOf(session));
                    session.IsOver = true;
                    After(session.Recorded.HandoffTook ?? TimeSpan.Zero, session, Step.Gone);
                    break;
                case ActionKind.HandOver:
                    _actions.Clear();
                    session.Decisions.OnHandedOver(_actions);
                    Perform(session);
                    Leave(session, isHandedOff: true);
                    return;
                case ActionKind.Close:
                    Leave(session, isHandedOff: false);
                    break;
            }
        }

        if (mustAsk)
            Ask(session);
    }

    private void Ask(ReplayedSession session)
    {
        var question = session.Decisions.Question!;
        question.Ask();
        _recalling = session;
        _actions.Clear();
        session.Decisions.OnLookedUp(question, Allowlist, MomentOf(session), _actions);
        Perform(session);
    }

    private void Remember(ReplayedSession session, in TestExpiry record)
    {
        var isSupposed = session.Unknowns is not Unknowns.None && !ReplayMemory.IsRecorded(record, session.Decisions.Ledger.Passed, session.Recorded);
        if (!isSupposed || _hypothesis.Recollection is not Recollection.Least)
            _memory.Remember(record);
    }

    private void Watch(ReplayedSession session, WatchMode mode)
    {
        var before = session.Watch;
        session.Watch = mode;
        if (mode is WatchMode.Peek && before is WatchMode.Nothing)
            BeginSilence(session);
        else if (mode is WatchMode.Read && before is not WatchMode.Read)
            BeginDialogue(session);
    }

    private void BeginSilence(ReplayedSession session)
    {
        var recorded = session.Recorded;
        if (recorded.TalkedAfter is { } talked)
            After(talked, session, Step.Talk);
        else if (session.KnownSilence == TimeSpan.MaxValue)
            After(recorded.HungUpAfter ?? TimeSpan.Zero, session, Step.HangUp);
        else
            After(session.SilenceEnds, session, Step.KnowledgeEnds);
    }

    private void BeginDialogue(ReplayedSession session)
    {
        var delay = Pause;
        foreach (var words in session.Dialogue())
        {
            After(delay, session, Step.Dialogue, words);
            delay += Pause;
        }
    }

    private void AskLists(ReplayedSession session)
    {
        var score = session.Decisions.Dnsbl!;
        score.AddWaiting((ulong)_sessions.IndexOf(session));
        if (score.IsStarted)
            return;
        score.Start(score.Sites.Lists.Length);
        foreach (var list in score.Sites.Lists)
        {
            var (addresses, after, isSupposed) = session.AnswerOf(list);
            After(after, session, Step.ListAnswers, new ListAnswer(score, list, addresses, session.ListTimeToLive, isSupposed));
        }
    }

    private void Leave(ReplayedSession session, bool isHandedOff)
    {
        session.IsOver = true;
        session.Decisions.OnGone();
        session.Facts.End(isHandedOff, MomentOf(session));
        // Once it is not known what was passed at a visit, it is neither at those after it.
        _isMemorySupposed |= session.Unknowns is not Unknowns.None && _sessions.Count > 1;
        if (_isMemorySupposed)
            session.Unknowns |= Unknowns.Memory;
        if (_isMemorySupposed && _hypothesis.Recollection is Recollection.Most)
            _memory.Suppose(CacheRecord.Seconds(_now));

        _memory.Note(session.Recorded);
        if (--_address!.Concurrency == 0)
            _address = null;
    }

    private ServiceLoad LoadOf(ReplayedSession session) => session.Recorded.UnderStress ? _stressed : _calm;

    private Moment MomentOf(ReplayedSession session) => new(_now, LoadOf(session).UnderStress);

    /// <summary>What a DNS list will say; null: from now on it is supposed not to answer.</summary>
    private sealed record ListAnswer(DnsblScore Score, DnsblList List, uint[]? Addresses, int TimeToLive, bool IsSupposed);
}
