using System.Globalization;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Lanes;
using Postern.Core.Relay;
using Postern.Core.Screening;
using Postern.Native;
using Postern.Relay;
using Postern.Tls;

namespace Postern.Loop;

/// <summary>
/// Clients on their way to a relay target and with it. Each has a second socket, the server's, and a second token: its
/// own with <see cref="ServerMark"/>. On the loop's thread; nothing here waits.
/// </summary>
/// <param name="host">What the loop does for them.</param>
/// <param name="poller">The loop's.</param>
/// <param name="clients">The loop's.</param>
internal sealed unsafe class RelayedClients(IRelayHost host, Poller poller, ClientTable clients) : IDisposable
{
    /// <summary>This bit of a token says that it is about the server's socket.</summary>
    public const ulong ServerMark = 1UL << 62;

    // A client waits five minutes for the reply to RCPT (RFC 5321 §4.5.3.2.3), and we have to be heard before that.
    private static readonly TimeSpan LongestHandover = TimeSpan.FromSeconds(240);

    // The resolver gives up by itself, later than a client should wait for the sake of a name.
    private static readonly TimeSpan LongestLookup = TimeSpan.FromSeconds(10);

    // After the server's last word a client hangs up; one that does not is not waited for.
    private static readonly TimeSpan AfterServer = TimeSpan.FromSeconds(30);

    private readonly PipePool _pipes = new();
    private readonly byte[] _input = GC.AllocateUninitializedArray<byte>(4096, pinned: true);
    private readonly string _idPrefix = Guid.NewGuid().ToString("N")[..8];
    private readonly Dictionary<Client, RelaySession> _sessions = []; // most clients are none of these, so it is no field of every client
    private long _lastId;
    private int _tunnels;

    /// <summary>Descriptors beside those of the clients.</summary>
    public int Descriptors => _sessions.Count + 2 * _pipes.InUse + 2 * _tunnels;

    /// <summary>Begins to look for a server for the client, whose socket is not watched any more.</summary>
    /// <param name="client">The client.</param>
    /// <param name="pool">Where it may go.</param>
    /// <param name="envelope">What it said already; null: nothing was read of it.</param>
    public void Begin(Client client, RelayPool pool, Envelope? envelope)
    {
        var session = client.Session;
        var identity = new ClientIdentity(session.Client.Address, session.ClientPort, session.Server, string.Create(CultureInfo.InvariantCulture, $"{_idPrefix}-{++_lastId}"), host.TlsOf(client));
        var relay = _sessions[client] = new RelaySession(pool, identity, envelope, host.Ticks);
        if (host.ReverseNames is not { } names || !pool.TellsNames)
        {
            TryFirst(client, relay);
            return;
        }

        relay.AwaitsName = true;
        host.SetDeadline(client, LongestLookup);
        names.Ask(session.Client.Address, clients.Token(client), OnName);
    }

    /// <summary>The poller has reported something.</summary>
    /// <param name="client">The client.</param>
    /// <param name="ofServer">Of the server's socket, else of the client's.</param>
    /// <param name="events">What.</param>
    public void OnReady(Client client, bool ofServer, uint events)
    {
        if (!_sessions.TryGetValue(client, out var relay))
            return;
        if (relay.Pump is not null)
            Pump(client, relay, relay.Pump, ofServer, events);
        else if (!ofServer)
            return; // it has to wait
        else if (relay.Talk is null)
            OnConnected(client, relay);
        else
            OnTalk(client, relay, relay.Talk);
    }

    /// <summary>The client's deadline has come.</summary>
    public void OnDeadline(Client client)
    {
        var relay = _sessions[client];
        if (relay.AwaitsName)
        {
            relay.TakeName(ReverseName.Failed);
            TryFirst(client, relay);
        }
        else if (relay.Pump is { } pump)
        {
            var limit = pump.ServerHasEnded ? AfterServer : relay.Pool.Rules.IdleTimeout;
            var idle = TimeSpan.FromMilliseconds(host.Ticks - pump.LastMoved);
            if (idle < limit)
                host.SetDeadline(client, limit - idle);
            else
                End(client, relay, pump.EndedBy ?? "Postern: nothing has moved for too long");
        }
        else if (relay.Talk is { } talk)
        {
            talk.OnTimeout();
            GiveUp(client, relay, talk.Reason, talk.Answer?.Lines, mayTryNext: true, couldConnect: true);
        }
        else
        {
            CannotConnect(client, relay, Errno.Text(Errno.ETIMEDOUT));
        }
    }

    /// <summary>The client leaves: closes the server's side.</summary>
    public void Forget(Client client)
    {
        if (!_sessions.Remove(client, out var relay))
            return;
        relay.Pump?.Drop(_pipes);
        CloseServer(relay);
    }

    public void Dispose() => _pipes.Dispose();

    private void OnName(ulong token, ReverseName name)
    {
        if (clients.Find(token) is not { } client || !_sessions.TryGetValue(client, out var relay) || !relay.AwaitsName)
            return;
        relay.TakeName(name);
        TryFirst(client, relay);
    }

    private void TryFirst(Client client, RelaySession relay) =>
        TryNext(client, relay, failure: null);

    private void TryNext(Client client, RelaySession relay, HandoffFailure? failure)
    {
        while (host.Ticks - relay.Began < (long)LongestHandover.TotalMilliseconds && relay.Pool.Choose(relay.Tried) is { } server)
        {
            relay.Tried.Add(server);
            if (host.NoRoomFor(client) is { } reason)
            {
                failure = new HandoffFailure(CouldConnect: false, server.Target.Name, reason);
                break;
            }

            if (server.NextAddress() is not { } address)
            {
                failure = new HandoffFailure(CouldConnect: false, server.Target.Name, $"{server.Target.Host} has no address");
                continue;
            }

            var fd = ServerSocket.Open(address, out var error);
            if (fd >= 0 && !poller.Watch(fd, Libc.EPOLLOUT, clients.Token(client) | ServerMark))
            {
                error = Errno.Last;
                _ = Libc.close(fd);
                fd = -1;
            }

            if (fd >= 0)
            {
                (relay.Server, relay.ServerDescriptor, relay.Talk) = (server, fd, null);
                server.Sessions++;
                host.SetDeadline(client, relay.Pool.Rules.ConnectTimeout);
                return;
            }

            failure = new HandoffFailure(CouldConnect: false, server.Target.Name, Errno.Text(error));
            if (error != Errno.EAGAIN) // that is a full queue
                relay.Pool.CannotConnect(server, failure.Reason, host.Ticks);
        }

        Fail(client, relay, failure ?? new HandoffFailure(CouldConnect: false, relay.Pool.Name, relay.Pool.WhyNone()));
    }

    private void Fail(Client client, RelaySession relay, HandoffFailure failure)
    {
        var isLive = relay.Envelope is not null;
        Forget(client);
        host.RelayFailed(client, failure, isLive);
    }

    private void OnConnected(Client client, RelaySession relay)
    {
        var error = ServerSocket.Result(relay.ServerDescriptor);
        if (error != 0)
        {
            CannotConnect(client, relay, Errno.Text(error));
            return;
        }

        var (rules, identity) = (relay.Server!.CurrentRules, relay.Identity!);
        relay.Talk = relay.Envelope is { } envelope ? Handover.OfSession(rules, identity, envelope) : Handover.OfSilentClient(rules, identity);
        poller.Change(relay.ServerDescriptor, Libc.EPOLLIN, clients.Token(client) | ServerMark);
        host.SetDeadline(client, rules.ReplyTimeout);
        GoOn(client, relay, relay.Talk, HandoverStep.Wait);
    }

    private void CannotConnect(Client client, RelaySession relay, string reason)
    {
        relay.Pool.CannotConnect(relay.Server!, reason, host.Ticks);
        GiveUp(client, relay, reason, answer: null, mayTryNext: true, couldConnect: false);
    }

    private void OnTalk(Client client, RelaySession relay, Handover talk)
    {
        nint read;
        fixed (byte* input = _input)
            read = Libc.recv(relay.ServerDescriptor, input, (nuint)_input.Length, 0);
        var error = read < 0 ? Errno.Last : 0;
        if (error is Errno.EAGAIN or Errno.EINTR)
            return;
        var step = read > 0 ? talk.OnReceived(_input.AsSpan(0, (int)read)) : talk.OnClosed(error == 0 ? null : Errno.Text(error));
        GoOn(client, relay, talk, step);
    }

    private void GoOn(Client client, RelaySession relay, Handover talk, HandoverStep step)
    {
        if (talk.ToServer.Length > 0 && step is not HandoverStep.GiveUp)
        {
            // The time runs from command to command, so that a server that drips its replies gains nothing.
            host.SetDeadline(client, relay.Pool.Rules.ReplyTimeout);
            if (!ServerSocket.TrySend(relay.ServerDescriptor, talk.ToServer))
                step = talk.OnClosed(Errno.LastText);
        }

        if (talk.Learned is { } offer && relay.Server!.Offer != offer)
            relay.Pool.OnLearned(relay.Server, offer);
        if (step is HandoverStep.StartTls)
            StartTls(client, relay, talk);
        else if (step is HandoverStep.Done)
            BeginPumping(client, relay, talk);
        else if (step is HandoverStep.GiveUp)
            GiveUp(client, relay, talk.Reason, talk.Answer?.Lines, talk.MayTryNext, couldConnect: true);
    }

    private void StartTls(Client client, RelaySession relay, Handover talk)
    {
        poller.Forget(relay.ServerDescriptor);
        if (ServerSocket.OpenTunnel(ref relay.ServerDescriptor, relay.Server!) is not { } tunnel)
        {
            GoOn(client, relay, talk, talk.OnTlsFailed(Errno.LastText));
            return;
        }

        relay.Tunnel = tunnel;
        _tunnels++;
        host.SetDeadline(client, relay.Server!.Rules.ReplyTimeout);
        tunnel.Start(problem => host.Post(() => OnHandshake(client, tunnel, problem)));
    }

    private void OnHandshake(Client client, ServerTunnel tunnel, string? problem)
    {
        if (!_sessions.TryGetValue(client, out var relay) || relay.Tunnel != tunnel || relay.Talk is not { } talk)
            return; // it was not waited for
        if (problem is null && !poller.Watch(relay.ServerDescriptor, Libc.EPOLLIN, clients.Token(client) | ServerMark))
            problem = Errno.LastText;
        GoOn(client, relay, talk, problem is null ? talk.OnTlsUp() : talk.OnTlsFailed(problem));
    }

    private void GiveUp(Client client, RelaySession relay, string reason, byte[]? answer, bool mayTryNext, bool couldConnect)
    {
        var server = relay.Server!;
        if (server.CurrentRules.Tls is RelayTls.May && relay.Talk is { TlsHasFailed: true })
        {
            relay.Pool.OnTlsBroken(server, reason);
            relay.Tried.Remove(server); // once more, without
        }

        relay.Pool.Log(answer is null ? LogSeverity.Warning : LogSeverity.Info, $"relay target {server.Target.Name} does not take {Name(client, relay)}: {reason}");
        if (relay.Talk is { MayBeTold: false })
            relay.Pool.OnMisunderstood(server, reason, host.Ticks);
        else if (answer is null && couldConnect)
            relay.Pool.Suspect?.Invoke(server);
        CloseServer(relay);
        var failure = new HandoffFailure(couldConnect, server.Target.Name, reason) { Answer = answer };
        if (mayTryNext)
            TryNext(client, relay, failure);
        else
            Fail(client, relay, failure);
    }

    private void BeginPumping(Client client, RelaySession relay, Handover talk)
    {
        var rest = relay.Envelope?.Rest ?? [];
        var isLive = relay.Envelope is not null;
        var mayAuthenticate = relay.Envelope is { } envelope ? envelope.Mail is null : client.Session.Settings.AuthPassthrough;
        var watcher = mayAuthenticate ? NewWatcher(client, relay) : null;
        watcher?.See(talk.ToClient.Written);
        if (relay.Identity!.Tls is not null)
        {
            BeginInsideTls(client, relay, rest, talk.ToClient.Written.ToArray(), isLive, watcher);
            return;
        }

        var pump = relay.Pump = new Pump(client.Descriptor, relay.ServerDescriptor) { LastMoved = host.Ticks, ServerWatch = Libc.EPOLLIN, Watcher = watcher };
        (relay.Talk, relay.Envelope, relay.Identity) = (null, null, null);
        ServerSocket.SendAtOnce(client.Descriptor);
        host.RelayBegins(client, isLive);
        byte[] toClient = [.. host.TakeUnsent(client), .. talk.ToClient.Written];
        if (!pump.Preload(rest, toClient, _pipes))
        {
            End(client, relay, "Postern: the client does not take the reply");
            return;
        }

        Watch(client, relay, pump);
        host.SetDeadline(client, relay.Pool.Rules.IdleTimeout);
    }

    /// <summary>Counts and logs the server's refusals; it may be used off the loop.</summary>
    private AuthWatcher NewWatcher(Client client, RelaySession relay)
    {
        var (name, server) = (Name(client, relay), relay.Server!);
        return new AuthWatcher(reply => host.Post(() =>
        {
            server.AuthFailures++;
            relay.Pool.Log(LogSeverity.Warning, $"authentication failed for {name} at {server.Target.Name}: {reply}");
        }));
    }

    /// <summary>The client's TLS is off the loop, and so is what goes between the two.</summary>
    private void BeginInsideTls(Client client, RelaySession relay, byte[] rest, byte[] toClient, bool isLive, AuthWatcher? watcher)
    {
        poller.Forget(relay.ServerDescriptor);
        var tls = new TlsRelay(relay.ServerDescriptor, rest, toClient, relay.Pool.Rules.IdleTimeout, watcher);
        (relay.ServerDescriptor, relay.IsInsideTls) = (-1, true);
        (relay.Talk, relay.Envelope, relay.Identity) = (null, null, null);
        host.ClearDeadline(client); // it has limits of its own
        host.RelayBegins(client, isLive);
        host.RelayInsideTls(client, tls);
    }

    /// <summary>A session inside TLS has ended.</summary>
    public void OnTlsRelayEnded(Client client, TlsRelay tls) => End(client, _sessions[client], tls.FromClient, tls.FromServer, tls.EndedBy);

    private void Pump(Client client, RelaySession relay, Pump pump, bool ofServer, uint events)
    {
        pump.LastMoved = host.Ticks;
        var serverHadEnded = pump.ServerHasEnded;
        pump.OnEvents(ofServer, events, _pipes);
        if (pump.IsOver)
        {
            End(client, relay, pump.EndedBy!);
            return;
        }

        if (pump.ServerHasEnded && !serverHadEnded)
            host.SetDeadline(client, AfterServer);
        Watch(client, relay, pump);
        if ((events & (Libc.EPOLLHUP | Libc.EPOLLERR)) != 0)
            Unwatch(relay, pump, client.Descriptor, ofServer);
    }

    // If the kernel has no room for a socket, its deadline is all the session has.
    private void Watch(Client client, RelaySession relay, Pump pump)
    {
        var token = clients.Token(client);
        pump.ClientWatch = poller.Change(client.Descriptor, pump.ClientWatch, pump.ClientInterest, token);
        pump.ServerWatch = poller.Change(relay.ServerDescriptor, pump.ServerWatch, pump.ServerInterest, token | ServerMark);
    }

    /// <summary>A hang-up is reported until the end of time. When nothing more is wanted of the socket, it must not be.</summary>
    private void Unwatch(RelaySession relay, Pump pump, int client, bool ofServer)
    {
        if (ofServer && pump.ServerInterest == 0 && pump.ServerWatch is not null)
        {
            poller.Forget(relay.ServerDescriptor);
            pump.ServerWatch = null;
        }
        else if (!ofServer && pump.ClientInterest == 0 && pump.ClientWatch is not null)
        {
            poller.Forget(client);
            pump.ClientWatch = null;
        }
    }

    private void End(Client client, RelaySession relay, string by) => End(client, relay, relay.Pump!.FromClient, relay.Pump.FromServer, by);

    private void End(Client client, RelaySession relay, long fromClient, long fromServer, string by)
    {
        var seconds = (host.Ticks - relay.Began) / 1000;
        relay.Pool.Log(LogSeverity.Info, string.Create(
            CultureInfo.InvariantCulture,
            $"relayed {Name(client, relay)} to {relay.Server!.Target.Name}: {fromClient} bytes in, {fromServer} bytes out, {seconds} s, ended by {by}"));
        host.Leave(client);
    }

    private static string Name(Client client, RelaySession relay) => $"{client.Name} id={relay.UniqueId}";

    private void CloseServer(RelaySession relay)
    {
        if (relay.Tunnel is { } tunnel)
        {
            tunnel.LetGo();
            relay.Tunnel = null;
            _tunnels--;
        }

        if (relay.Server is null || (relay.ServerDescriptor < 0 && !relay.IsInsideTls))
            return;
        if (relay.ServerDescriptor >= 0)
            _ = Libc.close(relay.ServerDescriptor);
        relay.Server.Sessions--;
        (relay.ServerDescriptor, relay.IsInsideTls, relay.Talk) = (-1, false, null);
    }
}
