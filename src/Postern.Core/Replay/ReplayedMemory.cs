using Postern.Core.Allowlist;
using Postern.Core.Screening;

namespace Postern.Core.Replay;

/// <summary>The temporary allowlist of a replay, for one address: a range where it is not known what it has.</summary>
/// <param name="rules">The settings.</param>
/// <param name="replay">Tells the forks of several replays apart.</param>
/// <param name="ways">Asked where it makes a difference.</param>
internal sealed class ReplayedMemory(ReplayRules rules, int replay, Alternatives ways)
{
    private static readonly TimeSpan SameMoment = TimeSpan.FromMilliseconds(250); // timers are late, and later on a busy machine

    private RecordRange _record;
    private TestExpiry _view; // what sessions were told
    private int _recollections;

    // For how long answers of DNS lists may be good.
    private TimeSpan Most => rules.Settings.DnsblMaxTtl;

    private TimeSpan Least => rules.Settings.DnsblMinTtl < Most ? rules.Settings.DnsblMinTtl : Most;

    /// <summary>What it has.</summary>
    public RecordRange Record => _record;

    /// <summary>Begins with what there was before.</summary>
    public void Begin(in RecordRange record) => (_record, _view, _recollections) = (record, default, 0);

    /// <summary>A client has come, and is looked for.</summary>
    /// <param name="visit">It.</param>
    /// <param name="shared">What other sessions may have passed since; null: there are none but those of this replay.</param>
    /// <param name="now">Seconds since 1970 UTC.</param>
    /// <param name="expiry">Until when its passes are good.</param>
    public bool TryRecall(ReplayedVisit visit, RecordRange? shared, uint now, out TestExpiry expiry)
    {
        _record = visit.Evidence.ApplyTo(_record, rules, now);
        if (MayBeCleanedUp(visit) && ways.Choose(new(visit.Index, Fact.Cleanup, 0), 2, Unknowns.Memory) == 1)
            _record = _record with { Least = default, Most = default };
        var record = shared is { } others ? _record.Or(others) : _record;
        var horizon = now + (uint)ScreeningTest.LifetimesIn(rules.Settings).Longest.TotalSeconds; // what lies beyond is not believed
        expiry = record.Most;
        _recollections++;
        foreach (var test in ScreeningTest.All)
        {
            if (test.ExpiryIn(record.Most) > horizon && test.ExpiryIn(record.Least) <= horizon)
                (record, expiry) = (record.With(test, test.ExpiryIn(record.Least), horizon), test.WithExpiry(expiry, horizon));
            if (!test.IsEnabled(rules.Settings) || !record.IsOpen(test, now))
                continue;
            var isGood = ways.Choose(new(visit.Index, Fact.Pass, replay << 16 | _recollections << 8 | test.Column), 2, Unknowns.Memory) == 0;
            record = isGood ? record.With(test, now, test.ExpiryIn(record.Most)) : record.With(test, test.ExpiryIn(record.Least), now - 1);
            if (!isGood)
                expiry = test.WithExpiry(expiry, test.ExpiryIn(record.Least));
        }

        (_record, _view) = (record, expiry);
        foreach (var test in ScreeningTest.All)
        {
            if (test.ExpiryIn(expiry) > 1)
                return true;
        }

        return false;
    }

    // When a cleanup comes is not known; but it is the same one whatever the settings are, as long as both would be cleaned up.
    private bool MayBeCleanedUp(ReplayedVisit visit)
    {
        var settings = rules.Settings;
        return settings.CacheCleanupInterval > TimeSpan.Zero && _record.HasPasses
            && !ExpiryRules.SurvivesCleanup(_record.Least, ScreeningTest.EnabledIn(settings), visit.Recorded.Connected, settings.CacheRetentionTime);
    }

    /// <summary>A session has passed tests.</summary>
    /// <param name="visit">Whose.</param>
    /// <param name="record">As it would be stored.</param>
    public void Remember(ReplayedVisit visit, in TestExpiry record)
    {
        var next = _record;
        var isTtlOpen = visit.Lookup is { HasUnknownTtl: true } lookup && !lookup.IsAsRecorded(rules);
        foreach (var test in ScreeningTest.All)
        {
            var expiry = test.ExpiryIn(record);
            if (expiry <= 1)
                next = next.With(test, expiry, expiry);
            else if (expiry != test.ExpiryIn(_view))
                next = isTtlOpen && expiry == record.Dnsbl ? next.With(test, Of(visit, Least), Of(visit, Most) + 1) : Passed(visit, test, expiry, next);
        }

        (_record, _view) = (next, record);
    }

    // Where all is as it was then, the recording has the very second; else that a timer is late can carry it over to the next.
    private static RecordRange Passed(ReplayedVisit visit, ScreeningTest test, uint expiry, in RecordRange record)
    {
        var spread = test.IsEarly ? 0 : (uint)(visit.Recorded.DialogueTook ?? TimeSpan.Zero).TotalSeconds + (visit.IsDialogueTimeSupposed ? (uint)VisitsReplay.LongDialogue.TotalSeconds : 0);
        if (IsSameMoment(visit) && visit.Recorded.Remembered is { } remembered && Math.Abs((long)test.ExpiryIn(remembered) - expiry) <= 1 + spread)
            return record.With(test, test.ExpiryIn(remembered), test.ExpiryIn(remembered));
        return record.With(test, expiry - spread, expiry + 1 + spread);
    }

    private static bool IsSameMoment(ReplayedVisit visit) => visit.Facts.Waited is { } waited
        ? visit.Recorded.Waited is { } then && (waited - then).Duration() <= SameMoment
        : visit.Recorded.Waited is null;

    private static uint Of(ReplayedVisit visit, TimeSpan ttl) =>
        CacheRecord.Seconds(visit.Recorded.Connected + (visit.Facts.Waited ?? TimeSpan.Zero) + ttl);
}
