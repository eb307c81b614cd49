using System.Diagnostics;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Relay;
using Postern.Native;
using Postern.Tls;

namespace Postern.Relay;

/// <summary>What came of a probe.</summary>
/// <param name="Addresses">The server's addresses at this moment.</param>
/// <param name="Offer">What it offers; null: it did not come to that.</param>
/// <param name="Problem">Null: it is well.</param>
internal sealed record ProbeResult(byte[][] Addresses, EhloOffer? Offer, string? Problem)
{
    /// <summary>It is well, but for the TLS that it offers; null: that is well too.</summary>
    public string? TlsProblem { get; init; }

    /// <inheritdoc cref="Handover.MayBeTold" />
    public bool? MayBeTold { get; init; }
}

/// <summary>
/// Asks the relay targets how they are, one after the other, on a thread of its own, where it may wait for DNS and for
/// them: at the start, every <c>postern_relay_probe_interval</c>, and, when one is not well, after 1, 2, 4, … 60 seconds.
/// </summary>
internal sealed unsafe class RelayProber : IDisposable
{
    private static readonly TimeSpan ShortestRest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestRest = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan RestInHaste = TimeSpan.FromSeconds(5); // of one that is not well, while clients wait for it
    private static readonly TimeSpan LongestProbe = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly AutoResetEvent _news = new(false);
    private readonly ManualResetEventSlim _firstRound = new(false);
    private readonly Action<Action<long>> _post;
    private readonly Thread _thread;
    private List<Duty> _duties = [];
    private volatile bool _isStopping;

    /// <param name="post">Runs something on the loop's thread, with the monotonic milliseconds of that moment.</param>
    public RelayProber(Action<Action<long>> post)
    {
        _post = post;
        _thread = new Thread(Run) { IsBackground = true, Name = "relay prober" };
        _thread.Start();
    }

    /// <summary>Probes the servers of these pools from now on, and no others.</summary>
    public void Watch(IEnumerable<RelayPool> pools)
    {
        var duties = new List<Duty>();
        foreach (var pool in pools)
        {
            pool.Suspect = Hurry;
            duties.AddRange(pool.Servers.Select(server => new Duty(pool, server)));
        }

        lock (_gate)
            _duties = [.. duties.Select(duty => _duties.Find(known => known.Server == duty.Server) ?? duty)];
        _news.Set();
    }

    /// <summary>Waits until every server was probed once.</summary>
    public void WaitForFirstRound(TimeSpan patience) => _firstRound.Wait(patience);

    public void Dispose()
    {
        _isStopping = true;
        _news.Set();
        if (!_thread.Join(StopPatience))
            return; // it waits for DNS, and the process for nobody
        _news.Dispose();
        _firstRound.Dispose();
    }

    /// <summary>Something was wrong with the server, or a client could go nowhere else: it is probed next, unless it just was.</summary>
    private void Hurry(RelayServer server)
    {
        lock (_gate)
        {
            if (_duties.Find(known => known.Server == server) is { } duty)
                duty.Due = Math.Min(duty.Due, duty.Failures == 0 ? Now + (long)ShortestRest.TotalMilliseconds : duty.Asked + (long)RestInHaste.TotalMilliseconds);
        }

        _news.Set();
    }

    private static long Now => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1000);

    private void Run()
    {
        while (!_isStopping)
        {
            Duty? next;
            lock (_gate)
                next = _duties.MinBy(static duty => duty.Due);
            var wait = next is null ? -1 : (int)Math.Clamp(next.Due - Now, 0, 60_000);
            if (next is null || wait > 0)
            {
                _news.WaitOne(wait);
                continue;
            }

            var result = Probe(next);
            lock (_gate)
            {
                next.Failures = result.Problem is null ? 0 : next.Failures + 1;
                var rest = result.Problem is null ? next.Server.Rules.ProbeInterval
                    : ShortestRest * Math.Min(LongestRest / ShortestRest, Math.Pow(2, next.Failures - 1));
                next.Asked = Now;
                next.Due = next.Asked + (long)rest.TotalMilliseconds;
            }

            _post(ticks => next.Pool.OnProbed(next.Server, result, ticks));
            lock (_gate)
            {
                if (_duties.TrueForAll(static duty => duty.Due > 0))
                    _firstRound.Set();
            }
        }
    }

    private ProbeResult Probe(Duty duty)
    {
        var addresses = ServerSocket.Resolve(duty.Server.Target);
        if (addresses.Length == 0)
            return new ProbeResult(addresses, null, $"{duty.Server.Target.Host} has no address");
        ProbeResult? result = null;
        foreach (var address in addresses)
        {
            result = Probe(duty.Server, duty.Server.Rules, addresses, address);
            if (result.Problem is null)
                break;
        }

        return result!;
    }

    private ProbeResult Probe(RelayServer server, RelayRules rules, byte[][] addresses, byte[] address)
    {
        var fd = ServerSocket.Open(address, out var error);
        if (fd < 0)
            return new ProbeResult(addresses, null, Errno.Text(error));
        try
        {
            if (!Wait(fd, Libc.POLLOUT, rules.ConnectTimeout))
                return new ProbeResult(addresses, null, Errno.Text(Errno.ETIMEDOUT));
            error = ServerSocket.Result(fd);
            if (error != 0)
                return new ProbeResult(addresses, null, Errno.Text(error));
            var talk = Handover.Probe(rules, Self(fd));
            var problem = Talk(server, ref fd, talk);
            if (problem is not null && rules.Tls is RelayTls.May && talk.TlsHasFailed)
                return Probe(server, server.PlainRules, addresses, address) with { TlsProblem = problem };
            return new ProbeResult(addresses, talk.Learned, problem) { MayBeTold = talk.MayBeTold };
        }
        finally
        {
            _ = Libc.close(fd);
        }
    }

    /// <param name="fd">The connection; its near end once it is inside TLS.</param>
    private string? Talk(RelayServer server, ref int fd, Handover talk)
    {
        var input = stackalloc byte[1024];
        var end = Now + (long)LongestProbe.TotalMilliseconds;
        ServerTunnel? tunnel = null;
        for (var step = HandoverStep.Wait; ;)
        {
            if (talk.ToServer.Length > 0 && !ServerSocket.TrySend(fd, talk.ToServer))
                step = talk.OnClosed(Errno.LastText);
            if (step is HandoverStep.StartTls)
            {
                step = StartTls(server, ref fd, talk, ref tunnel, end);
                continue;
            }

            if (step is not HandoverStep.Wait)
            {
                tunnel?.LetGo();
                return step is HandoverStep.Done ? null : talk.Reason;
            }

            if (!Wait(fd, Libc.POLLIN, TimeSpan.FromMilliseconds(end - Now)))
            {
                step = talk.OnTimeout();
                continue;
            }

            var read = Libc.recv(fd, input, 1024, 0);
            step = read > 0 ? talk.OnReceived(new ReadOnlySpan<byte>(input, (int)read)) : talk.OnClosed(read < 0 ? Errno.LastText : null);
        }
    }

    private static HandoverStep StartTls(RelayServer server, ref int fd, Handover talk, ref ServerTunnel? tunnel, long end)
    {
        tunnel = ServerSocket.OpenTunnel(ref fd, server);
        if (tunnel is null)
            return talk.OnTlsFailed(Errno.LastText);
        var answer = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        tunnel.Start(answer.SetResult);
        if (!answer.Task.Wait((int)Math.Max(0, end - Now)))
            return talk.OnTimeout();
        return answer.Task.Result is { } problem ? talk.OnTlsFailed(problem) : talk.OnTlsUp();
    }

    /// <summary>Waits for an event of one descriptor, and gives up early when the prober is to stop.</summary>
    private bool Wait(int fd, short events, TimeSpan patience)
    {
        var end = Now + (long)patience.TotalMilliseconds;
        while (!_isStopping && Now < end)
        {
            var entry = new PollEntry { Descriptor = fd, Events = events };
            if (Libc.poll(&entry, 1, (int)Math.Min(200, end - Now)) > 0)
                return true;
        }

        return false;
    }

    /// <summary>Postern as the client of a probe.</summary>
    private static ClientIdentity Self(int fd)
    {
        var buffer = stackalloc byte[SockAddr.MaxLength];
        uint length = SockAddr.MaxLength;
        var self = new Endpoint(IpAddress.FromIPv4(0x7f00_0001), 1);
        if (Libc.getsockname(fd, buffer, &length) == 0 && SockAddr.TryReadInet(new ReadOnlySpan<byte>(buffer, (int)length), out var address, out var port))
            self = new Endpoint(address, (ushort)port);
        return new ClientIdentity(self.Address, self.Port, self, "");
    }

    /// <summary>A server to be probed. The lock guards what changes.</summary>
    private sealed class Duty(RelayPool pool, RelayServer server)
    {
        public readonly RelayPool Pool = pool;
        public readonly RelayServer Server = server;
        public long Due;
        public long Asked;
        public int Failures;
    }
}
