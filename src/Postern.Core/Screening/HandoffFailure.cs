namespace Postern.Core.Screening;

/// <summary>Why a hand-off did not come about.</summary>
/// <param name="CouldConnect">Whether the server's socket took the connection, and only passing the client failed.</param>
/// <param name="Service">The server's socket as the administrator knows it: <c>private/smtpd</c>.</param>
/// <param name="Reason">The system's words.</param>
public sealed record HandoffFailure(bool CouldConnect, string Service, string Reason)
{
    /// <summary>What the server said to the client, lines with their CR LF; null: it said nothing, so the failure is ours to explain.</summary>
    public byte[]? Answer { get; init; }
}
