namespace Postern.Core.Dnsbl;

/// <summary>What came back when a DNS list was asked for an address.</summary>
public enum ListAnswer
{
    /// <summary>Nothing: no server answered.</summary>
    Silent,

    /// <summary>A server answered with an error, such as SERVFAIL or REFUSED.</summary>
    Failed,

    /// <summary>The list says that it does not serve us (<see cref="ErrorAnswer"/>).</summary>
    ErrorCode,

    /// <summary>There is no such name: not listed.</summary>
    NotListed,

    /// <summary>The name exists, but has no address: so answer resolvers that take addresses out of answers.</summary>
    Empty,

    /// <summary>Listed.</summary>
    Listed,
}
