using Postern.Core.Smtp;

namespace Postern.Core.Screening;

/// <summary>
/// The hand-over in the middle of a session, so that a server judges the first recipient, or AUTH. It can be given up at
/// every step until the server has answered that.
/// </summary>
internal static class LiveHandover
{
    private static readonly Reply TargetUnavailable = new("451 4.3.2 Service currently unavailable");
    private static readonly Reply NoAuthentication = new("454 4.7.0 Temporary authentication failure");

    /// <summary>No server took the client: what it was to judge gets an answer, and the dialogue goes on.</summary>
    internal static void GiveUp(Session session, DummySmtp dialogue, HandoffFailure failure, Moment moment, SessionActions actions)
    {
        var envelope = dialogue.Envelope!;
        var isAuth = envelope.Mail is null;
        var answer = failure.FirstReply ?? (isAuth ? NoAuthentication : TargetUnavailable);
        session.Veto(); // one attempt a session; the tests are passed all the same
        if (!isAuth)
        {
            session.Enforce(answer);
            session.Facts?.Refuse(answer);
        }

        dialogue.OnHandoverFailed(envelope, actions);
        if (answer.Text.StartsWith("421", StringComparison.Ordinal))
        {
            session.Drop(answer, actions);
            return;
        }

        session.SendReply(answer, actions);
        dialogue.Resume(actions);
        if (envelope.Rest.Length > 0)
            dialogue.OnReceived(envelope.Rest, moment, actions);
    }
}
