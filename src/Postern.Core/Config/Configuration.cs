using Postern.Core.Tables;

namespace Postern.Core.Config;

/// <summary>
/// The whole configuration: main.cf, the optional postern.cf beside it whose entries override it, and master.cf.
/// Immutable; a reload loads another one.
/// </summary>
public sealed class Configuration
{
    private Configuration(
        string directory,
        IReadOnlyDictionary<string, MainCfEntry> entries,
        TableCatalog tables,
        ProblemList problems,
        PostfixRelease? postfix,
        ProcessSettings? process,
        IReadOnlyList<ScreeningService> services)
    {
        (Directory, Entries, Tables, Postfix) = (directory, entries, tables, postfix);
        (Problems, HasErrors) = (problems.All, problems.HasErrors);
        (Process, Services, ReadableServices) = HasErrors ? (null, [], services) : (process, services, services);
    }

    /// <summary>Where the files are.</summary>
    public string Directory { get; }

    /// <summary>All problems, in the order in which they were found.</summary>
    public IReadOnlyList<ConfigProblem> Problems { get; }

    /// <summary>Whether a problem keeps the daemon from starting.</summary>
    public bool HasErrors { get; }

    /// <summary>The Postfix whose configuration it is; null when a file cannot be read.</summary>
    public PostfixRelease? Postfix { get; }

    /// <summary>The process-wide settings; null when there are errors.</summary>
    public ProcessSettings? Process { get; }

    /// <summary>The screening services in master.cf's order, at least one; empty when there are errors.</summary>
    public IReadOnlyList<ScreeningService> Services { get; }

    /// <summary>
    /// <see cref="Services"/>, or where there are errors what can be read all the same: for who looks for further mistakes, and
    /// for nobody else.
    /// </summary>
    public IReadOnlyList<ScreeningService> ReadableServices { get; }

    /// <summary>Whether master.cf is that of a Postfix, whose master(8) starts what it names.</summary>
    public bool IsOfPostfix { get; private init; }

    /// <summary>The tables that the services share.</summary>
    public TableCatalog Tables { get; }

    /// <summary>The entries of main.cf and postern.cf that are in force, with their origins.</summary>
    public IReadOnlyDictionary<string, MainCfEntry> Entries { get; }

    /// <summary>Reads the files of a directory and checks everything in them.</summary>
    /// <param name="directory">Such as <c>/etc/postfix</c>.</param>
    /// <param name="hostTables">
    /// The table types that the process has beyond those of Core, when its settings are known; null: none.
    /// </param>
    /// <param name="service">
    /// Under Postfix's master(8): the service that it started us for, the only one of this process, whose overrides hold for
    /// all of the process. The master has judged its master.cf, so what is wrong in there by now is no concern of ours.
    /// Null: all screening services of master.cf.
    /// </param>
    /// <param name="overrides">Texts <c>name=value</c>, stronger than the files, for all services; null: none.</param>
    /// <param name="reading">How the tables' files are read.</param>
    public static Configuration Load(
        string directory,
        ITextFiles files,
        HostFacts host,
        Func<ProcessSettings, TableHost>? hostTables = null,
        MasterCfEntry? service = null,
        IReadOnlyList<string>? overrides = null,
        TableReading reading = default)
    {
        directory = directory.Length > 1 ? directory.TrimEnd('/') : directory;
        var problems = new ProblemList();
        var mainCf = new MainCf();
        var master = $"{directory}/master.cf";
        var strongest = ServiceOverrides.Read(overrides ?? [], problems);
        var isComplete = ReadMain(directory, files, mainCf, problems);
        var masterProblems = service is null ? problems : new ProblemList();
        isComplete &= ReadFile(directory, "master.cf", files, masterProblems, out var masterText) || service is not null;
        var ports = PortNames.Of(mainCf, host);
        var services = MasterCf.Read(masterText, master, ports, masterProblems);
        if (service is not null)
        {
            var line = services.FirstOrDefault(entry => entry.Type == service.Type && entry.Name == service.Name);
            service = service with { Origin = line?.Origin ?? new ConfigOrigin(master, 0) };
            foreach (var entry in ServiceOverrides.Read(service, problems))
                mainCf.Set(entry);
            service = service with { Arguments = [] };
        }

        foreach (var entry in strongest)
            mainCf.Set(entry);
        if (!isComplete)
            return new Configuration(directory, mainCf.Entries, new TableCatalog(files), problems, null, process: null, []);

        var postfix = PostfixRelease.Find(directory, mainCf, host, problems);
        var defaults = new HostDefaults(mainCf, [.. services, .. ReadBehindLink(directory, files, ports)], host, postfix, problems);
        var process = new ProcessReader(directory, mainCf, defaults, host, problems).Read();
        var tableHost = hostTables?.Invoke(process) ?? new TableHost([]);
        var tables = new TableCatalog(process.HttpAccessFile is { } access ? new OptionalFile(files, access) : files, tableHost.Types)
        {
            Hasten = tableHost.Hasten,
            ChecksUtf8 = process.SmtpUtf8,
            Postfix = postfix.Version,
            ReadsLater = reading.MayBeLater,
            Before = reading.Before,
        };
        tables.Redirection = TableRedirections.Read(process, postfix.Version, tables, mainCf, problems);
        if (service is not null)
            services = [service, .. services.Where(static entry => !entry.IsScreening)];
        var reader = new ServiceReader(directory, mainCf, strongest, services, defaults, tables, ports, host, problems);
        var screening = reader.ReadServices(masterText);
        if (service is null)
            reader.CheckOtherListeners();
        tables.Before = null; // all is taken from them that can be
        reader.WarnOfUnusedNames(mainCf.Entries.Values);
        WarnOfPage(process, screening, mainCf, problems);
        return new Configuration(directory, mainCf.Entries, tables, problems, postfix, process, screening)
        {
            IsOfPostfix = services.Any(static entry => entry.Command is "qmgr" or "oqmgr") && services.Any(static entry => entry.Command == "cleanup"),
        };
    }

    private static void WarnOfPage(ProcessSettings process, IReadOnlyList<ScreeningService> services, MainCf mainCf, ProblemList problems)
    {
        if (process.Http is not { } http)
            return;
        if (!http.Address.IsLoopback)
            problems.Warning(mainCf.Entries.GetValueOrDefault("postern_http")?.Origin, $"postern_http is open to whoever can reach {http.Address}: its page shows clients, senders and recipients", "write 127.0.0.1 and use ssh -L or a web server that asks for a password, or keep strangers out with a firewall");
        if (process is not { HttpTokenFile: not null, HttpAccessFile: { } access })
            return;
        var origin = mainCf.Entries.GetValueOrDefault("postern_http_token_file")?.Origin;
        if (!services.All(service => service.Settings.AccessList.Tables.Contains("cidr:" + access)))
            problems.Warning(origin, $"postscreen_access_list does not read {access}: who is allowed or denied on the page at {http.Address} is not", $"write postscreen_access_list = permit_mynetworks, cidr:{access} and what else you have");
        if (services.Any(static service => service.Settings.DenylistAction is FailAction.Ignore))
            problems.Warning(origin, $"postscreen_denylist_action is ignore: who is denied on the page at {http.Address} is logged, and let in all the same", "write postscreen_denylist_action = enforce, or drop");
    }

    /// <summary>
    /// Reads the files for a trial that listens elsewhere: the first screening service of master.cf alone, or postscreen as
    /// Postfix's master.cf would have it, where screening is not switched on yet.
    /// </summary>
    /// <inheritdoc cref="Load" path="/param" />
    public static Configuration LoadTrial(
        string directory, ITextFiles files, HostFacts host, Func<ProcessSettings, TableHost>? hostTables, IReadOnlyList<string> overrides)
    {
        directory = directory.Length > 1 ? directory.TrimEnd('/') : directory;
        var master = $"{directory}/master.cf";
        var ports = new PortNames("", host);
        var services = files.TryRead(master, out var text, out _) ? MasterCf.Read(text.Text, master, ports, new ProblemList()) : [];
        var service = services.FirstOrDefault(static entry => entry is { Type: "inet", IsScreening: true })
            ?? MasterCf.Read("smtp inet n - n - 1 postscreen", master, ports, new ProblemList())[0];
        return Load(directory, files, host, hostTables, service with { ProcessLimit = 1 }, overrides);
    }

    /// <summary>
    /// The services of the Postfix whose main.cf this is, where it is a link into that one's folder: Postern then has a
    /// master.cf of its own, which need not have them.
    /// </summary>
    internal static IReadOnlyList<MasterCfEntry> ReadBehindLink(string directory, ITextFiles files, PortNames ports)
    {
        string main = $"{directory}/main.cf", target = files.Resolve(main);
        var master = target[..(target.LastIndexOf('/') + 1)] + "master.cf";
        return target != main && files.Resolve($"{directory}/master.cf") != master && files.TryRead(master, out var file, out _)
            ? MasterCf.Read(file.Text, master, ports, new ProblemList())
            : [];
    }

    /// <summary>Reads main.cf, and postern.cf if there is one.</summary>
    /// <returns>False when a file cannot be read, which is a problem already.</returns>
    internal static bool ReadMain(string directory, ITextFiles files, MainCf mainCf, ProblemList problems)
    {
        string main = $"{directory}/main.cf", own = $"{directory}/postern.cf";
        var isComplete = ReadFile(directory, "main.cf", files, problems, out var mainText);
        mainCf.Read(mainText, main, problems);
        if (files.Stamp(own) is null)
            return isComplete;
        isComplete &= ReadFile(directory, "postern.cf", files, problems, out var ownText);
        mainCf.Read(ownText, own, problems);
        return isComplete;
    }

    private static bool ReadFile(string directory, string name, ITextFiles files, ProblemList problems, out string text)
    {
        var path = $"{directory}/{name}";
        text = "";
        if (files.TryRead(path, out var file, out var reason))
        {
            text = file.Text;
            return true;
        }

        if (reason == ITextFiles.NotADirectory)
            problems.Error(
                new ConfigOrigin(directory, 0), "this is a file, not the directory of a configuration",
                $"name the directory with -c, as in -c {directory[..Math.Max(1, directory.LastIndexOf('/'))]}");
        else
            problems.Error(
                new ConfigOrigin(path, 0), $"open {path}: {reason}",
                reason == ITextFiles.NotPermitted ? "run as root, or as a user who may read it" : "name the directory of the configuration with -c");
        return false;
    }
}
