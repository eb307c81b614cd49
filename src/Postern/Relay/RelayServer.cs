using Postern.Core.Config;
using Postern.Core.Relay;
using Postern.Tls;

namespace Postern.Relay;

/// <summary>A relay target at work: its addresses, its health, its load. The loop's thread owns it.</summary>
internal sealed class RelayServer
{
    private int _nextAddress;

    public RelayServer(RelayTarget target, RelayRules rules)
    {
        Target = target;
        Rules = rules with
        {
            Announcement = target.Announcement ?? rules.Announcement,
            Tls = target.SocketPath is null ? rules.Tls : RelayTls.None, // who could listen there is on this host
        };
        PlainRules = Rules with { Tls = RelayTls.None };
        MayBeTold = Rules.Announcement is RelayAnnouncement.None;
        Tls = new ServerTls(target.Host, Rules);
        Addresses = ServerSocket.IsNumeric(target) ? ServerSocket.Resolve(target) : [];
    }

    /// <summary>As configured.</summary>
    public RelayTarget Target { get; }

    /// <summary>How it is talked to if all is well.</summary>
    public RelayRules Rules { get; }

    /// <summary>The same without TLS.</summary>
    public RelayRules PlainRules { get; }

    /// <summary>How it is talked to now.</summary>
    public RelayRules CurrentRules => IsTlsBroken ? PlainRules : Rules;

    /// <summary>It offers TLS that does not work, and it may do without (<see cref="RelayTls.May"/>).</summary>
    public bool IsTlsBroken { get; set; }

    /// <summary>How TLS is spoken with it, if it is.</summary>
    public ServerTls Tls { get; }

    /// <summary>Socket addresses; empty: the name is not resolved yet, or has none.</summary>
    public byte[][] Addresses { get; set; }

    /// <summary>It gets no clients while another server is well.</summary>
    public bool IsOut { get; set; }

    /// <summary>
    /// Whether it may be told of clients as it is configured: a probe has shown that it knows what it is told, and goes by it
    /// (<see cref="Handover.MayBeTold"/>), and nothing has shown the opposite since. Else it gets none, whatever becomes of them:
    /// it would take them for us.
    /// </summary>
    public bool MayBeTold { get; set; }

    /// <summary>Monotonic milliseconds since when it is out.</summary>
    public long OutSince { get; set; }

    /// <summary>What it offers; null: not known yet.</summary>
    public EhloOffer? Offer { get; set; }

    /// <summary>Sessions that are with it now.</summary>
    public int Sessions { get; set; }

    /// <summary>How often it has refused a client that wanted to authenticate itself.</summary>
    public long AuthFailures { get; set; }

    /// <summary>Its credit in the round of servers; see <see cref="RelayPool.Choose"/>.</summary>
    public int Credit { get; set; }

    /// <summary>One address after the other; null: there is none.</summary>
    public byte[]? NextAddress() => Addresses.Length == 0 ? null : Addresses[_nextAddress++ % Addresses.Length];
}
