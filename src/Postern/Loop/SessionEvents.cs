using Postern.Core;
using Postern.Core.Dnsbl;
using Postern.Core.Lanes;
using Postern.Core.Screening;
using Postern.Core.Tables;
using Postern.Storage;
using Postern.Tls;

namespace Postern.Loop;

/// <summary>
/// What happens to clients: each event is given to the session it concerns, and the actions that come back are performed. A
/// bug that an event meets costs no more than the client. On the loop's thread.
/// </summary>
internal sealed class SessionEvents
{
    private readonly LoopClock _clock;
    private readonly LoopLog _log;
    private readonly ClientTable _clients;
    private readonly Deadlines _deadlines;
    private readonly ClientRegister _register;
    private readonly ProxyGate _proxies;
    private readonly DescriptorBudget _budget;
    private readonly TlsClients _tls;
    private readonly SessionActions _actions;
    private readonly Action<Client> _onReady, _onDeadline, _onConnected, _onDnsblComplete, _onAnswer, _onReverseName, _onLookedUp, _onShutdown, _onLastChance;

    // Of the event in hand: the handlers are made once, and are given nothing but the client.
    private uint _events;
    private bool _areOfServer;
    private AllowlistAnswer _answer;
    private ReverseName _reverseName;
    private TableQuestion? _question;

    /// <param name="clock">The loop's.</param>
    /// <param name="log">The loop's.</param>
    /// <param name="poller">The loop's.</param>
    /// <param name="clients">The loop's.</param>
    /// <param name="deadlines">The loop's.</param>
    /// <param name="register">The loop's.</param>
    /// <param name="proxies">The connections of proxies.</param>
    /// <param name="budget">The descriptors for clients.</param>
    /// <param name="posts">The loop's.</param>
    public SessionEvents(
        LoopClock clock, LoopLog log, Poller poller, ClientTable clients, Deadlines deadlines, ClientRegister register, ProxyGate proxies, DescriptorBudget budget, Posts posts)
    {
        (_clock, _log, _clients, _deadlines, _register, _proxies, _budget) = (clock, log, clients, deadlines, register, proxies, budget);
        _tls = new TlsClients(posts.Add, log.Mail, OnTlsPrepared, OnTlsReceived, OnTlsRelayEnded);
        Effects = new SessionEffects(clock, log, poller, clients, deadlines, register, budget, posts, _tls, OnReverseName, OnLookedUp);
        _actions = Effects.Actions;
        (_onReady, _onDeadline, _onConnected, _onDnsblComplete, _onAnswer, _onReverseName, _onLookedUp, _onShutdown, _onLastChance) = (OnReady, OnDeadline, OnConnected, OnDnsblComplete, OnAnswer, OnReverseName, OnLookedUp, OnShutdown, OnLastChance);
    }

    /// <summary>Performs what the sessions ask for.</summary>
    public SessionEffects Effects { get; }

    /// <summary>A connection has been accepted: of a client, or of a proxy that has yet to say who its client is.</summary>
    public void Begin(RunningService service, int descriptor, IpAddress address, ushort port, Endpoint server)
    {
        var client = _register.Enter(descriptor, service);
        _actions.Clear();
        if (ProxyWait.IsClient(service.Settings, address, _actions))
        {
            BeginSession(client, address, port, server);
            return;
        }

        _proxies.Enter(_clients.Token(client));
        Effects.Perform(client);
        if ((_proxies.IsTooFull || _budget.IsShort) && _proxies.Oldest(_clients) is { } oldest && oldest != client)
            Guarded(oldest, _onLastChance);
    }

    /// <summary>Whether access list or allowlist would let in who has this address. Of a proxy it is known when it has named its client.</summary>
    public bool IsLetIn(RunningService service, IpAddress address) =>
        ProxyWait.MayBeProxy(service.Settings, address) || EarlyLook.LetsIn(service.Settings, service.Allowlist, address, _clock.MomentOf(service));

    /// <summary>The poller has reported something about a client.</summary>
    /// <param name="token">Under which it was reported.</param>
    /// <param name="events">What.</param>
    public void OnReported(ulong token, uint events)
    {
        if (_clients.Find(token & ~RelayedClients.ServerMark) is not { } client)
            return; // it has left
        (_events, _areOfServer) = (events, (token & RelayedClients.ServerMark) != 0);
        Guarded(client, _onReady);
    }

    /// <summary>The client's deadline has come.</summary>
    public void OnDue(Client client) => Guarded(client, _onDeadline);

    /// <summary>The DNS lists have all answered for somebody.</summary>
    public void OnDnsblComplete(DnsblScore score)
    {
        for (var i = 0; i < score.Waiting.Count; i++)
        {
            if (_clients.Find(score.Waiting[i]) is { } client)
                Guarded(client, _onDnsblComplete);
        }
    }

    /// <summary>The store behind a temporary allowlist has answered.</summary>
    public void OnAllowlistAnswer(in AllowlistAnswer answer)
    {
        if (_clients.Find(answer.Client) is not { } client)
            return;
        _answer = answer;
        Guarded(client, _onAnswer);
    }

    /// <summary>The daemon stops, and has waited for the client as long as it may.</summary>
    public void SayGoodbye(Client client) => Guarded(client, _onShutdown);

    private void BeginSession(Client client, IpAddress address, ushort port, Endpoint server)
    {
        _register.Name(client, address, port, server);
        Guarded(client, _onConnected);
    }

    private void OnConnected(Client client)
    {
        _actions.Clear();
        client.Session.OnConnected(client.Service.Allowlist, _clock.MomentOf(client), _actions);
        Effects.Perform(client);
    }

    private void OnReady(Client client)
    {
        if (client.State is ClientState.BeingRelayed or ClientState.Relayed)
            Effects.Relays.OnReady(client, _areOfServer, _events);
        else if (client.State is ClientState.HandedOff)
            Effects.HandOffs.OnReady(client);
        else if (client.Watch is not WatchMode.Nothing && client.IsNamed)
            OnInput(client);
        else if (client.Watch is not WatchMode.Nothing)
            OnProxy(client);
    }

    private void OnInput(Client client)
    {
        if (!Effects.Sockets.TryRead(client, out var bytes))
            return;
        _actions.Clear();
        if (client.Watch is WatchMode.Peek)
            client.Session.OnReadable(bytes, _clock.MomentOf(client), _actions);
        else
            client.Session.OnReceived(bytes, _clock.MomentOf(client), _actions);
        Effects.Perform(client);
    }

    /// <summary>A proxy has sent something: it should say who its client is.</summary>
    private void OnProxy(Client client)
    {
        _actions.Clear();
        if (!_proxies.TryRead(client.Descriptor, client.Service.Settings.Protocols, Effects.Sockets.Input, _actions, out var named, out var server))
        {
            Effects.Perform(client);
            return;
        }

        if (_budget.IsShort && !EarlyLook.LetsIn(client.Service.Settings, client.Service.Allowlist, named.Address, _clock.MomentOf(client.Service)))
        {
            _log.WarnOnce(_budget.Describe(isLetIn: false));
            ProxyWait.Refuse(_actions);
            Effects.Perform(client);
            return;
        }

        _proxies.Leave();
        _deadlines.Clear(client);
        Effects.Sockets.Watch(client, WatchMode.Nothing);
        BeginSession(client, named.Address, named.Port, server);
    }

    /// <summary>Its place is needed by one that has come later: a proxy speaks at once, so who has not by now need not be waited for.</summary>
    private void OnLastChance(Client client)
    {
        OnProxy(client); // it may have spoken in this very round
        if (!IsHere(client) || client.IsNamed)
            return;
        _log.WarnOnce($"{_proxies.Waiting} connections wait for their PROXY header -- turning away the oldest with 421");
        _actions.Clear();
        ProxyWait.Refuse(_actions);
        Effects.Perform(client);
    }

    private void OnDeadline(Client client)
    {
        switch (client.State)
        {
            case ClientState.WaitingForServer or ClientState.HandedOff:
                Effects.HandOffs.OnDeadline(client);
                break;
            case ClientState.BeingRelayed or ClientState.Relayed:
                Effects.Relays.OnDeadline(client);
                break;
            default:
                _actions.Clear();
                if (client.IsNamed)
                    client.Session.OnTimer(_clock.MomentOf(client), _actions);
                else
                    ProxyWait.OnTimeLimit(_actions);
                Effects.Perform(client);
                break;
        }
    }

    private void OnDnsblComplete(Client client)
    {
        _actions.Clear();
        client.Session.OnDnsblComplete(_clock.MomentOf(client), _actions);
        Effects.Perform(client);
    }

    private void OnAnswer(Client client)
    {
        _actions.Clear();
        client.Session.OnAllowlistAnswer(_answer.Record, _clock.MomentOf(client), _actions);
        Effects.Perform(client);
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
        Effects.Perform(client);
    }

    private void OnLookedUp(ulong token, TableQuestion question)
    {
        if (_clients.Find(token) is not { } client)
            return; // it has left
        _question = question;
        Guarded(client, _onLookedUp);
    }

    private void OnLookedUp(Client client)
    {
        _actions.Clear();
        client.Session.OnLookedUp(_question!, client.Service.Allowlist, _clock.MomentOf(client), _actions);
        Effects.Perform(client);
    }

    private void OnTlsPrepared(Client client, bool isReady) => Guarded(client, _ =>
    {
        if (!IsHere(client))
            return;
        _actions.Clear();
        if (isReady)
            client.Session.OnTlsReady(_actions);
        else
            client.Session.OnTlsUnavailable(_clock.MomentOf(client), _actions);
        Effects.Perform(client);
    });

    private void OnTlsReceived(Client client, ReadOnlyMemory<byte> bytes) => Guarded(client, _ =>
    {
        _actions.Clear();
        client.Session.OnReceived(bytes.Span, _clock.MomentOf(client), _actions);
        Effects.Perform(client);
    });

    private void OnTlsRelayEnded(Client client, TlsRelay relay) => Guarded(client, _ => Effects.Relays.OnTlsRelayEnded(client, relay));

    private void OnShutdown(Client client)
    {
        _actions.Clear();
        if (client.IsNamed)
            client.Session.OnShutdown(_actions);
        else
            ProxyWait.Refuse(_actions);
        Effects.Perform(client);
        if (IsHere(client))
            Effects.Leave(client);
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

    /// <summary>A bug must not cost more than the client it met: it can come back, and everybody else is served.</summary>
    private void Abandon(Client client, Exception bug)
    {
        Effects.Sockets.Forget(client);
        _log.WarnOnce($"internal error with client {client.Name}: {bug}".ReplaceLineEndings(" "));
        if (!IsHere(client))
            return;
        if (client.State is ClientState.Screened && !_tls.Has(client))
            ClientSockets.SendAtOnce(client, "421 4.3.0 Error: internal error\r\n"u8);
        Effects.Leave(client);
    }

    private bool IsHere(Client client) => _clients.Find(_clients.Token(client)) == client;
}
