using System.Collections.Frozen;

namespace Postern.Core.Config;

/// <summary>All parameters that Postern knows, its own and Postfix's.</summary>
public static class Parameters
{
    /// <summary>Every row.</summary>
    public static readonly IReadOnlyList<Parameter> All =
        [.. CommonParameters.Rows, .. OtherParameters.Postern, .. ScreeningParameters.Rows, .. LaneParameters.Rows, .. TlsParameters.OfTlsproxy, .. TlsParameters.OfPostscreen, .. TlsParameters.Known, .. OtherParameters.Known];

    /// <summary>What is evaluated once for the process, in this order.</summary>
    internal static readonly IReadOnlyList<Parameter> OfProcess = [.. CommonParameters.Rows, .. OtherParameters.Postern];

    /// <summary>What is evaluated for each screening service, in this order.</summary>
    internal static readonly IReadOnlyList<Parameter> OfService = [.. CommonParameters.Rows, .. ScreeningParameters.Rows, .. LaneParameters.Rows];

    private static readonly FrozenDictionary<string, Parameter> ByName =
        All.ToFrozenDictionary(static row => row.Name, StringComparer.Ordinal);

    /// <summary>Whether each screening service may have a value of its own: a row of postscreen's, whoever invented it.</summary>
    internal static bool IsOfService(string name) =>
        Array.Exists(ScreeningParameters.Rows, row => row.Name == name) || Array.Exists(LaneParameters.Rows, row => row.Name == name);

    /// <summary>The row of a name; null: Postern does not know it.</summary>
    public static Parameter? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>The parameter of postscreen or Postern whose name is nearest to a misspelt one.</summary>
    /// <returns>Null when none is near enough to be meant.</returns>
    public static string? Nearest(string name)
    {
        const int FurthestEdits = 6;
        string? nearest = null;
        var smallest = Math.Min(FurthestEdits, name.Length / 3) + 1;
        if (name.Length > 100)
            return null;
        foreach (var row in All)
        {
            if (!IsScreeningName(row.Name) || Math.Abs(row.Name.Length - name.Length) >= smallest)
                continue;
            var edits = EditDistance(name, row.Name);
            if (edits < smallest)
                (smallest, nearest) = (edits, row.Name);
        }

        return nearest;
    }

    /// <summary>Whether a name is in postscreen's or Postern's realm, so that an unknown one must be a mistake.</summary>
    internal static bool IsScreeningName(string name) =>
        name.StartsWith("postscreen_", StringComparison.Ordinal) || name.StartsWith("postern_", StringComparison.Ordinal);

    // Insertions, deletions, replacements; one row of the matrix at a time.
    internal static int EditDistance(string left, string right)
    {
        Span<int> row = stackalloc int[right.Length + 1];
        for (var column = 0; column < row.Length; column++)
            row[column] = column;
        for (var line = 1; line <= left.Length; line++)
        {
            var diagonal = row[0];
            row[0] = line;
            for (var column = 1; column < row.Length; column++)
            {
                var replaced = diagonal + (left[line - 1] == right[column - 1] ? 0 : 1);
                diagonal = row[column];
                row[column] = Math.Min(replaced, Math.Min(row[column - 1], row[column]) + 1);
            }
        }

        return row[^1];
    }
}
