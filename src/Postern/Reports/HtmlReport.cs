using System.Globalization;
using System.Net;
using System.Text;
using Postern.Core.Reporting;

namespace Postern.Reports;

/// <summary>The report as one page that needs nothing else: no script, no font, no other file.</summary>
internal static class HtmlReport
{
    private const string Style = """
        :root{color-scheme:light dark;--ink:#1b1f24;--dim:#667;--bar:#3a6ea5;--paper:#fff}
        @media(prefers-color-scheme:dark){:root{--ink:#e8e8e8;--dim:#99a;--bar:#6ea8e0;--paper:#16181c}}
        body{font:16px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:2rem auto;padding:0 1rem}
        h1{font-size:1.4rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .2rem}p{margin:.2rem 0;color:var(--dim)}
        .sum{font-size:1.25rem;color:var(--ink)}table{border-collapse:collapse;width:100%}td{padding:.15rem .5rem .15rem 0;vertical-align:middle}
        td:first-child{width:16rem}td.n{width:6rem;text-align:right;font-variant-numeric:tabular-nums}td.r{width:9rem;color:var(--dim)}
        .bar{display:block;height:.8rem;background:var(--bar);border-radius:2px;min-width:1px}
        @media(max-width:40rem){td:first-child{width:auto}td.r{display:none}}
        """;

    public static void Write(Report report, Stream output)
    {
        var page = new StringBuilder();
        page.Append("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">")
            .Append("<title>Screening report</title><style>").Append(Style).Append("</style></head><body>\n<h1>Screening report</h1>\n")
            .Append(CultureInfo.InvariantCulture, $"<p>{Text(ReportSection.Period(report))}</p>\n<p class=\"sum\">{Text(ReportSection.Summary(report))}</p>\n");
        foreach (var note in ReportSection.Notes(report))
            page.Append(CultureInfo.InvariantCulture, $"<p>{Text(note)}</p>\n");
        foreach (var section in ReportSection.Of(report))
        {
            page.Append(CultureInfo.InvariantCulture, $"<h2>{Text(section.Title)}</h2>\n<p>{Text(section.Note)}</p>\n<table>\n");
            var most = section.Rows.Max(static row => row.Count);
            foreach (var row in section.Rows)
            {
                page.Append(CultureInfo.InvariantCulture, $"<tr><td>{Text(row.Label)}</td><td class=\"n\">{row.Count:N0}</td><td>");
                if (row.Count > 0)
                    page.Append(CultureInfo.InvariantCulture, $"<span class=\"bar\" style=\"width:{100.0 * row.Count / most:0.#}%\"></span>");
                page.Append(CultureInfo.InvariantCulture, $"</td><td class=\"r\">{Text(row.Note)}</td></tr>\n");
            }

            page.Append("</table>\n");
        }

        if (CurveReport.Svg(report.BreakOff) is { Length: > 0 } drawing)
            page.Append("<h2>Break-off curve</h2>\n<p>The share of clients that are still there, by class of reverse name; who was let in did not leave</p>\n").Append(drawing);
        output.Write(Encoding.UTF8.GetBytes(page.Append("</body></html>\n").ToString()));
    }

    private static string Text(string text) => WebUtility.HtmlEncode(text);
}
