using Postern.Cli;
using Postern.Control;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Tables;
using Postern.Dns;
using Postern.Dnsbl;
using Postern.Handoff;
using Postern.Logging;
using Postern.Loop;
using Postern.Master;
using Postern.Native;
using Postern.ProcessLife;
using Postern.Providers;
using Postern.Receiver;
using Postern.Storage;
using Postern.Tls;

namespace Postern;

/// <summary>
/// The daemon's parts and how they come together: log, listeners, privileges, allowlists, receiver, loop. A reload goes
/// through the same steps with what has changed, and keeps everything as it is when the new configuration has errors.
/// </summary>
internal sealed class Daemon : IDisposable
{
    private const int MostCertificateBytes = 1 << 20;
    private static readonly TimeSpan StartLasts = TimeSpan.FromSeconds(3); // the allowlist's first cleanup included
    private static readonly TimeSpan RetryPause = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LoadPatience = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan DrainLimit = TimeSpan.FromDays(1); // each client has limits of its own

    private readonly TimeProvider _clock = TimeProvider.System;
    private readonly Func<TableReading, Configuration> _load;
    private readonly bool _logToStandardOutput;
    private readonly MailLog _log;
    private readonly LogTags _tags;
    private readonly EventLoop _loop;
    private readonly TlsServer _tls;
    private readonly WarningLog _warnings;
    private readonly SdNotify _manager;
    private readonly Signals _signals;
    private readonly Watchdog _watchdog;
    private readonly TableLookups _lookups;
    private readonly TableKeeper _keeper;
    private readonly Observation _observation;
    private readonly Dictionary<string, RunningService> _services = [];
    private readonly Dictionary<string, TemporaryAllowlist> _allowlists = [];
    private readonly RelayTargets _relays;
    private readonly Retries _retries = new(RetryPause);
    private readonly int _clientsThatFit;
    private readonly MasterRole? _master;
    private readonly Jail? _jail;
    private Configuration _configuration;
    private LogOptions _logOptions;
    private readonly SessionCounts _receiverSessions;
    private BuiltInReceiver? _receiver;
    private UdpResolver? _resolver;
    private ProviderDirectory? _providers;

    private Daemon(Func<TableReading, Configuration> load, Configuration configuration, MailLog log, bool logToStandardOutput, MasterRole? master)
    {
        _load = load;
        _configuration = configuration;
        _log = log;
        _logToStandardOutput = logToStandardOutput;
        _master = master;
        _jail = master is { Invocation.IsJailed: true } ? new Jail(configuration.Process!.QueueDirectory) : null;
        _logOptions = LogOptionsOf(configuration.Process!, logToStandardOutput, master);
        _tags = LogTags.For(configuration.Process!.SyslogName);
        _warnings = new WarningLog(log, _tags.Postscreen);
        _log.WatchForCrash(_tags.Postern);
        var openFiles = ProcessLimits.RaiseOpenFiles(out var problem);
        if (problem is not null)
            log.Write(_tags.Postern, LogSeverity.Warning, problem);
        _clientsThatFit = ProcessLimits.ClientsThatFit(openFiles);
        _loop = new EventLoop(_clock, log, _tags.Postscreen, _clientsThatFit) { ClientsCome = () => _master?.Link.ReportClient(), OwnTag = _tags.Postern };
        _receiverSessions = new SessionCounts(configuration.Process!.ReceiverSessionLimit);
        _loop.DescriptorsElsewhere = () => 2 * _receiverSessions.Total; // a session has its client, and the file that it writes
        _relays = new RelayTargets(_loop, (severity, text) => log.Write(_tags.Postern, severity, text), PathOf);
        _tls = new TlsServer(new TextFiles(MostCertificateBytes), _clock, _tags.Tlsproxy, LogTls);
        _loop.Tls = _tls;
        _loop.TableLookups = _lookups = new TableLookups(_loop.Post);
        _keeper = new TableKeeper(configuration.Tables, _lookups, new WarningLog(log, _tags.Postscreen) { FlushesAtOnce = true }, Reload, isBlind: _jail is not null);
        _signals = new Signals(
            stop: () => _loop.Post(() => Stop(_configuration.Process!.StopGraceTime)),
            stopNow: () => _loop.Post(() => Stop(TimeSpan.Zero)),
            reload: OnHangup);
        _watchdog = new Watchdog(_loop, configuration.Services[0].Settings.WatchdogTimeout, () =>
        {
            log.WriteNow(_tags.Postscreen, LogSeverity.Fatal, "watchdog timeout");
            Environment.Exit(1);
        });
        _observation = new Observation(_loop, log, _tags.Postern, _clock, _services, _allowlists, _keeper.ReadNow, [.. PageServer.Command, configuration.Directory], () => _providers?.States ?? []);
        _manager = SdNotify.FromEnvironment(_warnings);
    }

    /// <summary>Starts to serve.</summary>
    /// <param name="load">Reads the configuration; called again at every reload.</param>
    /// <param name="configuration">What it gave the first time; without errors.</param>
    /// <param name="logToStandardOutput">Whatever <c>maillog_file</c> says.</param>
    /// <param name="master">Under Postfix's master(8), which listens and sees to the next process; null: by ourselves.</param>
    /// <param name="problem">On failure, for the administrator.</param>
    /// <returns>Null on failure.</returns>
    public static Daemon? Start(
        Func<TableReading, Configuration> load, Configuration configuration, bool logToStandardOutput, MasterRole? master, out string? problem)
    {
        var options = LogOptionsOf(configuration.Process!, logToStandardOutput, master);
        if (!MailLog.TryOpen(options, TimeProvider.System, out var log, out problem))
            return null;
        if (problem is not null)
            Console.Error.WriteLine($"postern: {problem}; lines wait in memory until it works");
        var daemon = new Daemon(load, configuration, log, logToStandardOutput, master);
        if (daemon.TryOpen(out problem))
            return daemon;
        log.Write(daemon._tags.Postern, LogSeverity.Fatal, problem!);
        daemon.Dispose();
        return null;
    }

    /// <summary>Serves until it is told to stop.</summary>
    public void Run()
    {
        new Thread(GiveBackStartupMemory, maxStackSize: 256 * 1024) { IsBackground = true }.Start();
        _manager.Ready();
        _master?.Link.Watch(() => _loop.IdleFor, _configuration.Process!.MaxIdle, gone: () => _loop.Post(Drain), idle: () => _loop.Post(EndIfIdle));
        _loop.Run();
        _receiver?.StopAsync(_configuration.Process!.StopGraceTime).GetAwaiter().GetResult();
        foreach (var (name, service) in _services)
        {
            if (service.Load.Lanes.Describe() is { } counts)
                _log.Write(_tags.Postern, LogSeverity.Info, $"slow lanes of service {name}: {counts}");
        }

        _log.Write(_tags.Postern, LogSeverity.Info, "stopped");
    }

    public void Dispose()
    {
        _jail?.Dispose();
        _signals.Dispose();
        _watchdog.Dispose();
        _retries.Dispose();
        _keeper.Dispose();
        _lookups.Dispose();
        _relays.Dispose();
        _resolver?.Dispose();
        _providers?.Dispose();
        _observation.Dispose();
        _loop.Dispose();
        foreach (var allowlist in _allowlists.Values)
            allowlist.Dispose();
        _manager.Dispose();
        _log.Dispose();
    }

    private static LogOptions LogOptionsOf(ProcessSettings process, bool toStandardOutput, MasterRole? master) => new()
    {
        PostlogSocket = master is not null && process.MaillogFile is not null ? "public/" + process.PostlogServiceName : "",
        HostName = process.MyHostname.Split('.')[0],
        SyslogName = process.SyslogName,
        Facility = process.SyslogFacility,
        KeepUtf8 = process.SmtpUtf8,
        MaillogFile = process.MaillogFile ?? "",
        MailOwner = process.MailOwner,
        MaillogFileMode = (uint)process.MaillogFilePermissions,
        ToStandardOutput = toStandardOutput,
    };

    /// <summary>Ports while we may open them, then the user we stay, then everything that is to belong to that user.</summary>
    private bool TryOpen(out string? problem)
    {
        var process = _configuration.Process!;
        LogProblems(_configuration);
        foreach (var service in _configuration.Services)
        {
            var running = NewService(service);
            if (!(_master is null ? TryListen(service.Endpoints, running, out problem) : TryAdopt(_master.Invocation.ListenerCount, running, out problem)))
                return false;
        }

        if (DataDirectory.Prepare(process.DataDirectory, process.MailOwner) is { } lack)
            _log.Write(_tags.Postern, LogSeverity.Warning, lack);
        _observation.OpenEventLog(process);
        PreloadCertificates();
        if (_configuration.Services.Any(s => s.Settings.CacheMap is not null))
            SqliteFile.LoadLibrary();
        if ((_jail is not null && !TryPrepareJail(out problem)) || !Privileges.TryDrop(process.MailOwner, _jail?.Directory, out var note, out problem))
            return false;

        if (note is not null)
            _log.Write(_tags.Postern, LogSeverity.Info, note);
        _jail?.Entered();
        _observation.Reopen();
        _master?.Link.ReportUser();
        if (_jail is null)
            OpenAllowlists();
        ConfigureDnsbl();
        ConfigureProviders();
        if (_jail is null)
            _observation.OpenSockets(process, isTakenOver: _master is not null, isLastChance: false);
        if (!TryStartReceiver(out var trouble))
            _log.Write(_tags.Postern, LogSeverity.Error, $"{trouble} -- clients that pass are told to come back");
        _relays.Assign(_configuration.Services, _services);
        foreach (var allowlist in _allowlists.Values)
            allowlist.WaitUntilLoaded(LoadPatience);
        _relays.WaitForFirstProbe(LoadPatience);
        _log.Write(_tags.Postern, LogSeverity.Info, Describe());
        _log.Flush();
        return true;
    }

    // On a thread of its own: the pool and its timers would bring back as much as was given.
    private static void GiveBackStartupMemory()
    {
        Thread.Sleep(StartLasts);
        try
        {
            StartupMemory.GiveBack(File.ReadLines("/proc/self/smaps"));
        }
        catch (IOException)
        {
            // a system without /proc: it only looks bigger than it is
        }
    }

    private void PreloadCertificates() => _tls.Preload(_configuration.Services.Select(s => s.Settings.Tls).OfType<TlsSettings>());

    private void LogTls(LogSeverity severity, string text) => _loop.Post(() => _log.Write(_tags.Tlsproxy, severity, text));

    private bool TryListen(IReadOnlyList<ListenEndpoint> endpoints, RunningService service, out string? problem)
    {
        problem = null;
        foreach (var endpoint in endpoints)
        {
            if (Listen(endpoint, service, out problem) is null)
                return false;
        }

        return true;
    }

    /// <summary>The master listens already.</summary>
    private bool TryAdopt(int count, RunningService service, out string? problem)
    {
        problem = null;
        for (var i = 0; i < count; i++)
        {
            if (Listener.Adopt(MasterLink.FirstListener + i, service, out problem) is not { } listener)
                return false;
            _loop.Add(listener);
        }

        return true;
    }

    /// <summary>What will be out of reach is opened, loaded or set to work; the log's socket comes with its first line.</summary>
    private bool TryPrepareJail(out string? problem)
    {
        if (_configuration.Services.Any(s => s.Handoff is HandoffTarget.Receiver))
        {
            problem = "the built-in receiver keeps its mail outside of the queue directory: write n in the fifth field of master.cf, chroot";
            return false;
        }

        Jail.WarmUp();
        _log.Write(_tags.Postern, LogSeverity.Info, $"chroot to {_jail!.Directory}");
        _log.Flush();
        OpenAllowlists();
        SafeFile.As(Privileges.KeeperOf(_configuration.Process!.MailOwner), () => _observation.OpenSockets(_configuration.Process!, isTakenOver: true, isLastChance: true));
        problem = _jail!.Problem;
        return problem is null;
    }

    private RunningService NewService(ScreeningService service)
    {
        var running = _services[service.Name] = new RunningService
        {
            Name = service.Name,
            Settings = service.Settings,
            Allowlist = null,
            Handoff = HandoffFor(service),
        };
        running.Load.Lanes.Room = _clientsThatFit / 5 * 4; // the rest stays for those who are to be served soon
        return running;
    }

    private Listener? Listen(ListenEndpoint endpoint, RunningService service, out string? problem)
    {
        var isShared = _configuration.Services.Any(other => other.Endpoints.Any(endpoint.IsBeside));
        var listener = Listener.Open(new Endpoint(endpoint.Address, (ushort)endpoint.Port), _configuration.Process!.ListenBacklog, service, out problem, isShared);
        if (listener is not null)
            _loop.Add(listener);
        return listener;
    }

    private DescriptorPassing? HandoffFor(ScreeningService service) => service.Handoff switch
    {
        HandoffTarget.Relay => null,
        HandoffTarget.Pass pass => new DescriptorPassing(PathOf(pass.SocketPath), NameOf(pass.SocketPath)),
        _ => new DescriptorPassing(ReceiverSocket, "the built-in receiver") { Sessions = _receiverSessions },
    };

    // The master starts us in the queue directory, which may become the root directory.
    private string PathOf(string path) => _master is null ? path : NameOf(path);

    /// <summary>The socket as log lines name it: relative to the queue directory where it lies in there.</summary>
    private string NameOf(string path)
    {
        var queue = _configuration.Process!.QueueDirectory + "/";
        return path.StartsWith(queue, StringComparison.Ordinal) ? path[queue.Length..] : path;
    }

    private string ReceiverSocket => _configuration.Process!.DataDirectory + "/receiver";

    /// <summary>One allowlist for each map that a service names; services with the same map share it.</summary>
    private void OpenAllowlists()
    {
        foreach (var service in _configuration.Services)
        {
            var settings = service.Settings;
            if (settings.CacheMap is not { } map)
            {
                _services[service.Name].Allowlist = null;
                continue;
            }

            var options = AllowlistOptions.Of(_configuration, settings, _jail);
            if (_allowlists.TryGetValue(map, out var allowlist))
                allowlist.Policy = options.Policy;
            else
                allowlist = _allowlists[map] = TemporaryAllowlist.Open(options, _clock, (severity, text) => _log.Write(_tags.Postscreen, severity, text), _loop.Wake);
            _services[service.Name].Allowlist = allowlist;
        }

        _loop.Allowlists = [.. _allowlists.Values];
    }

    private void ConfigureDnsbl()
    {
        var settings = _configuration.Services.Select(s => s.Settings);
        if (_loop.Dnsbl is null && (settings.Any(s => s.DnsblSites is not null || s.Lanes is not null) || _configuration.Services.Any(s => s.TellsNames)))
        {
            var servers = new ResolverFile(new TextFiles(ResolverFile.MostBytes), ResolverConfiguration.SystemPath, new WarningLog(_log, _tags.Postern).Warn);
            _resolver = new UdpResolver(servers, _clock, _loop.Watch, _loop.Forget, _loop.Post);
            _loop.Dnsbl = NewLookups(_resolver);
            _loop.ReverseNames = new ReverseLookups(_resolver);
        }

        _loop.Dnsbl?.Configure(settings);
    }

    private void ConfigureProviders()
    {
        var domains = _configuration.Services.SelectMany(static s => s.Settings.Providers).Select(static provider => provider.Domain).Distinct().ToList();
        if (_providers is null && domains.Count > 0)
        {
            var servers = new ResolverFile(new TextFiles(ResolverFile.MostBytes), ResolverConfiguration.SystemPath);
            _providers = new ProviderDirectory(new SystemResolver(servers, _clock), _clock, (severity, text) => _log.Write(_tags.Postern, severity, text));
        }

        _providers?.Configure(domains);
        foreach (var service in _configuration.Services)
            _services[service.Name].Load.Providers = service.Settings.Providers.Count > 0 ? _providers!.Of(service.Settings.Providers) : null;
    }

    private DnsblLookups NewLookups(UdpResolver resolver)
    {
        if (_jail is not null) // data_directory is outside
            return new DnsblLookups(resolver, _log, _tags, _clock);
        var path = _configuration.Process!.DataDirectory + "/postern_dnsbl_lists";
        var memory = new KnownLists(path, _clock, text => _log.WriteNow(_tags.Postern, LogSeverity.Warning, text));
        return new DnsblLookups(resolver, _log, _tags, _clock, memory, memory.Read(new TextFiles(KnownLists.MostBytes)));
    }

    private bool TryStartReceiver(out string? problem)
    {
        problem = null;
        if (_receiver is not null || !_configuration.Services.Any(s => s.Handoff is HandoffTarget.Receiver))
            return true;
        var process = _configuration.Process!;
        var options = new ReceiverOptions
        {
            SocketPath = ReceiverSocket,
            HostName = process.MyHostname,
            Banner = _configuration.Services[0].Settings.Banner,
            RecipientDomains = process.ReceiverDomains,
            MaildirPath = process.ReceiverMaildir,
            MessageSizeLimit = process.MessageSizeLimit,
            SessionLimit = process.ReceiverSessionLimit,
            Counts = _receiverSessions,
            CheckSenderDomain = process.ReceiverRejectsUnknownSenderDomains,
            Log = (severity, program, session, text) => _log.WriteNow(LogTag.OfReceiver(process.SyslogName, program, session), severity, text),
        };
        if (BuiltInReceiver.TryStart(options, out _receiver, out problem))
            return true;
        // The disk may take something later; until then clients hear that they should come back.
        _retries.Add("receiver", () =>
        {
            if (!BuiltInReceiver.TryStart(options, out var started, out _))
                return false;
            _loop.Post(() => TakeOver(started));
            return true;
        });
        return false;

        void TakeOver(BuiltInReceiver started)
        {
            if (_receiver is null)
                _log.Write(_tags.Postern, LogSeverity.Info, "the built-in receiver works");
            _receiver ??= started;
        }
    }

    private string Describe()
    {
        var where = string.Join(", ", _loop.Listeners.Select(l => $"[{l.Endpoint.Address}]:{l.Endpoint.Port}"));
        var to = string.Join(", ", _services.Values.Select(s => s.Handoff?.Service ?? s.Relay!.Name).Distinct());
        var known = _allowlists.Values.Sum(a => a.Count);
        return $"ready: listening on {where}; clients that pass go to {to}; {known} clients are known; room for {_clientsThatFit} at once";
    }

    private void LogProblems(Configuration configuration)
    {
        if (configuration.Postfix is { } postfix)
            _log.Write(_tags.Postern, LogSeverity.Info, $"configuration of Postfix {postfix.MailVersion} ({postfix.SaidBy})");
        foreach (var redirection in configuration.Tables.Redirections)
            _log.Write(_tags.Postscreen, LogSeverity.Info, redirection);
        foreach (var problem in configuration.Problems)
        {
            var severity = configuration.Tables.OpenErrors.Contains(problem.Text) || problem.Severity is ProblemSeverity.Error ? LogSeverity.Error : LogSeverity.Warning;
            _log.Write(problem.SaidBy == "tlsproxy" ? _tags.Tlsproxy : problem.PostscreenIsSilent ? _tags.Postern : _tags.Postscreen, severity, problem.LogText);
        }
    }

    /// <summary>The master is gone, or has begun anew: the clients that are here are served to their end, new ones by the next process.</summary>
    private void Drain()
    {
        _observation.CloseSockets();
        if (_loop.ClientCount > 0)
            _log.Write(_tags.Postern, LogSeverity.Info, $"let go by the master: finishing {_loop.ClientCount} clients in the background");
        _loop.Stop(DrainLimit);
    }

    private void EndIfIdle()
    {
        if (_loop.ClientCount == 0)
            _loop.Stop(TimeSpan.Zero); // who connects from now on waits in the master's socket
    }

    private void Stop(TimeSpan grace)
    {
        _manager.Stopping();
        _log.Write(_tags.Postern, LogSeverity.Info, $"stopping: {_loop.ClientCount} clients left");
        _loop.Stop(grace);
    }

    private void OnHangup()
    {
        _loop.Post(ReopenLogs);
        if (_master is null) // else the master starts a new process to reload
            _keeper.Reload();
    }

    private void ReopenLogs()
    {
        _log.Reopen();
        if (_master is null)
            _observation.Reopen();
    }

    /// <summary>On the keeper's thread, which waits until the loop has taken the new configuration.</summary>
    private TableCatalog Reload(CancellationToken end)
    {
        _manager.Reloading();
        PostfixProbe.LookAgain();
        var configuration = _load(new TableReading(_configuration.Tables, MayBeLater: false));
        var isTaken = new ManualResetEventSlim();
        _loop.Post(() =>
        {
            try
            {
                Take(configuration);
            }
            finally
            {
                isTaken.Set();
            }
        });
        isTaken.Wait(end);
        _manager.Ready();
        return _configuration.Tables;
    }

    /// <summary>On the loop's thread. Clients that are there keep the settings they came under.</summary>
    private void Take(Configuration configuration)
    {
        if (configuration.HasErrors)
        {
            LogProblems(configuration);
            _log.Write(_tags.Postern, LogSeverity.Error, "reload: the new configuration has errors -- keeping the one read before");
            return;
        }

        Apply(configuration);
        _log.Write(_tags.Postern, LogSeverity.Info, "reload: " + Describe());
    }

    private void Apply(Configuration configuration)
    {
        var before = _configuration.Process!;
        _configuration = configuration;
        LogProblems(configuration);
        var logOptions = LogOptionsOf(configuration.Process!, _logToStandardOutput, _master);
        string? problem = null;
        if (logOptions != _logOptions && !_log.TryReconfigure(logOptions, out problem))
            _log.Write(_tags.Postern, LogSeverity.Error, $"{problem} -- keeping the log as it is");
        else
            _logOptions = logOptions;

        var wanted = configuration.Services.SelectMany(s => s.Endpoints.Select(e => (Service: s, Endpoint: e))).ToList();
        foreach (var gone in _loop.Listeners.Where(l => !wanted.Any(w => IsAt(l, w.Endpoint))).ToList())
            _loop.Remove(gone);
        foreach (var service in configuration.Services)
        {
            if (!_services.TryGetValue(service.Name, out var running))
                running = NewService(service);
            running.Settings = service.Settings;
            running.Handoff = HandoffFor(service);
        }

        _relays.Assign(configuration.Services, _services);
        foreach (var (service, endpoint) in wanted)
        {
            if (_loop.Listeners.FirstOrDefault(l => IsAt(l, endpoint)) is { } listener)
                listener.Service = _services[service.Name];
            else if (Listen(endpoint, _services[service.Name], out problem) is null)
                _log.Write(_tags.Postern, LogSeverity.Error, $"{problem} -- restart Postern to open it as root");
        }

        PreloadCertificates();
        OpenAllowlists();
        ConfigureDnsbl();
        ConfigureProviders();
        _observation.Apply(before, configuration.Process!);
        if (!TryStartReceiver(out problem))
            _log.Write(_tags.Postern, LogSeverity.Error, problem!);
    }

    private static bool IsAt(Listener listener, ListenEndpoint endpoint) =>
        listener.Endpoint.Address == endpoint.Address && listener.Endpoint.Port == endpoint.Port;
}
