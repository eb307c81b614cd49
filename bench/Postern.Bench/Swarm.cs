using System.Globalization;

namespace Postern.Bench;

/// <summary>One run of the load generator against a server.</summary>
internal sealed class Swarm : IDisposable
{
    private readonly ChildProcess _process;
    private readonly TaskCompletionSource _ready = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _lock = new();
    private string _complaint = "";

    /// <param name="mode">As swarm calls it.</param>
    /// <param name="sources">Source addresses of the clients, used in turn.</param>
    /// <param name="count">Clients.</param>
    /// <param name="more">Further options of swarm.</param>
    public Swarm(BenchOptions options, MailServer server, string mode, string sources, int count, params string[] more)
    {
        var processes = string.Join(',', server.Processes().Select(process => $"{process.Name}={process.Id}"));
        _process = ChildProcess.Start(OnError,
            [Path.Combine(options.Tools, "swarm"), "-j", "-m", mode, "-t", $"127.0.0.1:{server.Port}", "-s", sources, "-n", Text(count), "-P", processes, .. more]);
    }

    /// <summary>A closed loop, run to its end.</summary>
    /// <param name="patience">Seconds until a client that is not through counts as lost, and gives its place to another.</param>
    public static SwarmResult Loop(BenchOptions options, MailServer server, string mode, string sources, int count, int warmUp, int patience = 20)
    {
        using var swarm = new Swarm(options, server, mode, sources, count, "-c", Text(Scale.Concurrency), "-W", Text(warmUp), "-T", Text(patience), "-d", "60");
        return swarm.Result(TimeSpan.FromSeconds(180));
    }

    /// <summary>Parks clients until <see cref="Result"/> is asked for with <paramref name="holdSeconds"/> over, or <see cref="Stop"/>.</summary>
    public static Swarm Park(BenchOptions options, MailServer server, string sources, int count, int perSecond, double holdSeconds, params string[] more) =>
        new(options, server, "park", sources, count, ["-y", "-r", Text(perSecond), "-H", holdSeconds.ToString(CultureInfo.InvariantCulture), .. more]);

    /// <summary>Whether every client had its first reply within <paramref name="limit"/>.</summary>
    public bool WaitUntilReady(TimeSpan limit) => _ready.Task.Wait(limit);

    /// <summary>Lets it hang up all clients, and report.</summary>
    public SwarmResult Stop()
    {
        _process.Terminate();
        return Result(TimeSpan.FromSeconds(20));
    }

    /// <summary>Waits for the end.</summary>
    public SwarmResult Result(TimeSpan limit)
    {
        if (!_process.Output.Wait(limit))
            throw new InvalidOperationException($"swarm did not end within {limit.TotalSeconds} s");
        var json = _process.Output.Result;
        lock (_lock)
        {
            return json.Length > 0 ? SwarmResult.Parse(json) : throw new InvalidOperationException($"swarm: {_complaint}");
        }
    }

    public void Dispose() => _process.Dispose();

    private void OnError(string line)
    {
        if (line is "ready")
        {
            _ready.TrySetResult();
            return;
        }

        lock (_lock)
        {
            if (_complaint.Length < 1000)
                _complaint += line + "\n";
        }
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
