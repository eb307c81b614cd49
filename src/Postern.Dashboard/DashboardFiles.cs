using System.Text.Json;
using Postern.Core.Reporting;

namespace Postern.Dashboard;

/// <summary>The files of the page, which are resources of the program.</summary>
internal static class DashboardFiles
{
    /// <summary>By path.</summary>
    public static IEnumerable<KeyValuePair<string, (string ContentType, byte[] Bytes)>> All =>
    [
        new("/", ("text/html; charset=utf-8", Read("page.html"))),
        new("/page.css", ("text/css; charset=utf-8", Read("page.css"))),
        new("/uPlot.js", ("text/javascript; charset=utf-8", Read("uPlot.iife.min.js"))),
        new("/uPlot.css", ("text/css; charset=utf-8", Read("uPlot.min.css"))),
        new("/icon.svg", ("image/svg+xml", Read("icon.svg"))),
        new("/reasons.js", ("text/javascript; charset=utf-8", Reasons())),
        new("/page.js", ("text/javascript; charset=utf-8", Read("page.js"))),
    ];

    private static byte[] Reasons()
    {
        using var text = new MemoryStream();
        text.Write("const reasonWords = "u8);
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            foreach (var cause in Enum.GetValues<ScreeningCause>())
                json.WriteString(CauseText.Name(cause), CauseText.Words(cause));
            json.WriteEndObject();
        }

        text.Write(";\n"u8);
        return text.ToArray();
    }

    private static byte[] Read(string name)
    {
        using var resource = typeof(DashboardFiles).Assembly.GetManifestResourceStream("dashboard/" + name) ?? throw new InvalidOperationException($"{name} is no resource");
        var bytes = new byte[resource.Length];
        resource.ReadExactly(bytes);
        return bytes;
    }
}
