using Postern.Core.Config;

namespace Postern.Core.Screening;

/// <summary>
/// The tests before the greeting: the client gets the first half of a 220 greeting (the teaser) and has to be silent
/// for the greet wait.
/// </summary>
internal static class EarlyPhase
{
    internal static void Begin(Session session, bool underStress, SessionActions actions)
    {
        var settings = session.Settings;
        if (session.Ledger.Due.Has(ScreeningTest.Pregreet))
        {
            actions.Text.Append("220-"u8).Append(settings.GreetBanner).Append("\r\n"u8);
            actions.Send();
            actions.Watch(WatchMode.Peek);
        }

        actions.WakeAfter(underStress ? settings.GreetWaitUnderStress : settings.GreetWait);
    }

    /// <summary>The client talks before its turn. What it said stays in the kernel, for whoever talks to it next.</summary>
    /// <returns>Whether the early tests are over and the session is to go on at once.</returns>
    internal static bool Spoke(Session session, ReadOnlySpan<byte> peeked, TimeSpan elapsed, Moment moment, SessionActions actions)
    {
        var settings = session.Settings;
        LogText.Pregreet(
            actions.Text, peeked, elapsed, settings.DelayLoggingResolutionLimit, session.Client.Address, session.ClientPort);
        actions.Log();
        if (session.Fail(ScreeningTest.Pregreet, moment, actions))
            return false;

        var wait = moment.UnderStress ? settings.GreetWaitUnderStress : settings.GreetWait;
        if (elapsed >= wait || !session.Ledger.IsWaitingFor(early: true))
        {
            Forgive(session);
            return true;
        }

        // Somebody else is still to be heard (a DNS list). Nothing the client says or does until then changes the result.
        actions.Watch(WatchMode.Nothing);
        actions.WakeAfter(wait - elapsed);
        return false;
    }

    /// <summary>The greet wait is over: who was silent has passed.</summary>
    internal static void WaitIsOver(Session session, Moment moment)
    {
        if (session.Ledger.Watches(ScreeningTest.Pregreet))
            session.Ledger.Pass(ScreeningTest.Pregreet, session.Settings, session.Client, moment);
        Forgive(session);
    }

    private static void Forgive(Session session)
    {
        if (session.Ledger.Failed.Has(ScreeningTest.Pregreet) && session.Settings.GreetAction is FailAction.Ignore)
            session.Ledger.Forgive(ScreeningTest.Pregreet);
    }
}
