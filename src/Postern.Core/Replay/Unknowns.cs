namespace Postern.Core.Replay;

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

    /// <summary>What a DNS list says of it, or when.</summary>
    Lists = 4,

    /// <summary>Its reverse name.</summary>
    Name = 8,

    /// <summary>Until when a pass would have been remembered.</summary>
    Memory = 16,

    /// <summary>Which of two things that happened at nearly the same time was first.</summary>
    Order = 32,
}
