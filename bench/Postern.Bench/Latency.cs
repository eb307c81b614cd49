using System.Text.Json;

namespace Postern.Bench;

/// <summary>Percentiles in milliseconds.</summary>
internal readonly record struct Latency(double P50, double P99, double Most)
{
    public static Latency Parse(JsonElement element) =>
        new(element.GetProperty("p50_ms").GetDouble(), element.GetProperty("p99_ms").GetDouble(), element.GetProperty("max_ms").GetDouble());
}
