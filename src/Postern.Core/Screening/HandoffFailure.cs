using System.Text;
using Postern.Core.Smtp;

namespace Postern.Core.Screening;

/// <summary>Why a hand-off did not come about.</summary>
/// <param name="CouldConnect">Whether the server's socket took the connection, and only passing the client failed.</param>
/// <param name="Service">The server's socket as the administrator knows it: <c>private/smtpd</c>.</param>
/// <param name="Reason">The system's words.</param>
public sealed record HandoffFailure(bool CouldConnect, string Service, string Reason)
{
    /// <summary>What the server said to the client, lines with their CR LF; null: it said nothing, so the failure is ours to explain.</summary>
    public byte[]? Answer { get; init; }

    /// <summary>The first line of <see cref="Answer"/>; null: the server said nothing.</summary>
    internal Reply? FirstReply
    {
        get
        {
            if (Answer is null)
                return null;
            var line = Answer.AsSpan(0, Answer.AsSpan().IndexOf("\r\n"u8));
            return new Reply($"{Encoding.Latin1.GetString(line[..3])} {Encoding.Latin1.GetString(line[Math.Min(4, line.Length)..])}");
        }
    }

    /// <summary>Takes it down, and logs it if it is trouble of ours.</summary>
    internal void Report(Session session, SessionActions actions)
    {
        session.Facts?.FailHandoff(this);
        if (Answer is not null)
            return; // the server does not want this client
        actions.Text.Append(CouldConnect ? "cannot pass connection to service "u8 : "cannot connect to service "u8)
            .Append(Service).Append(": "u8).Append(Reason);
        actions.Log(LogSeverity.Warning);
    }
}
