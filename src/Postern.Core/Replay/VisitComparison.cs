using Postern.Core.Reporting;
using Postern.Core.Screening;

namespace Postern.Core.Replay;

/// <summary>What another setting does with a visit: each is a row of the answer.</summary>
[Flags]
public enum Effects
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>It is stopped.</summary>
    Stopped = 1,

    /// <summary>It is told to come back.</summary>
    ToldToComeBack = 2,

    /// <summary>The mail server gets it.</summary>
    HandedOff = 4,

    /// <summary>It is stopped, and was not.</summary>
    NewlyStopped = 8,

    /// <summary>It is not stopped any more.</summary>
    NewlyLetIn = 16,

    /// <summary>It is told to come back, and was let in.</summary>
    NewlyTold = 32,

    /// <summary>It is let in noticeably later.</summary>
    Later = 64,

    /// <summary>It is let in noticeably sooner.</summary>
    Sooner = 128,

    /// <summary>All of them.</summary>
    All = 255,
}

/// <summary>What may become of a visit under two settings: all ways taken together.</summary>
public sealed class VisitComparison
{
    // Timers are late by a few milliseconds: a delay that is hardly noticeable may be or not.
    private static readonly TimeSpan Noticeable = TimeSpan.FromMilliseconds(500), Inexactness = TimeSpan.FromMilliseconds(25);

    /// <summary>What it is on every way.</summary>
    public Effects Certain { get; private set; }

    /// <summary>What it is on some way.</summary>
    public Effects Possible { get; private set; }

    /// <summary>The longest time by which it may be let in later.</summary>
    public TimeSpan Delay { get; private set; }

    /// <summary>The longest time by which it may be let in sooner.</summary>
    public TimeSpan Saving { get; private set; }

    /// <summary>The longest that it would have to be silent.</summary>
    public TimeSpan? Wait { get; private set; }

    /// <summary>Why it is newly stopped, on every way on which it is.</summary>
    public ScreeningCause CertainCauses { get; private set; }

    /// <summary>Why it is newly stopped, on some way.</summary>
    public ScreeningCause PossibleCauses { get; private set; }

    /// <summary>What is not known, and has been met on some way.</summary>
    public Unknowns Missing { get; private set; }

    /// <summary>Whether the settings of today treat it as it was treated, on some way.</summary>
    public bool IsAsRecorded { get; private set; }

    /// <summary>Nothing is known of it yet.</summary>
    internal void Reset()
    {
        (Certain, Possible, Missing, IsAsRecorded) = (Effects.All, Effects.None, Unknowns.None, false);
        (Delay, Saving, Wait) = (TimeSpan.Zero, TimeSpan.Zero, null);
        (CertainCauses, PossibleCauses) = ((ScreeningCause)(-1), ScreeningCause.None);
    }

    /// <summary>As it is now.</summary>
    public VisitComparison Copy() => (VisitComparison)MemberwiseClone();

    /// <summary>There are too many ways: it may be anything.</summary>
    internal void GiveUp(RecordedClient recorded, TimeSpan longestWait)
    {
        Reset();
        (Certain, Possible, Missing, IsAsRecorded) = (Effects.None, Effects.All, Unknowns.Memory, true);
        (Delay, Saving) = (longestWait, recorded.Duration);
        CertainCauses = ScreeningCause.None;
    }

    /// <summary>One way more.</summary>
    /// <param name="recorded">The visit.</param>
    /// <param name="before">What the settings of today make of it.</param>
    /// <param name="after">What those in question make of it.</param>
    /// <param name="missing">What had to be supposed.</param>
    internal void Add(RecordedClient recorded, in VisitResult before, in VisitResult after, Unknowns missing)
    {
        var effects = after.Outcome switch
        {
            Outcome.Stopped => Effects.Stopped,
            Outcome.ToldToComeBack => Effects.ToldToComeBack,
            _ => Effects.HandedOff,
        };
        var possible = Effects.None;
        if (after.Outcome is Outcome.Stopped && before.Outcome is not Outcome.Stopped)
        {
            effects |= Effects.NewlyStopped;
            CertainCauses &= after.Causes;
            PossibleCauses |= after.Causes;
        }
        else if (before.Outcome is Outcome.Stopped && after.Outcome is not Outcome.Stopped)
        {
            effects |= Effects.NewlyLetIn;
        }
        else if (before.Outcome is Outcome.HandedOff && after.Outcome is Outcome.ToldToComeBack)
        {
            effects |= Effects.NewlyTold;
        }
        else if (before.Outcome is Outcome.HandedOff && after.Outcome is Outcome.HandedOff)
        {
            var delay = after.Lasted - before.Lasted;
            possible = Noticed(delay, Noticeable - Inexactness);
            effects |= Noticed(delay, Noticeable + Inexactness);
            Delay = delay > Delay ? delay : Delay;
            Saving = -delay > Saving ? -delay : Saving;
        }

        Certain &= effects;
        Possible |= effects | possible;
        Missing |= missing;
        IsAsRecorded |= before.Outcome == recorded.Outcome;
        if (after.Waited is { } waited && !(waited < Wait))
            Wait = waited;
    }

    private static Effects Noticed(TimeSpan delay, TimeSpan least) => delay > least ? Effects.Later : delay < -least ? Effects.Sooner : Effects.None;
}
