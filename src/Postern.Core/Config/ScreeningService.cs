namespace Postern.Core.Config;

/// <summary>An own address and port to listen on; IPv4 and IPv6 are listened on apart, wildcards too.</summary>
public readonly record struct ListenEndpoint(IpAddress Address, int Port)
{
    /// <summary>Whether both can be listened on although one stands for all addresses: the other's clients are not its own.</summary>
    public bool IsBeside(ListenEndpoint other) =>
        Port == other.Port && Address.IsIPv4 == other.Address.IsIPv4 && Address.IsWildcard != other.Address.IsWildcard;

    /// <inheritdoc />
    public override string ToString() => $"[{Address}]:{Port}";
}

/// <summary>A line of master.cf that asks for screening.</summary>
public sealed record ScreeningService
{
    /// <summary>The first field, as written.</summary>
    public required string Name { get; init; }

    /// <summary>The line of master.cf.</summary>
    public required MasterCfEntry Line { get; init; }

    /// <summary>Where the line stands.</summary>
    public ConfigOrigin Origin => Line.Origin;

    /// <summary>Whether Postfix's master(8) has it run in the queue directory, if it runs it (<c>chroot</c>).</summary>
    public required bool IsJailed { get; init; }

    /// <summary>Where clients come in; at least one.</summary>
    public required IReadOnlyList<ListenEndpoint> Endpoints { get; init; }

    /// <summary>Where clients go that pass; may differ between services by <c>-o smtpd_service_name</c>.</summary>
    public required HandoffTarget Handoff { get; init; }

    /// <summary>Where clients go that pass the deep tests, in the same session; null: they are to come back.</summary>
    public HandoffTarget.Relay? LiveTarget { get; init; }

    /// <summary>How clients are relayed, where they are.</summary>
    public RelayRules Relay { get; init; } = new();

    /// <summary>Clients may be relayed to a target that is told their names.</summary>
    public bool TellsNames => (LiveTarget?.Targets ?? []).Concat((Handoff as HandoffTarget.Relay)?.Targets ?? [])
        .Any(target => (target.Announcement ?? Relay.Announcement) is RelayAnnouncement.Xclient);

    /// <summary>Where a parameter of the service has its value from; null: it has its default.</summary>
    public required Func<string, ConfigOrigin?> OriginOf { get; init; }

    /// <summary><c>syslog_name</c> with the line's overrides.</summary>
    public required string SyslogName { get; init; }

    /// <summary>What the sessions work with.</summary>
    public required Settings Settings { get; init; }
}
