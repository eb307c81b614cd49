namespace Postern.Core.Lanes;

/// <summary>What DNS knows of a client's reverse name.</summary>
/// <param name="Status">How the lookup ended.</param>
/// <param name="Name">Lower case, without a final dot; bytes that are no printable ASCII as \DDD. Empty without a name.</param>
public readonly record struct ReverseName(ReverseNameStatus Status, string Name)
{
    /// <summary>The address has no name.</summary>
    public static readonly ReverseName None = new(ReverseNameStatus.None, "");

    /// <summary>No server gave a usable answer.</summary>
    public static readonly ReverseName Failed = new(ReverseNameStatus.Failed, "");
}

/// <summary>How the lookup of a reverse name ended.</summary>
public enum ReverseNameStatus : byte
{
    /// <summary>DNS could not say.</summary>
    Failed,

    /// <summary>The name's addresses have the client's among them.</summary>
    Confirmed,

    /// <summary>There is a name, but it is no host name, or its addresses are others.</summary>
    Unconfirmed,

    /// <summary>There is no name.</summary>
    None,
}
