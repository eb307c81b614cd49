using Postern.Core.Allowlist;

namespace Postern.Core.Screening;

/// <summary>What is left of a session when it ends: the tests that the client has passed, for the log and the temporary allowlist.</summary>
internal static class PassedTests
{
    /// <summary>Logs and stores what was passed; nothing, if the client has failed anything.</summary>
    /// <param name="session">The client's.</param>
    /// <param name="isNew">Whether a test was never passed before.</param>
    /// <param name="actions">Takes what is to be done.</param>
    internal static void Remember(Session session, bool isNew, SessionActions actions)
    {
        ref var ledger = ref session.Ledger;
        if (session.AnyFailed)
            ledger.RevokePasses();
        if (ledger.Passed.IsEmpty)
            return;

        var client = session.Client;
        if (ledger.Passed == ledger.Due)
        {
            var isFirst = isNew && !client.HasLoggedPassNew;
            client.HasLoggedPassNew |= isFirst;
            LogText.ClientEvent(actions.Text, isFirst ? "PASS NEW"u8 : "PASS OLD"u8, client.Address, session.ClientPort);
            actions.Log();
            session.Facts?.Enter(isFirst ? Entrance.New : Entrance.TestedAgain);
        }

        client.Expiry = ExpiryRules.ForRecord(client.Expiry, ScreeningTest.EnabledIn(session.Settings));
        session.Facts?.Remember(client.Expiry);
        actions.Remember(client.Expiry);
    }
}
