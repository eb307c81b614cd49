using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Rehearsal;
using Postern.Core.Screening;
using Postern.Core.Tables;
using Postern.Dns;
using Postern.Dnsbl;
using Postern.Events;
using Postern.Handoff;
using Postern.Logging;
using Postern.Loop;
using Postern.Receiver;
using Postern.Storage;

namespace Postern.Rehearsal;

/// <summary>
/// A second composition of the daemon's parts: the real loop, sessions, resolver and receiver with a service's settings, on
/// loopback ports of its own, its files in a folder of its own, and a clock of its own. Nothing of the real daemon's is
/// opened.
/// </summary>
internal sealed class Sandbox : IDisposable
{
    private const int Backlog = 1024;
    private const int MostClients = 20_000;
    private const int RealPause = 1; // milliseconds; any event ends it sooner
    private const long LongestRealWait = 5000; // milliseconds, for a machine that is busy
    private const long ShortRealWait = 50; // likewise, after one that was in vain
    private const string ResolverPath = "resolv.conf";
    private static readonly TimeSpan End = TimeSpan.FromDays(8); // the longest retry schedule has five
    private static readonly IpAddress PrimaryAddress = IpAddress.FromIPv4(0xc000_0219); // 192.0.2.25, where all clients believe to be

    private readonly VirtualClock _clock = new();
    private readonly Agenda _agenda = new();
    private readonly LoopbackEcho _echo = new();
    private readonly Tally _tally = new();
    private readonly Traffic _traffic;
    private readonly CancellationToken _stop;
    private readonly Action<double> _progress;
    private readonly string _folder;
    private readonly MailLog _log;
    private readonly EventLoop _loop;
    private readonly RunningService _service;
    private readonly SampleNames _names;
    private readonly SampleNameServer _nameServer;
    private readonly UdpResolver _resolver;
    private readonly TemporaryAllowlist? _allowlist;
    private readonly BuiltInReceiver _receiver;
    private readonly Callers _callers;
    private readonly EventLog? _events;
    private long _rounds = -1;
    private bool _hasEchoed;
    private long _unsettledSince = -1;
    private long _realWait = LongestRealWait;

    private Sandbox(Configuration configuration, RehearsalOptions options, string folder, Action<double> progress, CancellationToken stop)
    {
        (_folder, _stop, _progress) = (folder, stop, progress);
        var (process, service) = (configuration.Process!, configuration.Services[0]);
        var settings = Rehearsed(service.Settings);
        var model = options.Model;
        _traffic = Traffic.Generate(model, options.Seed, DomainOf(process));
        var logOptions = new LogOptions { HostName = process.MyHostname, SyslogName = service.SyslogName, MaillogFile = LogPath, KeepUtf8 = process.SmtpUtf8 };
        _log = MailLog.TryOpen(logOptions, _clock, out var log, out var problem) ? log : throw new IOException(problem);
        var tags = LogTags.For(service.SyslogName);
        _service = new RunningService { Name = service.Name, Settings = settings, Allowlist = null, Handoff = new DescriptorPassing(folder + "/receiver", "the built-in receiver") };
        _service.Load.Lanes.Room = MostClients;
        _loop = new EventLoop(_clock, _log, tags.Postscreen, MostClients) { OwnTag = tags.Postern, Pace = Pace };
        _names = new SampleNames(_traffic, options.Lists ?? settings.DnsblSites, model.Number(ModelParameter.Overlap));
        _nameServer = new SampleNameServer(_names, model, options.Seed, _agenda, _clock);
        _resolver = new UdpResolver(
            new ResolverFile(SampleFiles.Of(ResolverPath, $"nameserver [127.0.0.1]:{_nameServer.Endpoint.Port}\n"), ResolverPath), _clock, _loop.Watch, _loop.Forget, _loop.Post);
        _loop.Watch(_nameServer.Descriptor, _nameServer.OnReadable);
        _loop.Dnsbl = new DnsblLookups(_resolver, _log, tags, _clock);
        _loop.ReverseNames = new ReverseLookups(_resolver);
        _loop.Dnsbl.Configure([settings]);
        _allowlist = OpenAllowlist(settings);
        _service.Allowlist = _allowlist;
        _loop.Allowlists = _allowlist is null ? [] : [_allowlist];
        var listener = Listener.Open(new Endpoint(IpAddress.FromIPv4(0x7f000001), 0), Backlog, _service, out problem) ?? throw new IOException(problem);
        _loop.Add(listener);
        _receiver = StartReceiver(process, settings);
        _callers = new Callers(_loop, _clock, _agenda, _tally, listener.Endpoint.Port, PrimaryAddress, options.AreVisitsFixed);
        _events = options.KeepEvents is null ? null : EventLog.Open(EventsPath, keeper: null, _clock, static _ => { });
        _loop.ClientsLeft = _events is null ? _callers.OnClientsLeft : OnClientsLeft;
    }

    /// <summary>The log of the run.</summary>
    public string LogPath => _folder + "/maillog";

    /// <summary>The event log of the run, if one is wanted.</summary>
    public string EventsPath => _folder + "/events";

    /// <summary>What became of whom.</summary>
    public Tally Tally => _tally;

    /// <summary>How often the clock went on although something seemed to be under way: then a result may differ from run to run.</summary>
    public int Unsettled { get; private set; }

    /// <summary>Builds everything.</summary>
    /// <param name="configuration">Without errors; its first service is rehearsed.</param>
    /// <param name="options">What is played.</param>
    /// <param name="folder">Made by the caller, who also removes it.</param>
    /// <param name="progress">Told, on the running thread, which share of the senders is done.</param>
    /// <param name="stop">Ends the run early.</param>
    /// <exception cref="IOException">It cannot be built; the message is for the administrator.</exception>
    public static Sandbox Build(Configuration configuration, RehearsalOptions options, string folder, Action<double> progress, CancellationToken stop) =>
        new(configuration, options, folder, progress, stop);

    /// <summary>Plays all the traffic, on this thread.</summary>
    /// <exception cref="OperationCanceledException">It was told to stop.</exception>
    /// <exception cref="IOException">It could not go on; the message is for the administrator.</exception>
    public void Run()
    {
        _callers.Begin(_traffic);
        _loop.Run();
        _log.Flush();
        _events?.Dispose(); // writes what waits
        if (_events?.Lost > 0)
            throw new IOException($"{EventsPath}: {_events.Lost} events were lost: the file cannot be written as fast as they come");
        _stop.ThrowIfCancellationRequested();
        if (_callers.Problem is { } problem)
            throw new IOException(problem);
    }

    public void Dispose()
    {
        _receiver.StopAsync(TimeSpan.Zero).GetAwaiter().GetResult();
        _receiver.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _resolver.Dispose();
        _nameServer.Dispose();
        _loop.Dispose();
        _allowlist?.Dispose();
        _echo.Dispose();
        _log.Dispose();
    }

    private void OnClientsLeft(ReadOnlySpan<Session> sessions)
    {
        _callers.OnClientsLeft(sessions);
        _events!.Add(sessions);
    }

    /// <summary>The settings, without what would reach out of the sandbox: servers, certificates, stores.</summary>
    private static Settings Rehearsed(Settings settings) => settings with
    {
        UpstreamProxy = true,
        ProxyNetworks = null,
        AllowlistInterfaces = MatchList.Everything,
        Protocols = new InetProtocols(IPv4: true, IPv6: true),
        TlsLevel = default,
        Tls = null,
        LiveHandover = false,
        AuthPassthrough = false,
        CacheMemcache = null,
    };

    private static string DomainOf(ProcessSettings process) => process.ReceiverDomains.Count > 0 ? process.ReceiverDomains[0] : process.MyDomain;

    /// <summary>In memory, with those who are known from before.</summary>
    private TemporaryAllowlist? OpenAllowlist(Settings settings)
    {
        if (settings.CacheMap is null)
            return null;
        var options = new AllowlistOptions
        {
            MapName = "rehearsal:memory", // no type that has a file
            Policy = AllowlistPolicy.Of(settings),
        };
        var allowlist = TemporaryAllowlist.Open(options, _clock, static (_, _) => { }, _loop.Wake);
        var longest = options.Policy.Lifetimes.Longest; // what lies beyond is not believed
        var expiry = CacheRecord.Seconds(_clock.GetUtcNow() + (longest < End ? longest : End));
        foreach (var host in _traffic.Senders.SelectMany(static sender => sender.Hosts).Where(static host => host.IsKnown))
        {
            TestExpiry record = default;
            foreach (var test in ScreeningTest.All)
                record = test.WithExpiry(record, expiry);
            allowlist.Remember(host.Address, record);
        }

        return allowlist;
    }

    private BuiltInReceiver StartReceiver(ProcessSettings process, Settings settings)
    {
        var options = new ReceiverOptions
        {
            SocketPath = _folder + "/receiver",
            HostName = process.MyHostname,
            Banner = settings.Banner,
            RecipientDomains = [DomainOf(process)],
            MaildirPath = _folder + "/maildir",
            SessionLimit = MostClients,
            Resolver = _names,
            Clock = _clock,
            Log = (severity, program, session, text) => _log.WriteNow(LogTag.OfReceiver(process.SyslogName, program, session), severity, text),
        };
        return BuiltInReceiver.TryStart(options, out var receiver, out var problem) ? receiver : throw new IOException(problem);
    }

    /// <summary>
    /// The loop would wait. The clock goes on, to the next thing that anybody waits for, only when nothing is under way: so
    /// it is the traffic that decides what comes first, and never how fast the machine is.
    /// </summary>
    private int Pace(int milliseconds)
    {
        if (_callers.AreDone || _callers.Problem is not null || _stop.IsCancellationRequested || _clock.Elapsed > End)
        {
            _loop.Stop(TimeSpan.Zero);
            return 0;
        }

        if (_loop.Rounds != _rounds)
        {
            _rounds = _loop.Rounds; // it had something to do: there may be more
            _hasEchoed = false;
            return 0;
        }

        if (IsUnderWay())
        {
            if (_unsettledSince < 0)
                _unsettledSince = Environment.TickCount64;
            if (Environment.TickCount64 - _unsettledSince < _realWait)
                return RealPause;
            Unsettled++;
            _realWait = ShortRealWait;
        }
        else
        {
            _realWait = LongestRealWait;
        }

        if (!_hasEchoed)
        {
            _echo.Await();
            _hasEchoed = true;
            return 0; // one more look at what has come meanwhile
        }

        _unsettledSince = -1;
        _progress((double)_callers.Done / Math.Max(1, _traffic.Senders.Count));
        var next = milliseconds < 0 ? TimeSpan.MaxValue : _clock.Elapsed + TimeSpan.FromMilliseconds(milliseconds);
        if (_agenda.Next is { } noted && noted < next)
            next = noted;
        if (_clock.NextTimer is { } timer && timer < next)
            next = timer;
        if (next > _clock.Elapsed && next < TimeSpan.MaxValue)
            _clock.AdvanceTo(next);
        _agenda.Run(_clock.Elapsed);
        _rounds = -1;
        return 0;
    }

    private bool IsUnderWay() => _loop.Accepted != _callers.Connections || _service.Load.PostQueue > 0 || _callers.IsOwed;
}
