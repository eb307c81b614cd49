namespace Postern.Core.Config;

/// <summary>What the configuration needs to know of the machine; the daemon fills it in.</summary>
public sealed record HostFacts
{
    /// <summary>The machine's name, with or without its domain.</summary>
    public required string HostName { get; init; }

    /// <summary>This process.</summary>
    public int ProcessId { get; init; }

    /// <summary>Whether the process may become <c>mail_owner</c>.</summary>
    public bool IsRoot { get; init; } = true;

    /// <summary>Whether the library for tables of type lmdb is installed.</summary>
    public bool HasLmdb { get; init; } = true;

    /// <summary>The addresses of all interfaces that are up, in the system's order.</summary>
    public required IReadOnlyList<InterfaceAddress> Addresses { get; init; }

    /// <summary>Why the kernel has no IPv6, in the system's words; null: it has.</summary>
    public string? NoIPv6Reason { get; init; }

    /// <summary>The user id of a name; null: no such user.</summary>
    public required Func<string, uint?> FindUser { get; init; }

    /// <summary>The group id of a name; null: no such group.</summary>
    public required Func<string, uint?> FindGroup { get; init; }

    /// <summary>The addresses of a host name; empty: it has none. May ask the name service and so take its time.</summary>
    public required Func<string, IReadOnlyList<IpAddress>> ResolveHost { get; init; }

    /// <summary>The TCP port of a service name; null: no such service.</summary>
    public required Func<string, int?> FindPort { get; init; }

    /// <summary>
    /// The Postfix of this machine, by <c>command_directory</c> (null: where programs of its kind are) and
    /// <c>daemon_directory</c>; null: there is none.
    /// </summary>
    public Func<string?, string, FoundPostfix?> FindPostfix { get; init; } = static (_, _) => null;
}

/// <summary>An address of an interface.</summary>
/// <param name="Address">Without zone.</param>
/// <param name="PrefixLength">Of the interface's netmask: 0 to 32 for IPv4, 0 to 128 for IPv6.</param>
public readonly record struct InterfaceAddress(IpAddress Address, int PrefixLength);
