using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Lanes;
using Postern.Core.Relay;
using Postern.Core.Screening;
using Postern.Core.Spf;

namespace Postern.Core.Replay;

/// <summary>What other sessions of the address may be at while one visit is replayed alone.</summary>
/// <param name="Passes">What is remembered, as far as they may have changed it.</param>
/// <param name="LeastSessions">How many there are at least.</param>
/// <param name="MostSessions">How many there may be.</param>
internal readonly record struct Crowd(RecordRange Passes, int LeastSessions, int MostSessions);

/// <summary>
/// Has recorded visits of one address again, under settings of one's choice and with a clock of its own: real
/// <see cref="Session"/>s decide, and what the client and DNS do is what the recording says, or where the way leads.
/// </summary>
internal sealed class VisitsReplay : IAllowlistView, IProviders
{
    /// <summary>How long a client may talk to us at most of whom nobody knows how long it did: a little less than we wait for a command.</summary>
    public static readonly TimeSpan LongDialogue = TimeSpan.FromSeconds(290);

    private static readonly byte EarlyColumns = default(TestSet).With(ScreeningTest.Pregreet).With(ScreeningTest.Dnsbl).Columns;

    private const uint ReturnGap = 5; // seconds, see HangupMemory

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(1);

    // A timer is late by ten milliseconds at most, see Deadlines; where the recording shows that something was before it, by more.
    private static readonly TimeSpan Lateness = TimeSpan.FromMilliseconds(20), RecordedLateness = TimeSpan.FromMilliseconds(250);

    private static readonly ReverseName ServerName = new(ReverseNameStatus.Confirmed, "mail.example.com");
    private static readonly ReverseName LineName = new(ReverseNameStatus.Confirmed, "host-1-2.example.com");
    private readonly ReplayRules _rules;
    private readonly int _number;
    private readonly Alternatives _ways;
    private readonly ReplayedMemory _memory;
    private readonly ReplayedLists _lists;
    private readonly List<ReplayedVisit> _visits = [];
    private readonly List<ReplayedVisit> _talking = []; // where it matters who says what first
    private readonly List<ListLookup> _lookups = [];
    private readonly PriorityQueue<Step, (long Ticks, int Order)> _steps = new();
    private readonly SessionActions _actions = new();
    private readonly ServiceLoad _calm = new(), _stressed = new();
    private ClientAddressState? _address;
    private ReplayedVisit? _asking; // whose session is at work
    private Crowd? _crowd;
    private TimeSpan _lateAct;
    private DateTimeOffset _now;
    private int _order;
    private bool _isHangupKnown;

    /// <param name="rules">Under which settings.</param>
    /// <param name="number">Tells apart replays that may go different ways.</param>
    /// <param name="ways">Asked at each fork.</param>
    public VisitsReplay(ReplayRules rules, int number, Alternatives ways)
    {
        (_rules, _number, _ways) = (rules, number, ways);
        (_memory, _lists) = (new ReplayedMemory(rules, number, ways), new ReplayedLists(rules, ways));
        _stressed.ClientArrived(rules.Settings with { PreQueueLimit = 1 }, _actions);
        if (rules.Settings.LiveHandover)
            _calm.Offer = _stressed.Offer = new TargetOffer();
        if (rules.Settings.Providers.Count > 0)
            _calm.Providers = _stressed.Providers = this;
    }

    private enum StepKind : byte
    {
        Timer,
        Connect,
        Name,
        Answers,
        UnknownAnswers,
        Act,
        KnowledgeEnds,
        Dialogue,
        LastWords,
        Gone,
    }

    /// <summary>The settings.</summary>
    public ReplayRules Rules => _rules;

    /// <summary>Whether timers may have been as late as they are on a very busy machine, for else the recording could not be.</summary>
    public bool AreTimersLate { get; set; }

    /// <summary>Whether a replay that must be as recorded takes as long as the recording where it says how long the tests took.</summary>
    public bool AreWaitsRecorded { get; set; }

    /// <summary>When the first visit came.</summary>
    public DateTimeOffset Began => _visits[0].Recorded.Connected;

    /// <summary>What is remembered afterwards.</summary>
    public RecordRange Record { get; private set; }

    /// <summary>What sessions of the address have known of it while they lasted.</summary>
    public RecordRange Shared { get; private set; }

    /// <summary>A moment by the one clock that there is here; it begins in 1970, so that taRgrey's seconds are few enough.</summary>
    public static Moment MomentAt(DateTimeOffset time, RecordedClient client) =>
        new(time, client.UnderStress) { MonotonicTicks = (time - DateTimeOffset.UnixEpoch).Ticks };

    /// <summary>What has come of a visit.</summary>
    public VisitResult ResultOf(int visit) => _visits[visit].Result;

    /// <summary>Replays visits of one address.</summary>
    /// <param name="visits">In the order in which they came.</param>
    /// <param name="record">What is remembered of it.</param>
    /// <param name="lateAct">When a client gives up or talks that does so as late as it can; zero: when does not matter.</param>
    /// <param name="crowd">Visits at the same time that are not in <paramref name="visits"/>; null: there are none.</param>
    /// <param name="mustBeAsRecorded">Gives up as soon as something is otherwise than recorded.</param>
    /// <returns>False: it has given up.</returns>
    public bool Run(IReadOnlyList<AddressVisit> visits, in RecordRange record, TimeSpan lateAct, Crowd? crowd, bool mustBeAsRecorded = false)
    {
        (_crowd, _lateAct, _order, _address) = (crowd, lateAct, 0, null);
        _visits.Clear();
        _lookups.Clear();
        _talking.Clear();
        _steps.Clear();
        _memory.Begin(record);
        Shared = record with { Least = record.Most }; // the least is lowered, and the most raised, as sessions go on
        _isHangupKnown = record.IsHangupKnown && crowd is not { MostSessions: > 0 };
        _calm.Lanes.Hangups[visits[0].Client.Address] = _stressed.Lanes.Hangups[visits[0].Client.Address] = record.Hangup;
        for (var i = 0; i < visits.Count; i++)
        {
            var visit = new ReplayedVisit(i, visits[i], _rules);
            _visits.Add(visit);
            At(visit.Recorded.Connected, visit, StepKind.Connect);
        }

        while (_steps.TryDequeue(out var next, out var due))
        {
            _now = new DateTimeOffset(due.Ticks, TimeSpan.Zero);
            Take(_visits[next.Visit], next.Kind, next.Detail);
            if (mustBeAsRecorded && !IsAsRecorded(_visits[next.Visit]))
                return GiveUp();
            if (_crowd is not null && _address is not null)
                Shared = Shared.Or(new(_address.Expiry, _address.Expiry));
        }

        if (crowd is not null)
            Shared = WhileTalking(_visits[0]);
        Record = _memory.Record with { Hangup = _rules.Settings.Lanes?.Targrey is null ? record.Hangup : LoadOf(_visits[0]).Lanes.Hangups[_visits[0].Recorded.Address], IsHangupKnown = record.IsHangupKnown && crowd is not { MostSessions: > 0 } };
        return true;
    }

    private bool IsAsRecorded(ReplayedVisit visit)
    {
        var recorded = visit.Recorded;
        if (visit.IsGone)
            return visit.Facts.Outcome == recorded.Outcome && visit.Facts.Due == recorded.Due && (!AreWaitsRecorded || HasWaited(visit));
        var due = visit.Decisions.Ledger.Due; // of the tests after the greeting, more may have become due by a failure
        return visit.IsOver || ((due.Columns ^ recorded.Due.Columns) & EarlyColumns) == 0 && (due.Columns & ~recorded.Due.Columns) == 0;
    }

    private static bool HasWaited(ReplayedVisit visit) =>
        visit.Recorded.Waited is not { } waited || (visit.Facts.Waited is { } replayed && (replayed - waited).Duration() <= RecordedLateness);

    private bool GiveUp()
    {
        foreach (var visit in _visits)
        {
            if (visit is { IsGone: false, HasBegun: true })
                visit.Decisions.OnGone(); // its place in a slow lane is free
        }

        return false;
    }

    bool IAllowlistView.TryRecall(IpAddress address, out TestExpiry expiry) =>
        _memory.TryRecall(_asking!, _crowd?.Passes, CacheRecord.Seconds(_now), out expiry);

    // Which addresses are a provider's is not written down; but of those that were let in for that it is known.
    Provider? IProviders.Find(IpAddress address, bool permitOnly)
    {
        var recorded = _asking!.Recorded;
        var provider = _rules.Settings.Providers.FirstOrDefault(provider => provider.IsPermit || !permitOnly);
        if (provider is null || recorded.Entrance is Entrance.Provider)
            return provider;
        var isKnown = permitOnly ? recorded.Entrance is not Entrance.AccessList : !recorded.Due.IsEmpty && ScreeningTest.Deep.Any(test => recorded.Due.Has(test));
        return !isKnown && _ways.Choose(new(_asking.Index, Fact.Provider, permitOnly ? 1 : 0), 2, Unknowns.Memory) == 1 ? provider : null;
    }

    private void At(DateTimeOffset time, ReplayedVisit visit, StepKind kind, int detail = 0) =>
        _steps.Enqueue(new Step(visit.Index, kind, detail), (time.UtcTicks, kind is StepKind.Timer ? 0 : ++_order));

    private void After(TimeSpan delay, ReplayedVisit visit, StepKind kind, int detail = 0) => At(_now + delay, visit, kind, detail);

    private void Take(ReplayedVisit visit, StepKind kind, int detail)
    {
        _asking = visit;
        switch (kind)
        {
            case StepKind.Connect:
                LetTalk();
                Connect(visit);
                return;
            case StepKind.Gone:
                Leave(visit, isHandedOff: true);
                return;
            case StepKind.Answers:
                Answer(visit.Lookup!, _now);
                return;
            case StepKind.UnknownAnswers:
                if (visit.Lookup!.Score.Sessions > 0 && _lists.Suppose(visit.Lookup, isLate: detail != 0, _now) is { } at) // else it makes no difference
                    At(at, visit, StepKind.Answers);
                return;
        }

        if (visit.IsOver)
            return;
        switch (kind)
        {
            case StepKind.Timer when detail == visit.TimerNumber:
                if (_talking.Exists(static other => other.IsDialogueTimeSupposed)) // else only what others say matters, or that they come
                    LetTalk();
                if (!visit.IsOver && detail == visit.TimerNumber)
                    OnTimer(visit);
                break;
            case StepKind.Act when visit.Next.At == _now:
                PerformAct(visit);
                break;
            case StepKind.KnowledgeEnds when visit.Watch is WatchMode.Peek:
                GoOnSilently(visit);
                break;
            case StepKind.Name:
                TellName(visit, visit.Recorded.Name!.Value);
                break;
            case StepKind.Dialogue:
                SayNext(visit);
                break;
            case StepKind.LastWords:
                LetTalk();
                if (!visit.IsOver)
                    SayRest(visit);
                break;
        }
    }

    private void Connect(ReplayedVisit visit)
    {
        _address ??= new ClientAddressState(visit.Recorded.Address);
        _address.Concurrency++;
        var limit = _rules.Settings.ClientConnectionCountLimit;
        var isTooMany = _crowd is { } crowd && limit > 0 && crowd.MostSessions >= limit && (crowd.LeastSessions >= limit || _ways.Choose(new(visit.Index, Fact.Crowd, _number), 2, Unknowns.Order) == 1);
        _address.Concurrency += isTooMany ? limit : 0;
        visit.Lookup = _address.Dnsbl is { } shared ? _lookups.Find(lookup => lookup.Score == shared) : null;
        visit.Begin(new Session(_rules.Settings, LoadOf(visit), _address, visit.Recorded.Port, visit.Recorded.Server) { Facts = visit.Facts });
        _actions.Clear();
        visit.Decisions.OnConnected(Allowlist, MomentOf(visit), _actions);
        Perform(visit);
        if (_address is not null)
            _address.Concurrency -= isTooMany ? limit : 0;
    }

    /// <summary>The session's timer has run out; what nearly came before it may have done so.</summary>
    private void OnTimer(ReplayedVisit visit)
    {
        var sinceConnect = (_now - visit.Recorded.Connected).Ticks;
        if (visit.Watch is WatchMode.Peek && visit.Next.Act is not Act.None && IsFirst(new(visit.Index, Fact.ClientTie, sinceConnect), visit.Next.At))
        {
            PerformAct(visit);
            if (visit.IsOver || visit.Watch is not WatchMode.Peek)
                return;
        }

        if (visit.Lookup is { Next: { } soon } lookup && visit.Decisions.Dnsbl == lookup.Score && IsFirst(new(visit.Index, Fact.ListTie, sinceConnect), soon))
        {
            var number = visit.TimerNumber;
            Answer(lookup, soon + Lateness);
            if (visit.IsOver || visit.TimerNumber != number || visit.Decisions.Dnsbl is null)
                return;
        }

        if (visit.Decisions.LanePlace is LanePlace.Approaching)
            ApproachLane(visit);
        _actions.Clear();
        visit.Decisions.OnTimer(MomentOf(visit), _actions);
        Perform(visit);
    }

    private bool IsFirst(in Fork fork, DateTimeOffset other)
    {
        var lateness = other - _now;
        if (lateness > RecordedLateness)
            return false;
        if (_ways.Find(fork) is { } way)
            return way == 0;
        return lateness <= (AreTimersLate ? RecordedLateness : Lateness) && _ways.Choose(fork, 2, Unknowns.Order) == 0;
    }

    private void PerformAct(ReplayedVisit visit)
    {
        var act = visit.Next.Act;
        visit.Next = default;
        if (visit.Watch is not WatchMode.Peek || act is Act.None)
            return;
        _actions.Clear();
        visit.Decisions.OnReadable(act is Act.HangUp ? [] : visit.Recorded.SaidQuit ? "QUIT\r\n"u8 : "EHLO early\r\n"u8, MomentOf(visit), _actions);
        Perform(visit);
    }

    // Nobody knows what it would have done from here on.
    private void GoOnSilently(ReplayedVisit visit)
    {
        var way = _ways.Choose(new(visit.Index, Fact.Silence, 0), _lateAct > TimeSpan.Zero ? 5 : 3, Unknowns.Silence);
        if (way == 0)
            return;
        visit.Next = ((way & 1) == 1 ? Act.Talk : Act.HangUp, _now);
        if (way <= 2)
        {
            PerformAct(visit);
            return;
        }

        var at = visit.Recorded.Connected + _lateAct;
        visit.Next = (visit.Next.Act, at > _now ? at : _now);
        At(visit.Next.At, visit, StepKind.Act);
    }

    private void BeginSilence(ReplayedVisit visit)
    {
        var recorded = visit.Recorded;
        if (recorded.TalkedAfter is { } talked)
            visit.Next = (Act.Talk, _now + talked);
        else if (visit.KnownSilence == TimeSpan.MaxValue)
            visit.Next = (Act.HangUp, _now + (recorded.HungUpAfter ?? TimeSpan.Zero));
        if (visit.Next.Act is Act.None)
            After(visit.KnownSilence > TimeSpan.Zero ? visit.KnownSilence + (recorded.Waited is null ? RecordedLateness : Lateness) : TimeSpan.Zero, visit, StepKind.KnowledgeEnds);
        else
            At(visit.Next.At, visit, StepKind.Act);
    }

    private IAllowlistView? Allowlist => _rules.Settings.CacheMap is null ? null : this;

    private void Perform(ReplayedVisit visit)
    {
        var mustLookUp = false;
        for (var i = 0; i < _actions.Count; i++)
        {
            var action = _actions[i];
            switch (action.Kind)
            {
                case ActionKind.LookUp:
                    mustLookUp = true;
                    break;
                case ActionKind.Watch:
                    Watch(visit, action.Watch);
                    break;
                case ActionKind.WakeAfter:
                    After(action.Delay, visit, StepKind.Timer, ++visit.TimerNumber);
                    break;
                case ActionKind.LookUpDnsbl:
                    AskLists(visit);
                    break;
                case ActionKind.LookUpReverseName:
                    AskName(visit);
                    break;
                case ActionKind.Remember:
                    _memory.Remember(visit, action.Record);
                    break;
                case ActionKind.HandOff:
                    visit.Facts.HandOff("", MomentOf(visit));
                    visit.IsOver = true;
                    After(visit.Recorded.HandoffTook ?? TimeSpan.Zero, visit, StepKind.Gone);
                    break;
                case ActionKind.HandOver:
                    _actions.Clear();
                    visit.Decisions.OnHandedOver(_actions);
                    Perform(visit);
                    Leave(visit, isHandedOff: true);
                    return;
                case ActionKind.Close:
                    Leave(visit, isHandedOff: false);
                    return;
            }
        }

        if (mustLookUp)
            LookUp(visit);
    }

    private void LookUp(ReplayedVisit visit)
    {
        var question = visit.Decisions.Question!;
        question.Ask();
        _actions.Clear();
        visit.Decisions.OnLookedUp(question, Allowlist, MomentOf(visit), _actions);
        Perform(visit);
    }

    private void Watch(ReplayedVisit visit, WatchMode mode)
    {
        var before = visit.Watch;
        visit.Watch = mode;
        if (mode is WatchMode.Peek && before is WatchMode.Nothing)
            BeginSilence(visit);
        else if (mode is WatchMode.Read && before is not WatchMode.Read)
            BeginDialogue(visit);
    }

    private void AskLists(ReplayedVisit visit)
    {
        var score = visit.Decisions.Dnsbl!;
        score.AddWaiting((ulong)visit.Index);
        if (score.IsStarted)
            return;
        var isShared = _crowd is { MostSessions: > 0 } && _ways.Choose(new(visit.Index, Fact.SharedAnswers, _number), 2, Unknowns.Order) == 1;
        var lookup = _lists.Begin(score, visit, _now, isShared, _visits);
        _lookups.Add(lookup);
        visit.Lookup = lookup;
        foreach (var answer in lookup.Coming)
            At(answer.At, visit, StepKind.Answers);
        if (lookup.NeverAsked.Count > 0)
            After(TimeSpan.Zero, visit, StepKind.UnknownAnswers, 0);
        if (lookup.Unanswered.Count > 0)
            After(isShared ? TimeSpan.Zero : visit.Recorded.Waited ?? visit.Recorded.Duration, visit, StepKind.UnknownAnswers, 1);
    }

    /// <summary>What has come of the lists' answers by now goes into the score.</summary>
    private void Answer(ListLookup lookup, DateTimeOffset until)
    {
        if (!lookup.Take(until, _rules))
            return;
        foreach (var token in lookup.Score.Waiting)
        {
            var visit = _visits[(int)token];
            if (visit.IsOver)
                continue;
            _actions.Clear();
            visit.Decisions.OnDnsblComplete(MomentOf(visit), _actions);
            Perform(visit);
        }
    }

    private void AskName(ReplayedVisit visit)
    {
        var recorded = visit.Recorded;
        visit.AwaitsName = recorded.Name is null || !IsInTime(recorded);
        if (!visit.AwaitsName)
            After(TimeSpan.Zero, visit, StepKind.Name);
    }

    // When DNS answered is not written down, but it was before the client left, or the name would have mattered.
    private bool IsInTime(RecordedClient recorded) => WaitOf(recorded, _rules.Settings) is var wait && (recorded.Duration <= wait || WaitOf(recorded, _rules.Recorded) <= wait);

    private static TimeSpan WaitOf(RecordedClient recorded, Settings settings) => recorded.UnderStress ? settings.GreetWaitUnderStress : settings.GreetWait;

    /// <summary>The ordinary wait is over: now the reverse name matters, and what taRgrey remembers.</summary>
    private void ApproachLane(ReplayedVisit visit)
    {
        if (visit.AwaitsName)
            SupposeName(visit);
        if (_isHangupKnown || _rules.Settings.Lanes?.Targrey is not { } targrey)
            return;
        _isHangupKnown = true;
        var connected = (uint)(MomentAt(visit.Recorded.Connected, visit.Recorded).MonotonicTicks / TimeSpan.TicksPerSecond);
        LoadOf(visit).Lanes.Hangups[visit.Recorded.Address] = _ways.Choose(new(visit.Index, Fact.Targrey, _number), 3, Unknowns.Memory) switch
        {
            0 => null,
            1 => new HangupEntry(connected + ReturnGap, 0, 0), // refused
            _ => new HangupEntry(connected - ReturnGap - (uint)targrey.Delay.TotalSeconds, 0, targrey.RetryCount), // has come back often enough
        };
    }

    private void SupposeName(ReplayedVisit visit)
    {
        var (recorded, wait) = (visit.Recorded, WaitOf(visit.Recorded, _rules.Settings));
        visit.AwaitsName = false;
        if (recorded.Name is { } known)
        {
            if (_ways.Choose(new(visit.Index, Fact.Name, wait.Ticks), 2, Unknowns.Name) == 0)
                TellName(visit, known);
            return;
        }

        var wasLate = recorded.Class is RdnsKind.Undecided;
        if (wasLate && wait <= WaitOf(recorded, _rules.Recorded))
            return;
        TellName(visit, _ways.Choose(new(visit.Index, Fact.Name, 0), 2, Unknowns.Name) == 0 ? ServerName : NameOfLongestLane());
    }

    private ReverseName NameOfLongestLane()
    {
        var waits = _rules.Settings.Lanes!.Waits;
        return waits.Longest == waits.Generic ? LineName
            : waits.Longest == waits.None ? ReverseName.None
            : new ReverseName(ReverseNameStatus.Unconfirmed, "");
    }

    private void TellName(ReplayedVisit visit, in ReverseName name)
    {
        _actions.Clear();
        visit.Decisions.OnReverseName(name, _actions);
        Perform(visit);
    }

    private void BeginDialogue(ReplayedVisit visit)
    {
        var greeted = _now - visit.Recorded.Connected;
        var isKnown = ClientWords.IsKnown(visit.Recorded, greeted);
        var took = isKnown ? visit.Recorded.DialogueTook : null;
        visit.IsDialogueTimeSupposed = took is null;
        (visit.DialogueBegan, visit.DialogueEnds) = (_now, _now + (took ?? TimeSpan.Zero));
        // Without tests after the greeting nobody sees what others have passed in a dialogue.
        var isMet = _crowd is null && (took is null || _rules.HasDeepTests) && IsMet(visit, _now + (took ?? LongDialogue));
        visit.Words = !isKnown && visit.Decisions.AnyFailed && !isMet && _crowd is null ? ClientWords.OfLost() : ClientWords.Of(visit, greeted, _ways);
        if (!isMet)
        {
            After(Pause, visit, StepKind.Dialogue);
            return;
        }

        visit.DialogueEnds = _now + (took ?? LongDialogue);
        _talking.Add(visit);
        At(visit.DialogueEnds, visit, StepKind.LastWords);
    }

    // Whether another of the visits is there until then, so that they may see of each other what they pass.
    private bool IsMet(ReplayedVisit visit, DateTimeOffset until)
    {
        foreach (var other in _visits)
        {
            if (other != visit && other.Recorded.Connected <= until && !other.IsOver)
                return true;
        }

        return false;
    }

    private void SayNext(ReplayedVisit visit)
    {
        if (!visit.Words!.MoveNext())
            return;
        if (visit.Words.Current.IsLast && _now < visit.DialogueEnds)
        {
            visit.LastWords = visit.Words.Current;
            At(visit.DialogueEnds, visit, StepKind.LastWords);
        }
        else if (Say(visit, visit.Words.Current) && !visit.IsOver)
        {
            After(Pause, visit, StepKind.Dialogue);
        }
    }

    /// <summary>The recorded dialogue had ended here, and goes on: until when is not known.</summary>
    private void Prolong(ReplayedVisit visit)
    {
        visit.IsDialogueTimeSupposed = true;
        if (_crowd is not null || !IsMet(visit, _now + LongDialogue))
        {
            After(Pause, visit, StepKind.Dialogue);
            return;
        }

        (visit.DialogueBegan, visit.DialogueEnds) = (_now, _now + LongDialogue);
        _talking.Add(visit);
        At(visit.DialogueEnds, visit, StepKind.LastWords);
    }

    private void SayRest(ReplayedVisit visit)
    {
        _talking.Remove(visit);
        if (visit.LastWords is { } last)
        {
            visit.LastWords = null;
            if (!Say(visit, last) || visit.IsOver)
                return;
            if (!visit.IsDialogueTimeSupposed)
            {
                Prolong(visit);
                return;
            }
        }

        while (!visit.IsOver && visit.Words!.MoveNext() && Say(visit, visit.Words.Current))
        {
            // on to the next
        }
    }

    /// <returns>False: it says nothing until its time is over.</returns>
    private bool Say(ReplayedVisit visit, in SaidWords words, DateTimeOffset? at = null)
    {
        visit.Said++;
        if (words.Bytes is not { } bytes)
            return false;
        _actions.Clear();
        visit.Decisions.OnReceived(bytes, MomentOf(visit) with { Now = at ?? _now }, _actions);
        Perform(visit);
        return true;
    }

    /// <summary>
    /// Something is about to happen of which it matters whether it is before or after what clients say who are in a dialogue:
    /// they may have said any of it by now, in any order.
    /// </summary>
    private void LetTalk()
    {
        while (_talking.Count > 0)
        {
            var speaker = _ways.Choose(new(-1, Fact.DialogueTime, StateOfTalks()), _talking.Count + 1, Unknowns.Order) - 1;
            if (speaker < 0)
                return;
            var visit = _talking[speaker];
            if (!SaySomething(visit))
                _talking.Remove(visit);
        }
    }

    /// <returns>False: it says no more before its time is over.</returns>
    private bool SaySomething(ReplayedVisit visit)
    {
        while (!visit.IsOver && visit.LastWords is null && visit.Words!.MoveNext())
        {
            var words = visit.Words.Current;
            if (words.Bytes is null || (words.IsLast && !visit.IsDialogueTimeSupposed))
            {
                visit.LastWords = words;
                return false;
            }

            // For how long a violation is forgiven that is ignored depends on when it was.
            var wasLong = words.IsForgiven && _ways.Choose(new(visit.Index, Fact.DialogueTime, StateOfTalks()), 2, Unknowns.Order) == 1;
            Say(visit, words, wasLong ? visit.DialogueBegan : _now);
            if (words.Matters || words.IsLast)
                return !visit.IsOver;
        }

        return false;
    }

    // The same question only where the same clients have been talking for as long.
    private long StateOfTalks()
    {
        var state = _now.UtcTicks;
        foreach (var visit in _talking)
            state = unchecked(((state * 31 + visit.Index) * 31 + visit.Said) * 31 + visit.DialogueEnds.UtcTicks);
        return state;
    }

    private void Leave(ReplayedVisit visit, bool isHandedOff)
    {
        (visit.IsOver, visit.IsGone) = (true, true);
        _talking.Remove(visit);
        visit.Decisions.OnGone();
        visit.Facts.End(isHandedOff, MomentOf(visit));
        if (--_address!.Concurrency == 0)
            _address = null;
    }

    private ServiceLoad LoadOf(ReplayedVisit visit) => visit.Recorded.UnderStress ? _stressed : _calm;

    private Moment MomentOf(ReplayedVisit visit) => MomentAt(_now, visit.Recorded);

    // When in its dialogue it passes a test is not known; for those who meet it, it may be at any time.
    private RecordRange WhileTalking(ReplayedVisit visit)
    {
        var (shared, time) = (Shared, visit.IsDialogueTimeSupposed ? LongDialogue : visit.DialogueEnds - visit.DialogueBegan);
        foreach (var test in ScreeningTest.Deep)
        {
            if (test.ExpiryIn(shared.Most) > 1)
                shared = shared.With(test, test.ExpiryIn(shared.Least), test.ExpiryIn(shared.Most) + (uint)time.TotalSeconds + 1);
        }

        return shared;
    }

    private readonly record struct Step(int Visit, StepKind Kind, int Detail);
}
