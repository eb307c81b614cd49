using System.Text;

namespace Postern.Core.Versions;

/// <summary>Writes the table of versions in docs/compatibility.md from the registry.</summary>
public static class PostfixDifferenceTable
{
    /// <summary>Markdown: a column for each version that was compared, and one for Postern.</summary>
    public static string Render()
    {
        var table = new StringBuilder("| What |");
        foreach (var version in PostfixVersion.Known)
            table.Append(' ').Append(version).Append(" |");
        table.Append(" Postern |\n|---").Insert(table.Length, "|---", PostfixVersion.Known.Count + 1).Append("|\n");
        foreach (var row in PostfixDifferences.All)
        {
            table.Append("| ").Append(row.What).Append(" (*").Append(row.Name).Append("*) |");
            string? shown = null;
            foreach (var version in PostfixVersion.Known)
            {
                var text = row.IsIn(version) ? row.After : row.Before;
                table.Append(' ').Append(text == shown ? "=" : text == row.After ? Since(row) + text : text).Append(" |");
                shown = text;
            }

            table.Append(' ').Append(row.Reason ?? "by version").Append(" |\n");
        }

        return table.ToString();
    }

    // A version between two columns that is known to have it.
    private static string Since(PostfixDifference row)
    {
        var since = PostfixVersion.Known.Contains(row.Since) ? [] : new List<string> { $"{row.Since}" };
        since.AddRange(row.Backports.Select(static version => $"{version}"));
        return since.Count == 0 ? "" : $"(since {string.Join(", ", since)}) ";
    }
}
