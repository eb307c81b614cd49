using Postern.Core.Config;
using Postern.Core.Reporting;
using Postern.Core.Screening;

namespace Postern.Core.Replay;

/// <summary>What a recorded client says after the greeting, as far as it matters to the tests there.</summary>
internal static class ClientWords
{
    private static readonly byte[] Ehlo = "EHLO client.example\r\n"u8.ToArray(), Mail = "MAIL FROM:<sender@example.com>\r\n"u8.ToArray(),
        Rcpt = "RCPT TO:<recipient@example.com>\r\n"u8.ToArray(), Quit = "QUIT\r\n"u8.ToArray(), Nothing = [],
        Pipelined = "EHLO client.example\r\nNOOP\r\n"u8.ToArray(), Header = "Subject: x\r\n"u8.ToArray(), Bare = "NOOP\n"u8.ToArray();

    private static readonly TimeSpan Early = TimeSpan.FromMilliseconds(20);

    /// <summary>Who has nothing to hope for: whatever it says, it is stopped.</summary>
    public static IEnumerator<SaidWords> OfLost()
    {
        yield return new(Quit, IsLast: true);
    }

    /// <summary>What it says. Where the recording is silent, a fork is asked for when it is met.</summary>
    /// <param name="visit">The client.</param>
    /// <param name="greeted">How long after its connection.</param>
    /// <param name="ways">Asked at forks.</param>
    public static IEnumerator<SaidWords> Of(ReplayedVisit visit, TimeSpan greeted, Alternatives ways)
    {
        var (recorded, session) = (visit.Recorded, visit.Decisions);
        var isKnown = IsKnown(recorded, greeted);
        var wasCutShort = isKnown && !recorded.Dropped.IsEmpty;
        var namesRecipient = recorded.Recipients > 0 || HasDeep(recorded.Passed);
        var mayBeGone = isKnown && IsLateAndUnseen(visit, greeted) && ways.Choose(new(visit.Index, Fact.Dialogue, -2), 2, Unknowns.Dialogue) == 1;
        var guess = mayBeGone ? new Course(Leaves: true, default) : isKnown ? Course.Polite : Suppose(visit, default, ways);
        if (guess.Leaves)
        {
            yield return new(Nothing, IsLast: true);
            yield break;
        }

        yield return new(Ehlo);
        if (isKnown)
        {
            foreach (var test in ScreeningTest.Deep)
            {
                if (recorded.Failed.Has(test) && !recorded.Dropped.Has(test) && session.Ledger.Watches(test))
                    yield return Broken(test, session);
            }

            foreach (var test in ScreeningTest.Deep)
            {
                if (recorded.Dropped.Has(test))
                    yield return session.Ledger.Watches(test) ? Broken(test, session) with { IsLast = true } : new(Ehlo, IsLast: true);
            }

            guess = Suppose(visit, wasCutShort ? default : Shown(recorded), ways, mayLeave: wasCutShort);
            if (guess.Leaves)
            {
                yield return new(Nothing, IsLast: true);
                yield break;
            }
        }

        foreach (var test in ScreeningTest.Deep)
        {
            if (guess.Violates.Has(test) && session.Ledger.Watches(test))
                yield return Broken(test, session);
        }

        yield return new(Mail);
        if (!isKnown || wasCutShort || namesRecipient || (MayHaveSaidRcpt(recorded) && MayPass(session) && ways.Choose(new(visit.Index, Fact.Dialogue, -3), 2, Unknowns.Dialogue) == 1))
            yield return new(Rcpt, Matters: true);
        if (isKnown && recorded.Outcome is Outcome.HandedOff && Watched(visit, ignored: false) is { IsEmpty: false } watched && ways.Choose(new(visit.Index, Fact.Dialogue, -1), 2, Unknowns.Dialogue) == 1)
            yield return Broken(First(watched), session); // it was handed over then: what it said next is not known
        if (isKnown && recorded.Causes.HasFlag(ScreeningCause.CommandLimit))
            yield return new(recorded.DialogueTook < session.Settings.CommandTimeLimit ? new byte[session.Settings.LineLengthLimit + 1] : null, IsLast: true);
        else
            yield return new(isKnown && recorded.HungUpAfter is not null ? Nothing : Quit, IsLast: true);
    }

    /// <summary>Whether it is known what it says when it is greeted then.</summary>
    public static bool IsKnown(RecordedClient recorded, TimeSpan greeted) => recorded.TalkedToUs && (!recorded.LeftUnseen || greeted + Early >= recorded.Waited);

    // A recipient that is no address, or comes without MAIL, is not written down; but a test that did not fail would be passed.
    private static bool MayHaveSaidRcpt(RecordedClient recorded)
    {
        foreach (var test in ScreeningTest.Deep)
        {
            if (recorded.Due.Has(test) && !recorded.Failed.Has(test))
                return false;
        }

        return recorded.HungUpAfter is null || recorded.DialogueTook > Early;
    }

    private static bool MayPass(Session session)
    {
        foreach (var test in ScreeningTest.Deep)
        {
            if (session.Ledger.Due.Has(test) && !session.Ledger.Failed.Has(test) && !session.Ledger.Passed.Has(test))
                return true;
        }

        return false;
    }

    // It was greeted sooner then, and since nobody watches it, it may have left.
    private static bool IsLateAndUnseen(ReplayedVisit visit, TimeSpan greeted) =>
        greeted > (visit.Recorded.Waited ?? TimeSpan.Zero) + Early && (visit.Facts.PregreetLength > 0 || !visit.Decisions.Ledger.Due.Has(ScreeningTest.Pregreet));

    /// <summary>How it goes on, of those tests that have shown nothing yet.</summary>
    private static Course Suppose(ReplayedVisit visit, TestSet shown, Alternatives ways, bool mayLeave = true)
    {
        var (enforced, ignored) = (Without(Watched(visit, ignored: false), shown), Without(Watched(visit, ignored: true), shown));
        var (violations, ignorable) = (enforced.IsEmpty ? 0 : 1, 1 << Count(ignored));
        var way = ways.Choose(
            new(visit.Index, Fact.Dialogue, enforced.Columns << 8 | ignored.Columns), ignorable + violations + (mayLeave ? 1 : 0), Unknowns.Dialogue);
        if (way < ignorable)
            return new(Leaves: false, Subset(ignored, way));
        return way < ignorable + violations ? new(Leaves: false, new TestSet().With(First(enforced))) : new(Leaves: true, default);
    }

    private static TestSet Watched(ReplayedVisit visit, bool ignored)
    {
        var watched = default(TestSet);
        foreach (var test in ScreeningTest.Deep)
        {
            if (visit.Decisions.Ledger.Watches(test) && test.Action(visit.Decisions.Settings) is FailAction.Ignore == ignored)
                watched = watched.With(test);
        }

        return watched;
    }

    private static bool HasDeep(TestSet tests) => Count(tests) > 0 && ScreeningTest.Deep.Any(test => tests.Has(test));

    // What it failed, passed or had no trouble with is known; and it was heard out.
    private static TestSet Shown(RecordedClient recorded) => new((byte)(recorded.Failed.Columns | recorded.Passed.Columns | recorded.Due.Columns));

    private static TestSet Without(TestSet tests, TestSet others) => new((byte)(tests.Columns & ~others.Columns));

    private static int Count(TestSet tests) => System.Numerics.BitOperations.PopCount(tests.Columns);

    private static ScreeningTest First(TestSet tests) => ScreeningTest.All[System.Numerics.BitOperations.TrailingZeroCount(tests.Columns)];

    private static TestSet Subset(TestSet tests, int number)
    {
        var subset = default(TestSet);
        foreach (var test in ScreeningTest.Deep)
        {
            if (!tests.Has(test))
                continue;
            if ((number & 1) != 0)
                subset = subset.With(test);
            number >>= 1;
        }

        return subset;
    }

    private static SaidWords Broken(ScreeningTest test, Session session) => new(Violation(test), Matters: true, IsForgiven: test.Action(session.Settings) is FailAction.Ignore);

    // Each breaks one rule, whatever commands the settings forbid.
    private static byte[] Violation(ScreeningTest test) => test == ScreeningTest.Pipelining ? Pipelined : test == ScreeningTest.NonSmtpCommand ? Header : Bare;

    private readonly record struct Course(bool Leaves, TestSet Violates)
    {
        public static readonly Course Polite = new(Leaves: false, default);
    }
}
