using Postern.Core;
using Postern.Core.Lanes;
using Postern.Core.Relay;
using Postern.Tls;

namespace Postern.Relay;

/// <summary>A client on its way to a server, or with it. Small while the session is idle: there can be ten thousand.</summary>
internal sealed class RelaySession(RelayPool pool, ClientIdentity identity, Envelope? envelope, long ticks)
{
    /// <summary>Where it may go.</summary>
    public readonly RelayPool Pool = pool;

    /// <summary>Names the session in the server's log and ours.</summary>
    public readonly string UniqueId = identity.UniqueId;

    /// <summary>Monotonic milliseconds when it began.</summary>
    public readonly long Began = ticks;

    /// <summary>What the server is told; null once it has the client.</summary>
    public ClientIdentity? Identity = identity;

    /// <summary>The client's name is being looked up.</summary>
    public bool AwaitsName;

    /// <summary>What the client said already; null: nothing, or the server has the client.</summary>
    public Envelope? Envelope = envelope;

    /// <summary>Servers that did not take it.</summary>
    public readonly List<RelayServer> Tried = new(1);

    /// <summary>The server at the moment.</summary>
    public RelayServer? Server;

    /// <summary>The connection to it; -1: none.</summary>
    public int ServerDescriptor = -1;

    /// <summary>The connection is with the client's TLS, off the loop.</summary>
    public bool IsInsideTls;

    /// <summary>The TLS between us and the server; null: there is none.</summary>
    public ServerTunnel? Tunnel;

    /// <summary>The talk with it before it has the client; null: the connection is being made, or it has the client.</summary>
    public Handover? Talk;

    /// <summary>When it has the client: what goes between the two.</summary>
    public Pump? Pump;

    /// <summary>The answer about the client's name is there; the server is told it as smtpd(8) has the names of clients that it is given with their sockets.</summary>
    public void TakeName(in ReverseName name)
    {
        AwaitsName = false;
        var none = name.Status is ReverseNameStatus.Failed ? ClientIdentity.TemporarilyUnavailable : ClientIdentity.Unavailable;
        Identity = Identity! with
        {
            Name = name.Status is ReverseNameStatus.Confirmed ? name.Name : none,
            ReverseName = name.Name.Length > 0 && HostNameSyntax.Problem(name.Name) is null ? name.Name : none,
        };
    }
}
