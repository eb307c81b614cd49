using System.Collections.Concurrent;
using System.Diagnostics;
using Postern.Core;
using Postern.Core.Dnsbl;
using Postern.Core.Lanes;
using Postern.Core.Relay;
using Postern.Core.Screening;
using Postern.Dns;
using Postern.Dnsbl;
using Postern.Handoff;
using Postern.Logging;
using Postern.Native;
using Postern.Relay;
using Postern.Storage;
using Postern.Tls;

namespace Postern.Loop;

/// <summary>
/// The one thread that owns every client. It waits for events, gives each to the session it concerns, and performs the
/// actions that come back: the only place where decisions become effects. Other threads post.
/// </summary>
internal sealed unsafe class EventLoop : IDisposable, IRelayHost
{
    private const ulong ListenerMark = 1UL << 63;
    private const ulong OtherMark = ListenerMark | 1UL << 62;
    private const ulong WakeToken = ulong.MaxValue;
    private const int LogInterval = 20;
    private const int LogRetry = 1000; // the log's destination takes nothing at the moment
    private const int MaxFlushesBeforeHandOff = 8; // in one round
    private const int MaxHandOffAttempts = 50; // one second, as long as postscreen waits for a connection
    private static readonly TimeSpan ServerQueueRetry = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan TakeOverLimit = TimeSpan.FromSeconds(100);
    private static readonly TimeSpan TlsFarewellLimit = TimeSpan.FromSeconds(2);

    private readonly TimeProvider _clock;
    private readonly MailLog _log;
    private readonly LogTag _tag;
    private readonly Poller _poller = new();
    private readonly ClientTable _clients = new();
    private readonly AddressTable _addresses = new();
    private readonly Deadlines _deadlines;
    private readonly List<Listener> _listeners = [];
    private readonly SessionActions _actions = new();
    private readonly ClientWriter _writer = new();
    private readonly TlsClients _tls;
    private readonly Acceptor _acceptor;
    private readonly RelayedClients _relays;
    private readonly ProxyGate _proxies;
    private readonly byte[] _input = GC.AllocateUninitializedArray<byte>(4096, pinned: true);
    private readonly ConcurrentQueue<Action> _posted = new();
    private readonly int _wake = Libc.eventfd(0, Libc.EFD_CLOEXEC | Libc.EFD_NONBLOCK);
    private readonly long _origin;
    private readonly Dictionary<int, Action> _others = [];
    private readonly Action _onTick;
    private readonly Action<Client> _onReady, _onDeadline, _onConnected, _onDnsblComplete, _onAnswer, _onReverseName;
    private AllowlistAnswer _answer;
    private readonly Action<ulong, ReverseName> _onReverseAnswer;
    private ReverseName _reverseName;
    private DateTimeOffset _now;
    private long _ticks;
    private long _busySince;
    private long _flushAt = -1;
    private long _lastTableCheck = -1000;
    private long _lastWarning = -1000;
    private long _stopDeadline = -1;
    private int _flushesBeforeHandOff;
    private uint _events; // of the client in hand
    private bool _areOfServer;
    private long _idleSince;

    /// <param name="clock">Wall-clock and monotonic time.</param>
    /// <param name="log">Takes every line; flushed before the loop sleeps.</param>
    /// <param name="tag">Under which name the clients' lines stand.</param>
    /// <param name="maxClients">How many descriptors there are for clients.</param>
    public EventLoop(TimeProvider clock, MailLog log, LogTag tag, int maxClients)
    {
        _clock = clock;
        _log = log;
        _tag = OwnTag = tag;
        _actions.LocalTime = clock.GetLocalNow;
        _acceptor = new Acceptor(maxClients, Begin);
        _relays = new RelayedClients(this, _poller, _clients);
        _proxies = new ProxyGate(Math.Max(1, maxClients / 2)); // the other half stays for named clients
        _origin = _idleSince = clock.GetTimestamp();
        _tls = new TlsClients(Post, log, OnTlsPrepared, OnTlsReceived, OnTlsRelayEnded);
        (_onReady, _onDeadline, _onConnected, _onDnsblComplete, _onAnswer, _onReverseName) = (OnReady, OnDeadline, OnConnected, OnDnsblComplete, OnAnswer, OnReverseName);
        _onReverseAnswer = OnReverseName;
        _onTick = () => Dnsbl!.Tick();
        ReadClock();
        _deadlines = new Deadlines(_ticks);
        _poller.Watch(_wake, WakeToken);
    }

    /// <summary>Called at most once a second, before a client is accepted: lookup tables look for new versions of their files.</summary>
    public Action? RefreshTables { get; set; }

    /// <summary>Speaks TLS; null: nobody does, and STARTTLS is answered with 454.</summary>
    public TlsServer? Tls
    {
        get => _tls.Server;
        set => _tls.Server = value;
    }

    /// <summary>Told of each client that has left, unless a proxy never named it; null: nobody wants to know. Nothing changes its session any more.</summary>
    public Action<Session>? ClientLeft { get; set; }

    /// <summary>The allowlists to be ticked.</summary>
    public IReadOnlyList<IAllowlist> Allowlists { get; set; } = [];

    /// <summary>Asks DNS lists; null: no service has any. On the loop's thread, or before <see cref="Run"/>.</summary>
    public DnsblLookups? Dnsbl
    {
        get;
        set
        {
            field = value;
            value?.Completed = OnDnsblComplete;
        }
    }

    /// <summary>
    /// Finds reverse names; null: no service has slow lanes, and no relay target is told names. Ticked with <see cref="Dnsbl"/>, whose
    /// resolver it shares.
    /// </summary>
    public ReverseLookups? ReverseNames { get; set; }

    /// <summary>
    /// For a clock that does not run by itself: told, on the loop's thread, for how many milliseconds of its clock the loop
    /// would wait (-1: for ever), it says how long it shall really wait. Null: the clock is the world's.
    /// </summary>
    public Func<int, int>? Pace { get; set; }

    /// <summary>Under which name the lines stand that postscreen has no counterpart for.</summary>
    public LogTag OwnTag { get; init; }

    /// <summary>Clients held at this moment, handed-off ones that the server has not taken yet included.</summary>
    public int ClientCount => _clients.Count;

    /// <summary>Connections since the start, those behind proxies included.</summary>
    public long Accepted { get; private set; }

    /// <summary>Rounds in which the poller reported something: a session that was handed off must not add to it.</summary>
    public long Rounds { get; private set; }

    /// <summary>How long it has been at work on one round; zero while it waits for events. Any thread may ask.</summary>
    public TimeSpan BusyFor => Volatile.Read(ref _busySince) is var since and not 0 ? _clock.GetElapsedTime(since) : TimeSpan.Zero;

    /// <summary>How long there has been no client; zero while there is one. Any thread may ask.</summary>
    public TimeSpan IdleFor => _clients.Count > 0 ? TimeSpan.Zero : _clock.GetElapsedTime(Volatile.Read(ref _idleSince));

    /// <summary>The listening sockets.</summary>
    public IReadOnlyList<Listener> Listeners => _listeners;

    /// <summary>Accepts the listener's clients from now on. On the loop's thread, or before <see cref="Run"/>.</summary>
    public void Add(Listener listener)
    {
        _listeners.Add(listener);
        _poller.Watch(listener.Descriptor, ListenerMark | (uint)listener.Descriptor);
    }

    /// <summary>Closes the listener. Its clients stay.</summary>
    public void Remove(Listener listener)
    {
        _listeners.Remove(listener);
        _poller.Forget(listener.Descriptor);
        listener.Dispose();
    }

    /// <summary>Calls <paramref name="onReadable"/> while a socket that is no client's has input. On the loop's thread, or before <see cref="Run"/>.</summary>
    /// <returns>False when the kernel has no room.</returns>
    public bool Watch(int descriptor, Action onReadable)
    {
        if (!_poller.Watch(descriptor, OtherMark | (uint)descriptor))
            return false;
        _others[descriptor] = onReadable;
        return true;
    }

    /// <summary>Ends what <see cref="Watch(int, Action)"/> began.</summary>
    public void Forget(int descriptor)
    {
        _others.Remove(descriptor);
        _poller.Forget(descriptor);
    }

    /// <summary>Runs <paramref name="action"/> on the loop's thread. Any thread may call it.</summary>
    public void Post(Action action)
    {
        _posted.Enqueue(action);
        Wake();
    }

    /// <summary>Makes the loop go through its duties soon. Any thread may call it.</summary>
    public void Wake()
    {
        ulong one = 1;
        _ = Libc.write(_wake, (byte*)&one, sizeof(ulong)); // full means that it is about to wake anyway
    }

    /// <summary>Accepts nobody any more; <see cref="Run"/> returns when the last client has left, or after <paramref name="grace"/>.</summary>
    public void Stop(TimeSpan grace)
    {
        foreach (var listener in _listeners.ToArray())
            Remove(listener);
        _stopDeadline = _ticks + (long)grace.TotalMilliseconds;
    }

    /// <summary>Copies what is known of the clients whose numbers are in a range. On the loop's thread.</summary>
    /// <param name="first">The lowest number; 0 to begin with.</param>
    /// <param name="count">How many numbers.</param>
    /// <param name="into">Takes the clients.</param>
    /// <returns>The number to go on with; -1: that was all.</returns>
    public int CopyClients(int first, int count, List<HeldClient> into) => _clients.Visit(first, count, client => into.Add(Describe(client)));

    /// <summary>Serves until <see cref="Stop"/>.</summary>
    public void Run()
    {
        while (_stopDeadline < 0 || (_clients.Count > 0 && _ticks < _stopDeadline))
            RunOnce(Pace is { } pace ? pace(Timeout()) : Timeout());

        ReadClock();
        foreach (var client in _clients.ToArray())
            Guarded(client, SayGoodbye);
        _tls.WaitUntilClosed(TlsFarewellLimit);
        TakePosted();
        TickAllowlists();
        _log.Flush();
    }

    public void Dispose()
    {
        foreach (var listener in _listeners)
            listener.Dispose();
        foreach (var client in _clients.ToArray())
        {
            _relays.Forget(client);
            _ = Libc.close(client.Descriptor);
        }

        _relays.Dispose();
        _poller.Dispose();
        _ = Libc.close(_wake);
        _acceptor.Dispose();
    }

    private void RunOnce(int timeout)
    {
        Volatile.Write(ref _busySince, 0);
        var count = _poller.Wait(timeout);
        Volatile.Write(ref _busySince, _clock.GetTimestamp());
        ReadClock();
        _flushesBeforeHandOff = 0;
        if (count > 0)
            Rounds++;
        for (var i = 0; i < count; i++)
        {
            var token = _poller.Token(i);
            if (token == WakeToken)
                TakePosted();
            else if ((token & OtherMark) == OtherMark)
                Attend((int)(uint)token);
            else if ((token & ListenerMark) != 0)
                AcceptFrom((int)(uint)token);
            else if (_clients.Find(token & ~RelayedClients.ServerMark) is { } client)
                OnReported(client, token, _poller.Events(i));
        }

        while (_deadlines.TryTakeDue(_ticks, out var due))
            Guarded(due, _onDeadline);
        if (Dnsbl is not null)
            Guarded(_onTick);
        TickAllowlists();
        if (!_log.HasPending)
            _flushAt = -1;
        else if (_flushAt < 0)
            _flushAt = _ticks + LogInterval; // what comes until then goes out in the same write
        else if (_ticks >= _flushAt)
            FlushLog();
    }

    private void OnReported(Client client, ulong token, uint events)
    {
        (_events, _areOfServer) = (events, (token & RelayedClients.ServerMark) != 0);
        Guarded(client, _onReady);
    }

    private void Guarded(Client client, Action<Client> handler)
    {
        try
        {
            handler(client);
        }
        catch (Exception bug) when (bug is not OutOfMemoryException)
        {
            Abandon(client, bug);
        }
    }

    private int Timeout()
    {
        var timeout = _posted.IsEmpty ? _deadlines.UntilNext(_ticks) : 0;
        foreach (var allowlist in Allowlists)
        {
            if (allowlist.NextTick is { } next)
                timeout = Sooner(timeout, (int)Math.Clamp(Math.Ceiling(next.TotalMilliseconds), 0, 60_000));
        }

        if (Dnsbl is { UntilNext: >= 0 and var dnsbl })
            timeout = Sooner(timeout, dnsbl);
        if (_flushAt >= 0)
            timeout = Sooner(timeout, (int)Math.Max(1, _flushAt - _ticks));
        return _stopDeadline >= 0 ? Sooner(timeout, (int)Math.Max(0, _stopDeadline - _ticks)) : timeout;

        static int Sooner(int one, int other) => one < 0 ? other : Math.Min(one, other);
    }

    private void SayGoodbye(Client client)
    {
        _actions.Clear();
        if (client.IsNamed)
            client.Session.OnShutdown(_actions);
        else
            ProxyWait.Refuse(_actions);
        Perform(client);
        if (IsHere(client))
            Leave(client);
    }

    private void ReadClock()
    {
        _now = _clock.GetUtcNow();
        _ticks = (long)_clock.GetElapsedTime(_origin).TotalMilliseconds;
    }

    private void FlushLog()
    {
        _log.Flush();
        _flushAt = _log.HasPending ? _ticks + LogRetry : -1;
    }

    private void TickAllowlists()
    {
        foreach (var allowlist in Allowlists)
        {
            while (allowlist.TryTakeAnswer(out _answer))
            {
                if (_clients.Find(_answer.Client) is { } client)
                    Guarded(client, _onAnswer);
            }

            allowlist.Tick(_now);
        }
    }

    private void TakePosted()
    {
        ulong count;
        _ = Libc.read(_wake, (byte*)&count, sizeof(ulong));
        while (_posted.TryDequeue(out var action))
            Guarded(action);
    }

    private void Attend(int descriptor)
    {
        if (_others.TryGetValue(descriptor, out var onReadable))
            Guarded(onReadable);
    }

    private void Guarded(Action action)
    {
        try
        {
            action();
        }
        catch (Exception bug) when (bug is not OutOfMemoryException)
        {
            _log.Write(_tag, LogSeverity.Error, $"internal error: {bug}".ReplaceLineEndings(" ")); // clients are still served
        }
    }

    private void AcceptFrom(int descriptor)
    {
        if (_ticks - _lastTableCheck >= 1000)
        {
            _lastTableCheck = _ticks;
            RefreshTables?.Invoke();
        }

        if (_listeners.Find(l => l.Descriptor == descriptor) is { } listener
            && _acceptor.Accept(listener, _clients.Count + _tls.Closing + _relays.Descriptors) is { } warning)
        {
            WarnOnce(warning);
        }
    }

    private void Begin(RunningService service, int descriptor, IpAddress address, ushort port, Endpoint server)
    {
        Accepted++;
        var client = new Client(descriptor, service);
        _clients.Add(client);
        _actions.Clear();
        if (ProxyWait.IsClient(service.Settings, address, _actions))
        {
            BeginSession(client, address, port, server);
            return;
        }

        if (!_proxies.Enter())
        {
            WarnOnce($"{_proxies.Waiting} connections wait for their PROXY header -- turning away new ones with 421");
            _actions.Clear();
            ProxyWait.Refuse(_actions);
        }

        Perform(client);
    }

    private void BeginSession(Client client, IpAddress address, ushort port, Endpoint server)
    {
        if (client.Service.Sole.See(address) is { } notice)
            _log.Write(OwnTag, LogSeverity.Warning, notice);
        client.Session = new Session(client.Service.Settings, client.Service.Load, _addresses.Enter(address), port, server)
        {
            Facts = ClientLeft is null ? null : new ClientFacts(_now),
        };
        Guarded(client, _onConnected);
    }

    /// <summary>A proxy has sent something: it should say who its client is.</summary>
    private void OnProxy(Client client)
    {
        _actions.Clear();
        if (!_proxies.TryRead(client.Descriptor, client.Service.Settings.Protocols, _input, _actions, out var named, out var server))
        {
            Perform(client);
            return;
        }

        _proxies.Leave();
        _deadlines.Clear(client);
        Watch(client, WatchMode.Nothing);
        BeginSession(client, named.Address, named.Port, server);
    }

    private void OnConnected(Client client)
    {
        _actions.Clear();
        client.Session.OnConnected(client.Service.Allowlist, MomentOf(client), _actions);
        Perform(client);
    }

    private void OnDnsblComplete(DnsblScore score)
    {
        for (var i = 0; i < score.Waiting.Count; i++)
        {
            if (_clients.Find(score.Waiting[i]) is { } client)
                Guarded(client, _onDnsblComplete);
        }
    }

    private void OnDnsblComplete(Client client)
    {
        _actions.Clear();
        client.Session.OnDnsblComplete(MomentOf(client), _actions);
        Perform(client);
    }

    private void LookUpDnsbl(Client client)
    {
        var score = client.Session.Dnsbl!;
        score.AddWaiting(_clients.Token(client));
        if (!score.IsStarted)
            Dnsbl!.Ask(score, client.Session.Client.Address, client.Session.Settings);
    }

    private void OnAnswer(Client client)
    {
        _actions.Clear();
        client.Session.OnAllowlistAnswer(_answer.Record, MomentOf(client), _actions);
        Perform(client);
    }

    private void OnReverseName(ulong token, ReverseName name)
    {
        if (_clients.Find(token) is not { } client)
            return; // it has left
        _reverseName = name;
        Guarded(client, _onReverseName);
    }

    private void OnReverseName(Client client)
    {
        _actions.Clear();
        client.Session.OnReverseName(_reverseName, _actions);
        Perform(client);
    }

    private void OnReady(Client client)
    {
        if (client.State is ClientState.BeingRelayed or ClientState.Relayed)
        {
            _relays.OnReady(client, _areOfServer, _events);
            return;
        }

        if (client.State is ClientState.HandedOff)
        {
            Leave(client); // the server has closed the channel: it has the client
            return;
        }

        if (client.Watch is WatchMode.Nothing)
            return;
        if (!client.IsNamed)
        {
            OnProxy(client);
            return;
        }

        nint read;
        var peek = client.Watch is WatchMode.Peek;
        fixed (byte* input = _input)
            read = Libc.recv(client.Descriptor, input, peek ? 1023 : (nuint)_input.Length, peek ? Libc.MSG_PEEK : 0);
        if (read < 0 && Errno.Last is Errno.EAGAIN or Errno.EINTR)
            return;

        var bytes = _input.AsSpan(0, (int)Math.Max(0, read));
        _actions.Clear();
        if (peek)
            client.Session.OnReadable(bytes, MomentOf(client), _actions);
        else
            client.Session.OnReceived(bytes, MomentOf(client), _actions);
        Perform(client);
    }

    private void OnDeadline(Client client)
    {
        switch (client.State)
        {
            case ClientState.WaitingForServer:
                TryHandOff(client);
                break;
            case ClientState.HandedOff:
                _log.Write(_tag, LogSeverity.Warning, "timeout sending connection to service " + client.Service.Handoff!.Service);
                Leave(client);
                break;
            case ClientState.BeingRelayed or ClientState.Relayed:
                _relays.OnDeadline(client);
                break;
            default:
                _actions.Clear();
                if (client.IsNamed)
                    client.Session.OnTimer(MomentOf(client), _actions);
                else
                    ProxyWait.OnTimeLimit(_actions);
                Perform(client);
                break;
        }
    }

    /// <summary>The one place where decisions become effects.</summary>
    private void Perform(Client client)
    {
        for (var i = 0; i < _actions.Count; i++)
        {
            var action = _actions[i];
            switch (action.Kind)
            {
                case ActionKind.Log: _log.Write(_tag, action.Severity, _actions.BytesOf(action)); break;
                case ActionKind.LogAsPostern: _log.Write(OwnTag, action.Severity, _actions.BytesOf(action)); break;
                case ActionKind.Send: _writer.Append(_actions.BytesOf(action)); break;
                case ActionKind.Watch: Watch(client, action.Watch); break;
                case ActionKind.WakeAfter: SetDeadline(client, action.Delay); break;
                case ActionKind.LookUpDnsbl: LookUpDnsbl(client); break;
                case ActionKind.LookUpReverseName: ReverseNames?.Ask(client.Session.Client.Address, _clients.Token(client), _onReverseAnswer); break;
                case ActionKind.AskAllowlist: client.Service.Allowlist!.Ask(client.Session.Client.Address, _clients.Token(client)); break;
                case ActionKind.Remember: client.Service.Allowlist?.Remember(client.Session.Client.Address, action.Record); break;
                case ActionKind.PrepareTls: _tls.Prepare(client); break;
                case ActionKind.StartTls:
                    SendOutput(client);
                    _writer.Forget(client);
                    _tls.Start(client);
                    break;
                case ActionKind.HandOff:
                    SendOutput(client);
                    BeginHandOff(client);
                    return;
                case ActionKind.HandOver:
                    SendOutput(client);
                    BeginRelay(client, client.Service.LiveTarget!, client.Session.Envelope);
                    return;
                case ActionKind.Close:
                    SendOutput(client);
                    Leave(client);
                    return;
                default: throw new UnreachableException($"unhandled {action.Kind}");
            }
        }

        SendOutput(client);
    }

    private void Watch(Client client, WatchMode mode)
    {
        if (client.Watch is WatchMode.Nothing && mode is not WatchMode.Nothing)
            Report(client.Descriptor, _clients.Token(client));
        else if (client.Watch is not WatchMode.Nothing && mode is WatchMode.Nothing)
            _poller.Forget(client.Descriptor);
        client.Watch = mode;
    }

    /// <summary>Lets the poller report a descriptor. If the kernel has no room for it, its deadline is all it has.</summary>
    private void Report(int descriptor, ulong token)
    {
        if (!_poller.Watch(descriptor, token))
            WarnOnce("epoll_ctl: " + Errno.LastText);
    }

    private void SetDeadline(Client client, TimeSpan delay) => _deadlines.Set(client, _ticks + (long)Math.Ceiling(delay.TotalMilliseconds));

    private void OnTlsPrepared(Client client, bool isReady) => Guarded(client, _ =>
    {
        if (!IsHere(client))
            return;
        _actions.Clear();
        if (isReady)
            client.Session.OnTlsReady(_actions);
        else
            client.Session.OnTlsUnavailable(MomentOf(client), _actions);
        Perform(client);
    });

    private void OnTlsReceived(Client client, ReadOnlyMemory<byte> bytes) => Guarded(client, _ =>
    {
        _actions.Clear();
        client.Session.OnReceived(bytes.Span, MomentOf(client), _actions);
        Perform(client);
    });

    private bool IsHere(Client client) => _clients.Find(_clients.Token(client)) == client;

    private void SendOutput(Client client)
    {
        if (_tls.Has(client))
        {
            _tls.Send(client, _writer.Take());
            return;
        }

        if (_writer.Send(client) is { } error)
            _log.Write(_tag, LogSeverity.Warning, $"write {NameOf(client)}: {error}");
    }

    private void BeginHandOff(Client client)
    {
        // Before the descriptor leaves us: the set would go on to report a socket that somebody else reads.
        Watch(client, WatchMode.Nothing);

        // So that our lines stand before those that the server logs about the client. In a flood they may not.
        if (_flushesBeforeHandOff++ < MaxFlushesBeforeHandOff && _log.HasPending)
            FlushLog();
        if (client.Service.Relay is { } relay)
        {
            BeginRelay(client, relay, envelope: null);
            return;
        }

        _deadlines.Clear(client);
        client.Session.Facts?.HandOff(client.Service.Handoff!.Service, _now);
        client.Service.Load.PostQueue++;
        client.State = ClientState.WaitingForServer;
        client.HandOffAttempts = 0;
        TryHandOff(client);
    }

    private void TryHandOff(Client client)
    {
        var result = client.Service.Handoff!.TryPass(client.Descriptor, client.Session, out var channel, out var failure);
        if (result is PassResult.Busy && ++client.HandOffAttempts < MaxHandOffAttempts)
        {
            SetDeadline(client, ServerQueueRetry);
        }
        else if (result is PassResult.Passed)
        {
            // The message holds the client's socket now; the sooner our copy is gone, the sooner the client sees the
            // end of its session. The channel stays: that the server closes it is the sign that it has the client.
            _ = Libc.close(client.Descriptor);
            client.Descriptor = channel;
            client.State = ClientState.HandedOff;
            _writer.Forget(client);
            SetDeadline(client, TakeOverLimit);
            Report(channel, _clients.RenewToken(client));
        }
        else
        {
            client.State = ClientState.Screened;
            client.Service.Load.PostQueue--;
            _actions.Clear();
            client.Session.OnHandoffFailed(failure!, MomentOf(client), _actions);
            Perform(client);
        }
    }

    private void BeginRelay(Client client, RelayPool pool, Envelope? envelope)
    {
        _deadlines.Clear(client);
        client.Session.Facts?.HandOff(pool.Name, _now);
        client.Service.Load.PostQueue++;
        client.State = ClientState.BeingRelayed;
        if (_tls.Has(client))
            _tls.Hold(client);
        _relays.Begin(client, pool, envelope);
    }

    long IRelayHost.Ticks => _ticks;

    void IRelayHost.ClearDeadline(Client client) => _deadlines.Clear(client);

    void IRelayHost.SetDeadline(Client client, TimeSpan delay) => SetDeadline(client, delay);

    byte[] IRelayHost.TakeUnsent(Client client) => _writer.TakeUnsent(client);

    void IRelayHost.Leave(Client client) => Leave(client);

    void IRelayHost.RelayFailed(Client client, HandoffFailure failure, bool isLive)
    {
        client.State = ClientState.Screened;
        client.Service.Load.PostQueue--;
        _actions.Clear();
        if (isLive)
            client.Session.OnHandoverFailed(failure, MomentOf(client), _actions);
        else
            client.Session.OnHandoffFailed(failure, MomentOf(client), _actions);
        Perform(client);
        if (_tls.Has(client))
            _tls.Resume(client);
    }

    TlsFacts? IRelayHost.TlsOf(Client client) => _tls.Has(client) ? _tls.FactsOf(client) : null;

    void IRelayHost.RelayInsideTls(Client client, TlsRelay relay) => _tls.Relay(client, relay);

    private void OnTlsRelayEnded(Client client, TlsRelay relay) => Guarded(client, _ => _relays.OnTlsRelayEnded(client, relay));

    void IRelayHost.RelayBegins(Client client, bool isLive)
    {
        if (isLive)
        {
            _actions.Clear();
            client.Session.OnHandedOver(_actions);
            Perform(client);
        }

        client.State = ClientState.Relayed;
        client.Service.Load.PostQueue--;
        CountOut(client);
    }

    /// <summary>A bug must not cost more than the client it met: it can come back, and everybody else is served.</summary>
    private void Abandon(Client client, Exception bug)
    {
        _writer.Forget(client);
        WarnOnce($"internal error with client {NameOf(client)}: {bug}".ReplaceLineEndings(" "));
        if (!IsHere(client))
            return;
        if (client.State is ClientState.Screened && !_tls.Has(client))
            ClientWriter.SendAtOnce(client.Descriptor, "421 4.3.0 Error: internal error\r\n"u8);
        Leave(client);
    }

    /// <summary>Warns, at most once a second: these come by the thousand when they come.</summary>
    private void WarnOnce(string text)
    {
        if (_ticks - _lastWarning < 1000)
            return;
        _lastWarning = _ticks;
        _log.Write(_tag, LogSeverity.Warning, text);
    }

    private void Leave(Client client)
    {
        _deadlines.Clear(client);
        _writer.Forget(client);
        _relays.Forget(client);
        if (_tls.Has(client))
            _tls.Close(client, isTimeout: _stopDeadline < 0);
        else
            _ = Libc.close(client.Descriptor);
        _clients.Remove(client);
        if (_clients.Count == 0)
            Volatile.Write(ref _idleSince, _clock.GetTimestamp());
        if (!client.IsNamed)
        {
            _proxies.Leave();
            return;
        }

        if (client.State is not (ClientState.Screened or ClientState.Relayed))
            client.Service.Load.PostQueue--;
        if (client.State is not ClientState.Relayed)
            CountOut(client);
    }

    /// <summary>The client is not ours to count any more: it has left, or a server has it.</summary>
    private void CountOut(Client client)
    {
        client.Session.OnGone();
        if (client.Session.Facts is { } facts)
        {
            facts.End(isHandedOff: client.State is ClientState.HandedOff or ClientState.Relayed, _now);
            ClientLeft?.Invoke(client.Session);
        }

        _addresses.Leave(client.Session.Client);
        _actions.Clear();
        client.Service.Load.ClientLeft(client.Session.Settings, _actions);
        for (var i = 0; i < _actions.Count; i++)
            _log.Write(_tag, _actions[i].Severity, _actions.BytesOf(_actions[i]));
    }

    private HeldClient Describe(Client client)
    {
        var until = client.DeadlineSlot < 0 ? (DateTimeOffset?)null : _now + TimeSpan.FromMilliseconds(client.Deadline - _ticks);
        if (!client.IsNamed)
            return new HeldClient(null, 0, client.Service.Name, ClientWait.Proxy, null, until, null, 0, null);
        var session = client.Session;
        var isScreened = client.State is ClientState.Screened;
        return new HeldClient(
            session.Client.Address,
            session.ClientPort,
            client.Service.Name,
            isScreened ? session.Wait : client.State is ClientState.Relayed ? ClientWait.Relayed : ClientWait.Server,
            isScreened ? session.PhaseBegan : session.Facts?.HandOffBegan,
            until + (isScreened ? session.LaneRest : TimeSpan.Zero),
            session.Dnsbl?.Score,
            session.Dnsbl?.Pending ?? 0,
            session.Class?.ToString());
    }

    private static string NameOf(Client client) => client.IsNamed ? $"[{client.Session.Client.Address}]:{client.Session.ClientPort}" : "behind a proxy";

    private Moment MomentOf(Client client) => new(_now, client.Service.Load.UnderStress);
}
