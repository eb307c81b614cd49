using Postern.Core;

namespace Postern.Receiver;

/// <summary>A message's transport data, complete when DATA is accepted.</summary>
/// <param name="QueueId">Identifies the message in logs, replies and trace headers.</param>
/// <param name="Protocol"><c>SMTP</c> or <c>ESMTP</c>, by HELO or EHLO.</param>
/// <param name="Helo">The name that the client gave; null when it gave none.</param>
/// <param name="Sender">Empty for a bounce.</param>
/// <param name="Arrived">When the first recipient was accepted; Postfix measures delays from there.</param>
internal sealed record Envelope(
    string QueueId, string Protocol, string? Helo, string Sender, IReadOnlyList<string> Recipients, Moment Arrived);
