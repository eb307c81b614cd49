using System.Globalization;
using Spectre.Console;

namespace Postern.Reports;

/// <summary>The report for a terminal, with bars; plain where the output is no terminal.</summary>
internal static class TextReport
{
    private const int LabelWidth = 27;
    private const int CountWidth = 10;
    private const int NoteWidth = 19;
    private const int WidestBar = 40;

    public static void Write(Core.Reporting.Report report, IAnsiConsole console)
    {
        console.MarkupLineInterpolated($"[bold]{ReportSection.Period(report)}[/]");
        console.MarkupLineInterpolated($"[bold green]{ReportSection.Summary(report)}[/]");
        foreach (var note in ReportSection.Notes(report))
        {
            if (console.Profile.Capabilities.Ansi)
                console.MarkupLineInterpolated($"[yellow]{note}[/]");
            else
                console.Profile.Out.Writer.WriteLine(note); // whole: whoever reads it may be a program
        }

        foreach (var section in ReportSection.Of(report))
            Write(section, console);
    }

    private static void Write(ReportSection section, IAnsiConsole console)
    {
        console.WriteLine();
        console.MarkupLineInterpolated($"[bold]{section.Title}[/]");
        if (section.Note.Length > 0)
            console.MarkupLineInterpolated($"[grey]{section.Note}[/]");
        var most = section.Rows.Max(static row => row.Count);
        var width = console.Profile.Width;
        var room = Math.Clamp(width - LabelWidth - CountWidth - NoteWidth - 6, 4, WidestBar);
        foreach (var row in section.Rows)
        {
            var bar = row.Count == 0 ? 0 : Math.Max(1, (int)Math.Round((double)room * row.Count / most));
            var text = new string('█', bar).PadRight(room);
            var count = row.Count.ToString("N0", CultureInfo.InvariantCulture);
            count = count.PadLeft(Math.Max(count.Length + 1, LabelWidth + CountWidth - row.Label.Length)); // a long label takes of its room
            console.MarkupInterpolated($"  {row.Label}{count}");
            if (bar > 0 || row.Note.Length > 0)
                console.MarkupInterpolated($"  [blue]{(row.Note.Length > 0 ? text : text.TrimEnd())}[/]");
            if (row.Note.Length > 0)
                console.MarkupInterpolated($" [grey]{row.Note}[/]");
            console.WriteLine();
        }
    }
}
