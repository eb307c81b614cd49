using Postern.Core;
using Postern.Core.Config;
using Postern.Loop;
using Postern.Relay;

namespace Postern;

/// <summary>The relay targets of all services. A reload keeps what is known of those whose configuration stays.</summary>
/// <param name="loop">The loop that serves the clients.</param>
/// <param name="log">Takes lines about servers and relayed sessions.</param>
/// <param name="pathOf">A socket's path as this process has to name it.</param>
internal sealed class RelayTargets(EventLoop loop, Action<LogSeverity, string> log, Func<string, string> pathOf) : IDisposable
{
    private readonly Dictionary<(string Targets, RelayRules Rules), RelayPool> _pools = [];
    private RelayProber? _prober;

    /// <summary>Tells each running service where its clients are relayed to. On the loop's thread, or before it runs.</summary>
    public void Assign(IReadOnlyList<ScreeningService> services, Dictionary<string, RunningService> running)
    {
        var inUse = new HashSet<RelayPool>();
        foreach (var service in services)
        {
            running[service.Name].Relay = service.Handoff is HandoffTarget.Relay relay ? Pool(relay, service.Relay) : null;
            running[service.Name].LiveTarget = service.LiveTarget is { } live ? Pool(live, service.Relay) : null;
        }

        foreach (var key in _pools.Keys.Where(key => !inUse.Contains(_pools[key])).ToList())
            _pools.Remove(key);
        if (_pools.Count > 0)
            _prober ??= new RelayProber(action => loop.Post(() => action(loop.Ticks)));
        _prober?.Watch(_pools.Values);

        RelayPool Pool(HandoffTarget.Relay target, RelayRules rules)
        {
            var key = (string.Join(' ', target.Targets), rules);
            if (!_pools.TryGetValue(key, out var pool))
                pool = _pools[key] = new RelayPool(target.Targets.Select(OfThisProcess), rules, log);
            inUse.Add(pool);
            return pool;
        }
    }

    /// <summary>Waits until it is known of every target how it is, so that the first clients get a true EHLO reply.</summary>
    public void WaitForFirstProbe(TimeSpan patience) => _prober?.WaitForFirstRound(patience);

    private RelayTarget OfThisProcess(RelayTarget target) => target.SocketPath is { } path ? target with { SocketPath = pathOf(path) } : target;

    public void Dispose() => _prober?.Dispose();
}
