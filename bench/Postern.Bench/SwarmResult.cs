using System.Globalization;
using System.Text.Json;

namespace Postern.Bench;

/// <summary>What one run of the load generator found.</summary>
/// <param name="Started">Clients.</param>
/// <param name="Finished">Clients that have come to an end, good or bad.</param>
/// <param name="Good">Clients that ended as the mode expects; for parked ones, those that got a first reply.</param>
/// <param name="Final">Clients that got the final 220.</param>
/// <param name="PerSecond">Completed clients per second.</param>
/// <param name="CpuMicroseconds">CPU time of the sampled server processes per client.</param>
/// <param name="First">Connect to the first reply.</param>
/// <param name="FinalGreeting">Connect to the final 220.</param>
/// <param name="End">Connect to the end of those that ended well.</param>
/// <param name="Summary">One line for the reader who wants more.</param>
internal sealed record SwarmResult(int Started, int Finished, int Good, int Final, double PerSecond, double CpuMicroseconds, Latency First, Latency FinalGreeting, Latency End, string Summary)
{
    /// <summary>Reads the object that <c>swarm -j</c> prints.</summary>
    public static SwarmResult Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        var parked = root.GetProperty("mode").ValueEquals("park");
        double cpu = 0;
        var text = "";
        foreach (var process in root.GetProperty("procs").EnumerateObject())
        {
            var spent = process.Value.GetProperty("cpu_us_per_conn").GetDouble();
            cpu += spent;
            text += string.Create(CultureInfo.InvariantCulture, $", {process.Name} {spent:0.0} µs (user {process.Value.GetProperty("user_us_per_conn").GetDouble():0.0})");
        }

        var started = root.GetProperty("started").GetInt32();
        var good = root.GetProperty(parked ? "teaser" : "ok").GetInt32();
        var rate = root.GetProperty("rate_per_s").GetDouble();
        var first = Latency.Parse(root.GetProperty("first"));
        var summary = string.Create(CultureInfo.InvariantCulture, $"{good} of {started} good{(parked ? "" : $", {rate:0}/s")}, first reply p50 {first.P50:0.0} p99 {first.P99:0.0} ms{text}");
        if (root.GetProperty("errno") is var errors && errors.EnumerateObject().Any())
            summary += $", errors {errors.GetRawText()}";
        return new SwarmResult(started, root.GetProperty("finished").GetInt32(), good, root.GetProperty("final").GetInt32(), rate, cpu, first, Latency.Parse(root.GetProperty("final220")), Latency.Parse(root.GetProperty("done")), summary);
    }
}
