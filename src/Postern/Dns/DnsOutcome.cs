namespace Postern.Dns;

/// <summary>How a lookup ended. "There is nothing" and "could not find out" are never mixed up.</summary>
public enum DnsOutcome
{
    /// <summary>There is at least one record of the wanted type.</summary>
    Found,

    /// <summary>The name exists, but has no record of that type.</summary>
    NoData,

    /// <summary>The name does not exist (NXDOMAIN): it has no record of any type.</summary>
    NoSuchName,

    /// <summary>No server gave a usable answer; another time it may be different.</summary>
    TemporaryFailure,
}
