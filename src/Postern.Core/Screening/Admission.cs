using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Reporting;
using Postern.Core.Smtp;
using Postern.Core.Tables;

namespace Postern.Core.Screening;

/// <summary>What is decided at the moment of connection, in this order: limits, permanent access list, temporary allowlist, veto.</summary>
internal static class Admission
{
    /// <summary>
    /// How long the access list is waited for at most, before it counts as having said nothing. Each table has limits of its
    /// own; this one is for a list of many, and below the five minutes that clients wait for a greeting (RFC 5321 §4.5.3.2.1).
    /// </summary>
    internal static readonly TimeSpan TableAnswerLimit = TimeSpan.FromSeconds(240);

    private static readonly Reply TooManyConnections = new("421 4.7.0 Error: too many connections");
    private static readonly Reply ServerPortsBusy = new("421 4.3.2 All server ports are busy");
    private static readonly Reply ScreeningPortsBusy = new("421 4.3.2 All screening ports are busy");
    private static readonly Reply Denylisted = new("521 5.3.2 Service currently unavailable");
    private static readonly Reply RecipientDenied = new("550 5.3.2 Service currently unavailable");

    internal enum Verdict
    {
        /// <summary>The client was turned away; nothing is left to do.</summary>
        Decided,

        /// <summary>No test is needed.</summary>
        HandOff,

        /// <summary>The tests that are due decide.</summary>
        Test,

        /// <summary>The store behind the temporary allowlist has been asked; its answer, or its silence, goes to <see cref="Judge"/>.</summary>
        Ask,

        /// <summary>The access list has to wait for a table; what it says then goes to <see cref="Obey"/>.</summary>
        LookUp,
    }

    /// <param name="isNew">Whether a test was never passed.</param>
    /// <param name="isKnown">Whether memory has a record of the client, which is then its <see cref="ClientAddressState.Expiry"/>.</param>
    /// <param name="question">What is to be asked for <see cref="Verdict.LookUp"/>.</param>
    internal static Verdict Examine(
        Session session, ServiceLoad load, IAllowlistView? allowlist, Moment moment, SessionActions actions, out bool isNew, out bool isKnown, out TableQuestion<AccessVerdict>? question)
    {
        (isNew, isKnown, question) = (false, false, null);
        load.ForgetsSoon = allowlist is { ForgetsSoon: true };
        var (settings, client, port) = (session.Settings, session.Client, session.ClientPort);
        if (settings.ClientConnectionCountLimit > 0 && client.Concurrency > settings.ClientConnectionCountLimit)
        {
            LogText.RejectConnect(actions.Text, client.Address, port, "too many connections"u8);
            return TurnAway(session, actions, TooManyConnections, ScreeningCause.ConnectionLimit);
        }

        if (settings.PostQueueLimit > 0 && load.PostQueue >= settings.PostQueueLimit)
        {
            LogText.RejectConnect(actions.Text, client.Address, port, "all server ports busy"u8);
            session.Facts?.GiveUpHandOff("all server ports busy");
            return TurnAway(session, actions, ServerPortsBusy, ScreeningCause.NoRoom);
        }

        var verdict = settings.AccessList.TryEvaluate(client.Address, actions, out question);
        if (question is null)
            return Obey(session, load, verdict, isFirst: client.Concurrency == 1, allowlist, moment, actions, out isNew, out isKnown);
        actions.LookUp();
        actions.WakeAfter(TableAnswerLimit);
        return Verdict.LookUp;
    }

    /// <summary>Whether the client would be told to wait if the access list, which has to wait itself, did not know it.</summary>
    internal static bool WouldWait(Session session, ServiceLoad load, IAllowlistView? allowlist, Moment moment)
    {
        var (settings, client) = (session.Settings, session.Client);
        var expiry = client.Expiry;
        if (!client.IsRead)
            expiry = allowlist is not null && allowlist.TryRecall(client.Address, out var record) ? Believed(record, settings, moment) : default;
        var ledger = new TestLedger();
        ledger.Open(settings, expiry, moment.UnixSeconds);
        return ledger.Due.Has(ScreeningTest.Pregreet) && !HasNoRoom(settings, load) && !HasTooMany(settings, client);
    }

    /// <summary>What the access list says is done, and the temporary allowlist looked at.</summary>
    /// <param name="isFirst">Whether the client's record has yet to be looked for: no other session of its shares one.</param>
    /// <inheritdoc cref="Examine" path="/param" />
    internal static Verdict Obey(
        Session session, ServiceLoad load, AccessVerdict verdict, bool isFirst, IAllowlistView? allowlist, Moment moment, SessionActions actions, out bool isNew, out bool isKnown)
    {
        (isNew, isKnown) = (false, false);
        var (settings, client) = (session.Settings, session.Client);
        switch (verdict)
        {
            case AccessVerdict.Permit:
                LogListing(session, "ALLOWLISTED"u8, "WHITELISTED"u8, load, actions);
                session.Facts?.Enter(Entrance.AccessList);
                return Verdict.HandOff;
            case AccessVerdict.Reject:
                LogListing(session, "DENYLISTED"u8, "BLACKLISTED"u8, load, actions);
                if (settings.DenylistAction is not FailAction.Ignore)
                    session.Facts?.Stop(ScreeningCause.Denylisted);
                if (settings.DenylistAction is FailAction.Drop)
                {
                    session.IsRefused = true;
                    session.Drop(Denylisted, actions);
                    return Verdict.Decided;
                }

                if (settings.DenylistAction is FailAction.Enforce)
                {
                    session.IsRefused = true;
                    session.Enforce(RecipientDenied);
                }

                break;
        }

        if (!session.IsRefused && load.Providers?.Find(client.Address, permitOnly: true) is { } provider)
        {
            LogText.Provider(actions.Text, "PERMIT"u8, client.Address, session.ClientPort, provider.Domain);
            actions.LogAsPostern();
            session.Facts?.Enter(Entrance.Provider);
            return Verdict.HandOff;
        }

        // Beyond postscreen: its whole network, and what servers have of it. Whom the administrator lets in may have as many as it likes.
        if (HasTooMany(settings, client))
        {
            LogText.RejectConnect(actions.Text, client.Address, session.ClientPort, "too many connections"u8);
            return TurnAway(session, actions, TooManyConnections, ScreeningCause.ConnectionLimit);
        }

        if (!isFirst && !client.IsAsked)
            return Judge(session, load, isKnown: false, moment, actions, out isNew);

        TestExpiry expiry = default;
        if (!session.IsRefused && allowlist is not null)
            session.Facts?.LookFor();
        isKnown = !session.IsRefused && allowlist is not null && allowlist.TryRecall(client.Address, out expiry);
        if (isKnown)
            expiry = Believed(expiry, settings, moment);
        if (!session.IsRefused && allowlist is { CanAsk: true } && !(isKnown && !ExpiryRules.Due(expiry, ScreeningTest.EnabledIn(settings), moment.Now).Any))
        {
            if (isKnown)
                client.Expiry = expiry;
            client.IsAsked = true; // a second connection waits for the answer, too
            actions.AskAllowlist();
            actions.WakeAfter(IAllowlistView.AnswerLimit);
            return Verdict.Ask;
        }

        client.Expiry = expiry;
        return Judge(session, load, isKnown, moment, actions, out isNew);
    }

    /// <summary>What a record of the temporary allowlist is worth.</summary>
    internal static TestExpiry Believed(in TestExpiry record, Settings settings, Moment moment) =>
        ExpiryRules.Believed(record, ScreeningTest.LifetimesIn(settings).Longest, moment.Now);

    /// <summary>The second half, when it is known what the client has passed: <see cref="ClientAddressState.Expiry"/>.</summary>
    /// <param name="isKnown">Whether that is from a record of the temporary allowlist.</param>
    internal static Verdict Judge(
        Session session, ServiceLoad load, bool isKnown, Moment moment, SessionActions actions, out bool isNew)
    {
        isNew = false;
        var (settings, client, port) = (session.Settings, session.Client, session.ClientPort);
        if (isKnown)
            session.Facts?.Recall(client.Expiry);
        session.Ledger.Open(settings, client.Expiry, moment.UnixSeconds);
        if (load.ForgetsSoon && !(settings.LiveHandover && load.Offer is not null))
            session.Ledger.SetDeepTestsDue(false); // it would have to come back, and be as unknown then
        foreach (var test in ScreeningTest.All)
            isNew |= test.ExpiryIn(client.Expiry) == 0;
        if (isKnown && session.Ledger.Due.IsEmpty)
        {
            LogText.ClientEvent(actions.Text, "PASS OLD"u8, client.Address, port);
            actions.Log();
            session.Facts?.Enter(Entrance.Known);
            return Verdict.HandOff;
        }

        if (settings.AllowlistInterfaces.Match(session.Server.Address, actions) is not MatchOutcome.Yes)
        {
            LogListing(session, "ALLOWLIST VETO"u8, "WHITELIST VETO"u8, load, actions);
            session.Facts?.Stop(ScreeningCause.Veto);
            session.IsRefused = true;
            session.Veto();
        }

        if (HasNoRoom(settings, load))
        {
            LogText.ScreeningPortsBusy(actions.Text, client.Address, port);
            actions.Log();
            session.Facts?.Stop(ScreeningCause.NoRoom);
            session.Drop(ScreeningPortsBusy, actions);
            return Verdict.Decided;
        }

        return Verdict.Test;
    }

    private static Verdict TurnAway(Session session, SessionActions actions, Reply farewell, ScreeningCause cause)
    {
        actions.Log();
        session.Facts?.Stop(cause);
        session.Drop(farewell, actions);
        return Verdict.Decided;
    }

    private static bool HasTooMany(Settings settings, ClientAddressState client) =>
        settings.ClientConnectionCountLimit > 0 && client.SessionsOfNetwork > settings.ClientConnectionCountLimit;

    private static bool HasNoRoom(Settings settings, ServiceLoad load) =>
        settings.PreQueueLimit > 0 && load.OutsideLanes - load.PostQueue >= settings.PreQueueLimit;

    private static void LogListing(
        Session session, ReadOnlySpan<byte> word, ReadOnlySpan<byte> oldWord, ServiceLoad load, SessionActions actions)
    {
        var settings = session.Settings;
        LogText.ClientEvent(actions.Text, settings.RespectfulLogging ? word : oldWord, session.Client.Address, session.ClientPort);
        actions.Log();
        if (settings.RespectfulLogging || !settings.RespectfulLoggingIsCompatibilityDefault || load.CompatibilityNoticeGiven)
            return;
        load.CompatibilityNoticeGiven = true;
        LogText.ClientEvent(
            actions.Text, "using backwards-compatible default setting respectful_logging=no for client"u8, session.Client.Address, session.ClientPort);
        actions.Log();
    }
}
