namespace Postern.Core.Reporting;

/// <summary>By what a machine's log tells connections apart.</summary>
/// <param name="Address">The client's address.</param>
/// <param name="ProcessId">Of postscreen: several may run.</param>
/// <param name="Port">The client's port.</param>
internal readonly record struct ConnectionKey(IpAddress Address, uint ProcessId, ushort Port)
{
    public bool Equals(ConnectionKey other) => Address.Equals(other.Address) && ProcessId == other.ProcessId && Port == other.Port;

    public override int GetHashCode() => (int)Fingerprint.Of(Address, (ulong)ProcessId << 16 | Port);
}

/// <summary>
/// What a log has said of one connection so far. The lines may come in any order within <see cref="HostLog.Disorder"/>, so
/// nothing is concluded before the connection is over.
/// </summary>
internal sealed class Connection
{
    /// <summary>In place of a time that is not known.</summary>
    public const double Unknown = -1;

    private const ScreeningCause InDialogue = ScreeningCause.HangupAfter | ScreeningCause.Pipelining | ScreeningCause.NonSmtpCommand | ScreeningCause.BareNewline
        | ScreeningCause.CommandLimit | ScreeningCause.ConnectionLimit | ScreeningCause.NoRoom | ScreeningCause.HangupBefore;

    public ConnectionKey Key;

    /// <summary>When it connected, by the machine's clock.</summary>
    public DateTime Began;

    /// <summary>When it connected, or its first line without CONNECT came, by the <see cref="HostClock"/>.</summary>
    public long Opened;

    /// <summary>When it passed; meaningful with <see cref="Pass"/>.</summary>
    public long Passed;

    /// <summary>What it failed.</summary>
    public ScreeningCause Causes;

    /// <summary>What let it in.</summary>
    public ScreeningPass Pass;

    /// <summary>Its class by reverse name; null: the log does not say.</summary>
    public string? Class;

    /// <summary>How long it was silent before it talked, in seconds.</summary>
    public double TalkedAfter = Unknown;

    /// <summary>How long it stayed before it hung up in the greet wait, in seconds.</summary>
    public double HungUpAfter = Unknown;

    /// <summary>When it was still there and the tests before the greeting ended; 0: it did not come to that, or the clock was set meanwhile.</summary>
    public long StayedUntil;

    /// <summary>What it said when it talked was QUIT.</summary>
    public bool SaidQuit;

    /// <summary>CONNECT was seen.</summary>
    public bool HasBeginning;

    /// <summary>DISCONNECT was seen.</summary>
    public bool IsClosed;

    /// <summary>When that was.</summary>
    public long Closed;

    /// <summary>It heard <c>450 4.3.2</c>: come back later.</summary>
    public bool WasToldToComeBack;

    /// <summary>A recipient was refused with another reply.</summary>
    public bool WasRefused;

    /// <summary>It was said to have passed once more: it could not be handed over, and went on talking to screening.</summary>
    public bool WasPassedInVain;

    /// <summary>Postern says that a relay target has it, or had.</summary>
    public bool IsRelayed;

    /// <summary>The test for hurried clients has no say about it: it was allowed by the list, or turned away at the door.</summary>
    public bool HadNoWait;

    /// <summary>Why the mail server did not take it; null: nothing was said.</summary>
    public string? Problem;

    /// <summary>The log leaves no doubt that <see cref="Problem"/> is about this client.</summary>
    public bool IsProblemCertain;

    /// <summary>When <see cref="Problem"/> was logged, by the machine's clock.</summary>
    public DateTime ProblemAt;

    /// <summary>How often CONNECT was seen.</summary>
    public int Copies;

    /// <summary>Lines about it.</summary>
    public int Lines;

    /// <summary>How often the machine's clock had been set back when it connected.</summary>
    public int Era;

    /// <summary>It passed after the clock was set back: how long that took nobody knows.</summary>
    public bool IsWaitUnknown;

    /// <summary>The session of smtpd that took it; null: none so far.</summary>
    public ServerSession? Session;

    /// <summary>When <see cref="Session"/> took it.</summary>
    public long Claimed;

    /// <summary>Goes up when the object is used anew.</summary>
    public int Serial;

    /// <summary>Its neighbours among those of its address that smtpd may take.</summary>
    public Connection? Previous, Next;

    /// <summary>Among which of these it is.</summary>
    public HandOverState State;

    /// <summary>Whether smtpd may have it: nothing says that it ended with screening.</summary>
    public bool IsOpen => HasBeginning && !IsClosed;

    /// <summary>Whether smtpd may get it yet: whoever has talked to screening after the greeting is never handed over to it.</summary>
    public bool MayBeHandedOver => IsOpen && !WasToldToComeBack && !WasRefused && !IsProblemCertain && (Causes & InDialogue) is ScreeningCause.None;

    /// <summary>Whether somebody behind screening is known to have it.</summary>
    public bool IsTaken => Session is not null || IsRelayed;

    /// <summary>Forgets all, to be used anew.</summary>
    public void Clear()
    {
        (Began, ProblemAt, Opened, Passed, StayedUntil, Claimed, Closed) = (default, default, 0, 0, 0, 0, 0);
        (Causes, Pass, Class, Problem, Session) = (default, default, null, null, null);
        TalkedAfter = HungUpAfter = Unknown;
        SaidQuit = HasBeginning = IsClosed = WasToldToComeBack = WasRefused = WasPassedInVain = IsProblemCertain = IsRelayed = HadNoWait = IsWaitUnknown = false;
        (Copies, Lines, Era, Serial) = (0, 0, 0, Serial + 1);
    }
}

/// <summary>Whether smtpd may take a connection.</summary>
internal enum HandOverState : byte
{
    /// <summary>No: it has been taken, or has ended.</summary>
    None,

    /// <summary>It may: no test was due, or what it failed is ignored. Or it is still being tested.</summary>
    Waiting,

    /// <summary>It has passed.</summary>
    Passed,
}
