namespace Postern.Core.Screening;

/// <summary>What a client that is held waits for, or what is waited for of it.</summary>
public enum ClientWait : byte
{
    /// <summary>The proxy that has yet to say who the client is.</summary>
    Proxy,

    /// <summary>The shared allowlist's answer.</summary>
    Allowlist,

    /// <summary>A lookup table: a server's answer, or the first reading of a large file.</summary>
    Table,

    /// <summary>The end of the greet wait, in which the client has to be silent.</summary>
    Silence,

    /// <summary>The DNS lists alone: the client has spoken already.</summary>
    DnsLists,

    /// <summary>The end of its slow lane, in which it has to be silent.</summary>
    Lane,

    /// <summary>The client's next command in the dialogue that accepts no mail.</summary>
    Command,

    /// <summary>The mail server, which has to take the client.</summary>
    Server,

    /// <summary>The end of the session that a relay target serves through us.</summary>
    Relayed,
}

/// <summary>One client as it is held at one moment, for those who look.</summary>
/// <param name="Address">Null: a proxy has yet to name it.</param>
/// <param name="Port">Its TCP port; 0 while it has no name.</param>
/// <param name="Service">The service whose port it came to, by the first field of its line in master.cf.</param>
/// <param name="Wait">What is waited for.</param>
/// <param name="Since">When this wait began; null: nobody has noted it.</param>
/// <param name="Until">When it ends at the latest; null: it has no such limit.</param>
/// <param name="DnsblScore">The DNS lists' score so far; null: they are not asked, or no longer.</param>
/// <param name="DnsblPending">How many lists have yet to answer.</param>
/// <param name="Class">Its class by reverse name; null: there is none, or it is not known yet.</param>
public readonly record struct HeldClient(
    IpAddress? Address, ushort Port, string Service, ClientWait Wait, DateTimeOffset? Since, DateTimeOffset? Until, int? DnsblScore, int DnsblPending, string? Class);
