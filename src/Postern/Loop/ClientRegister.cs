using System.Runtime.InteropServices;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Screening;

namespace Postern.Loop;

/// <summary>
/// Takes clients in and counts them out: by number, by address, and in the queues of their service. A client that a relay
/// target has is here until its session ends; it counts no more for its service, but for its address.
/// </summary>
/// <param name="clients">The loop's.</param>
/// <param name="proxies">Counts the connections of proxies that have not named their client.</param>
/// <param name="clock">The loop's.</param>
/// <param name="log">Takes what the counts give cause to say.</param>
internal sealed class ClientRegister(ClientTable clients, ProxyGate proxies, LoopClock clock, LoopLog log)
{
    private const int MostUntold = 64; // then it is told in the middle of a round: these are kept alive for nothing else

    private readonly AddressTable _addresses = new();
    private readonly Dictionary<IpAddress, int> _relayed = []; // sessions that relay targets have, by address or network
    private readonly Session[] _untold = new Session[MostUntold];
    private int _untoldCount;
    private Action<ReadOnlySpan<Session>>? _clientsLeft;
    private readonly SessionActions _notices = new(); // log lines, nothing else
    private long _idleSince = clock.Timestamp();

    /// <summary>
    /// Told of the clients that have left, those excepted that a proxy never named; null: nobody wants to know. Nothing changes their
    /// sessions any more. It is told at the end of a round, of all at once: what writes down one client has everything at hand for the next.
    /// Who is told next need not want those that left before: they are told to who is told now.
    /// </summary>
    public Action<ReadOnlySpan<Session>>? ClientsLeft
    {
        get => _clientsLeft;
        set
        {
            TellWhoLeft();
            _clientsLeft = value;
        }
    }

    /// <summary>Connections since the start, those behind proxies included.</summary>
    public long Accepted { get; private set; }

    /// <summary>How long there has been no client; zero while there is one. Any thread may ask.</summary>
    public TimeSpan IdleFor => clients.Count > 0 ? TimeSpan.Zero : clock.Since(Volatile.Read(ref _idleSince));

    /// <summary>Takes in a client that has yet to be named.</summary>
    /// <param name="descriptor">Its socket.</param>
    /// <param name="service">The service whose port it came to.</param>
    public Client Enter(int descriptor, RunningService service)
    {
        Accepted++;
        var client = new Client(descriptor, service);
        clients.Add(client);
        return client;
    }

    /// <summary>It is known who the client is: gives it its session.</summary>
    /// <param name="client">The client.</param>
    /// <param name="address">Its address.</param>
    /// <param name="port">Its TCP port.</param>
    /// <param name="server">The endpoint it connected to.</param>
    public void Name(Client client, IpAddress address, ushort port, Endpoint server)
    {
        if (client.Service.Sole.See(address) is { } notice)
            log.WriteAsPostern(LogSeverity.Warning, notice);
        var settings = client.Service.Settings;
        var state = _addresses.Enter(address, settings.NetworkOf(address));
        var served = _relayed.GetValueOrDefault(CountedAs(address, settings)) + (client.Service.Handoff?.Sessions?.Of(address, settings) ?? 0);
        state.SessionsOfNetwork = (ushort)Math.Min(state.SessionsOfNetwork + served, ushort.MaxValue);
        client.Session = new Session(settings, client.Service.Load, state, port, server)
        {
            Facts = ClientsLeft is null ? null : new ClientFacts(clock.MomentOf(client)),
        };
    }

    /// <summary>A server is to have the client: it moves to the queue of those that are handed off.</summary>
    /// <param name="client">The client.</param>
    /// <param name="way">How it is handed off: waiting for the SMTP server, or being relayed.</param>
    /// <param name="server">The server, as the administrator knows it.</param>
    public void BeginHandOff(Client client, ClientState way, string server)
    {
        client.Session.Facts?.HandOff(server, clock.MomentOf(client));
        client.Service.Load.PostQueue++;
        client.State = way;
    }

    /// <summary>No server has taken the client: its session goes on.</summary>
    public static void TakeBack(Client client)
    {
        client.State = ClientState.Screened;
        client.Service.Load.PostQueue--;
    }

    /// <summary>A relay target has the client: it counts as handed off.</summary>
    public void BeginRelay(Client client)
    {
        client.State = ClientState.Relayed;
        client.Service.Load.PostQueue--;
        CountOut(client);
        CollectionsMarshal.GetValueRefOrAddDefault(_relayed, CountedAs(client), out _)++;
    }

    /// <summary>The client has left, and its socket is closed.</summary>
    public void Leave(Client client)
    {
        clients.Remove(client);
        if (clients.Count == 0)
            Volatile.Write(ref _idleSince, clock.Timestamp());
        if (!client.IsNamed)
        {
            proxies.Leave();
            return;
        }

        if (client.State is not (ClientState.Screened or ClientState.Relayed))
            client.Service.Load.PostQueue--;
        if (client.State is not ClientState.Relayed)
            CountOut(client);
        else if (--CollectionsMarshal.GetValueRefOrNullRef(_relayed, CountedAs(client)) == 0)
            _relayed.Remove(CountedAs(client));
    }

    private static IpAddress CountedAs(Client client) => CountedAs(client.Session.Client.Address, client.Session.Settings);

    private static IpAddress CountedAs(IpAddress address, Settings settings) => settings.NetworkOf(address) ?? address;

    /// <summary>The loop is at the end of a round.</summary>
    public void TellWhoLeft()
    {
        if (_untoldCount == 0)
            return;
        var sessions = _untold.AsSpan(0, _untoldCount);
        _untoldCount = 0;
        try
        {
            ClientsLeft?.Invoke(sessions);
        }
        catch (Exception bug) when (bug is not OutOfMemoryException)
        {
            log.WarnOnce($"internal error: what became of {sessions.Length} clients is not written down: {bug}".ReplaceLineEndings(" "));
        }

        sessions.Clear();
    }

    /// <summary>The client is not ours to count any more: it has left, or a server has it.</summary>
    private void CountOut(Client client)
    {
        client.Session.OnGone();
        if (client.Session.Facts is { } facts)
        {
            facts.End(isHandedOff: client.State is ClientState.HandedOff or ClientState.Relayed, clock.MomentOf(client));
            _untold[_untoldCount++] = client.Session;
            if (_untoldCount == MostUntold)
                TellWhoLeft();
        }

        _addresses.Leave(client.Session.Client, client.Session.Settings.NetworkOf(client.Session.Client.Address));
        _notices.Clear();
        client.Service.Load.ClientLeft(client.Session.Settings, _notices);
        for (var i = 0; i < _notices.Count; i++)
            log.Write(_notices[i].Severity, _notices.BytesOf(_notices[i]));
    }
}
