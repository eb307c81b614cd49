using Postern.Core.Replay;
using Postern.Core.Screening;

namespace Postern.Tests.Replay;

/// <summary>What another setting has really done with a visit.</summary>
internal static class Truth
{
    private static readonly TimeSpan Noticeable = TimeSpan.FromSeconds(0.5);

    /// <param name="before">As it went under one setting.</param>
    /// <param name="after">As it went under the other.</param>
    public static Effects Of(RecordedClient before, RecordedClient after)
    {
        var effects = after.Outcome switch { Outcome.Stopped => Effects.Stopped, Outcome.ToldToComeBack => Effects.ToldToComeBack, _ => Effects.HandedOff };
        if (after.Outcome is Outcome.Stopped && before.Outcome is not Outcome.Stopped)
            effects |= Effects.NewlyStopped;
        if (before.Outcome is Outcome.Stopped && after.Outcome is not Outcome.Stopped)
            effects |= Effects.NewlyLetIn;
        if (before.Outcome is not Outcome.HandedOff)
            return effects;
        if (after.Outcome is Outcome.ToldToComeBack)
            effects |= Effects.NewlyTold;
        var delay = after.Outcome is Outcome.HandedOff ? after.Duration - before.Duration : TimeSpan.Zero;
        return effects | (delay > Noticeable ? Effects.Later : delay < -Noticeable ? Effects.Sooner : Effects.None);
    }
}
