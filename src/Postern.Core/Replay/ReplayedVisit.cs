using Postern.Core.Screening;

namespace Postern.Core.Replay;

/// <summary>A recorded visit, and what the recording says of the allowlist when it came.</summary>
internal readonly record struct AddressVisit(RecordedClient Client, Evidence Evidence);

/// <summary>What a client does of itself while it should be silent.</summary>
internal enum Act : byte
{
    /// <summary>Nothing more, as far as is known.</summary>
    None,

    /// <summary>It talks.</summary>
    Talk,

    /// <summary>It hangs up.</summary>
    HangUp,
}

/// <summary>One visit in a replay: its session, and how far it has come.</summary>
/// <param name="index">Among those that are replayed together.</param>
/// <param name="visit">What is recorded.</param>
/// <param name="rules">The settings.</param>
internal sealed class ReplayedVisit(int index, in AddressVisit visit, ReplayRules rules)
{
    private Session? _decisions;

    /// <summary>Among those that are replayed together.</summary>
    public int Index { get; } = index;

    /// <summary>What is known of it.</summary>
    public RecordedClient Recorded { get; } = visit.Client;

    /// <summary>What is known of the allowlist when it came.</summary>
    public Evidence Evidence { get; } = visit.Evidence;

    /// <summary>What its session writes down.</summary>
    public ClientFacts Facts { get; } = new(VisitsReplay.MomentAt(visit.Client.Connected, visit.Client));

    /// <summary>How long it is known to have been silent.</summary>
    public TimeSpan KnownSilence { get; } = visit.Client.KnownSilence(rules.Recorded.GreetWait);

    /// <summary>How its socket is watched.</summary>
    public WatchMode Watch { get; set; }

    /// <summary>Which of the timers that it has set is the one that counts.</summary>
    public int TimerNumber { get; set; }

    /// <summary>What it will do of itself, and when.</summary>
    public (Act Act, DateTimeOffset At) Next { get; set; }

    /// <summary>The questions to DNS lists whose answers it waits for; null: none.</summary>
    public ListLookup? Lookup { get; set; }

    /// <summary>Its reverse name was asked for, and will be known or not when it matters.</summary>
    public bool AwaitsName { get; set; }

    /// <summary>What it says after the greeting, one after the other.</summary>
    public IEnumerator<SaidWords>? Words { get; set; }

    /// <summary>When it could begin to.</summary>
    public DateTimeOffset DialogueBegan { get; set; }

    /// <summary>How many of them it has said.</summary>
    public int Said { get; set; }

    /// <summary>The last of them, which wait for their time; null: they do not, or are yet unknown.</summary>
    public SaidWords? LastWords { get; set; }

    /// <summary>When they are due.</summary>
    public DateTimeOffset DialogueEnds { get; set; }

    /// <summary>It is not known how long it talked to us.</summary>
    public bool IsDialogueTimeSupposed { get; set; }

    /// <summary>Nothing more happens to it.</summary>
    public bool IsOver { get; set; }

    /// <summary>We are rid of it.</summary>
    public bool IsGone { get; set; }

    /// <summary>Whether it has come.</summary>
    public bool HasBegun => _decisions is not null;

    /// <summary>Decides.</summary>
    public Session Decisions => _decisions!;

    /// <summary>It connects.</summary>
    public void Begin(Session session) => _decisions = session;

    /// <summary>What has come of it.</summary>
    public VisitResult Result => new(Facts.Outcome, Facts.Ended - Facts.Connected, Facts.Causes, Facts.Due, Facts.Waited, IsDialogueTimeSupposed);
}

/// <summary>What has come of a visit in a replay.</summary>
/// <param name="Outcome">Whether it got in.</param>
/// <param name="Lasted">Until we were rid of it.</param>
/// <param name="Causes">Why it was stopped.</param>
/// <param name="Due">Tests that had to run.</param>
/// <param name="Waited">How long the tests before the greeting took; null: they did not end.</param>
/// <param name="IsEndSupposed">It may have lasted longer.</param>
internal readonly record struct VisitResult(Outcome Outcome, TimeSpan Lasted, Reporting.ScreeningCause Causes, TestSet Due, TimeSpan? Waited, bool IsEndSupposed);

/// <summary>What a client says in one go.</summary>
/// <param name="Bytes">Empty: it hangs up; null: it says nothing until its time is over.</param>
/// <param name="Matters">Whether a test looks at it.</param>
/// <param name="IsForgiven">It breaks a rule, and that is ignored.</param>
/// <param name="IsLast">Nothing follows, as a rule.</param>
internal readonly record struct SaidWords(byte[]? Bytes, bool Matters = false, bool IsForgiven = false, bool IsLast = false);
