namespace Postern.Core.Config;

/// <summary>A service of master.cf.</summary>
/// <param name="Name">First field: an endpoint for <c>inet</c>, else a socket file's name.</param>
/// <param name="Type"><c>inet</c>, <c>unix</c>, <c>fifo</c>, <c>pass</c> or <c>unix-dgram</c>.</param>
/// <param name="IsPrivate">Whether the socket file is in <c>private/</c> rather than <c>public/</c>.</param>
/// <param name="IsUnprivileged">Whether the program runs as <c>mail_owner</c>.</param>
/// <param name="Chroot">Whether it runs in the queue directory; null: as <c>compatibility_level</c> says.</param>
/// <param name="WakeUp">Seconds between wake-up calls; 0: none.</param>
/// <param name="ProcessLimit">0: no limit; null: <c>default_process_limit</c>.</param>
/// <param name="Command">The program's name.</param>
/// <param name="Arguments">What follows; outer braces are gone.</param>
/// <param name="Origin">Where it stands.</param>
public sealed record MasterCfEntry(
    string Name,
    string Type,
    bool IsPrivate,
    bool IsUnprivileged,
    bool? Chroot,
    int WakeUp,
    int? ProcessLimit,
    string Command,
    IReadOnlyList<string> Arguments,
    ConfigOrigin Origin)
{
    /// <summary>Host and port of an <c>inet</c> service; an empty host means <c>inet_interfaces</c>.</summary>
    public HostPort Endpoint { get; init; }

    /// <summary>The physical line that each argument begins in; empty: that of <see cref="Origin"/>.</summary>
    public IReadOnlyList<int> ArgumentLines { get; init; } = [];

    /// <summary>Where an argument stands.</summary>
    /// <param name="argument">Its index.</param>
    public ConfigOrigin OriginOf(int argument) => argument < ArgumentLines.Count ? Origin with { Line = ArgumentLines[argument] } : Origin;

    /// <summary>Whether it is one of those that screen clients, of whatever type.</summary>
    public bool IsScreening => Command is "postscreen" or "postern";
}
