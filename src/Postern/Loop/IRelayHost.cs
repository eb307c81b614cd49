using Postern.Core.Screening;

namespace Postern.Loop;

/// <summary>What the loop does for the sessions that are relayed.</summary>
internal interface IRelayHost
{
    /// <summary>Monotonic milliseconds.</summary>
    long Ticks { get; }

    /// <summary>Sets the client's one deadline.</summary>
    void SetDeadline(Client client, TimeSpan delay);

    /// <summary>No server takes the client: its session answers.</summary>
    void RelayFailed(Client client, HandoffFailure failure, bool isLive);

    /// <summary>A server has the client: it counts as handed off from now on.</summary>
    void RelayBegins(Client client, bool isLive);

    /// <summary>What was to be sent to the client so far and is not sent yet; taken out of the queue.</summary>
    byte[] TakeUnsent(Client client);

    /// <summary>The client leaves.</summary>
    void Leave(Client client);
}
