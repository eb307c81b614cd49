using System.Globalization;
using Postern.Core.Tables;

namespace Postern.Core.Config;

/// <summary>Reads the screening services: lines of master.cf, and main.cf with their overrides.</summary>
/// <param name="strongest">Entries that hold whatever a line of master.cf says.</param>
/// <param name="masterCf">The lines to look through.</param>
/// <param name="defaults">After main.cf was evaluated without overrides.</param>
/// <param name="ports">The ports that the lines name.</param>
internal sealed class ServiceReader(
    string directory,
    MainCf mainCf,
    IReadOnlyList<MainCfEntry> strongest,
    IReadOnlyList<MasterCfEntry> masterCf,
    HostDefaults defaults,
    TableCatalog tables,
    PortNames ports,
    HostFacts host,
    ProblemList problems)
{
    // There is one process, so these have one value each.
    private static readonly string[] NotByService =
    [
        "queue_directory", "data_directory", "mail_owner", "setgid_group", "maillog_file", "maillog_file_prefixes",
        "maillog_file_permissions", "postlog_service_name", "syslog_facility", "inet_interfaces", "inet_protocols",
    ];

    private readonly Dictionary<ListenEndpoint, string> _owners = [];

    /// <param name="text">Of master.cf as a whole.</param>
    public IReadOnlyList<ScreeningService> ReadServices(string text)
    {
        var services = new List<ScreeningService>();
        var found = false;
        foreach (var entry in masterCf)
        {
            if (!entry.IsScreening)
                continue;
            if (entry.Type != "inet")
            {
                problems.Warning(
                    entry.Origin,
                    $"service {entry.Name} of type {entry.Type}: {entry.Command} serves type inet only",
                    ports.Find(entry.Name) is null
                        ? $"the first field of a service of type inet is a port: write smtp inet n - n - 1 {entry.Command}, or remove the line"
                        : "write inet as the second field, or remove the line");
                continue;
            }

            found = true;
            if (ReadService(entry) is { } service)
                services.Add(service);
        }

        if (!found)
        {
            var (place, remedy) = NearMiss.Find($"{directory}/master.cf", text, masterCf, ports);
            problems.Error(place, "no service of type inet has the command postscreen", remedy);
        }

        return services;
    }

    /// <summary>Warns of services that would take clients of the same port unscreened: of two that listen alike each gets a part.</summary>
    public void CheckOtherListeners()
    {
        foreach (var entry in masterCf.Where(static entry => entry is { Type: "inet", IsScreening: false }))
        {
            if (ports.Find(entry.Endpoint.Port) is not { } port || !_owners.Keys.Any(owned => owned.Port == port))
                continue;
            foreach (var endpoint in Addresses(entry.Endpoint.Host).Select(address => new ListenEndpoint(address, port)))
            {
                if (!_owners.TryGetValue(endpoint, out var owner))
                    continue;
                problems.Add(
                    ProblemSeverity.Degraded, entry.Origin,
                    $"service {entry.Name} ({entry.Command}) listens on {endpoint}, as does service {owner}, so not every client is screened",
                    "remove one of the two lines, or give it an address or port of its own");
                break;
            }
        }
    }

    /// <summary>A name of postscreen's or Postern's that nobody knows and no other value refers to is a mistake.</summary>
    public void WarnOfUnusedNames(IEnumerable<MainCfEntry> entries)
    {
        foreach (var entry in entries)
        {
            if (!Parameters.IsScreeningName(entry.Name) || Parameters.Find(entry.Name) is not null || IsReferredTo(entry.Name))
                continue;
            var nearest = Parameters.Nearest(entry.Name);
            problems.Warning(
                entry.Origin,
                $"unused parameter: {entry.Name}={entry.Value}",
                nearest is null ? "remove it; docs/parameters.md has all names" : $"did you mean {nearest}?");
        }
    }

    private bool IsReferredTo(string name)
    {
        foreach (var entry in mainCf.Entries.Values)
        {
            var text = entry.Value.AsSpan();
            while (text.IndexOf(name, StringComparison.Ordinal) is >= 0 and var start)
            {
                var end = start + name.Length;
                var isWhole = end == text.Length || !(char.IsAsciiLetterOrDigit(text[end]) || text[end] == '_');
                if (isWhole && start > 0 && text[start - 1] is '$' or '{' or '(')
                    return true;
                text = text[end..];
            }
        }

        return false;
    }

    private ScreeningService? ReadService(MasterCfEntry entry)
    {
        var overrides = ServiceOverrides.Read(entry, problems);
        var entries = new Dictionary<string, MainCfEntry>(mainCf.Entries, StringComparer.Ordinal);
        foreach (var one in overrides)
        {
            if (Array.IndexOf(NotByService, one.Name) >= 0 || one.Name.StartsWith("postern_", StringComparison.Ordinal))
            {
                if (!Parameters.IsOfService(one.Name) && Parameters.Find(one.Name) is not null)
                    problems.Warning(
                        one.Origin,
                        $"-o {one.Name}={one.Value} has no effect: all services have one process",
                        "set it in main.cf or postern.cf");
            }

            entries[one.Name] = one;
        }

        foreach (var one in strongest)
            entries[one.Name] = one;
        WarnOfUnusedNames(overrides);
        var values = new ParameterValues(entries, defaults, problems);
        values.Define("config_directory", directory);
        values.Define("process_name", "postscreen");
        values.Define("process_id", host.ProcessId.ToString(CultureInfo.InvariantCulture));
        values.Define("service_name", entry.Name);
        values.Evaluate(Parameters.OfService);
        ProcessReader.CheckHostName("myhostname", values, directory, problems);

        if ((entry.ProcessLimit ?? values.Integer("default_process_limit")) != 1)
            problems.Error(
                entry.Origin,
                $"service {entry.Name} requires a process limit of 1",
                "write 1 in the seventh field, maxproc");
        if (!HandoffTarget.TryParse(values.Text("postern_handoff"), values.Text("queue_directory"), out var handoff, out var problem))
            problems.Error(values.OriginOf("postern_handoff") ?? entry.Origin, problem, "write pass:private/smtpd, receiver, relay:tcp:HOST:PORT or relay:unix:PATH");
        WarnOfMissingServer(entry, values, handoff);
        var live = RelayReader.ReadLiveTarget(values, problems);

        var tls = new TlsReader(values, () => TlsproxyValues(values.Text("tlsproxy_service_name")), defaults.Postfix.Version, problems);
        var settings = new SettingsBuilder(values, tls, tables, host, defaults.OwnAddresses, problems).Build() with { Protocols = defaults.Protocols };
        var endpoints = ReadEndpoints(entry);
        return handoff is null
            ? null
            : new ScreeningService
            {
                Name = entry.Name,
                Endpoints = endpoints,
                Handoff = handoff,
                LiveTarget = live,
                Relay = RelayReader.ReadRules(values, [.. (handoff as HandoffTarget.Relay)?.Targets ?? [], .. live?.Targets ?? []], tables.Files, problems),
                OriginOf = values.OriginOf,
                Line = entry,
                IsJailed = entry.Chroot ?? (CompatibilityLevel.TryParse(values.Text("compatibility_level"), out var level) && level.Major < 1),
                SyslogName = values.Text("syslog_name"),
                Settings = settings,
            };
    }

    // tlsproxy is a service of its own: main.cf, and the overrides on its own line if master.cf has it.
    private ParameterValues TlsproxyValues(string name)
    {
        var entries = new Dictionary<string, MainCfEntry>(mainCf.Entries, StringComparer.Ordinal);
        if (masterCf.FirstOrDefault(entry => entry.Type == "unix" && entry.Name == name) is { } entry)
        {
            foreach (var one in ServiceOverrides.Read(entry, problems))
                entries[one.Name] = one;
        }

        var values = new ParameterValues(entries, defaults, problems);
        values.Define("config_directory", directory);
        values.Define("process_name", "tlsproxy");
        values.Define("process_id", host.ProcessId.ToString(CultureInfo.InvariantCulture));
        values.Define("service_name", name);
        values.Evaluate(Parameters.OfService);
        return values;
    }

    private List<ListenEndpoint> ReadEndpoints(MasterCfEntry entry)
    {
        var endpoints = new List<ListenEndpoint>();
        var (hostName, portName) = entry.Endpoint;
        if (ports.Find(portName) is not { } port)
        {
            problems.Error(
                entry.Origin, $"unknown port or service name: {portName}", $"write a number from 1 to {PortNames.Largest}");
            return endpoints;
        }

        foreach (var address in ListenAddresses(entry, hostName))
        {
            var endpoint = new ListenEndpoint(address, port);
            endpoints.Add(endpoint);
            if (!_owners.TryAdd(endpoint, entry.Name))
                problems.Error(
                    entry.Origin,
                    $"service {entry.Name} listens on {endpoint}, as does service {_owners[endpoint]}",
                    "give each service an address and port of its own");
        }

        return endpoints;
    }

    private IReadOnlyList<IpAddress> ListenAddresses(MasterCfEntry entry, string hostName)
    {
        var addresses = Addresses(hostName);
        if (addresses.Count > 0)
            return addresses;
        if (hostName.Length > 0)
            problems.Error(
                entry.Origin,
                $"no valid IP address found: {hostName}",
                "name an address of this machine whose protocol inet_protocols has");
        else if (!defaults.ListensEverywhere && !defaults.NamesInterfaces)
            problems.Error(
                entry.Origin,
                "service definition requires valid host name or address, or non-empty inet_interfaces setting",
                "write all in inet_interfaces, or an address before the port");
        return addresses;
    }

    /// <param name="hostName">Before the port; empty: as <c>inet_interfaces</c> says.</param>
    private IReadOnlyList<IpAddress> Addresses(string hostName)
    {
        if (hostName.Length > 0)
        {
            var found = IpAddress.TryParse(hostName, out var literal) ? [literal] : host.ResolveHost(hostName);
            return [.. found.Where(defaults.Protocols.Has).Distinct()];
        }

        if (!defaults.ListensEverywhere)
            return defaults.OwnAddresses;
        var wildcards = new List<IpAddress>();
        if (defaults.Protocols.IPv4)
            wildcards.Add(IpAddress.FromIPv4(0));
        if (defaults.Protocols.IPv6)
            wildcards.Add(IpAddress.FromBytes(stackalloc byte[16]));
        return wildcards;
    }

    private void WarnOfMissingServer(MasterCfEntry entry, ParameterValues values, HandoffTarget? handoff)
    {
        var name = values.Text("smtpd_service_name");
        if (handoff is not HandoffTarget.Pass(var path) || path != $"{values.Text("queue_directory")}/private/{name}" || defaults.FindServer(name) is not null)
            return;
        var text = $"master.cf has no service {name} of type pass, which would listen on {path}";
        if (values.IsSet("postern_handoff"))
            problems.Warning(values.OriginOf("postern_handoff"), text, "add the service to master.cf, or write postern_handoff = receiver");
        else
            problems.Add(
                ProblemSeverity.Degraded, values.OriginOf("smtpd_service_name") ?? entry.Origin, $"{text}: clients that pass get 421",
                $"add the line {name} pass - - n - - smtpd to Postfix's master.cf, or say in postern.cf where such clients go (postern_handoff)");
    }
}
