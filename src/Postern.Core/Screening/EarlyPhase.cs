using Postern.Core.Config;
using Postern.Core.Dnsbl;
using Postern.Core.Lanes;
using Postern.Core.Smtp;

namespace Postern.Core.Screening;

/// <summary>
/// The tests before the greeting: the client gets the first half of a 220 greeting (the teaser) and has to be silent
/// for the greet wait, while DNS lists are asked about it.
/// </summary>
internal static class EarlyPhase
{
    /// <param name="hasTeaser">Whether the client has the teaser.</param>
    /// <param name="waited">How much of the greet wait is over.</param>
    /// <returns>Whether the early tests are over and the session is to go on at once.</returns>
    internal static bool Begin(Session session, bool underStress, bool hasTeaser, TimeSpan waited, Moment moment, SessionActions actions)
    {
        var settings = session.Settings;
        session.Facts?.BeginEarly(underStress);
        if (session.Ledger.Due.Has(ScreeningTest.Pregreet))
        {
            if (!hasTeaser)
                SendTeaser(settings, actions);
            actions.Watch(WatchMode.Peek);
        }

        var wait = underStress ? settings.GreetWaitUnderStress : settings.GreetWait;
        actions.WakeAfter(waited < wait ? wait - waited : TimeSpan.Zero);
        SlowLane.Approach(session, actions);
        if (!session.Ledger.Due.Has(ScreeningTest.Dnsbl))
            return false;
        if (session.JoinDnsbl(settings.DnsblSites!).IsComplete)
            return TakeDnsblResult(session, moment); // another session of the client has heard all answers already
        actions.LookUpDnsbl();
        return false;
    }

    /// <summary>Sends the first half of the greeting. It is a reply to <c>soft_bounce</c>, too: the fifth byte counts.</summary>
    internal static void SendTeaser(Settings settings, SessionActions actions)
    {
        var start = actions.Text.Length;
        actions.Text.Append("220-"u8).Append(settings.GreetBanner).Append("\r\n"u8);
        if (settings.SoftBounce)
            Reply.Soften(actions.Text, start);
        actions.Send();
    }

    /// <summary>The client talks before its turn. What it said stays in the kernel, for whoever talks to it next.</summary>
    /// <returns>Whether the early tests are over and the session is to go on at once.</returns>
    internal static bool Spoke(
        Session session, LaneTraffic lanes, ReadOnlySpan<byte> peeked, TimeSpan elapsed, Moment moment, SessionActions actions)
    {
        var gaveUp = CommandTable.Is(peeked.TrimEnd("\r\n"u8), "QUIT"u8);
        SlowLane.Leave(session, lanes, elapsed, gaveUp ? LaneEvent.Quit : LaneEvent.Pregreet, moment, actions);
        var settings = session.Settings;
        LogText.Pregreet(
            actions.Text, peeked, elapsed, settings.DelayLoggingResolutionLimit, session.Client.Address, session.ClientPort);
        actions.Log();
        session.Facts?.Spoke(peeked, elapsed);
        if (session.Fail(ScreeningTest.Pregreet, moment, actions))
            return false;

        var wait = moment.UnderStress ? settings.GreetWaitUnderStress : settings.GreetWait;
        if (elapsed >= wait || !session.Ledger.IsWaitingFor(early: true))
            return true;

        // The DNS lists are still to be heard. Nothing the client says or does until then changes the result.
        actions.Watch(WatchMode.Nothing);
        actions.WakeAfter(wait - elapsed);
        return false;
    }

    /// <summary>Takes what the DNS lists have said so far; a client whom they praise enough need not pass the other tests.</summary>
    /// <returns>Whether the early tests are over and the session is to go on at once.</returns>
    internal static bool TakeDnsblResult(Session session, Moment moment)
    {
        session.LeaveDnsbl();
        var (settings, score) = (session.Settings, session.Dnsbl!);
        if (settings.DnsblAllowlistThreshold < 0 && !session.AnyFailed
            && score.Score < settings.DnsblThreshold && score.Score <= settings.DnsblAllowlistThreshold)
        {
            session.Ledger.PassAllBut(ScreeningTest.Dnsbl, TimeToLive(score, settings), session.Client, moment);
        }

        return !session.Ledger.IsWaitingFor(early: true);
    }

    /// <summary>The greet wait is over: who was silent has passed, and who scores too high has failed.</summary>
    /// <returns>Whether the session is over.</returns>
    internal static bool Judge(Session session, Moment moment, SessionActions actions)
    {
        if (session.Ledger.Watches(ScreeningTest.Pregreet))
            session.Ledger.Pass(ScreeningTest.Pregreet, session.Settings, session.Client, moment);
        Forgive(session, ScreeningTest.Pregreet);
        if (session.Dnsbl is not { } score)
            return false;

        if (session.Ledger.Watches(ScreeningTest.Dnsbl))
            TakeDnsblResult(session, moment);
        var settings = session.Settings;
        if (score.Score < settings.DnsblThreshold)
        {
            session.Ledger.Pass(ScreeningTest.Dnsbl, TimeToLive(score, settings), session.Client, moment);
            return false;
        }

        LogText.DnsblRank(actions.Text, score.Score, session.Client.Address, session.ClientPort);
        actions.Log();
        var reason = $"; client [{session.Client.Address}] blocked using {score.Best!.PublicName(actions)}";
        if (session.Fail(ScreeningTest.Dnsbl, moment, actions, reason))
            return true;
        Forgive(session, ScreeningTest.Dnsbl);
        return false;
    }

    private static TimeSpan TimeToLive(DnsblScore score, Settings settings) =>
        score.TimeToLive(settings.DnsblMinTtl, settings.DnsblMaxTtl);

    private static void Forgive(Session session, ScreeningTest test)
    {
        if (session.Ledger.Failed.Has(test) && test.Action(session.Settings) is FailAction.Ignore)
            session.Ledger.Forgive(test);
    }
}
