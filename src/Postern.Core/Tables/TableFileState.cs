namespace Postern.Core.Tables;

/// <summary>What became of a file that was to be taken over at once.</summary>
public enum TableFileState
{
    /// <summary>Every table made from it has it in force.</summary>
    InForce,

    /// <summary>A table refuses it, which was reported: the version read before stays in force.</summary>
    Refused,

    /// <summary>No table is made from it.</summary>
    Unused,
}
