using System.Globalization;
using System.Text;

namespace Postern.Core.Config;

/// <summary>Writes <c>docs/parameters.md</c> and postern.cf(5) from the registry.</summary>
public static class ParameterDocs
{
    private static readonly (ParameterGroup Group, string Title)[] Chapters =
    [
        (ParameterGroup.Connections, "Who gets in, and where to"),
        (ParameterGroup.EarlyTests, "Tests before the greeting"),
        (ParameterGroup.DeepTests, "Tests after the greeting"),
        (ParameterGroup.Engine, "The dummy SMTP engine"),
        (ParameterGroup.Allowlist, "The temporary allowlist"),
        (ParameterGroup.Postern, "What postscreen does not have"),
        (ParameterGroup.Identity, "Names, addresses and networks"),
        (ParameterGroup.Process, "Directories, users and processes"),
        (ParameterGroup.Log, "The log"),
        (ParameterGroup.Tables, "Lookup tables"),
        (ParameterGroup.Tls, "TLS"),
        (ParameterGroup.Dnsblog, "DNS list lookups by Postfix"),
        (ParameterGroup.OldNames, "Former names"),
    ];

    /// <summary>The whole page, in Markdown.</summary>
    public static string Render()
    {
        var page = new StringBuilder(
            """
            # Parameters

            <!-- Made from the registry of parameters; do not edit. POSTERN_UPDATE=1 in a test run writes it anew. -->

            Postern reads `main.cf`, then `postern.cf` beside it if there is one, whose entries override those of
            `main.cf`, and then the `-o name=value` options of the service's line in `master.cf`. The files have
            Postfix's syntax. `postern check` says where each value comes from when something is wrong with it.

            Times are a whole number and a unit: `s`, `m`, `h`, `d` or `w`. "From" and "to" are the bounds of numbers
            and, in seconds, of times. The last column says what a parameter is to this version of Postern:

            - **used**: Postern acts on it.
            - **default**: it is the default of another parameter, or there for `$name`.
            - **no effect**: known, so that a configuration for Postfix can be used as it is.
            - **old name**: counts when the new name is not set.

            """.ReplaceLineEndings("\n"));
        foreach (var (group, title) in Chapters)
        {
            page.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n| Parameter | Type | Default | Meaning | Here |\n|---|---|---|---|---|\n");
            foreach (var row in Parameters.All)
            {
                if (row.Group == group)
                    page.Append(CultureInfo.InvariantCulture, $"| `{row.Name}` | {Type(row)} | {Default(row)} | {Escape(row.Summary)} | {Use(row)} |\n");
            }
        }

        return page.ToString();
    }

    /// <summary>postern.cf(5), in the language of man(7): what Postern acts on.</summary>
    public static string RenderManual()
    {
        var page = new StringBuilder(
            """
            .TH POSTERN.CF 5
            .ad l
            .SH NAME
            postern.cf \- parameters of Postern
            .SH DESCRIPTION
            Postern reads main.cf, then postern.cf beside it if there is one, whose entries override those of main.cf,
            and then the options of the service's line in master.cf. The files have the syntax of
            .BR postconf (5).
            Parameters that are known and have no effect are in docs/parameters.md.

            """.ReplaceLineEndings("\n"));
        foreach (var (group, title) in Chapters)
        {
            var rows = Parameters.All.Where(row => row.Group == group && row.Use is ParameterUse.Used).ToList();
            if (rows.Count > 0)
                page.Append(CultureInfo.InvariantCulture, $".SH {Roff.Text(title.ToUpperInvariant())}\n");
            foreach (var row in rows)
                page.Append(CultureInfo.InvariantCulture, $".TP\n.BR {Roff.Text(row.Name)} \" ({Roff.Text(Type(row))}; default: {Roff.Text(Default(row)).Replace("\"", "\\(dq", StringComparison.Ordinal)})\"\n{Roff.Text(row.Summary)}\n");
        }

        return page.Append(".SH SEE ALSO\n.BR postern (8),\n.BR postscreen (8)\n").ToString();
    }

    private static string Type(Parameter row)
    {
        var kind = row.Kind switch
        {
            ParameterKind.Text => row.MinimumLength > 0 ? "text, not empty" : "text",
            ParameterKind.Raw => row.MinimumLength > 0 ? "text without `$name`, not empty" : "text without `$name`",
            ParameterKind.Time => $"time, unit {row.Unit}",
            ParameterKind.YesNo => "yes or no",
            _ => "number",
        };
        return (row.Minimum, row.Maximum) switch
        {
            (0, 0) => kind,
            (_, 0) => $"{kind}, from {row.Minimum}",
            _ => $"{kind}, from {row.Minimum} to {row.Maximum}",
        };
    }

    private static string Default(Parameter row)
    {
        if (row.DefaultNote is not null)
            return Escape(row.DefaultNote);
        if (row.Default.Length == 0)
            return "empty";
        var fence = row.Default.Contains('`') ? "``" : "`"; // Markdown: a longer fence may hold a backquote
        return fence + Escape(row.Default) + fence;
    }

    private static string Use(Parameter row) => row.Use switch
    {
        ParameterUse.Used => "used",
        ParameterUse.Default => "default",
        ParameterUse.Unused => "no effect",
        _ => "old name",
    };

    private static string Escape(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);
}
