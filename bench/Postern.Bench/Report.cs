using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Postern.Bench;

/// <summary>Puts the figures into a table or JSON.</summary>
internal sealed class Report(BenchOptions options, Scale scale, Results results, Machine machine)
{
    private static readonly string[] Heading = ["measure", "postscreen", "Postern", "ratio (range)", "goal", "reached"];

    /// <summary>For a terminal.</summary>
    public string Table()
    {
        var rows = new List<string[]> { Heading };
        rows.AddRange(Rows());
        var widths = Heading.Select((_, column) => rows.Max(row => row[column].Length)).ToArray();
        var text = new StringBuilder();
        foreach (var row in rows)
        {
            for (var column = 0; column < row.Length; column++)
                text.Append(column == 0 ? row[column].PadRight(widths[column]) : "  " + row[column].PadLeft(widths[column]));
            text.Append('\n');
        }

        text.Append(CultureInfo.InvariantCulture, $"\nMedians of {scale.Rounds} round(s), in turns; the ratio is the median of the rounds' ratios. {machine}\n");
        foreach (var note in results.Notes)
            text.Append(CultureInfo.InvariantCulture, $"note: {note}\n");
        return text.ToString();
    }

    /// <summary>For docs/benchmarks.md.</summary>
    public string Markdown()
    {
        var text = new StringBuilder();
        Append(Heading);
        Append([.. Heading.Select((_, column) => column == 0 ? "---" : "---:")]);
        foreach (var row in Rows())
            Append(row);
        text.Append(CultureInfo.InvariantCulture, $"\nMedians of {scale.Rounds} rounds in turns; a ratio is the median of the rounds' ratios, with their range. {machine}.\n");
        foreach (var note in results.Notes)
            text.Append(CultureInfo.InvariantCulture, $"\n* {note}\n");
        return text.ToString();

        void Append(string[] row) => text.Append("| ").AppendJoin(" | ", row).Append(" |\n");
    }

    public string Json()
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteString("machine", machine.ToString());
            json.WriteNumber("rounds", scale.Rounds);
            json.WriteStartArray("measures");
            foreach (var measure in Measures())
                Write(json, measure);
            json.WriteEndArray();
            json.WriteStartArray("notes");
            foreach (var note in results.Notes)
                json.WriteStringValue(note);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private void Write(Utf8JsonWriter json, Measure measure)
    {
        json.WriteStartObject();
        json.WriteString("name", measure.Name);
        json.WriteString("title", TitleOf(measure));
        json.WriteString("unit", measure.Unit);
        Values("postscreen", results.ValuesOf(measure, ServerKind.Postscreen));
        Values("postern", results.ValuesOf(measure, ServerKind.Postern));
        Values("postscreen_divided_by_postern", results.FactorsOf(measure));
        json.WriteString("goal", measure.Goal.Text(measure.Unit));
        if (results.Reached(measure) is { } reached)
            json.WriteBoolean("reached", reached);
        else
            json.WriteNull("reached");
        json.WriteEndObject();

        void Values(string name, IReadOnlyList<double> values)
        {
            json.WriteStartObject(name);
            if (Results.Median(values) is { } median)
                json.WriteNumber("median", Math.Round(median, 3));
            json.WriteStartArray("rounds");
            foreach (var value in values)
                json.WriteNumberValue(Math.Round(value, 3));
            json.WriteEndArray();
            json.WriteEndObject();
        }
    }

    private IEnumerable<Measure> Measures() => Measure.All.Where(options.Wants);

    private IEnumerable<string[]> Rows() => Measures().Select(measure => new[]
    {
        TitleOf(measure),
        Figure(measure, ServerKind.Postscreen),
        Figure(measure, ServerKind.Postern),
        Ratio(results.FactorsOf(measure)),
        measure.Goal.Text(measure.Unit),
        results.Reached(measure) switch { true => "yes", false => "NO", null => "–" },
    });

    private string TitleOf(Measure measure)
    {
        var count = measure.Name switch
        {
            "growth" or "lane-cpu" => scale.ParkedMost,
            "burst" => scale.Burst,
            "recording" => scale.Newcomers,
            _ => scale.Parked,
        };
        return measure.Title.Replace("{0}", count.ToString("N0", CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    private string Figure(Measure measure, ServerKind kind)
    {
        if (results.MedianOf(measure, kind) is not { } value)
            return "–";
        var digits = Math.Abs(value) >= 100 ? "0" : Math.Abs(value) >= 10 ? "0.#" : "0.##";
        return $"{value.ToString(digits, CultureInfo.InvariantCulture)} {measure.Unit}".TrimEnd();
    }

    /// <summary>Postern's figure as a share of postscreen's: <c>1/3.4 (1/3.1 to 1/3.9)</c>.</summary>
    private static string Ratio(IReadOnlyList<double> factors)
    {
        if (Results.Median(factors) is not { } median)
            return "–";
        return factors.Count == 1 ? Share(median) : $"{Share(median)} ({Share(factors.Min())} to {Share(factors.Max())})";

        // Nothing to divide by tells nothing: a share above a thousand comes from a figure next to zero.
        static string Share(double factor) => factor >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"1/{factor:0.0}")
            : factor > 0 ? string.Create(CultureInfo.InvariantCulture, $"{1 / factor:0.0}x") : "–";
    }
}
