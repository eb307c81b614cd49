using System.Collections.Concurrent;
using System.Net;
using Postern.Dns;
using Postern.Loop;
using Postern.Tests.Logging;
using Postern.Tests.Tables;

namespace Postern.Tests.Dns;

/// <summary>A resolver with as much of an event loop as it needs, on the test's thread and with a clock of the test's.</summary>
internal sealed class ResolverLoop : IAnswerTaker, IDisposable
{
    private const string Path = "/etc/resolv.conf";

    private readonly Poller _poller = new();
    private readonly Dictionary<int, Action> _sockets = [];
    private readonly ConcurrentQueue<Action> _posted = [];

    public ResolverLoop(params IPEndPoint[] servers)
    {
        Files[Path] = ResolvConf(servers);
        Resolver = new UdpResolver(new ResolverFile(Files, Path), Clock, Watch, Forget, _posted.Enqueue);
    }

    public FakeTextFiles Files { get; } = new();

    public ManualTime Clock { get; } = new(DateTimeOffset.UnixEpoch);

    public UdpResolver Resolver { get; }

    /// <summary>By tag: "192.0.2.1 192.0.2.2 ttl 60", or "failed".</summary>
    public Dictionary<int, string> Answers { get; } = [];

    /// <summary>By tag: why there was no answer.</summary>
    public Dictionary<int, string> Problems { get; } = [];

    /// <summary>Descriptors that are watched.</summary>
    public int Sockets => _sockets.Count;

    public void Configure(params IPEndPoint[] servers) => Files[Path] = ResolvConf(servers);

    public void Ask(string name, int tag = 0)
    {
        var wire = new byte[DnsCodec.MaxQueryLength];
        var length = DnsCodec.WriteName(wire, name);
        Assert.NotEqual(0, length);
        Resolver.Ask([], wire.AsSpan(0, length), this, tag);
    }

    /// <summary>Asks, and waits for the answer; the deadline only bounds a failing test.</summary>
    public string Answer(string name)
    {
        Answers.Clear();
        Ask(name);
        Until(() => Answers.Count > 0);
        return Answers[0];
    }

    public void Until(Func<bool> condition)
    {
        var deadline = Environment.TickCount64 + 20_000;
        while (!condition())
        {
            Assert.True(Environment.TickCount64 < deadline, "no answer");
            Turn(milliseconds: 5);
        }
    }

    /// <summary>One round of the loop.</summary>
    public void Turn(int milliseconds = 0)
    {
        var count = _poller.Wait(milliseconds);
        for (var i = 0; i < count; i++)
        {
            if (_sockets.TryGetValue((int)_poller.Token(i), out var onReadable))
                onReadable();
        }

        while (_posted.TryDequeue(out var action))
            action();
        Resolver.Tick();
    }

    public void OnAnswer(int tag, in AddressAnswer answer)
    {
        if (answer.Problem is { } problem)
            Problems[tag] = problem.ToString();
        Answers[tag] = answer.HasFailed ? "failed" : Text(answer);
    }

    private static string Text(in AddressAnswer answer) => string.Join(' ', [.. answer.Addresses.ToArray().Select(a => Core.IpAddress.FromIPv4(a).ToString()), "ttl", answer.TimeToLive]);

    public void Dispose()
    {
        Resolver.Dispose();
        Assert.Empty(_sockets);
        _poller.Dispose();
    }

    private static string ResolvConf(IPEndPoint[] servers) =>
        string.Concat(servers.Select(server => $"nameserver [{server.Address}]:{server.Port}\n")) + "options timeout:3 attempts:2\n";

    private bool Watch(int descriptor, Action onReadable)
    {
        _sockets.Add(descriptor, onReadable);
        return _poller.Watch(descriptor, (ulong)descriptor);
    }

    private void Forget(int descriptor)
    {
        Assert.True(_sockets.Remove(descriptor));
        _poller.Forget(descriptor);
    }
}
