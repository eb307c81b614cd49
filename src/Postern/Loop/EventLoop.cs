using Postern.Core;
using Postern.Core.Screening;
using Postern.Dns;
using Postern.Dnsbl;
using Postern.Logging;
using Postern.Metrics;
using Postern.Storage;
using Postern.Tls;

namespace Postern.Loop;

/// <summary>
/// The one thread that owns every client. It waits until something happens, sees to it, does what is due, and waits again.
/// What happens to a client is <see cref="SessionEvents"/>' business; other threads post.
/// </summary>
internal sealed class EventLoop : IDisposable
{
    private const ulong ListenerMark = 1UL << 63;
    private const ulong OtherMark = ListenerMark | 1UL << 62;
    private const ulong WakeToken = ulong.MaxValue;
    private static readonly TimeSpan TlsFarewellLimit = TimeSpan.FromSeconds(2);

    private readonly LoopClock _clock;
    private readonly LoopLog _log;
    private readonly Poller _poller = new();
    private readonly Posts _posts = new();
    private readonly ClientTable _clients = new();
    private readonly Deadlines _deadlines;
    private readonly ClientRegister _register;
    private readonly SessionEvents _events;
    private readonly SessionEffects _effects;
    private readonly Acceptor _acceptor;
    private readonly List<Listener> _listeners = [];
    private readonly Dictionary<int, Action> _others = [];
    private readonly Action _onTick;
    private IAllowlist[] _allowlists = [];
    private long _busySince;
    private long _lastNews = -1000;
    private long _stopDeadline = -1;

    /// <param name="clock">Wall-clock and monotonic time.</param>
    /// <param name="log">Takes every line; flushed before the loop sleeps.</param>
    /// <param name="tag">Under which name the clients' lines stand.</param>
    /// <param name="maxClients">How many descriptors there are for clients.</param>
    public EventLoop(TimeProvider clock, MailLog log, LogTag tag, int maxClients)
    {
        _clock = new LoopClock(clock);
        _log = new LoopLog(log, tag, _clock);
        _deadlines = new Deadlines(_clock.Ticks);
        var proxies = new ProxyGate(Math.Max(1, maxClients / 2)); // the other half stays for named clients
        var budget = new DescriptorBudget(maxClients, () => _clients.Count + _effects!.Descriptors + DescriptorsElsewhere());
        _register = new ClientRegister(_clients, proxies, _clock, _log);
        _events = new SessionEvents(_clock, _log, _poller, _clients, _deadlines, _register, proxies, budget, _posts);
        _effects = _events.Effects;
        _effects.Actions.LocalTime = clock.GetLocalNow;
        _acceptor = new Acceptor(budget, _events.IsLetIn, _events.Begin);
        _onTick = () => Dnsbl!.Tick();
        _poller.Watch(_posts.Descriptor, WakeToken);
    }

    /// <summary>Called at most once a second, before a client is accepted.</summary>
    public Action? ClientsCome { get; set; }

    /// <summary>Asks tables that may have to wait; null: they are asked on the loop's thread, which then waits.</summary>
    public TableLookups? TableLookups
    {
        get => _effects.TableLookups;
        set => _effects.TableLookups = value;
    }

    /// <summary>Descriptors that serve clients beside the loop: those of the built-in receiver.</summary>
    public Func<int> DescriptorsElsewhere { get; set; } = static () => 0;

    /// <summary>Speaks TLS; null: nobody does, and STARTTLS is answered with 454.</summary>
    public TlsServer? Tls
    {
        get => _effects.Tls;
        set => _effects.Tls = value;
    }

    /// <inheritdoc cref="ClientRegister.ClientsLeft" />
    public Action<ReadOnlySpan<Session>>? ClientsLeft
    {
        get => _register.ClientsLeft;
        set => _register.ClientsLeft = value;
    }

    /// <summary>The allowlists to be ticked.</summary>
    public IReadOnlyList<IAllowlist> Allowlists
    {
        get => _allowlists;
        set => _allowlists = [.. value];
    }

    /// <summary>Asks DNS lists; null: no service has any. On the loop's thread, or before <see cref="Run"/>.</summary>
    public DnsblLookups? Dnsbl
    {
        get => _effects.Dnsbl;
        set
        {
            _effects.Dnsbl = value;
            value?.Completed = _events.OnDnsblComplete;
        }
    }

    /// <summary>
    /// Finds reverse names; null: no service has slow lanes, and no relay target is told names. Ticked with <see cref="Dnsbl"/>, whose
    /// resolver it shares.
    /// </summary>
    public ReverseLookups? ReverseNames
    {
        get => _effects.ReverseNames;
        set => _effects.ReverseNames = value;
    }

    /// <summary>
    /// For a clock that does not run by itself: told, on the loop's thread, for how many milliseconds of its clock the loop
    /// would wait (-1: for ever), it says how long it shall really wait. Null: the clock is the world's.
    /// </summary>
    public Func<int, int>? Pace { get; set; }

    /// <summary>Under which name the lines stand that postscreen has no counterpart for.</summary>
    public LogTag OwnTag
    {
        get => _log.OwnTag;
        init => _log.OwnTag = value;
    }

    /// <summary>Clients held at this moment, handed-off ones that the server has not taken yet included.</summary>
    public int ClientCount => _clients.Count;

    /// <inheritdoc cref="ClientRegister.Accepted" />
    public long Accepted => _register.Accepted;

    /// <summary>Rounds in which the poller reported something: a session that was handed off must not add to it.</summary>
    public long Rounds { get; private set; }

    /// <summary>How long it was at work on each round: so long did everybody wait for it who had something for it. On the loop's thread.</summary>
    public BucketCounts RoundTimes { get; } = new(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10);

    /// <summary>Monotonic milliseconds, of this round. On the loop's thread.</summary>
    public long Ticks => _clock.Ticks;

    /// <summary>The round that it is at work on, by when that began; 0 while it waits for events. Any thread may ask.</summary>
    public long Round => Volatile.Read(ref _busySince);

    /// <inheritdoc cref="ClientRegister.IdleFor" />
    public TimeSpan IdleFor => _register.IdleFor;

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
    public void Post(Action action) => _posts.Add(action);

    /// <summary>Makes the loop go through its duties soon. Any thread may call it.</summary>
    public void Wake() => _posts.Wake();

    /// <summary>Accepts nobody any more; <see cref="Run"/> returns when the last client has left, or after <paramref name="grace"/>.</summary>
    public void Stop(TimeSpan grace)
    {
        foreach (var listener in _listeners.ToArray())
            Remove(listener);
        _stopDeadline = _clock.Ticks + (long)grace.TotalMilliseconds;
        _effects.IsStopping = true;
    }

    /// <summary>Copies what is known of the clients whose numbers are in a range. On the loop's thread.</summary>
    /// <param name="first">The lowest number; 0 to begin with.</param>
    /// <param name="count">How many numbers.</param>
    /// <param name="into">Takes the clients.</param>
    /// <returns>The number to go on with; -1: that was all.</returns>
    public int CopyClients(int first, int count, List<HeldClient> into) =>
        _clients.Visit(first, count, client => into.Add(client.Describe(_clock.MomentOf(client), _clock.Ticks)));

    /// <summary>Serves until <see cref="Stop"/>.</summary>
    public void Run()
    {
        while (_stopDeadline < 0 || (_clients.Count > 0 && _clock.Ticks < _stopDeadline))
            RunOnce(Pace is { } pace ? pace(Timeout()) : Timeout());

        _clock.Read();
        foreach (var client in _clients.ToArray())
            _events.SayGoodbye(client);
        _effects.WaitForFarewells(TlsFarewellLimit);
        TakePosts();
        TickAllowlists();
        _register.TellWhoLeft();
        _log.Mail.Flush();
    }

    public void Dispose()
    {
        foreach (var listener in _listeners)
            listener.Dispose();
        _effects.Dispose();
        _poller.Dispose();
        _posts.Dispose();
        _acceptor.Dispose();
    }

    private void RunOnce(int timeout)
    {
        if (_busySince != 0)
            RoundTimes.Add(_clock.Since(_busySince).TotalSeconds);
        Volatile.Write(ref _busySince, 0);
        var count = _poller.Wait(timeout);
        Volatile.Write(ref _busySince, _clock.Timestamp());
        _clock.Read();
        _log.BeginRound();
        if (count > 0)
            Rounds++;
        for (var i = 0; i < count; i++)
        {
            var token = _poller.Token(i);
            if (token == WakeToken)
                TakePosts();
            else if ((token & OtherMark) == OtherMark)
                Attend((int)(uint)token);
            else if ((token & ListenerMark) != 0)
                AcceptFrom((int)(uint)token);
            else
                _events.OnReported(token, _poller.Events(i));
        }

        while (_deadlines.TryTakeDue(_clock.Ticks, out var due))
            _events.OnDue(due);
        if (Dnsbl is not null)
            Guarded(_onTick);
        TickAllowlists();
        _register.TellWhoLeft();
        _log.EndRound();
    }

    /// <summary>Milliseconds until something is due; -1: nothing is.</summary>
    private int Timeout()
    {
        var timeout = _posts.IsEmpty ? _deadlines.UntilNext(_clock.Ticks) : 0;
        foreach (var allowlist in _allowlists)
        {
            if (allowlist.NextTick is { } next)
                timeout = Sooner(timeout, (int)Math.Clamp(Math.Ceiling(next.TotalMilliseconds), 0, 60_000));
        }

        if (Dnsbl is { UntilNext: >= 0 and var dnsbl })
            timeout = Sooner(timeout, dnsbl);
        if (_log.UntilFlush is >= 0 and var flush)
            timeout = Sooner(timeout, flush);
        return _stopDeadline >= 0 ? Sooner(timeout, (int)Math.Max(0, _stopDeadline - _clock.Ticks)) : timeout;

        static int Sooner(int one, int other) => one < 0 ? other : Math.Min(one, other);
    }

    private void TickAllowlists()
    {
        foreach (var allowlist in _allowlists)
        {
            while (allowlist.TryTakeAnswer(out var answer))
                _events.OnAllowlistAnswer(answer);
            allowlist.Tick(_clock.Now);
        }
    }

    private void TakePosts()
    {
        _posts.OnAwake();
        while (_posts.TryTake(out var action))
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
            _log.Write(LogSeverity.Error, $"internal error: {bug}".ReplaceLineEndings(" ")); // clients are still served
        }
    }

    private void AcceptFrom(int descriptor)
    {
        if (_clock.Ticks - _lastNews >= 1000)
        {
            _lastNews = _clock.Ticks;
            ClientsCome?.Invoke();
        }

        foreach (var listener in _listeners)
        {
            if (listener.Descriptor != descriptor)
                continue;
            if (_acceptor.Accept(listener) is { } warning)
                _log.WarnOnce(warning);
            break;
        }
    }
}
