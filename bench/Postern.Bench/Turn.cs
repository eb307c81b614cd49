using System.Globalization;

namespace Postern.Bench;

/// <summary>One server's turn in one round of a scenario.</summary>
internal sealed class Turn(BenchOptions options, Scale scale, Results results, MailServer server, string label, int round, Action<string> progress)
{
    private static readonly TimeSpan ParkLimit = TimeSpan.FromSeconds(90);

    public BenchOptions Options => options;

    public Scale Scale => scale;

    public MailServer Server => server;

    public bool Wants(Measure measure) => options.Wants(measure);

    public void Found(Measure measure, double value)
    {
        if (!options.Wants(measure))
            return;
        results.Add(measure, server.Kind, round, value);
        progress(string.Create(CultureInfo.InvariantCulture, $"{label}: {measure.Name} {value:0.0##} {measure.Unit}"));
    }

    /// <summary>Takes the CPU time as the figure, unless clients were refused.</summary>
    public void FoundCpu(Measure measure, SwarmResult result)
    {
        Found(measure, result.CpuMicroseconds);
        if (result.Good < result.Started * 0.99)
            Note($"{measure.Name}: only {result.Good} of {result.Started} clients got what they came for");
    }

    /// <summary>A closed loop of clients.</summary>
    public SwarmResult Loop(string mode, string sources)
    {
        var result = Swarm.Loop(options, server, mode, sources, scale.Calls, scale.WarmUp);
        Say(mode, result);
        return result;
    }

    /// <summary>A closed loop, with the CPU time of all processes that had a part in it, however briefly, for the figure.</summary>
    /// <param name="patience">Seconds, as for <see cref="Swarm.Loop"/>.</param>
    /// <param name="earlier">Sources of the clients of the warm-up; null: the same.</param>
    public SwarmResult LoopOfFamily(string mode, string sources, int count, int patience = 20, string? earlier = null)
    {
        _ = Swarm.Loop(options, server, mode, earlier ?? sources, scale.WarmUp, warmUp: 0, patience);
        var before = server.CpuTime();
        var result = Swarm.Loop(options, server, mode, sources, count, warmUp: 0, patience);
        result = result with { CpuMicroseconds = (server.CpuTime() - before).TotalMicroseconds / Math.Max(1, result.Finished) };
        Say(mode, result);
        progress(string.Create(CultureInfo.InvariantCulture, $"{label}: {mode}: all its processes {result.CpuMicroseconds:0.0} µs"));
        return result;
    }

    /// <summary>Parks clients, and returns when all have their teaser and the server has come to rest.</summary>
    public Swarm Park(string sources, int count, int perSecond)
    {
        var swarm = Swarm.Park(options, server, sources, count, perSecond, holdSeconds: 400);
        if (!swarm.WaitUntilReady(ParkLimit))
            Note($"not all of {count} clients got their teaser within {ParkLimit.TotalSeconds} s");
        Thread.Sleep(2000);
        return swarm;
    }

    public void Say(string what, SwarmResult result) => progress($"{label}: {what}: {result.Summary}");

    public void Note(string text)
    {
        results.Note($"{label}: {text}");
        progress($"{label}: NOTE: {text}");
    }
}
