using System.Globalization;
using System.Text;

namespace Postern.Metrics;

/// <summary>
/// Writes the text that Prometheus scrapes, version 0.0.4, or OpenMetrics 1.0: there a counter's name lacks _total where it is
/// described, the unit is told, and the end is marked.
/// </summary>
internal sealed class MetricsText(bool isOpenMetrics)
{
    private const string OfCounter = "_total";
    private static readonly string[] Units = ["seconds", "bytes"];

    private readonly StringBuilder _text = new(16 * 1024);

    /// <summary>MIME type of the text.</summary>
    public static string ContentType(bool isOpenMetrics) => isOpenMetrics ? "application/openmetrics-text; version=1.0.0; charset=utf-8" : "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>Whether who asks would rather have OpenMetrics, or likes it as much as the older text.</summary>
    /// <param name="accept">The header's value (RFC 9110, section 12.5.1), empty if there is none.</param>
    public static bool IsOpenMetricsWanted(string accept)
    {
        var (openMetrics, older) = (0.0, 0.0);
        foreach (var range in accept.ToLowerInvariant().Split(','))
        {
            var (quality, isKnown) = (1.0, true);
            var parts = range.Split(';', StringSplitOptions.TrimEntries);
            foreach (var part in parts.AsSpan(1))
            {
                if (part.StartsWith("q=", StringComparison.Ordinal))
                    _ = double.TryParse(part.AsSpan(2), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out quality);
                else if (part.StartsWith("version=", StringComparison.Ordinal))
                    isKnown = part is "version=1.0.0" or "version=0.0.1"; // to which nothing was added since
            }

            if (parts[0] is "application/openmetrics-text" && isKnown)
                openMetrics = Math.Max(openMetrics, quality);
            else if (parts[0] is "text/plain" or "text/*" or "*/*")
                older = Math.Max(older, quality);
        }

        return openMetrics > 0 && openMetrics >= older;
    }

    /// <summary>What was written, to its end.</summary>
    public override string ToString() => _text + (isOpenMetrics ? "# EOF\n" : "");

    /// <summary>Begins a metric; its samples follow.</summary>
    /// <param name="name">With its unit at the end, if it has one, and then _total if it is a counter.</param>
    /// <param name="type">counter, gauge or histogram.</param>
    public MetricsText Metric(string name, string type, string help)
    {
        if (isOpenMetrics && name.EndsWith(OfCounter, StringComparison.Ordinal))
            name = name[..^OfCounter.Length];
        _text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n");
        if (isOpenMetrics && Array.Find(Units, unit => name.EndsWith("_" + unit, StringComparison.Ordinal)) is { } known)
            _text.Append(CultureInfo.InvariantCulture, $"# UNIT {name} {known}\n");
        return this;
    }

    /// <summary>A sample.</summary>
    /// <param name="labels">Names and values in turn.</param>
    public MetricsText Sample(string name, double value, params ReadOnlySpan<string> labels)
    {
        _text.Append(name);
        WriteLabels(labels);
        _text.Append(CultureInfo.InvariantCulture, $" {value}\n");
        return this;
    }

    /// <summary>The samples of a histogram.</summary>
    /// <param name="labels">Names and values in turn.</param>
    public MetricsText Histogram(string name, BucketCounts counts, params ReadOnlySpan<string> labels)
    {
        var total = 0L;
        for (var i = 0; i < counts.Counts.Count; i++)
        {
            total += counts.Counts[i];
            var bound = i < counts.Bounds.Count ? counts.Bounds[i].ToString("0.0#####", CultureInfo.InvariantCulture) : "+Inf"; // 1.0: so OpenMetrics has it
            Sample(name + "_bucket", total, [.. labels, "le", bound]);
        }

        return Sample(name + "_sum", counts.Sum, labels).Sample(name + "_count", total, labels);
    }

    private void WriteLabels(ReadOnlySpan<string> labels)
    {
        if (labels.IsEmpty)
            return;
        for (var i = 0; i < labels.Length; i += 2)
        {
            _text.Append(i == 0 ? '{' : ',').Append(labels[i]).Append("=\"");
            foreach (var one in labels[i + 1])
                _text.Append(one switch { '\\' => "\\\\", '"' => "\\\"", '\n' => "\\n", _ => one.ToString() });
            _text.Append('"');
        }

        _text.Append('}');
    }
}
