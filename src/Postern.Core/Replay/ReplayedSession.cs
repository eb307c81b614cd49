using Postern.Core.Dnsbl;
using Postern.Core.Lanes;
using Postern.Core.Reporting;
using Postern.Core.Screening;

namespace Postern.Core.Replay;

/// <summary>One recorded client in a replay: its session, and what it and DNS will do as far as that is known.</summary>
/// <param name="recorded">What is known.</param>
/// <param name="hypothesis">What to suppose beyond.</param>
/// <param name="rules">The settings.</param>
internal sealed class ReplayedSession(RecordedClient recorded, Hypothesis hypothesis, ReplayRules rules)
{
    /// <summary>In place of words: it says nothing until its time is over.</summary>
    public const string SaysNothing = "\0";

    // Greet waits are whole seconds, and neither timers nor clocks are exact: who is known to have waited 5.99 s has waited 6 s.
    private static readonly TimeSpan Inexactness = TimeSpan.FromMilliseconds(250);

    private static readonly ReverseName ServerName = new(ReverseNameStatus.Confirmed, "mail.example.com");
    private static readonly ReverseName LineName = new(ReverseNameStatus.Confirmed, "host-1-2.example.com");

    private Session? _decisions;

    /// <summary>What is known of it.</summary>
    public RecordedClient Recorded { get; } = recorded;

    /// <summary>What its session writes down.</summary>
    public ClientFacts Facts { get; } = new(new Moment(recorded.Connected, UnderStress: false));

    /// <summary>How long it is known to have been silent.</summary>
    public TimeSpan KnownSilence { get; } = recorded.KnownSilence(rules.Recorded.GreetWait);

    /// <summary>What had to be supposed so far.</summary>
    public Unknowns Unknowns { get; set; }

    /// <summary>How its socket is watched.</summary>
    public WatchMode Watch { get; set; }

    /// <summary>Which of the timers that it has set is the one that counts.</summary>
    public int TimerNumber { get; set; }

    /// <summary>Nothing more happens to it.</summary>
    public bool IsOver { get; set; }

    /// <summary>Decides.</summary>
    public Session Decisions => _decisions!;

    /// <summary>From when on nobody knows whether it would have been silent.</summary>
    public TimeSpan SilenceEnds => KnownSilence + (KnownSilence > TimeSpan.Zero ? Inexactness : TimeSpan.Zero);

    /// <summary>For how many seconds the lists' answers were good; -1: nobody knows.</summary>
    public int ListTimeToLive =>
        Recorded is { Remembered: { } record, Waited: { } waited } && record.Dnsbl - (Recorded.Connected + waited).ToUnixTimeSeconds() is > 0 and < int.MaxValue and var seconds ? (int)seconds : -1;

    /// <summary>It connects.</summary>
    public void Begin(Session session) => _decisions = session;

    /// <summary>What DNS says of its name.</summary>
    public ReverseName ReverseName()
    {
        if (Recorded.Name is { } known)
            return known;
        Unknowns |= Unknowns.Name;
        if (hypothesis.IsKindIn(Unknowns.Name))
            return ServerName;
        var waits = rules.Settings.Lanes!.Waits;
        return waits.Longest == waits.Generic ? LineName
            : waits.Longest == waits.None ? Lanes.ReverseName.None
            : new ReverseName(ReverseNameStatus.Unconfirmed, "");
    }

    /// <summary>A fact had to be supposed while it could make a difference.</summary>
    public void Suppose(Unknowns fact) => Unknowns |= IsOver ? Unknowns.None : fact;

    /// <summary>What a list says of it, and when; null: it does not answer.</summary>
    public (uint[]? Addresses, TimeSpan After, bool IsSupposed) AnswerOf(DnsblList list)
    {
        uint[] addresses = [.. Recorded.Answers.Where(answer => answer.List == list.Domain).Select(static answer => answer.Address)];
        if (Recorded.Answered is { } times && times.TryGetValue(list.Domain, out var after))
            return (addresses, after, IsSupposed: false);
        var isKind = hypothesis.IsKindIn(Unknowns.Lists);
        var wasAsked = Recorded.ListsWereAsked && rules.Recorded.DnsblSites?.Lists.Any(other => other.Domain == list.Domain) is true;
        var end = Recorded.Waited ?? (KnownSilence > TimeSpan.Zero && KnownSilence < Recorded.Duration ? KnownSilence : Recorded.Duration);
        if (addresses.Length > 0 || (wasAsked && Recorded.Answered is null && Recorded.Unanswered == 0))
            return (addresses, isKind ? end : TimeSpan.Zero, IsSupposed: true); // nobody wrote down when
        var extreme = rules.ExtremeOf(list, isKind);
        return wasAsked ? (extreme.Length > 0 ? extreme : null, end + Inexactness, IsSupposed: true) : (extreme, TimeSpan.Zero, IsSupposed: true);
    }

    /// <summary>What it says after the greeting, one text for each time that it is its turn; an empty one is a hang-up.</summary>
    public IEnumerable<string> Dialogue()
    {
        // What it said is known to the end, unless it was hung up on.
        var (isKnown, wasCutShort) = (Recorded.TalkedToUs, Recorded.TalkedToUs && !Recorded.Dropped.IsEmpty);
        if (!isKnown)
            Unknowns |= Unknowns.Dialogue;
        if (!isKnown && hypothesis.Continuation is Continuation.HangsUp)
            return [""];
        var words = new List<string> { "EHLO client.example\r\n" };
        foreach (var test in ScreeningTest.Deep.Where(Decisions.Ledger.Watches).OrderBy(test => !Recorded.Failed.Has(test)).ThenBy(test => Recorded.Dropped.Has(test)))
        {
            var isResultKnown = isKnown && (Recorded.Failed.Has(test) || Recorded.Passed.Has(test) || (Recorded.Due.Has(test) && !wasCutShort));
            if (!isResultKnown)
                Unknowns |= Unknowns.Dialogue;
            if (isResultKnown ? Recorded.Failed.Has(test) : hypothesis.Continuation is Continuation.Talks)
                words.Add(Violation(test));
        }

        if (wasCutShort)
            Unknowns |= Unknowns.Dialogue;
        if (wasCutShort && hypothesis.Continuation is Continuation.HangsUp)
            return [.. words, ""];
        words.Add("MAIL FROM:<sender@example.com>\r\n");
        if (!isKnown || wasCutShort || Recorded.Recipients > 0 || ScreeningTest.Deep.Any(test => Recorded.Passed.Has(test)))
            words.Add("RCPT TO:<recipient@example.com>\r\n");
        words.Add(isKnown && Recorded.HungUpAfter is not null ? "" : isKnown && Recorded.Causes.HasFlag(ScreeningCause.CommandLimit) ? SaysNothing : "QUIT\r\n");
        return words;
    }

    // Each breaks one rule, whatever commands the settings forbid.
    private static string Violation(ScreeningTest test) =>
        test == ScreeningTest.Pipelining ? "EHLO client.example\r\nNOOP\r\n"
        : test == ScreeningTest.NonSmtpCommand ? "Subject: x\r\n"
        : "NOOP\n";
}
