using System.Globalization;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Relay;

namespace Postern.Relay;

/// <summary>
/// The servers that the clients of a service are relayed to. A server that cannot be reached is taken out and asked again
/// until it is well. The loop's thread owns it; the prober posts to that thread.
/// </summary>
internal sealed class RelayPool
{
    private readonly Action<LogSeverity, string> _log;

    /// <param name="targets">The servers.</param>
    /// <param name="rules">How they are talked to.</param>
    /// <param name="log">Takes lines about servers and relayed sessions.</param>
    public RelayPool(IEnumerable<RelayTarget> targets, RelayRules rules, Action<LogSeverity, string> log)
    {
        Rules = rules;
        _log = log;
        Servers = [.. targets.Select(target => new RelayServer(target, rules))];
        Name = string.Join(", ", Servers.Select(static server => server.Target.Name));
    }

    /// <summary>How the servers are talked to.</summary>
    public RelayRules Rules { get; }

    public IReadOnlyList<RelayServer> Servers { get; }

    /// <summary>A server may be among them that is told the names of clients.</summary>
    public bool TellsNames => Servers.Any(static server => server.Rules.Announcement is RelayAnnouncement.Xclient);

    /// <summary>What clients may be promised.</summary>
    public TargetOffer Offer { get; } = new();

    /// <summary>Asks for a probe of a server soon; any thread's business but the loop's is not to wait.</summary>
    public Action<RelayServer>? Suspect { get; set; }

    /// <summary>As log lines name them all.</summary>
    public string Name { get; }

    public void Log(LogSeverity severity, string text) => _log(severity, text);

    /// <summary>
    /// The server for the next client: each in its turn, as often as its weight says, evenly spread. Servers of weight 0
    /// come when no other is well, and those that are out when none is: it costs little, and who knows.
    /// </summary>
    /// <param name="tried">Those that did not take this client.</param>
    /// <returns>Null: all were tried that may have clients.</returns>
    public RelayServer? Choose(IReadOnlyCollection<RelayServer> tried)
    {
        return Next(server => !server.IsOut && server.Target.Weight > 0 && MayHave(server))
            ?? Next(server => !server.IsOut && MayHave(server))
            ?? Next(MayHave);

        bool MayHave(RelayServer server) => server.MayBeTold && !tried.Contains(server);
    }

    /// <summary>Why there is no server for a client at all; asks soon whether that is still so.</summary>
    public string WhyNone()
    {
        foreach (var server in Servers)
        {
            if (!server.MayBeTold)
                Suspect?.Invoke(server);
        }

        return Servers.Count == 0 ? "no relay target is configured" : "it has yet to show that it may be told of clients (postern_relay_announce)";
    }

    /// <summary>A client could not be connected to the server.</summary>
    public void CannotConnect(RelayServer server, string reason, long ticks)
    {
        TakeOut(server, reason, ticks);
        Suspect?.Invoke(server);
    }

    /// <summary>The server has shown in a hand-over that it may not be told of clients.</summary>
    public void OnMisunderstood(RelayServer server, string reason, long ticks)
    {
        Judge(server, mayBeTold: false, reason, ticks);
        Suspect?.Invoke(server);
    }

    /// <summary>TLS, which the server may do without, does not work with it.</summary>
    public void OnTlsBroken(RelayServer server, string reason)
    {
        if (server.IsTlsBroken)
            return;
        server.IsTlsBroken = true;
        _log(LogSeverity.Warning, $"relay target {server.Target.Name}: {reason} -- it is talked to without TLS until that works");
    }

    /// <summary>The prober has talked to the server, or tried to.</summary>
    /// <param name="server">Which.</param>
    /// <param name="result">What came of it.</param>
    /// <param name="ticks">Monotonic milliseconds.</param>
    public void OnProbed(RelayServer server, ProbeResult result, long ticks)
    {
        server.Addresses = result.Addresses;
        if (result.TlsProblem is { } tlsProblem)
        {
            OnTlsBroken(server, tlsProblem);
        }
        else if (server.IsTlsBroken && result.Problem is null)
        {
            server.IsTlsBroken = false;
            _log(LogSeverity.Info, $"relay target {server.Target.Name}: TLS works again");
        }

        if (result.Problem is { } problem)
        {
            Judge(server, result.MayBeTold ?? server.MayBeTold, problem, ticks);
        }
        else if (server.IsOut)
        {
            server.IsOut = false;
            _log(LogSeverity.Info, string.Create(
                CultureInfo.InvariantCulture, $"relay target {server.Target.Name} is well again after {(ticks - server.OutSince) / 1000} s"));
        }

        server.MayBeTold |= result.Problem is null;
        if (result.Offer is not null)
            server.Offer = result.Offer;
        UpdateOffer();
    }

    /// <summary>A server has said in a hand-over what it offers.</summary>
    public void OnLearned(RelayServer server, EhloOffer offer)
    {
        server.Offer = offer;
        UpdateOffer();
    }

    private void TakeOut(RelayServer server, string reason, long ticks) => Judge(server, server.MayBeTold, reason, ticks);

    /// <summary>Takes it out, if it is not; what has changed for the worse is told once.</summary>
    private void Judge(RelayServer server, bool mayBeTold, string reason, long ticks)
    {
        if (server.IsOut && mayBeTold == server.MayBeTold)
            return;
        if (!server.IsOut)
            server.OutSince = ticks;
        (server.IsOut, server.MayBeTold) = (true, mayBeTold);
        var rest = mayBeTold ? "it gets no clients while another is well, and is asked again until it is" : "it gets no clients, and is asked again until it is well";
        _log(LogSeverity.Warning, $"relay target {server.Target.Name} is out: {reason} -- {rest}");
        UpdateOffer();
    }

    // Smooth weighted round robin: everybody's credit grows by its weight, and the richest pays for all.
    private RelayServer? Next(Func<RelayServer, bool> mayBe)
    {
        RelayServer? richest = null;
        var total = 0;
        foreach (var server in Servers)
        {
            if (!mayBe(server))
                continue;
            var share = Math.Max(1, server.Target.Weight);
            total += share;
            server.Credit += share;
            if (richest is null || server.Credit > richest.Credit)
                richest = server;
        }

        if (richest is not null)
            richest.Credit -= total;
        return richest;
    }

    private void UpdateOffer()
    {
        EhloOffer? common = null;
        var areAllOut = Servers.All(static server => server.IsOut);
        foreach (var server in Servers)
        {
            if (server.IsOut && !areAllOut)
                continue;
            var offer = server.Offer ?? EhloOffer.Nothing;
            common = common is null ? offer : common.And(offer);
        }

        Offer.Current = common!;
    }
}
