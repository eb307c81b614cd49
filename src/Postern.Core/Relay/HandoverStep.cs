namespace Postern.Core.Relay;

/// <summary>How a hand-over stands after an event.</summary>
public enum HandoverStep
{
    /// <summary>The server's next words are waited for.</summary>
    Wait,

    /// <summary>TLS begins with the next byte; <see cref="Handover.OnTlsUp"/> goes on inside.</summary>
    StartTls,

    /// <summary>The server has the client: from here on bytes are passed both ways as they are.</summary>
    Done,

    /// <summary>This server does not take it; <see cref="Handover.Reason"/> says why.</summary>
    GiveUp,
}
