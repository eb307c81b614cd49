using Postern.Core.Config;
using Postern.Core.Lanes;
using Postern.Core.Reporting;
using Postern.Core.Smtp;

namespace Postern.Core.Screening;

/// <summary>
/// The greet wait by class: a client whose reverse name looks like an end user's line has to be silent for longer. Its
/// lane begins where the ordinary greet wait ends, so that access list, temporary allowlist and DNS lists have had their
/// say. Nobody is turned away for a name.
/// </summary>
internal static class SlowLane
{
    private static readonly Reply ComeBack = new("450 4.7.1 Service currently unavailable; please try again later");

    /// <summary>The greet wait begins: asks for the reverse name, if a lane may depend on it.</summary>
    internal static void Approach(Session session, SessionActions actions)
    {
        if (session.Settings.Lanes is null || session.AnyFailed || !session.Ledger.Watches(ScreeningTest.Pregreet))
            return;
        session.LanePlace = LanePlace.Approaching;
        actions.LookUpReverseName();
    }

    /// <summary>DNS has answered.</summary>
    internal static void TakeName(Session session, LaneTraffic traffic, in ReverseName name, SessionActions actions)
    {
        if (session.LanePlace is not LanePlace.Approaching || session.Settings.Lanes is not { } lanes)
            return; // too late
        session.Rdns = lanes.Rules.Classify(name, actions).Reason;
        TellClass(session, traffic, name.Name, actions);
    }

    /// <summary>The session's timer has run out. Puts the client in its lane, or keeps it there.</summary>
    /// <returns>False: the greet wait is over.</returns>
    internal static bool GoesOn(Session session, LaneTraffic traffic, TimeSpan elapsed, Moment moment, SessionActions actions)
    {
        switch (session.LanePlace)
        {
            case LanePlace.Approaching when !IsDecidedAlready(session):
                session.LanePlace = LanePlace.Outside;
                return Enter(session, traffic, elapsed, moment, actions);
            case LanePlace.Inside or LanePlace.InsideShort when (session.LaneLeft -= Step(session)) > 0:
                EarlyPhase.SendTeaser(session.Settings, actions);
                actions.WakeAfter(TimeSpan.FromSeconds(Step(session)));
                return true;
            case LanePlace.Inside or LanePlace.InsideShort:
                Leave(session, traffic, elapsed, LaneEvent.Waited, moment, actions);
                return false;
            default:
                return false;
        }
    }

    /// <summary>The greet wait is over for this client, one way or another.</summary>
    internal static void Leave(Session session, LaneTraffic traffic, TimeSpan elapsed, LaneEvent what, Moment moment, SessionActions actions)
    {
        var place = session.LanePlace;
        session.LanePlace = LanePlace.Outside;
        if (place is LanePlace.Inside or LanePlace.InsideShort)
        {
            traffic.Leave();
            Tell(session, traffic, what, WaitOf(session, place is LanePlace.InsideShort), actions, elapsed);
            if (session.Settings.Lanes!.Targrey is not { } targrey)
                return;
            if (what is LaneEvent.Waited)
                traffic.Hangups.Forget(session.Client.Address);
            else if (what is LaneEvent.Hangup or LaneEvent.Quit)
                traffic.Hangups.OnHangup(session.Client.Address, ConnectedAt(moment, elapsed), targrey);
        }
        else if (place is LanePlace.Approaching && what is LaneEvent.Hangup && Verdict(session).Kind is not (RdnsKind.Undecided or RdnsKind.Named))
        {
            Tell(session, traffic, what, WaitOf(session, moment.UnderStress), actions, elapsed); // how patient its class is
        }
    }

    /// <summary>The session ends without the time to say why; the place in the lane is free again.</summary>
    internal static void Abandon(Session session, LaneTraffic traffic)
    {
        if (session.LanePlace is LanePlace.Inside or LanePlace.InsideShort)
        {
            traffic.Leave();
            traffic.Note(Verdict(session).Kind, LaneEvent.Stopped);
        }

        session.LanePlace = LanePlace.Outside;
    }

    /// <summary>What is left of the wait in the lane when the session's timer has run out.</summary>
    internal static TimeSpan RestAfterStep(Session session) => TimeSpan.FromSeconds(session.LaneLeft - Step(session));

    private static bool Enter(Session session, LaneTraffic traffic, TimeSpan elapsed, Moment moment, SessionActions actions)
    {
        var lanes = session.Settings.Lanes!;
        if (session.Rdns is RdnsReason.Late)
            TellClass(session, traffic, "", actions);
        if (lanes.Waits.Of(Verdict(session).Kind) <= session.Settings.GreetWait)
            return false;

        var wait = WaitOf(session, moment.UnderStress);
        if (lanes.Targrey is { } targrey)
        {
            var verdict = traffic.Hangups.Judge(session.Client.Address, ConnectedAt(moment, elapsed), targrey, out var since, out var refusals);
            if (verdict is not ReturnVerdict.Unknown)
                Tell(session, traffic, verdict is ReturnVerdict.LetIn ? LaneEvent.Returned : LaneEvent.Greylisted, wait, actions, TimeSpan.FromSeconds(since), refusals);
            if (verdict is ReturnVerdict.Refuse)
            {
                session.Enforce(ComeBack);
                session.Facts?.Stop(ScreeningCause.Greylisted);
                session.Ledger.Settle(ScreeningTest.Pregreet); // not passed either: it has to show up again for that
            }

            if (verdict is not ReturnVerdict.Unknown)
                return false;
        }

        if (wait <= elapsed)
        {
            Tell(session, traffic, LaneEvent.Closed, wait, actions);
            return false;
        }

        if (traffic.Standing >= Math.Min(lanes.Limit, traffic.Room))
        {
            Tell(session, traffic, LaneEvent.Full, wait, actions);
            return false;
        }

        session.LanePlace = moment.UnderStress ? LanePlace.InsideShort : LanePlace.Inside;
        session.LaneLeft = (byte)Math.Ceiling((wait - elapsed).TotalSeconds);
        traffic.Enter();
        Tell(session, traffic, LaneEvent.Enter, wait, actions);
        actions.WakeAfter(TimeSpan.FromSeconds(Step(session)));
        return true;
    }

    // What DNS lists have said so far counts at the end of the ordinary greet wait, as it does without lanes.
    private static bool IsDecidedAlready(Session session)
    {
        if (session.AnyFailed || !session.Ledger.Watches(ScreeningTest.Pregreet))
            return true;
        if (session.Dnsbl is not { } score)
            return false;
        var settings = session.Settings;
        return score.Score >= settings.DnsblThreshold
            ? settings.DnsblAction is not FailAction.Ignore
            : settings.DnsblAllowlistThreshold < 0 && score.Score <= settings.DnsblAllowlistThreshold;
    }

    private static RdnsVerdict Verdict(Session session) => new(session.Rdns);

    private static TimeSpan WaitOf(Session session, bool underStress)
    {
        var lanes = session.Settings.Lanes!;
        var wait = (underStress ? lanes.WaitsUnderStress : lanes.Waits).Of(Verdict(session).Kind);
        var ordinary = underStress ? session.Settings.GreetWaitUnderStress : session.Settings.GreetWait;
        return wait > ordinary ? wait : ordinary;
    }

    private static uint ConnectedAt(Moment moment, TimeSpan elapsed) => (uint)((moment.MonotonicTicks - elapsed.Ticks) / TimeSpan.TicksPerSecond);

    // Seconds until the next line to the client, or until the end.
    private static byte Step(Session session)
    {
        var (left, keepalive) = (session.LaneLeft, (int)session.Settings.Lanes!.Keepalive.TotalSeconds);
        return keepalive > 0 && keepalive < left ? (byte)keepalive : left;
    }

    private static void TellClass(Session session, LaneTraffic traffic, string name, SessionActions actions)
    {
        traffic.Note(Verdict(session).Kind, LaneEvent.Class);
        session.Facts?.Classify(Verdict(session), name);
        if (session.Rdns is RdnsReason.LooksLikeServer)
            return; // so look nearly all that are let in
        LogText.LaneClass(actions.Text, session.Client.Address, session.ClientPort, Verdict(session), name);
        actions.LogAsPostern();
    }

    private static void Tell(
        Session session, LaneTraffic traffic, LaneEvent what, TimeSpan wait, SessionActions actions, TimeSpan? after = null, int? refusals = null)
    {
        traffic.Note(Verdict(session).Kind, what);
        LogText.LaneEvent(
            actions.Text, what, session.Client.Address, session.ClientPort, Verdict(session), (int)wait.TotalSeconds, after, refusals,
            session.Settings.DelayLoggingResolutionLimit);
        actions.LogAsPostern();
    }
}
