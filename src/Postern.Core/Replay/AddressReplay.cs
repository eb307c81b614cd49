using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Screening;

namespace Postern.Core.Replay;

/// <summary>
/// Replays the visits of an address, one after the other as they come, under two settings. Visits that may overlap are
/// replayed together, in every way that the recording leaves open; between them nothing is kept but what the allowlist may have.
/// </summary>
public sealed class AddressReplay
{
    private const int MaxTogether = 40; // visits
    private const Unknowns OfOtherSettings = Unknowns.Silence | Unknowns.Dialogue | Unknowns.Lists | Unknowns.Name;
    private const int MaxWays = 2000, MaxWaysTogether = 500;

    private static readonly TimeSpan Inexactness = TimeSpan.FromMilliseconds(20);

    private readonly Alternatives _ways = new();
    private readonly VisitsReplay _before, _after;
    private readonly Action<RecordedClient, VisitComparison> _take;
    private readonly AllowlistWitness _witness = new();
    private readonly PossibleRecords _records = new(), _next = new();
    private readonly List<AddressVisit> _together = [], _alone = [];
    private readonly List<Side> _crowdBefore = [], _crowdAfter = [];
    private readonly List<VisitComparison> _comparisons = [];
    private readonly List<VisitResult> _results = [];
    private Side _sideBefore, _sideAfter; // of the visit that is replayed alone
    private readonly bool _isUnchanged;
    private bool _isCrowded;
    private DateTimeOffset _until;

    /// <param name="before">The settings of today.</param>
    /// <param name="after">Those in question.</param>
    /// <param name="take">Told what becomes of each visit, in the order in which they came.</param>
    public AddressReplay(ReplayRules before, ReplayRules after, Action<RecordedClient, VisitComparison> take)
    {
        (_before, _after, _take) = (
            new VisitsReplay(before, 0, _ways), new VisitsReplay(after, 1, _ways), take);
        _isUnchanged = before.Settings == after.Settings;
        Begin(hasNeighbours: false);
    }

    /// <summary>An address follows.</summary>
    /// <param name="hasNeighbours">Whether others of its network have come, too, with whom it shares what taRgrey remembers.</param>
    public void Begin(bool hasNeighbours)
    {
        _witness.Reset();
        var record = new RecordRange(default, default, null, !hasNeighbours);
        _records.Set(new RecordPair(record, record));
        _crowdBefore.Clear();
        _crowdAfter.Clear();
        _together.Clear();
        _isCrowded = false;
        _until = DateTimeOffset.MinValue;
    }

    /// <summary>The next visit of the address.</summary>
    /// <param name="client">Connected no sooner than the last one.</param>
    public void Add(RecordedClient client)
    {
        if (_isUnchanged)
        {
            TellAsRecorded(client);
            return;
        }

        if (client.Connected > _until)
            End();
        var visit = new AddressVisit(client, _witness.Take(client, _before.Rules.Recorded));
        if (EndOf(client) is var end && end > _until)
            _until = end;
        if (_isCrowded)
        {
            AddToCrowd(visit);
            return;
        }

        _together.Add(visit);
        if (_together.Count > MaxTogether)
            Scatter();
    }

    /// <summary>Nobody comes any more who may meet those that have come.</summary>
    public void End()
    {
        if (_together.Count > 0)
        {
            if (TryReplay(_together, crowd: null))
                _records.Set(_next);
            else
                Scatter();
        }

        _together.Clear();
        if (_isCrowded)
            Commit(DateTimeOffset.MaxValue);
        _isCrowded = false;
    }

    /// <summary>A visit is left out that was no matter of screening; what it passed is known all the same.</summary>
    public void Skip(RecordedClient client) => _witness.Take(client, _before.Rules.Recorded);

    // The settings of today are no question: what is recorded is what they did, also where it cannot be explained.
    private void TellAsRecorded(RecordedClient client)
    {
        if (_comparisons.Count == 0)
            _comparisons.Add(new VisitComparison());
        _comparisons[0].Reset();
        var result = new VisitResult(client.Outcome, client.Duration, client.Causes, client.Due, client.Waited, IsEndSupposed: false);
        _comparisons[0].Add(client, result, result, Unknowns.None);
        _take(client, _comparisons[0]);
    }

    /// <summary>When a visit has ended at the latest, under either setting.</summary>
    private DateTimeOffset EndOf(RecordedClient client)
    {
        var lasted = LongestOf(client, _before.Rules) is var one && LongestOf(client, _after.Rules) is var other && one > other ? one : other;
        return client.Connected + (client.Duration > lasted ? client.Duration : lasted) + (client.HandoffTook ?? TimeSpan.Zero) + TimeSpan.FromMilliseconds(100);
    }

    private static TimeSpan LongestOf(RecordedClient client, ReplayRules rules) =>
        rules.LongestWait(client.UnderStress) + (client is { DialogueTook: { } took, LeftUnseen: false } ? took : MayTalkToUs(client, rules) ? VisitsReplay.LongDialogue : TimeSpan.Zero);

    // Whether it may come to a dialogue of which nothing is recorded.
    private static bool MayTalkToUs(RecordedClient client, ReplayRules rules)
    {
        var settings = rules.Settings;
        if (rules.HasDeepTests || settings.DenylistAction is FailAction.Enforce || settings.Lanes?.Targrey is not null || settings.AllowlistInterfaces != Tables.MatchList.Everything)
            return true;
        if (settings.GreetAction is FailAction.Enforce && settings.GreetBanner.Length > 0 && client.KnownSilence(rules.Recorded.GreetWait) is var silence && (silence == TimeSpan.MaxValue ? client.TalkedAfter is not null : silence < rules.LongestWait(client.UnderStress)))
            return true;
        return settings.DnsblSites is not null && settings.DnsblAction is FailAction.Enforce && (client.Answers.Count > 0 || client.Unanswered > 0 || client.Answered is null || !rules.HasRecordedLists);
    }

    /// <summary>Replays visits in all ways, and tells what comes of them.</summary>
    /// <param name="visits">Of the address, in the order in which they came.</param>
    /// <param name="crowd">The other visits that they may meet; null: none.</param>
    /// <returns>False: there are too many ways.</returns>
    private bool TryReplay(List<AddressVisit> visits, (Crowd Before, Crowd After)? crowd)
    {
        while (_comparisons.Count < visits.Count)
            _comparisons.Add(new VisitComparison());
        for (var i = 0; i < visits.Count; i++)
            _comparisons[i].Reset();
        _next.Clear();
        var (now, ways, maxWays) = (CacheRecord.Seconds(visits[^1].Client.Connected), 0, visits.Count > 1 ? MaxWaysTogether : MaxWays);
        var lateAct = LateAct(visits, crowd is not null);
        _ways.Reset();
        _before.AreTimersLate = false;
        var (isRun, mustBeAsRecorded, leastLikeness) = (RunBefore(visits, lateAct, crowd?.Before, mustBeAsRecorded: false), false, 0);
        var isAsRecorded = _ways.Passed == 0 && Likeness(visits) == 2 * visits.Count;
        if (!isAsRecorded)
        {
            isRun = false;
            if (!TryFindRecorded(visits, lateAct, crowd?.Before, maxWays, out mustBeAsRecorded))
                return false;
            if (!mustBeAsRecorded && (visits.Count > 1 || !TryFindLikeness(visits, lateAct, crowd?.Before, maxWays, out leastLikeness)))
                return false; // what several have done to each other is anybody's guess then
            isAsRecorded = mustBeAsRecorded;
            _ways.Reset();
        }

        do
        {
            if (++ways > maxWays)
                return false;
            if (!isRun && !RunBefore(visits, lateAct, crowd?.Before, mustBeAsRecorded))
                continue;
            isRun = false;
            var place = _ways.Passed;
            if (mustBeAsRecorded ? (_ways.Missing & OfOtherSettings) != 0 : leastLikeness > 0 && Likeness(visits) < leastLikeness)
                continue;
            _results.Clear();
            for (var i = 0; i < visits.Count; i++)
                _results.Add(isAsRecorded ? _before.ResultOf(i) with { Lasted = visits[i].Client.Duration } : _before.ResultOf(i));
            do
            {
                if (++ways > maxWays)
                    return false;
                _after.Run(visits, _records[ChooseRecord()].After, lateAct, crowd?.After);
                for (var i = 0; i < visits.Count; i++)
                    _comparisons[i].Add(visits[i].Client, _results[i], _after.ResultOf(i), _ways.Missing);
                _next.Add(new RecordPair(_before.Record, _after.Record), now);
                if (crowd is not null)
                    (_sideBefore, _sideAfter) = (_sideBefore.With(_before), _sideAfter.With(_after));
            }
            while (_ways.Next(place));
        }
        while (_ways.Next(0));

        for (var i = 0; i < visits.Count; i++)
            _take(visits[i].Client, _comparisons[i]);
        return true;
    }

    private bool RunBefore(List<AddressVisit> visits, TimeSpan lateAct, Crowd? crowd, bool mustBeAsRecorded) =>
        _before.Run(visits, _records[ChooseRecord()].Before, lateAct, crowd, mustBeAsRecorded);

    private int ChooseRecord() => _ways.Choose(new(-1, Fact.Record, 0), _records.Count, Unknowns.Memory);

    /// <summary>
    /// Whether the settings of today explain the recording, without supposing anything that it would show. Then only the ways that do so
    /// can have been gone.
    /// </summary>
    /// <returns>False: there are too many ways.</returns>
    private bool TryFindRecorded(List<AddressVisit> visits, TimeSpan lateAct, Crowd? crowd, int maxWays, out bool isExplained)
    {
        isExplained = false;
        foreach (var (areTimersLate, areWaitsRecorded) in ((bool, bool)[])[(false, true), (true, true), (false, false), (true, false)])
        {
            var ways = 0;
            (_before.AreTimersLate, _before.AreWaitsRecorded) = (areTimersLate, areWaitsRecorded);
            _ways.Reset();
            do
            {
                if (++ways > maxWays)
                    return false;
                isExplained = RunBefore(visits, lateAct, crowd, mustBeAsRecorded: true) && (_ways.Missing & OfOtherSettings) == 0;
            }
            while (!isExplained && _ways.Next(0));

            if (isExplained)
                break;
        }

        return true;
    }

    /// <summary>How like the recording the settings of today can be, where they do not explain it: ways that are less so were not the one that was gone.</summary>
    /// <param name="likeness">0: the recording does not tell, since other settings were in force then.</param>
    /// <returns>False: there are too many ways.</returns>
    private bool TryFindLikeness(List<AddressVisit> visits, TimeSpan lateAct, Crowd? crowd, int maxWays, out int likeness)
    {
        var (ways, isExplained) = (0, false);
        likeness = 0;
        _ways.Reset();
        do
        {
            if (++ways > maxWays)
                return false;
            RunBefore(visits, lateAct, crowd, mustBeAsRecorded: false);
            var like = Likeness(visits);
            if (like > likeness)
                (likeness, isExplained) = (like, false);
            isExplained |= like == likeness && (_ways.Missing & OfOtherSettings) == 0;
        }
        while (_ways.Next(0));

        likeness = isExplained ? likeness : 0;
        return true;
    }

    private int Likeness(List<AddressVisit> visits)
    {
        var likeness = 0;
        for (var i = 0; i < visits.Count; i++)
        {
            var (result, recorded) = (_before.ResultOf(i), visits[i].Client);
            likeness += result.Outcome == recorded.Outcome ? result.Due == recorded.Due ? 2 : 1 : 0;
        }

        return likeness;
    }

    // Alone it does not matter when a client gives up that does, unless taRgrey looks at where it stood.
    private TimeSpan LateAct(List<AddressVisit> visits, bool isCrowded)
    {
        if (visits.Count == 1 && !isCrowded && _before.Rules.Settings.Lanes?.Targrey is null && _after.Rules.Settings.Lanes?.Targrey is null)
            return TimeSpan.Zero;
        var stress = visits[0].Client.UnderStress;
        var (one, other) = (_before.Rules.LongestWait(stress), _after.Rules.LongestWait(stress));
        return (one > other ? one : other) - TimeSpan.FromMilliseconds(1);
    }

    /// <summary>There are too many ways to replay the visits together: each is replayed alone, among whatever the others may do.</summary>
    private void Scatter()
    {
        _records.Unite();
        _isCrowded = true;
        foreach (var visit in _together)
            AddToCrowd(visit);
        _together.Clear();
    }

    private void AddToCrowd(in AddressVisit visit)
    {
        var (begin, end) = (visit.Client.Connected, EndOf(visit.Client));
        _alone.Clear();
        _alone.Add(visit);
        (_sideBefore, _sideAfter) = (default, default);
        Commit(begin);
        if (!TryReplay(_alone, (CrowdAt(begin, _crowdBefore, _records[0].Before), CrowdAt(begin, _crowdAfter, _records[0].After))))
        {
            _comparisons[0].GiveUp(visit.Client, _after.Rules.LongestWait(visit.Client.UnderStress));
            _take(visit.Client, _comparisons[0]);
            (_sideBefore, _sideAfter) = (Side.OfAnything(_before, visit.Client), Side.OfAnything(_after, visit.Client));
        }

        _crowdBefore.Add(_sideBefore.Within(begin, end));
        _crowdAfter.Add(_sideAfter.Within(begin, end));
    }

    /// <summary>Whom a visit may meet.</summary>
    private static Crowd CrowdAt(DateTimeOffset now, List<Side> others, in RecordRange record)
    {
        var crowd = new Crowd(record, 0, 0);
        foreach (var other in others)
            crowd = other.Join(crowd, now);
        return crowd;
    }

    /// <summary>What those have passed that have ended for certain is remembered.</summary>
    private void Commit(DateTimeOffset now) =>
        _records.Set(new RecordPair(Committed(now, _crowdBefore, _records[0].Before), Committed(now, _crowdAfter, _records[0].After)));

    private static RecordRange Committed(DateTimeOffset now, List<Side> others, RecordRange record)
    {
        for (var i = 0; i < others.Count; i++)
        {
            if (others[i].LatestEnd >= now)
                continue;
            record = record.Raised(others[i].Record);
            foreach (var test in ScreeningTest.Deep)
            {
                if (test.ExpiryIn(others[i].Shared.Least) <= 1)
                    record = record.With(test, 0, test.ExpiryIn(record.Most)); // it was failed, and another session may have stored that
            }

            others.RemoveAt(i--);
        }

        return record;
    }

    /// <summary>How a visit that others may have met went under one of the settings, on all ways together: until when, and what it may have changed for those who met it, and for those after it.</summary>
    private readonly record struct Side(bool HasWays, DateTimeOffset EarliestEnd, DateTimeOffset LatestEnd, bool IsEndSupposed, RecordRange Shared, RecordRange Record)
    {
        public static Side OfAnything(VisitsReplay replay, RecordedClient client)
        {
            var latest = CacheRecord.Seconds(client.Connected + replay.Rules.LongestWait(client.UnderStress) + VisitsReplay.LongDialogue + ScreeningTest.LifetimesIn(replay.Rules.Settings).Longest);
            var anything = new RecordRange(default, new TestExpiry(latest, latest, latest, latest, latest), null, IsHangupKnown: false);
            return new(true, client.Connected, client.Connected, IsEndSupposed: true, anything, anything);
        }

        public Side With(VisitsReplay replay)
        {
            var result = replay.ResultOf(0);
            var end = replay.Began + result.Lasted;
            return HasWays
                ? new(true, end < EarliestEnd ? end : EarliestEnd, end > LatestEnd ? end : LatestEnd, IsEndSupposed || result.IsEndSupposed, Shared.Or(replay.Shared), Record.Or(replay.Record))
                : new(true, end, end, result.IsEndSupposed, replay.Shared, replay.Record);
        }

        /// <summary>With the bounds for what is not known of its end, and for what is not exact.</summary>
        public Side Within(DateTimeOffset begin, DateTimeOffset end) => this with
        {
            EarliestEnd = IsEndSupposed ? begin : EarliestEnd - Inexactness,
            LatestEnd = IsEndSupposed && end > LatestEnd ? end : LatestEnd + Inexactness,
        };

        /// <summary>What a visit that comes then may meet of it.</summary>
        public Crowd Join(in Crowd crowd, DateTimeOffset now) => new(
            crowd.Passes.Or(Shared), crowd.LeastSessions + (EarliestEnd > now ? 1 : 0), crowd.MostSessions + (LatestEnd >= now ? 1 : 0));
    }
}
