namespace Postern.Core.Config;

/// <summary>What depends on the machine, its Postfix or master.cf: some defaults, and the own addresses.</summary>
/// <param name="masterCf">The services, those of the Postfix behind included.</param>
internal sealed class HostDefaults(
    MainCf mainCf, IReadOnlyList<MasterCfEntry> masterCf, HostFacts host, PostfixRelease postfix, ProblemList problems)
{
    /// <summary>The Postfix whose configuration it is.</summary>
    public PostfixRelease Postfix => postfix;

    /// <summary><c>inet_protocols</c>, without what the kernel lacks.</summary>
    public InetProtocols Protocols { get; private set; }

    /// <summary>The own addresses that <c>inet_interfaces</c> names.</summary>
    public IReadOnlyList<IpAddress> OwnAddresses { get; private set; } = [];

    /// <summary>Whether <c>inet_interfaces</c> is <c>all</c>: services without a host listen on the wildcard addresses.</summary>
    public bool ListensEverywhere { get; private set; }

    /// <summary>Whether <c>inet_interfaces</c> names hosts; if none is usable, that is a problem already.</summary>
    public bool NamesInterfaces { get; private set; }

    /// <summary>Reads the properties from main.cf; a service cannot override them.</summary>
    public void ReadNetwork(ParameterValues values)
    {
        Protocols = Networks.ReadProtocols(values, host, problems);
        OwnAddresses = Networks.OwnAddresses(values, host, Protocols, problems);
        var words = Networks.Words(values.Text("inet_interfaces"));
        ListensEverywhere = words is ["all"];
        NamesInterfaces = words is not ([] or ["all"] or ["loopback-only"]);
    }

    /// <summary>The default text of a parameter; null: that of its row.</summary>
    public string? Find(string name, ParameterValues values)
    {
        switch (name)
        {
            case "myhostname":
                return host.HostName.Contains('.')
                    ? host.HostName
                    : $"{host.HostName}.{(mainCf.Entries.TryGetValue("mydomain", out var domain) ? domain.Value : "localdomain")}";
            case "mydomain":
                var hostName = values.Text("myhostname");
                return hostName.IndexOf('.') is >= 0 and var dot && dot + 1 < hostName.Length ? hostName[(dot + 1)..] : "localdomain";
            case "mynetworks":
                return Networks.MyNetworks(
                    values, host, Networks.OwnAddresses(values, host, Networks.ReadProtocols(values, host, problems), problems), problems);
            case "postern_handoff":
                // Without its smtpd line a Postfix takes nobody, and the client is told 421: the built-in receiver would refuse
                // its mail for good, or put it where nobody looks.
                if (!HasPostfix)
                    return "receiver";
                return FindServer(values.Text("smtpd_service_name")) is { IsPrivate: false }
                    ? "pass:public/$smtpd_service_name"
                    : "pass:private/$smtpd_service_name";
            case "postern_live_handover":
                return values.Text("postern_live_target").StartsWith("relay:", StringComparison.Ordinal) ? "yes" : "no";
            default:
                return postfix.DefaultOf(name);
        }
    }

    /// <summary>Whether there is a Postfix behind this configuration: something takes clients, or keeps a mail queue.</summary>
    private bool HasPostfix => masterCf.Any(static entry => entry.Type == "pass")
        || (masterCf.Any(static entry => entry.Command == "cleanup") && masterCf.Any(static entry => entry.Command is "qmgr" or "oqmgr"));

    /// <summary>The service that takes clients who pass; null: there is none.</summary>
    public MasterCfEntry? FindServer(string name)
    {
        foreach (var entry in masterCf)
        {
            if (entry.Type == "pass" && entry.Name == name)
                return entry;
        }

        return null;
    }
}
