using System.Diagnostics;
using Postern.Core.Lanes;
using Postern.Core.Relay;
using Postern.Core.Screening;
using Postern.Core.Tables;
using Postern.Dns;
using Postern.Dnsbl;
using Postern.Native;
using Postern.Relay;
using Postern.Tls;

namespace Postern.Loop;

/// <summary>
/// What sessions ask for: <see cref="Perform"/> is the one place where decisions become effects. What comes of a hand-off
/// goes back to the session from here. On the loop's thread; nothing here waits.
/// </summary>
internal sealed class SessionEffects : IRelayHost, IDisposable
{
    private readonly LoopClock _clock;
    private readonly LoopLog _log;
    private readonly ClientTable _clients;
    private readonly Deadlines _deadlines;
    private readonly ClientRegister _register;
    private readonly DescriptorBudget _budget;
    private readonly TlsClients _tls;
    private readonly Posts _posts;
    private readonly Action<ulong, ReverseName> _onReverseName;
    private readonly Action<ulong, TableQuestion> _onLookedUp;

    /// <param name="clock">The loop's.</param>
    /// <param name="log">The loop's.</param>
    /// <param name="poller">The loop's.</param>
    /// <param name="clients">The loop's.</param>
    /// <param name="deadlines">The loop's.</param>
    /// <param name="register">The loop's.</param>
    /// <param name="budget">The descriptors for clients.</param>
    /// <param name="posts">The loop's.</param>
    /// <param name="tls">The clients inside TLS.</param>
    /// <param name="onReverseName">Told the reverse names that were asked for, with the client's token.</param>
    /// <param name="onLookedUp">Given back the questions that tables have answered, with the client's token.</param>
    public SessionEffects(
        LoopClock clock, LoopLog log, Poller poller, ClientTable clients, Deadlines deadlines, ClientRegister register, DescriptorBudget budget, Posts posts,
        TlsClients tls, Action<ulong, ReverseName> onReverseName, Action<ulong, TableQuestion> onLookedUp)
    {
        (_clock, _log, _clients, _deadlines, _register, _budget, _posts, _tls) = (clock, log, clients, deadlines, register, budget, posts, tls);
        (_onReverseName, _onLookedUp) = (onReverseName, onLookedUp);
        Sockets = new ClientSockets(poller, clients, tls, log);
        HandOffs = new HandedOffClients(this, register, deadlines, clock, log);
        Relays = new RelayedClients(this, poller, clients);
    }

    /// <summary>The row of actions in hand: emptied before each event, filled by the session, performed after it.</summary>
    public SessionActions Actions { get; } = new();

    /// <summary>The clients' sockets.</summary>
    public ClientSockets Sockets { get; }

    /// <summary>Clients on their way to an SMTP server that is given their sockets.</summary>
    public HandedOffClients HandOffs { get; }

    /// <summary>Clients on their way to a relay target, and with it.</summary>
    public RelayedClients Relays { get; }

    /// <summary>Speaks TLS; null: nobody does.</summary>
    public TlsServer? Tls
    {
        get => _tls.Server;
        set => _tls.Server = value;
    }

    /// <summary>Asks DNS lists; null: no service has any.</summary>
    public DnsblLookups? Dnsbl { get; set; }

    /// <inheritdoc />
    public ReverseLookups? ReverseNames { get; set; }

    /// <inheritdoc cref="EventLoop.TableLookups" />
    public TableLookups? TableLookups { get; set; }

    /// <summary>The daemon stops: who leaves from now on has not been too slow.</summary>
    public bool IsStopping { get; set; }

    /// <summary>Descriptors beside those of the clients.</summary>
    public int Descriptors => _tls.Closing + Relays.Descriptors;

    /// <summary>The one place where decisions become effects: performs the <see cref="Actions"/> that an event of the client has led to.</summary>
    public void Perform(Client client)
    {
        for (var i = 0; i < Actions.Count; i++)
        {
            var action = Actions[i];
            switch (action.Kind)
            {
                case ActionKind.Log: _log.Write(action.Severity, Actions.BytesOf(action)); break;
                case ActionKind.LogAsPostern: _log.WriteAsPostern(action.Severity, Actions.BytesOf(action)); break;
                case ActionKind.Send: Sockets.Append(Actions.BytesOf(action)); break;
                case ActionKind.Watch: Sockets.Watch(client, action.Watch); break;
                case ActionKind.WakeAfter: _deadlines.Set(client, _clock.Ticks, action.Delay); break;
                case ActionKind.LookUpDnsbl: LookUpDnsbl(client); break;
                case ActionKind.LookUpReverseName: ReverseNames?.Ask(client.Session.Client.Address, _clients.Token(client), _onReverseName); break;
                case ActionKind.AskAllowlist: client.Service.Allowlist!.Ask(client.Session.Client.Address, _clients.Token(client)); break;
                case ActionKind.LookUp: LookUp(_clients.Token(client), client.Session.Question!); break;
                case ActionKind.Remember: client.Service.Allowlist?.Remember(client.Session.Client.Address, action.Record); break;
                case ActionKind.PrepareTls: _tls.Prepare(client); break;
                case ActionKind.StartTls: Sockets.StartTls(client); break;
                case ActionKind.HandOff:
                    Sockets.Send(client);
                    BeginHandOff(client);
                    return;
                case ActionKind.HandOver:
                    Sockets.Send(client);
                    BeginRelay(client, client.Service.LiveTarget!, client.Session.Envelope);
                    return;
                case ActionKind.Close:
                    Sockets.Send(client);
                    Leave(client);
                    return;
                default: throw new UnreachableException($"unhandled {action.Kind}");
            }
        }

        Sockets.Send(client);
    }

    /// <summary>The server cannot be given the client: its session answers.</summary>
    /// <param name="client">The client.</param>
    /// <param name="failure">Why.</param>
    /// <param name="isLive">In the middle of its session.</param>
    public void OnHandOffFailed(Client client, HandoffFailure failure, bool isLive)
    {
        ClientRegister.TakeBack(client);
        Actions.Clear();
        if (isLive)
            client.Session.OnHandoverFailed(failure, _clock.MomentOf(client), Actions);
        else
            client.Session.OnHandoffFailed(failure, _clock.MomentOf(client), Actions);
        Perform(client);
        if (_tls.Has(client))
            _tls.Resume(client);
    }

    /// <inheritdoc />
    public void Leave(Client client)
    {
        _deadlines.Clear(client);
        Relays.Forget(client);
        Sockets.Close(client, isTimeout: !IsStopping);
        _register.Leave(client);
    }

    /// <summary>Waits until those inside TLS have what was sent to them last. When the loop has come to its end.</summary>
    public void WaitForFarewells(TimeSpan atMost) => _tls.WaitUntilClosed(atMost);

    /// <summary>Closes every descriptor that clients have, without a word to anybody.</summary>
    public void Dispose()
    {
        foreach (var client in _clients.ToArray())
        {
            Relays.Forget(client);
            _ = Libc.close(client.Descriptor);
        }

        Relays.Dispose();
    }

    long IRelayHost.Ticks => _clock.Ticks;

    void IRelayHost.SetDeadline(Client client, TimeSpan delay) => _deadlines.Set(client, _clock.Ticks, delay);

    void IRelayHost.ClearDeadline(Client client) => _deadlines.Clear(client);

    void IRelayHost.RelayFailed(Client client, HandoffFailure failure, bool isLive) => OnHandOffFailed(client, failure, isLive);

    void IRelayHost.RelayBegins(Client client, bool isLive)
    {
        if (isLive)
        {
            Actions.Clear();
            client.Session.OnHandedOver(Actions);
            Perform(client);
        }

        _register.BeginRelay(client);
    }

    string? IRelayHost.NoRoomFor(Client client) => _budget.HasRoom(client.Session.IsLetIn) ? null : _budget.Describe(client.Session.IsLetIn);

    byte[] IRelayHost.TakeUnsent(Client client) => Sockets.TakeUnsent(client);

    TlsFacts? IRelayHost.TlsOf(Client client) => _tls.Has(client) ? _tls.FactsOf(client) : null;

    void IRelayHost.RelayInsideTls(Client client, TlsRelay relay) => _tls.Relay(client, relay);

    void IRelayHost.Post(Action action) => _posts.Add(action);

    private void LookUp(ulong token, TableQuestion question)
    {
        if (TableLookups is { } lookups)
        {
            lookups.Ask(question, () => _onLookedUp(token, question));
            return;
        }

        question.Ask();
        _posts.Add(() => _onLookedUp(token, question));
    }

    private void LookUpDnsbl(Client client)
    {
        var score = client.Session.Dnsbl!;
        score.AddWaiting(_clients.Token(client));
        if (!score.IsStarted)
            Dnsbl!.Ask(score, client.Session.Client.Address, client.Session.Settings);
    }

    private void BeginHandOff(Client client)
    {
        // Before the descriptor leaves us: the set would go on to report a socket that somebody else reads.
        Sockets.Watch(client, WatchMode.Nothing);
        _log.FlushBeforeHandOff();
        if (client.Service.Relay is { } relay)
            BeginRelay(client, relay, envelope: null);
        else
            HandOffs.Begin(client);
    }

    private void BeginRelay(Client client, RelayPool pool, Envelope? envelope)
    {
        _deadlines.Clear(client);
        _register.BeginHandOff(client, ClientState.BeingRelayed, pool.Name);
        if (_tls.Has(client))
            _tls.Hold(client);
        Relays.Begin(client, pool, envelope);
    }
}
