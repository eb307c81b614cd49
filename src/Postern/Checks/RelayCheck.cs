using System.Collections.Concurrent;
using Postern.Core;
using Postern.Core.Config;
using Postern.Relay;

namespace Postern.Checks;

/// <summary>Whether the relay targets are healthy: each is asked once, as serve does at its start.</summary>
internal static class RelayCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(25); // a probe of a silent server lasts 20

    public static IEnumerable<ConfigProblem> Find(Configuration configuration)
    {
        var pools = new List<RelayPool>();
        var warnings = new ConcurrentQueue<(ConfigOrigin? Origin, string Text)>(); // from the prober's thread
        foreach (var service in configuration.Services)
        {
            Add(service.Handoff as HandoffTarget.Relay, service, "postern_handoff");
            Add(service.LiveTarget, service, "postern_live_target");
        }

        if (pools.Count == 0)
            return [];
        using var prober = new RelayProber(static action => action(0));
        prober.Watch(pools);
        prober.WaitForFirstRound(Patience);

        // Where no target may be told of clients, serve also says at each client why it gets 421.
        List<string> atClients = [.. pools.Where(static pool => pool.Servers.All(static server => !server.MayBeTold))
            .Select(static pool => $"cannot connect to service {pool.Name}: {pool.WhyNone()}")];
        return [.. warnings.DistinctBy(static warning => warning.Text).Select(warning => HostCheck.Problem(
            ProblemSeverity.Warning, warning.Origin, warning.Text, "start the server, or name the right one; docs/behind has what each server needs") with { AtClients = atClients })];

        void Add(HandoffTarget.Relay? relay, ScreeningService service, string parameter)
        {
            if (relay is null)
                return;
            var origin = service.OriginOf(parameter) ?? service.OriginOf("postern_handoff") ?? service.Origin;
            pools.Add(new RelayPool(relay.Targets, service.Relay, (severity, text) =>
            {
                if (severity is not LogSeverity.Info)
                    warnings.Enqueue((origin, text));
            }));
        }
    }
}
