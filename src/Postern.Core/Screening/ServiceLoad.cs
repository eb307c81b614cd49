using Postern.Core.Config;
using Postern.Core.Lanes;
using Postern.Core.Relay;
using Postern.Core.Spf;

namespace Postern.Core.Screening;

/// <summary>What one screening service has on its hands: its queues, and stress mode.</summary>
public sealed class ServiceLoad
{
    /// <summary>Client sockets held: under test, being handed off, or waiting for the SMTP server.</summary>
    public int CheckQueue { get; private set; }

    /// <summary>The slow lanes. Who stands there is parked for long on purpose, within a limit of its own, and counts for no other.</summary>
    public LaneTraffic Lanes { get; } = new();

    /// <summary>What <c>postscreen_pre_queue_limit</c> and stress mode look at, hand-offs included.</summary>
    public int OutsideLanes => CheckQueue - Lanes.Standing;

    /// <summary>Hand-offs that the SMTP server has not taken yet.</summary>
    public int PostQueue { get; set; }

    /// <summary>Whether the shorter limits of stress mode are in force.</summary>
    public bool UnderStress { get; private set; }

    /// <summary>What clients may be promised of the server they are handed over to in the middle of their session; null: there is none.</summary>
    public TargetOffer? Offer { get; set; }

    /// <summary>Who belongs to a provider of <c>postern_provider_passes</c>; null: the parameter is empty.</summary>
    public IProviders? Providers { get; set; }

    /// <summary><see cref="IAllowlistView.ForgetsSoon"/>, when the last client came.</summary>
    internal bool ForgetsSoon { get; set; }

    /// <summary>Whether the line about the compatibility default of <c>respectful_logging</c> was logged; once is enough.</summary>
    public bool CompatibilityNoticeGiven { get; set; }

    /// <summary>Counts a client in. Stress begins at 90 % of <c>postscreen_pre_queue_limit</c>.</summary>
    public void ClientArrived(Settings settings, SessionActions actions)
    {
        CheckQueue++;
        // Floating point and truncation on purpose: 0.7 * 90 is 62, as in Postfix.
        if (UnderStress || OutsideLanes < (int)(0.9 * settings.PreQueueLimit))
            return;
        UnderStress = true;
        actions.Text.Append("entering STRESS mode with "u8).Append(OutsideLanes).Append(" connections"u8);
        actions.Log();
    }

    /// <summary>Counts a client out, after its socket is closed. Stress ends at 70 % of <c>postscreen_pre_queue_limit</c>.</summary>
    public void ClientLeft(Settings settings, SessionActions actions)
    {
        CheckQueue--;
        if (!UnderStress || OutsideLanes > (int)(0.7 * settings.PreQueueLimit))
            return;
        UnderStress = false;
        actions.Text.Append("leaving STRESS mode with "u8).Append(OutsideLanes).Append(" connections"u8);
        actions.Log();
    }
}
