using Postern.Core.Allowlist;
using Postern.Core.Lanes;
using Postern.Core.Reporting;
using Postern.Core.Screening;

namespace Postern.Core.Replay;

/// <summary>What the event log has of one client. What an older version did not write down is null.</summary>
public sealed record RecordedClient
{
    private static readonly TimeSpan AtOnce = TimeSpan.FromMilliseconds(20);

    /// <summary>When it connected.</summary>
    public required DateTimeOffset Connected { get; init; }

    /// <summary>Until we were rid of it.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>The client's address.</summary>
    public required IpAddress Address { get; init; }

    /// <summary>The client's port.</summary>
    public required ushort Port { get; init; }

    /// <summary>Where it came to.</summary>
    public required Endpoint Server { get; init; }

    /// <summary>What became of it.</summary>
    public required Outcome Outcome { get; init; }

    /// <summary>What let it in.</summary>
    public Entrance Entrance { get; init; }

    /// <summary>Why it was stopped.</summary>
    public ScreeningCause Causes { get; init; }

    /// <summary>Tests that had to run.</summary>
    public TestSet Due { get; init; }

    /// <summary>Of these, those that it passed.</summary>
    public TestSet Passed { get; init; }

    /// <summary>Tests that it failed, whatever the action was.</summary>
    public TestSet Failed { get; init; }

    /// <summary>Of these, those that it was hung up on for.</summary>
    public TestSet Dropped { get; init; }

    /// <summary>How long it was silent before it talked out of turn; null: it did not.</summary>
    public TimeSpan? TalkedAfter { get; init; }

    /// <summary>Whether what it said then was QUIT.</summary>
    public bool SaidQuit { get; init; }

    /// <summary>Its class by reverse name; null: it was not asked for, or DNS was not as fast.</summary>
    public RdnsKind? Class { get; init; }

    /// <summary>How long it had stayed when it hung up; null: it did not.</summary>
    public TimeSpan? HungUpAfter { get; init; }

    /// <summary>How long the tests before the greeting took; null: they did not end, or nobody wrote it down.</summary>
    public TimeSpan? Waited { get; init; }

    /// <summary>How long the server took to take it; null: it has not.</summary>
    public TimeSpan? HandoffTook { get; init; }

    /// <summary>Why the mail server did not take it, in the mail log's words; null: it did, or it did not come to that.</summary>
    public string? HandoffProblem { get; init; }

    /// <summary>Whether the waits of stress mode were in force.</summary>
    public bool UnderStress { get; init; }

    /// <summary>Whether DNS lists were asked.</summary>
    public bool ListsWereAsked { get; init; }

    /// <summary>Answers that list it.</summary>
    public IReadOnlyList<RecordedAnswer> Answers { get; init; } = [];

    /// <summary>The lists that had answered, whatever they said; null: nobody wrote it down.</summary>
    public IReadOnlyList<AnsweredList>? Answered { get; init; }

    /// <summary>How many lists had not.</summary>
    public int Unanswered { get; init; }

    /// <summary>What DNS said of its name; null: it was not asked, or had not answered, or nobody wrote it down.</summary>
    public ReverseName? Name { get; init; }

    /// <summary>What the temporary allowlist had of it; null: nothing, or nobody wrote it down.</summary>
    public TestExpiry? Record { get; init; }

    /// <summary>What the temporary allowlist has of it since; null: as before, or nobody wrote it down.</summary>
    public TestExpiry? Remembered { get; init; }

    /// <summary>Its sender; null: it said none to us.</summary>
    public string? Sender { get; init; }

    /// <summary>Its first recipient; null: it said none to us.</summary>
    public string? Recipient { get; init; }

    /// <summary>How many recipients it named to us.</summary>
    public int Recipients { get; init; }

    /// <summary>Whether it talked to us after the greeting, so that it is known what it said there.</summary>
    public bool TalkedToUs { get; init; }

    /// <summary>Postern stopped, and sent it away.</summary>
    public bool WasCutOff { get; init; }

    /// <summary>Whether what became of it was a matter of screening, so that it can be replayed.</summary>
    public bool WasScreened => !WasCutOff && Outcome is not Outcome.NotTaken && !Causes.HasFlag(ScreeningCause.NoRoom);

    /// <summary>
    /// It was gone when it was greeted, and had left in a wait in which nobody watched it. What it would have said to an earlier
    /// greeting is not known.
    /// </summary>
    public bool LeftUnseen => HungUpAfter <= AtOnce && TalkedToUs && Waited > AtOnce && (TalkedAfter is not null || !Due.Has(ScreeningTest.Pregreet));

    /// <summary>How long it talked to us after the greeting; null: it did not.</summary>
    public TimeSpan? DialogueTook => TalkedToUs ? Duration - (Waited is { } waited && waited < Duration ? waited : TimeSpan.Zero) : null;

    /// <summary>
    /// How long it is known to have been silent; from then on nobody knows. Zero for those that had not to be silent,
    /// <see cref="TimeSpan.MaxValue"/> for those of whom the end is known.
    /// </summary>
    /// <param name="ordinaryWait">What the greet wait is thought to have been where nobody wrote it down.</param>
    public TimeSpan KnownSilence(TimeSpan ordinaryWait)
    {
        if (TalkedAfter is not null || Causes.HasFlag(ScreeningCause.HangupBefore))
            return TimeSpan.MaxValue;
        if (!Due.Has(ScreeningTest.Pregreet))
            return TimeSpan.Zero;
        if (Waited is { } waited)
            return waited;
        var stayed = Outcome is Outcome.HandedOff && !TalkedToUs ? Duration - (HandoffTook ?? TimeSpan.Zero) : Duration;
        return Passed.Has(ScreeningTest.Pregreet) && TalkedToUs && ordinaryWait < stayed ? ordinaryWait : stayed;
    }
}

/// <summary>An answer of a DNS list that lists a client.</summary>
/// <param name="List">The list's domain.</param>
/// <param name="Address">a.b.c.d with a in the most significant byte.</param>
public readonly record struct RecordedAnswer(string List, uint Address);

/// <summary>A DNS list that had answered when a client's score was taken.</summary>
/// <param name="List">The list's domain.</param>
/// <param name="After">How long it took.</param>
/// <param name="TimeToLive">Seconds that the answer may be remembered; -1: it does not say; null: nobody wrote it down.</param>
public readonly record struct AnsweredList(string List, TimeSpan After, int? TimeToLive);
