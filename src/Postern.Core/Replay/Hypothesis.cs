using System.Collections.Immutable;

namespace Postern.Core.Replay;

/// <summary>What a client does from the moment on from which nobody knows what it would have done.</summary>
public enum Continuation
{
    /// <summary>It is silent until it is greeted, and then polite: a mail server.</summary>
    Waits,

    /// <summary>It talks out of turn, and breaks all rules after the greeting.</summary>
    Talks,

    /// <summary>It hangs up.</summary>
    HangsUp,
}

/// <summary>What is remembered of a client whose earlier visits went nobody knows how.</summary>
public enum Recollection
{
    /// <summary>What it passes in the replay.</summary>
    Replayed,

    /// <summary>Nothing of those visits.</summary>
    Least,

    /// <summary>All that it can have passed in them.</summary>
    Most,
}

/// <summary>One way in which everything that the recording does not tell can have been. What happens to a client under all of them is certain.</summary>
/// <param name="Continuation">What clients do beyond what is known of them.</param>
/// <param name="Recollection">What is remembered of visits of which not all is known.</param>
/// <param name="Against">Which facts that nobody knows speak against the client: lists list it, its name looks like an end user's line.</param>
public readonly record struct Hypothesis(Continuation Continuation, Recollection Recollection, Unknowns Against)
{
    private static readonly Unknowns[] Sides = [Unknowns.None, Unknowns.Lists, Unknowns.Name, Unknowns.Lists | Unknowns.Name];

    /// <summary>All of them; the first is that of a decent client.</summary>
    public static readonly ImmutableArray<Hypothesis> All =
    [
        .. from recollection in Enum.GetValues<Recollection>()
           from against in Sides
           from continuation in Enum.GetValues<Continuation>()
           select new Hypothesis(continuation, recollection, against),
    ];

    /// <summary>Whether this fact, if it is not known, speaks for the client.</summary>
    public bool IsKindIn(Unknowns fact) => (Against & fact) == 0;

    /// <summary>Whether it can make a difference where only these facts are missing.</summary>
    public bool DependsOnlyOn(Unknowns missing) => (Against & ~missing) == 0
        && (Recollection is Recollection.Replayed || missing.HasFlag(Unknowns.Memory))
        && (Continuation is Continuation.Waits || (missing & (Unknowns.Silence | Unknowns.Dialogue)) != 0);
}

/// <summary>Facts that a replay needs and the recording does not have.</summary>
[Flags]
public enum Unknowns
{
    /// <summary>None: the result is certain.</summary>
    None = 0,

    /// <summary>Whether it would have been silent for longer.</summary>
    Silence = 1,

    /// <summary>What it would have said after the greeting.</summary>
    Dialogue = 2,

    /// <summary>What a DNS list says of it.</summary>
    Lists = 4,

    /// <summary>Its reverse name.</summary>
    Name = 8,

    /// <summary>Until when a pass would have been remembered.</summary>
    Memory = 16,
}
