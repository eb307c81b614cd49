using Postern.Core;
using Postern.Core.Screening;

namespace Postern.Loop;

/// <summary>
/// One client: its descriptor, its session, its one deadline. There are tens of thousands of these, parked for seconds,
/// so there is no buffer and no timer object in it.
/// </summary>
/// <param name="descriptor">The client's socket.</param>
/// <param name="service">The service whose port the client came to.</param>
/// <param name="session">Null: a proxy has yet to say who the client is.</param>
internal sealed class Client(int descriptor, RunningService service, Session? session = null)
{
    private Session? _session = session;

    /// <summary>The client's socket; while the SMTP server takes the client over, the channel to that server; -1: inside TLS.</summary>
    public int Descriptor = descriptor;

    /// <summary>The service whose port the client came to.</summary>
    public readonly RunningService Service = service;

    /// <summary>The decisions; there are none before <see cref="IsNamed"/>.</summary>
    public Session Session
    {
        get => _session ?? throw new InvalidOperationException("a client without a name has no session");
        set => _session = value;
    }

    /// <summary>Whether it is known who the client is: it came by itself, or its proxy has said so.</summary>
    public bool IsNamed => _session is not null;

    /// <summary>Monotonic milliseconds; meaningful while the client is in a slot of <see cref="Deadlines"/>.</summary>
    public long Deadline;

    /// <summary>Neighbours in its slot of <see cref="Deadlines"/>.</summary>
    public Client? Earlier, Later;

    /// <summary>Slot in <see cref="Deadlines"/>; -1: no deadline.</summary>
    public short DeadlineSlot = -1;

    /// <summary>How the socket is watched.</summary>
    public WatchMode Watch;

    /// <summary>What the client is up to, apart from its session.</summary>
    public ClientState State;

    /// <summary>How often the server's queue was found full.</summary>
    public byte HandOffAttempts;

    /// <summary>Place in <see cref="ClientTable"/>.</summary>
    public int Index;

    /// <summary>What log lines of our own call it.</summary>
    public string Name => IsNamed ? $"[{Session.Client.Address}]:{Session.ClientPort}" : "behind a proxy";

    /// <summary>How it is held at this moment.</summary>
    /// <param name="moment">This moment.</param>
    /// <param name="ticks">The same in the deadlines' unit, monotonic milliseconds.</param>
    public HeldClient Describe(Moment moment, long ticks)
    {
        var until = DeadlineSlot < 0 ? (DateTimeOffset?)null : moment.Now + TimeSpan.FromMilliseconds(Deadline - ticks);
        if (!IsNamed)
            return new HeldClient(null, 0, Service.Name, ClientWait.Proxy, null, until, null, 0, null);
        var isScreened = State is ClientState.Screened;
        return new HeldClient(
            Session.Client.Address,
            Session.ClientPort,
            Service.Name,
            isScreened ? Session.Wait : State is ClientState.Relayed ? ClientWait.Relayed : ClientWait.Server,
            isScreened ? moment.Now - Session.InPhaseFor(moment) : Session.Facts?.HandOffBegan,
            until + (isScreened ? Session.LaneRest : TimeSpan.Zero),
            Session.Dnsbl?.Score,
            Session.Dnsbl?.Pending ?? 0,
            Session.Class?.ToString());
    }
}

/// <summary>Who has the client.</summary>
internal enum ClientState : byte
{
    /// <summary>Its session decides, or a proxy is waited for to name it.</summary>
    Screened,

    /// <summary>The SMTP server's queue is full for the moment; the hand-off is tried again.</summary>
    WaitingForServer,

    /// <summary>The SMTP server has been given the client; it closes the channel when it has taken it.</summary>
    HandedOff,

    /// <summary>A relay target is being told about it; the client has to wait.</summary>
    BeingRelayed,

    /// <summary>A relay target has it; what the two say to each other is passed on.</summary>
    Relayed,
}
