using System.Globalization;
using System.Text;

namespace Postern.Metrics;

/// <summary>Writes the text that Prometheus scrapes, version 0.0.4.</summary>
internal sealed class MetricsText
{
    private readonly StringBuilder _text = new(16 * 1024);

    /// <summary>What was written.</summary>
    public override string ToString() => _text.ToString();

    /// <summary>Begins a metric; its samples follow.</summary>
    /// <param name="type">counter, gauge or histogram.</param>
    public MetricsText Metric(string name, string type, string help)
    {
        _text.Append(CultureInfo.InvariantCulture, $"# HELP {name} {help}\n# TYPE {name} {type}\n");
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
            var bound = i < counts.Bounds.Count ? counts.Bounds[i].ToString(CultureInfo.InvariantCulture) : "+Inf";
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
