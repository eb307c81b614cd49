namespace Postern.Core.Lanes;

/// <summary>What a client's reverse name says of it.</summary>
public enum RdnsKind : byte
{
    /// <summary>It is not known yet, or DNS could not say: such a client is treated as <see cref="Named"/>, never punished.</summary>
    Undecided,

    /// <summary>The name leads back to the address and looks like a server's, or is exempt.</summary>
    Named,

    /// <summary>The name leads back to the address and looks like an end user's line.</summary>
    Generic,

    /// <summary>There is a name, and it does not lead back to the address.</summary>
    Unconfirmed,

    /// <summary>There is no name.</summary>
    None,
}
