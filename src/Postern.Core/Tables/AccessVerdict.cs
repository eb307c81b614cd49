namespace Postern.Core.Tables;

/// <summary>What the permanent access list says of a client.</summary>
public enum AccessVerdict
{
    /// <summary>Not listed, or the list ended in an error (which was logged): the client is tested.</summary>
    Undecided,

    /// <summary>Allowlisted.</summary>
    Permit,

    /// <summary>Denylisted.</summary>
    Reject,
}
