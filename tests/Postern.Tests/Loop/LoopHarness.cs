using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Dns;
using Postern.Dnsbl;
using Postern.Handoff;
using Postern.Logging;
using Postern.Loop;
using Postern.Relay;
using Postern.Storage;
using Postern.Tests.Tables;
using Postern.Tls;

namespace Postern.Tests.Loop;

/// <summary>A running event loop on a loopback port, with its log in memory.</summary>
internal sealed class LoopHarness : IDisposable
{
    private readonly Thread _thread;
    private readonly MemoryLog _memory = new();
    private readonly UdpResolver? _resolver;

    /// <param name="certificates">Where TLS finds its files; null: there is no TLS.</param>
    /// <param name="nameServer">Answers for DNS lists; null: there are none.</param>
    public LoopHarness(
        Settings settings, string serverPath, int maxClients = 10_000, IAllowlist? allowlist = null, ITextFiles? certificates = null, IPEndPoint? nameServer = null)
        : this(settings, new DescriptorPassing(serverPath, "private/smtpd"), maxClients, allowlist, certificates, nameServer)
    {
    }

    /// <summary>With relay targets that are probed by nobody, as after a probe that found them well.</summary>
    public LoopHarness(Settings settings, RelayRules rules, params RelayTarget[] targets)
        : this(settings, rules, null, targets)
    {
    }

    /// <summary>The same with TLS.</summary>
    public LoopHarness(Settings settings, RelayRules rules, ITextFiles? certificates, params RelayTarget[] targets)
        : this(settings, handoff: null, 10_000, new MemoryAllowlist(), certificates, nameServer: null)
    {
        Pool = new RelayPool(targets, rules, (severity, text) => Log.Write(LogTags.For("postfix").Postern, severity, text));
        foreach (var server in Pool.Servers)
            server.MayBeTold = true;
        Loop.Post(() => Service.Relay = Service.LiveTarget = Pool);
    }

    private LoopHarness(
        Settings settings, DescriptorPassing? handoff, int maxClients, IAllowlist? allowlist, ITextFiles? certificates, IPEndPoint? nameServer)
    {
        Service = new RunningService { Name = "smtp", Settings = settings, Allowlist = allowlist, Handoff = handoff };
        Log = new MailLog(_memory, new LogOptions(), TimeProvider.System);
        var tags = LogTags.For("postfix");
        Loop = new EventLoop(TimeProvider.System, Log, tags.Postscreen, maxClients) { OwnTag = tags.Postern };
        if (certificates is not null)
            Loop.Tls = new TlsServer(certificates, TimeProvider.System, tags.Tlsproxy, (severity, text) => Loop.Post(() => Log.Write(tags.Tlsproxy, severity, text)));
        if (nameServer is not null)
        {
            var files = new FakeTextFiles { ["resolv.conf"] = $"nameserver [{nameServer.Address}]:{nameServer.Port}\n" };
            _resolver = new UdpResolver(new ResolverFile(files, "resolv.conf"), TimeProvider.System, Loop.Watch, Loop.Forget, Loop.Post);
            Loop.Dnsbl = new DnsblLookups(_resolver, Log, tags, TimeProvider.System);
            Loop.ReverseNames = new ReverseLookups(_resolver);
        }

        var listener = Listener.Open(new Endpoint(Ip.Of("127.0.0.1"), 0), 1024, Service, out var problem);
        Assert.Null(problem);
        using (var probe = new Socket(new SafeSocketHandle(listener!.Descriptor, false)))
            Port = ((IPEndPoint)probe.LocalEndPoint!).Port;
        Loop.Add(listener);
        _thread = new Thread(Loop.Run);
        _thread.Start();
    }

    public RunningService Service { get; }

    /// <summary>The relay targets, where there are some.</summary>
    public RelayPool? Pool { get; }

    public EventLoop Loop { get; }

    public MailLog Log { get; }

    public int Port { get; }

    /// <summary>Everything logged so far.</summary>
    public string LogText => _memory.Text;

    /// <summary>Waits for a text to be logged; the deadline only bounds a failing test.</summary>
    public void WaitForLog(string text) => Until(() => LogText.Contains(text, StringComparison.Ordinal), $"no '{text}' in the log: {LogText}");

    public static void Until(Func<bool> condition, string otherwise)
    {
        var deadline = Environment.TickCount64 + 20_000;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, otherwise);
            Thread.Yield();
        }
    }

    /// <param name="from">Of 127.0.0.0/8; null: 127.0.0.1.</param>
    public Socket Connect(string? from = null)
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 20_000 };
        if (from is not null)
            client.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        client.Connect(IPAddress.Loopback, Port);
        return client;
    }

    public static string ReadLine(Socket client)
    {
        var line = new StringBuilder();
        var one = new byte[1];
        while (client.Receive(one) == 1)
        {
            line.Append((char)one[0]);
            if (one[0] == '\n')
                break;
        }

        return line.ToString();
    }

    public void Stop(TimeSpan grace)
    {
        Loop.Post(() => Loop.Stop(grace));
        _thread.Join();
    }

    public void Dispose()
    {
        if (_thread.IsAlive)
            Stop(TimeSpan.Zero);
        _resolver?.Dispose();
        Loop.Dispose();
        Log.Dispose();
    }

    private sealed class MemoryLog : ILogDestination
    {
        private readonly StringBuilder _text = new();

        public string Text
        {
            get
            {
                lock (_text)
                    return _text.ToString();
            }
        }

        public bool IsSyslog => false;

        public int Write(ReadOnlySpan<byte> lines)
        {
            lock (_text)
                _text.Append(Encoding.Latin1.GetString(lines));
            return lines.Length;
        }

        public bool WaitForRoom(int milliseconds) => true;

        public void Reopen()
        {
        }

        public string? TakeWarning() => null;

        public void Dispose()
        {
        }
    }
}

/// <summary>An allowlist in memory only.</summary>
internal sealed class MemoryAllowlist : IAllowlist
{
    public Dictionary<IpAddress, TestExpiry> Records { get; } = [];

    public TimeSpan? NextTick => null;

    public bool TryRecall(IpAddress address, out TestExpiry expiry) => Records.TryGetValue(address, out expiry);

    /// <summary>Whether there is a store that is asked about clients not in <see cref="Records"/>.</summary>
    public bool CanAsk { get; init; }

    /// <summary>Who waits for its answer.</summary>
    public ConcurrentQueue<(IpAddress Address, ulong Client)> Questions { get; } = new();

    /// <summary>Its answers; the loop has to be woken to take them.</summary>
    public ConcurrentQueue<AllowlistAnswer> Answers { get; } = new();

    public void Remember(IpAddress address, TestExpiry expiry) => Records[address] = expiry;

    public void Ask(IpAddress address, ulong client) => Questions.Enqueue((address, client));

    public bool TryTakeAnswer(out AllowlistAnswer answer) => Answers.TryDequeue(out answer);

    public void Tick(DateTimeOffset now)
    {
    }
}
