namespace Postern.Core.Rehearsal;

/// <summary>What a client says after the greeting.</summary>
public enum Dialect : byte
{
    /// <summary>One command after the other, as it should be.</summary>
    Smtp,

    /// <summary>All commands at once.</summary>
    Pipelining,

    /// <summary>A request of another protocol.</summary>
    Http,

    /// <summary>Lines that end in LF alone.</summary>
    BareNewline,

    /// <summary>Many commands that lead nowhere.</summary>
    Flood,
}

/// <summary>How a client behaves in a connection.</summary>
/// <param name="TalksAfter">It does not wait for the greeting for longer than this; null: it does not talk before.</param>
/// <param name="Patience">How long it waits for the greeting; then it hangs up.</param>
/// <param name="Think">Between a reply and its next command.</param>
/// <param name="Dialect">What it says.</param>
/// <param name="Helo">As whom it greets.</param>
/// <param name="From">Its sender address.</param>
/// <param name="To">Its recipient.</param>
public sealed record Manners(TimeSpan? TalksAfter, TimeSpan Patience, TimeSpan Think, Dialect Dialect, string Helo, string From, string To);

/// <summary>Somebody with one mail for us: an honest mail server or a bot.</summary>
public sealed record Sender
{
    /// <summary>It sends spam.</summary>
    public required bool IsBot { get; init; }

    /// <summary>Its addresses; it tries from one after the other.</summary>
    public required IReadOnlyList<Host> Hosts { get; init; }

    /// <summary>The first attempt, after the beginning.</summary>
    public required TimeSpan FirstAt { get; init; }

    /// <summary>Further attempts after the first one, as long as the mail is not accepted or refused for good.</summary>
    public required IReadOnlyList<TimeSpan> Retries { get; init; }

    /// <summary>How it behaves.</summary>
    public required Manners Manners { get; init; }

    /// <summary>How it behaves at further attempts, if not as at the first; null: always the same.</summary>
    public IReadOnlyList<Manners>? Moods { get; init; }

    /// <summary>How many attempts it makes where it makes the same whatever becomes of them.</summary>
    public required int FixedVisits { get; init; }

    /// <summary>How it behaves at an attempt.</summary>
    /// <param name="attempt">0: the first.</param>
    public Manners MannersAt(int attempt) => attempt > 0 && Moods is { } moods ? moods[(attempt - 1) % moods.Count] : Manners;

    /// <summary>When an attempt is made, after the beginning, if the one before has not lasted longer.</summary>
    /// <param name="attempt">0: the first.</param>
    public TimeSpan TimeOf(int attempt) => attempt == 0 ? FirstAt : FirstAt + Retries[attempt - 1];

    /// <summary>A delay alone can make it leave: it does not talk early, and has an end to its patience.</summary>
    public bool CanBeShed => IsBot && Manners is { TalksAfter: null } && Manners.Patience < Traffic.Forever;
}

/// <summary>An address that clients come from.</summary>
/// <param name="Address">Of the network for benchmarks, 198.18.0.0/15 (RFC 2544), which is nobody's.</param>
/// <param name="Name">Its reverse name; null: none.</param>
/// <param name="LeadsBack">Whether the name has this address.</param>
/// <param name="IsKnown">It has passed all tests lately.</param>
/// <param name="IsListed">DNS lists of bad senders know it.</param>
/// <param name="IsPraised">DNS lists of good senders know it.</param>
public sealed record Host(IpAddress Address, string? Name, bool LeadsBack, bool IsKnown, bool IsListed, bool IsPraised);
