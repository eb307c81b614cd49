using Postern.Core.Screening;
using Postern.Relay;

namespace Postern.Loop;

/// <summary>
/// One client: its descriptor, its session, its one deadline. There are tens of thousands of these, parked for seconds,
/// so there is no buffer and no timer object in it.
/// </summary>
internal sealed class Client(int descriptor, RunningService service, Session session)
{
    /// <summary>The client's socket; while the SMTP server takes the client over, the channel to that server.</summary>
    public int Descriptor = descriptor;

    /// <summary>The service whose port the client came to.</summary>
    public readonly RunningService Service = service;

    /// <summary>The decisions.</summary>
    public readonly Session Session = session;

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

    /// <summary>Its relayed session; null: it is not on its way to a relay target.</summary>
    public RelaySession? Relay;

    /// <summary>Place in <see cref="ClientTable"/>.</summary>
    public int Index;
}

/// <summary>Who has the client.</summary>
internal enum ClientState : byte
{
    /// <summary>Its session decides.</summary>
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
