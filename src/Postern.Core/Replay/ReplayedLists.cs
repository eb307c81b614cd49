using Postern.Core.Dnsbl;

namespace Postern.Core.Replay;

/// <summary>What a DNS list will say.</summary>
/// <param name="List">The list.</param>
/// <param name="Addresses">Its answer; empty: not listed.</param>
/// <param name="TimeToLive">Seconds; -1: it does not say; null: it is not known.</param>
/// <param name="At">When.</param>
internal readonly record struct ListAnswer(DnsblList List, uint[] Addresses, int? TimeToLive, DateTimeOffset At);

/// <summary>The questions to DNS lists about an address that one visit has asked; others may wait for the answers, too.</summary>
/// <param name="score">Takes the answers.</param>
/// <param name="asker">Who asked.</param>
internal sealed class ListLookup(DnsblScore score, ReplayedVisit asker)
{
    private bool _isSupposed;

    /// <summary>Takes the answers.</summary>
    public DnsblScore Score { get; } = score;

    /// <summary>Who asked.</summary>
    public ReplayedVisit Asker { get; } = asker;

    /// <summary>Answers that will come, in no order.</summary>
    public List<ListAnswer> Coming { get; } = [];

    /// <summary>Lists that were not asked about it in the recording.</summary>
    public List<DnsblList> NeverAsked { get; } = [];

    /// <summary>Lists that had not answered.</summary>
    public List<DnsblList> Unanswered { get; } = [];

    /// <summary>Whether an answer has come of which it is not known for how long it is good.</summary>
    public bool HasUnknownTtl { get; private set; }

    /// <summary>When the next answer is due; null: none is.</summary>
    public DateTimeOffset? Next
    {
        get
        {
            DateTimeOffset? next = null;
            foreach (var answer in Coming)
            {
                if (next is null || answer.At < next)
                    next = answer.At;
            }

            return next;
        }
    }

    /// <summary>Whether just that has come that had come in the recording, so that it is known until when a pass is good.</summary>
    public bool IsAsRecorded(ReplayRules rules) =>
        !_isSupposed && rules.HasRecordedLists && Asker.Recorded.Answered is { } answered && Score.Answered.Count() == answered.Count;

    /// <summary>A list is supposed to say something now.</summary>
    public void Suppose(in ListAnswer answer)
    {
        _isSupposed = true;
        Coming.Add(answer);
    }

    /// <summary>Adds to the score what is due.</summary>
    /// <returns>Whether it is complete with that.</returns>
    public bool Take(DateTimeOffset until, ReplayRules rules)
    {
        var isComplete = false;
        while (Next is { } at && at <= until)
        {
            var i = Coming.FindIndex(answer => answer.At == at);
            var answer = Coming[i];
            Coming.RemoveAt(i);
            HasUnknownTtl |= answer.TimeToLive is null && rules.Settings.DnsblMinTtl < rules.Settings.DnsblMaxTtl;
            isComplete |= Score.Add(answer.List, answer.Addresses, answer.TimeToLive ?? TimeToLiveThen);
        }

        return isComplete;
    }

    // For how long all answers together were good, where an older version did not write down for how long each was.
    private int TimeToLiveThen => Asker.Recorded is { Remembered: { } record, Waited: { } waited } recorded
        && record.Dnsbl - (recorded.Connected + waited).ToUnixTimeSeconds() is > 0 and < int.MaxValue and var seconds ? (int)seconds : -1;
}

/// <summary>What DNS lists say in a replay.</summary>
/// <param name="rules">Which lists there are.</param>
/// <param name="ways">Asked where the recording does not tell.</param>
internal sealed class ReplayedLists(ReplayRules rules, Alternatives ways)
{
    private static readonly uint[] NotListed = [];
    private static readonly TimeSpan JustBefore = TimeSpan.FromMilliseconds(1);

    /// <summary>A visit asks.</summary>
    /// <param name="score">Takes the answers.</param>
    /// <param name="visit">Who asks.</param>
    /// <param name="now">When.</param>
    /// <param name="isShared">What is known comes at once: another session has asked long before.</param>
    /// <param name="others">The visits that are replayed with it, of which some may have shared the answers.</param>
    public ListLookup Begin(DnsblScore score, ReplayedVisit visit, DateTimeOffset now, bool isShared, IReadOnlyList<ReplayedVisit> others)
    {
        var (lookup, recorded) = (new ListLookup(score, visit), visit.Recorded);
        foreach (var list in score.Sites.Lists)
        {
            var addresses = AddressesOf(recorded, list);
            if (Find(recorded, list) is { } answered)
                lookup.Coming.Add(new(list, addresses, answered.TimeToLive, isShared ? now : now + answered.After));
            else if (recorded.Answered is null && (addresses.Length > 0 || (WasAsked(recorded, list) && recorded.Unanswered == 0)))
                lookup.Coming.Add(new(list, addresses, null, ways.Choose(new(visit.Index, Fact.Lists, -1), 2, Unknowns.Lists) == 0 ? now + (recorded.Waited ?? recorded.Duration) : now));
            else if (!WasAsked(recorded, list))
                lookup.NeverAsked.Add(list);
            else if (recorded.Unanswered > 0 && FindShared(others, list) is { } sharer)
                lookup.Coming.Add(new(list, AddressesOf(sharer, list), Find(sharer, list)!.Value.TimeToLive, now + Find(sharer, list)!.Value.After));
            else if (recorded.Unanswered > 0)
                lookup.Unanswered.Add(list);
            else
                score.GiveUp(list); // it was not well, and left out
        }

        score.Start(lookup.Coming.Count + lookup.NeverAsked.Count + lookup.Unanswered.Count);
        return lookup;
    }

    /// <summary>The moment has come from which on lists may answer of which nobody knows what they say.</summary>
    /// <param name="lookup">The questions.</param>
    /// <param name="isLate">Those that were asked in the recording and had not answered; else those that were not asked.</param>
    /// <param name="now">When.</param>
    /// <returns>When they answer; null: they do not, or too late.</returns>
    public DateTimeOffset? Suppose(ListLookup lookup, bool isLate, DateTimeOffset now)
    {
        var unknown = isLate ? lookup.Unanswered : lookup.NeverAsked;
        var sayings = Sayings(unknown, lookup.Asker.Recorded);
        // Who asked has gone on without, so what is open is only whether they were in time for those who share the answers.
        var missing = isLate && (lookup.Asker.IsOver || lookup.Asker.Decisions.Dnsbl != lookup.Score) ? Unknowns.Order : Unknowns.Lists;
        var way = ways.Choose(new(lookup.Asker.Index, Fact.Lists, DetailOf(unknown, isLate)), sayings.Count + 1, missing);
        if (way == 1)
            return null;
        var saying = sayings[way == 0 ? 0 : way - 1];
        var at = lookup.Asker.Recorded.Connected + saying.After is var later && later > now ? later : now;
        for (var i = 0; i < unknown.Count; i++)
            lookup.Suppose(new(unknown[i], saying.Answers[i], null, at));
        return at;
    }

    /// <summary>What lists can say, as far as it makes a difference; the first is that nobody lists the client.</summary>
    private List<Saying> Sayings(List<DnsblList> lists, RecordedClient recorded)
    {
        const int MaxAlone = 3;
        var extremes = lists.ConvertAll(rules.ExtremesOf);
        var sayings = new List<Saying> { new(lists.Select(static _ => NotListed).ToArray(), TimeSpan.Zero) };
        if (extremes.Exists(static extreme => extreme.Worst.Length > 0))
            sayings.Add(new([.. extremes.Select(static extreme => extreme.Worst)], TimeSpan.Zero));
        var good = Enumerable.Range(0, lists.Count).Where(i => extremes[i].Best.Length > 0).ToList();
        if (good.Count == 0)
            return sayings;
        var praises = new List<uint[][]> { extremes.Select(static extreme => extreme.Best).ToArray(), extremes.Select(static extreme => extreme.Mildest).ToArray() };
        foreach (var one in good.Count > 1 ? good.Take(MaxAlone) : [])
            praises.Add([.. extremes.Select((extreme, i) => i == one ? extreme.Best : NotListed)]);

        // Praise ends a wait: at once, just before the ordinary end of it, or in a slow lane.
        var (wait, longest) = (recorded.UnderStress ? rules.Settings.GreetWaitUnderStress : rules.Settings.GreetWait, rules.LongestWait(recorded.UnderStress));
        foreach (var after in (TimeSpan[])[TimeSpan.Zero, wait - JustBefore, .. longest > wait ? (TimeSpan[])[longest - JustBefore] : []])
            sayings.AddRange(praises.Select(praise => new Saying(praise, after)));
        return sayings;
    }

    private static long DetailOf(List<DnsblList> lists, bool isLate)
    {
        long detail = isLate ? 1 : 0;
        foreach (var list in lists)
        {
            foreach (var letter in list.Domain)
                detail = unchecked(detail * 31 + letter);
        }

        return detail & long.MaxValue;
    }

    private bool WasAsked(RecordedClient recorded, DnsblList list)
    {
        if (!recorded.ListsWereAsked || rules.Recorded.DnsblSites is not { } sites)
            return false;
        foreach (var other in sites.Lists)
        {
            if (other.Domain == list.Domain)
                return true;
        }

        return false;
    }

    // Who heard an answer that took longer than its own wait had joined in what another had asked.
    private static RecordedClient? FindShared(IReadOnlyList<ReplayedVisit> visits, DnsblList list)
    {
        foreach (var visit in visits)
        {
            if (Find(visit.Recorded, list) is { } answered && answered.After > visit.Recorded.Waited + JustBefore)
                return visit.Recorded;
        }

        return null;
    }

    private static AnsweredList? Find(RecordedClient recorded, DnsblList list)
    {
        if (recorded.Answered is null)
            return null;
        foreach (var answered in recorded.Answered)
        {
            if (answered.List == list.Domain)
                return answered;
        }

        return null;
    }

    private static uint[] AddressesOf(RecordedClient recorded, DnsblList list)
    {
        if (recorded.Answers.Count == 0)
            return NotListed;
        var addresses = new List<uint>();
        foreach (var answer in recorded.Answers)
        {
            if (answer.List == list.Domain)
                addresses.Add(answer.Address);
        }

        return [.. addresses];
    }

    /// <param name="Answers">Of each list.</param>
    /// <param name="After">At least so long after the client has connected.</param>
    private readonly record struct Saying(uint[][] Answers, TimeSpan After);
}
