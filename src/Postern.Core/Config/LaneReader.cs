using Postern.Core.Lanes;
using Postern.Core.Tables;

namespace Postern.Core.Config;

/// <summary>Makes the slow lanes of one service from its evaluated parameters.</summary>
/// <param name="values">The parameters.</param>
/// <param name="readTables">Opens the tables that a parameter names.</param>
/// <param name="problems">Takes what is wrong.</param>
internal sealed class LaneReader(ParameterValues values, Func<string, TableList?> readTables, ProblemList problems)
{
    private const string Generic = "postern_greet_wait_generic", Unconfirmed = "postern_greet_wait_unconfirmed", None = "postern_greet_wait_none";
    private const string Servers = "postern_rdns_server_maps", BigSenderList = "postern_rdns_big_senders", Keepalive = "postern_slow_lane_keepalive";
    private static readonly TimeSpan StarpitWait = TimeSpan.FromSeconds(85);

    /// <param name="settings">The rest of the service's settings.</param>
    /// <returns>Null: all clients wait alike, and nobody is asked about their names.</returns>
    public LaneSettings? Read(Settings settings)
    {
        var (generic, genericUnderStress) = ReadWait(Generic, settings);
        var (unconfirmed, unconfirmedUnderStress) = ReadWait(Unconfirmed, settings);
        var (none, noneUnderStress) = ReadWait(None, settings);
        var lanes = new LaneSettings
        {
            Rules = new RdnsRules
            {
                ServerMaps = readTables(Servers),
                GenericMaps = readTables("postern_rdns_generic_maps"),
                BigSenders = ReadBigSenders(),
            },
            Waits = new(generic, unconfirmed, none),
            WaitsUnderStress = new(genericUnderStress, unconfirmedUnderStress, noneUnderStress),
            Keepalive = values.Time(Keepalive),
            Limit = values.Integer("postern_slow_lane_limit"),
            Targrey = values.YesNo("postern_targrey")
                ? new(values.Time("postern_targrey_delay"), values.Integer("postern_targrey_retry_count"), values.Time("postern_targrey_retry_window"))
                : null,
        };
        if (lanes.Waits.Longest > settings.GreetWait)
        {
            WarnOfWeakLanes(lanes, settings);
            return lanes;
        }

        if (lanes.Targrey is not null)
            problems.Warning(
                values.OriginOf("postern_targrey"), "postern_targrey has no effect without a slow lane",
                $"write postern_starpit = yes, or a {Generic} that is longer than postscreen_greet_wait");
        return null;
    }

    private (TimeSpan Calm, TimeSpan Stressed) ReadWait(string name, Settings settings)
    {
        if (!values.IsSet(name))
            return values.YesNo("postern_starpit") ? (StarpitWait, TimeSpan.Zero) : default;
        var (calm, stressed) = values.TimeByStress(name);
        if (calm > TimeSpan.Zero && calm < settings.GreetWait)
            problems.Warning(
                values.OriginOf(name), $"{name} has no effect: it is shorter than postscreen_greet_wait, {settings.GreetWait.TotalSeconds}s",
                "write a longer time, or remove it");
        return (calm, stressed);
    }

    private NameSuffixes? ReadBigSenders()
    {
        var domains = new List<string>();
        foreach (var word in Networks.Words(values.Text(BigSenderList)))
        {
            var domain = word.TrimStart('.');
            if (HostNameSyntax.Problem(domain) is { } problem)
                problems.Error(values.OriginOf(BigSenderList), $"bad domain in {BigSenderList}: {word}: {problem}", "write domains, such as example.com");
            else
                domains.Add(domain);
        }

        return domains.Count == 0 ? null : new NameSuffixes(domains);
    }

    // A lane holds up honest servers with unlucky names unless something knows them first, and bots only if nothing lets them off.
    private void WarnOfWeakLanes(LaneSettings lanes, Settings settings)
    {
        var origin = values.OriginOf(Generic) ?? values.OriginOf(Unconfirmed) ?? values.OriginOf(None) ?? values.OriginOf("postern_starpit");
        var praises = settings.DnsblAllowlistThreshold < 0 && settings.DnsblSites is not null;
        if (lanes.Rules.ServerMaps is null && lanes.Rules.BigSenders is null && !praises)
            problems.Warning(
                origin, "nothing lets honest servers with names like those of end users past the slow lanes",
                $"remove the empty {BigSenderList}, write {Servers}, or ask a DNS list that praises servers (postscreen_dnsbl_allowlist_threshold)");
        if (settings.GreetBanner.Length == 0)
            problems.Warning(
                origin, "slow lanes have no effect: they are part of the pregreet test, which an empty postscreen_greet_banner switches off",
                "remove the empty postscreen_greet_banner");
        else if (settings.GreetAction is FailAction.Ignore)
            problems.Warning(
                origin, "a client that talks in a slow lane gets out of it, since postscreen_greet_action is ignore",
                "write postscreen_greet_action = enforce");
        if (lanes.Keepalive > TimeSpan.Zero && lanes.Keepalive >= lanes.Waits.Longest)
            problems.Warning(
                values.OriginOf(Keepalive), $"{Keepalive} has no effect: no slow lane lasts longer",
                "write a shorter time, or remove it");
    }
}
