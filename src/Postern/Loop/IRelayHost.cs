using Postern.Core.Relay;
using Postern.Core.Screening;
using Postern.Dns;
using Postern.Tls;

namespace Postern.Loop;

/// <summary>What the loop does for the sessions that are relayed.</summary>
internal interface IRelayHost
{
    /// <summary>Monotonic milliseconds.</summary>
    long Ticks { get; }

    /// <summary>Finds clients' names, for targets that are told them; null: none is.</summary>
    ReverseLookups? ReverseNames { get; }

    /// <summary>Sets the client's one deadline.</summary>
    void SetDeadline(Client client, TimeSpan delay);

    /// <summary>Takes it away.</summary>
    void ClearDeadline(Client client);

    /// <summary>Why there is no descriptor left for a connection to a server; null: there is one.</summary>
    string? NoRoomFor(Client client);

    /// <summary>No server takes the client: its session answers.</summary>
    void RelayFailed(Client client, HandoffFailure failure, bool isLive);

    /// <summary>A server has the client: it counts as handed off from now on.</summary>
    void RelayBegins(Client client, bool isLive);

    /// <summary>What was to be sent to the client so far and is not sent yet; taken out of the queue.</summary>
    byte[] TakeUnsent(Client client);

    /// <summary>The facts of the client's TLS; null: it is not inside TLS.</summary>
    TlsFacts? TlsOf(Client client);

    /// <summary>What the two say to each other is passed on where the client's TLS is.</summary>
    void RelayInsideTls(Client client, TlsRelay relay);

    /// <summary>Runs something on the loop's thread. Any thread may call it.</summary>
    void Post(Action action);

    /// <summary>The client leaves.</summary>
    void Leave(Client client);
}
