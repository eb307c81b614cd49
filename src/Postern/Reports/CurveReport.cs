using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Postern.Core.Reporting;

namespace Postern.Reports;

/// <summary>The break-off curves as lines of a report, as a drawing, as JSON and as CSV.</summary>
internal static class CurveReport
{
    private const int Width = 640, Height = 240, Margin = 40;

    private static readonly double[] Marks = [1, 2, 3, 4, 6, 8, 10, 15, 20, 30, 45, 65, 85, 125, 180, 240];

    private static readonly string[] Colours = ["#3a6ea5", "#c0504d", "#6b9e3a", "#8064a2", "#d08a2e", "#4bacc6"]; // also told apart by their labels

    /// <summary>A section a class, for as long as somebody was watched.</summary>
    public static IEnumerable<ReportSection> Sections(BreakOffCurves curves)
    {
        foreach (var (name, curve) in curves.Classes.Where(static pair => pair.Value.Left > 0))
        {
            var points = curve.Points();
            var rows = Marks.Where(mark => curve.AtRisk(mark) > 0).Select(mark => new ReportRow(
                $"after {mark:0} s", (int)Math.Round(100 * RemainingAt(points, mark)), string.Create(CultureInfo.InvariantCulture, $"{curve.AtRisk(mark):N0} seen"))).ToList();
            yield return new($"How long clients stay: {Words(name)}", string.Create(CultureInfo.InvariantCulture, $"in percent, whatever became of them else; {curve.Left:N0} of {curve.Clients:N0} left")
                + (curve.Left < BreakOffCurve.MinLeft ? ", too few to rely on" : ""), rows);
        }
    }

    /// <summary>Columns: class, seconds, at_risk, left, remaining, low, high; a line for each time at which somebody left.</summary>
    public static void WriteCsv(BreakOffCurves curves, Stream output)
    {
        using var csv = new StreamWriter(output, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), leaveOpen: true) { NewLine = "\r\n" }; // RFC 4180
        csv.WriteLine("class,seconds,at_risk,left,remaining,low,high");
        foreach (var (name, curve) in curves.Classes)
        {
            foreach (var point in curve.Points())
                csv.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name},{point.Seconds:0.0},{point.AtRisk},{point.Left},{point.Remaining:0.0000},{point.Low:0.0000},{point.High:0.0000}")); // without limits the fields are empty
        }
    }

    /// <summary>The value of <c>break_off</c>.</summary>
    public static void WriteJson(BreakOffCurves curves, Utf8JsonWriter json)
    {
        json.WriteStartArray();
        foreach (var (name, curve) in curves.Classes)
        {
            json.WriteStartObject();
            json.WriteString("class", name);
            json.WriteNumber("clients", curve.Clients);
            json.WriteNumber("left", curve.Left);
            json.WriteStartArray("points");
            foreach (var point in curve.Points())
            {
                json.WriteStartObject();
                json.WriteNumber("seconds", point.Seconds);
                json.WriteNumber("at_risk", point.AtRisk);
                json.WriteNumber("left", point.Left);
                json.WriteNumber("remaining", Math.Round(point.Remaining, 4));
                WriteLimit(json, "low", point.Low);
                WriteLimit(json, "high", point.High);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>All curves in one drawing for a page; empty when nobody left.</summary>
    public static string Svg(BreakOffCurves curves)
    {
        var drawn = curves.Classes.Where(static pair => pair.Value.Left > 0).ToList();
        if (drawn.Count == 0)
            return "";
        var last = Marks.FirstOrDefault(mark => mark >= drawn.Max(static pair => pair.Value.Followed), BreakOffCurve.Longest);
        var svg = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"<svg viewBox=\"0 0 {Width} {Height + 20 * drawn.Count}\" role=\"img\" style=\"width:100%;font:12px sans-serif\"><title>Share of clients that are still there, by seconds</title>\n"));
        for (var percent = 0; percent <= 100; percent += 25)
            svg.Append(CultureInfo.InvariantCulture, $"<line x1=\"{Margin}\" x2=\"{Width}\" y1=\"{Y(percent / 100.0):0.#}\" y2=\"{Y(percent / 100.0):0.#}\" stroke=\"currentColor\" opacity=\".2\"/><text x=\"0\" y=\"{Y(percent / 100.0) + 4:0.#}\" fill=\"currentColor\">{percent} %</text>\n");
        for (var tick = 0; tick <= 4; tick++)
            svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{X(last * tick / 4):0.#}\" y=\"{Height - 4}\" text-anchor=\"{(tick == 4 ? "end" : "middle")}\" fill=\"currentColor\">{last * tick / 4:0.#} s</text>\n");
        for (var i = 0; i < drawn.Count; i++)
        {
            var colour = Colours[i % Colours.Length];
            var path = new StringBuilder(string.Create(CultureInfo.InvariantCulture, $"M{X(0):0.#} {Y(1):0.#}"));
            foreach (var point in drawn[i].Value.Points())
                path.Append(CultureInfo.InvariantCulture, $"H{X(point.Seconds):0.#}V{Y(point.Remaining):0.#}");
            path.Append(CultureInfo.InvariantCulture, $"H{X(drawn[i].Value.Followed):0.#}");
            svg.Append(CultureInfo.InvariantCulture, $"<path d=\"{path}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>\n")
                .Append(CultureInfo.InvariantCulture, $"<rect x=\"{Margin}\" y=\"{Height + 20 * i}\" width=\"14\" height=\"10\" fill=\"{colour}\"/><text x=\"{Margin + 20}\" y=\"{Height + 20 * i + 9}\" fill=\"currentColor\">{WebUtility.HtmlEncode(Words(drawn[i].Key))}, {drawn[i].Value.Clients:N0} clients</text>\n");
        }

        return svg.Append("</svg>\n").ToString();

        double X(double seconds) => Margin + (Width - Margin) * Math.Min(seconds, last) / last;
        static double Y(double share) => 10 + (Height - 30) * (1 - share);
    }

    private static void WriteLimit(Utf8JsonWriter json, string name, double? limit)
    {
        if (limit is { } number)
            json.WriteNumber(name, Math.Round(number, 4));
        else
            json.WriteNull(name);
    }

    private static double RemainingAt(IReadOnlyList<BreakOffPoint> points, double seconds) =>
        points.LastOrDefault(point => point.Seconds <= seconds) is { AtRisk: > 0 } point ? point.Remaining : 1;

    private static string Words(string name) => name == BreakOffCurves.NotKnown ? "all whose class is not known" : $"class {name}";
}
