using Postern.Core.Allowlist;
using Postern.Core.Lanes;
using Postern.Core.Screening;

namespace Postern.Core.Replay;

/// <summary>
/// What may be remembered of an address: for each test a pass that is good at least and at most until some second, and what
/// taRgrey has of it.
/// </summary>
/// <param name="Least">Seconds since 1970 UTC.</param>
/// <param name="Most">Likewise.</param>
/// <param name="Hangup">The hang-up in a slow lane that taRgrey remembers; null: none.</param>
/// <param name="IsHangupKnown">False: it may remember anything.</param>
internal readonly record struct RecordRange(TestExpiry Least, TestExpiry Most, HangupEntry? Hangup = null, bool IsHangupKnown = true)
{
    private const int EitherBit = 0b01_01_01_01_01; // of Pattern()

    /// <summary>Whether a pass may still be good that may have expired, too.</summary>
    public bool IsOpen(ScreeningTest test, uint now) => test.ExpiryIn(Least) < now && test.ExpiryIn(Most) >= now;

    /// <summary>Whether there may be any.</summary>
    public bool HasPasses => (Pattern() & EitherBit) != 0;

    /// <summary>With another range for one test.</summary>
    public RecordRange With(ScreeningTest test, uint least, uint most) =>
        this with { Least = test.WithExpiry(Least, least), Most = test.WithExpiry(Most, most) };

    /// <summary>Whatever is in either.</summary>
    public RecordRange Or(in RecordRange other)
    {
        var union = this with { IsHangupKnown = IsHangupKnown && other.IsHangupKnown && Hangup == other.Hangup };
        foreach (var test in ScreeningTest.All)
            union = union.With(test, Math.Min(test.ExpiryIn(Least), test.ExpiryIn(other.Least)), Math.Max(test.ExpiryIn(Most), test.ExpiryIn(other.Most)));
        return union;
    }

    /// <summary>The later times of both: what was passed in another session is remembered as well.</summary>
    public RecordRange Raised(in RecordRange other)
    {
        var raised = this with { IsHangupKnown = IsHangupKnown && other.IsHangupKnown && Hangup == other.Hangup };
        foreach (var test in ScreeningTest.All)
            raised = raised.With(test, Math.Max(test.ExpiryIn(Least), test.ExpiryIn(other.Least)), Math.Max(test.ExpiryIn(Most), test.ExpiryIn(other.Most)));
        return raised;
    }

    /// <summary>Without the passes that have expired: they count like none.</summary>
    public RecordRange At(uint now)
    {
        var rest = this;
        foreach (var test in ScreeningTest.All)
        {
            if (test.ExpiryIn(Most) < now)
                rest = rest.With(test, 0, 0);
            else if (test.ExpiryIn(Least) < now)
                rest = rest.With(test, 0, test.ExpiryIn(Most));
        }

        return rest;
    }

    /// <summary>Whether both have passes of the same tests, and the same of taRgrey.</summary>
    public bool IsLike(in RecordRange other) => Pattern() == other.Pattern() && Hangup == other.Hangup && IsHangupKnown == other.IsHangupKnown;

    // Which passes may be good, and which are for sure: two bits a test.
    private int Pattern()
    {
        var pattern = 0;
        foreach (var test in ScreeningTest.All)
            pattern = pattern << 2 | (test.ExpiryIn(Most) > 1 ? 1 : 0) | (test.ExpiryIn(Least) > 1 ? 2 : 0);
        return pattern;
    }
}

/// <summary>What the allowlist may have of an address in both replays, on the same ways.</summary>
internal readonly record struct RecordPair(RecordRange Before, RecordRange After)
{
    /// <summary>Whatever is in either.</summary>
    public RecordPair Or(in RecordPair other) => new(Before.Or(other.Before), After.Or(other.After));

    /// <summary>Without the passes that have expired.</summary>
    public RecordPair At(uint now) => new(Before.At(now), After.At(now));

    /// <summary>Whether both have passes of the same tests, and the same of taRgrey.</summary>
    public bool IsLike(in RecordPair other) => Before.IsLike(other.Before) && After.IsLike(other.After);
}

/// <summary>The records that the allowlist may have of an address in two replays: few, and together no fewer than there can be.</summary>
internal sealed class PossibleRecords
{
    private const int MaxPairs = 6;

    private readonly List<RecordPair> _pairs = [];

    /// <summary>How many there are.</summary>
    public int Count => _pairs.Count;

    /// <summary>One of them.</summary>
    public RecordPair this[int index] => _pairs[index];

    /// <summary>There is this one and no other.</summary>
    public void Set(in RecordPair pair)
    {
        _pairs.Clear();
        _pairs.Add(pair);
    }

    /// <summary>There are the same as there.</summary>
    public void Set(PossibleRecords others)
    {
        _pairs.Clear();
        _pairs.AddRange(others._pairs);
    }

    /// <summary>There is none.</summary>
    public void Clear() => _pairs.Clear();

    /// <summary>All of them become one.</summary>
    public void Unite()
    {
        var union = _pairs[0];
        foreach (var pair in _pairs)
            union = union.Or(pair);
        Set(union);
    }

    /// <summary>Adds one, to one of the same kind if there is one.</summary>
    /// <param name="pair">It.</param>
    /// <param name="now">What expired before this second counts as nothing.</param>
    public void Add(in RecordPair pair, uint now)
    {
        var added = pair.At(now);
        for (var i = 0; i < _pairs.Count; i++)
        {
            if (_pairs[i] == added)
                return;
            if (!_pairs[i].IsLike(added))
                continue;
            _pairs[i] = _pairs[i].Or(added);
            return;
        }

        _pairs.Add(added);
        if (_pairs.Count > MaxPairs)
            Unite();
    }
}
