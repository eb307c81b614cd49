using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Postern.Core.Tables;

/// <summary>The rules of a cidr, pcre or regexp table: lines of a file, or <c>{{rule} {rule}}</c> in main.cf itself.</summary>
internal static class InlineRules
{
    /// <param name="typeName">The table's, for problems.</param>
    /// <param name="lines">A rule a line.</param>
    /// <param name="problem">On failure, Postfix's words.</param>
    public static bool TryOpen(
        TableSource source, string typeName, IWarningSink warnings, [NotNullWhen(true)] out LogicalLineReader? lines, [NotNullWhen(false)] out string? problem)
    {
        (lines, problem) = (null, null);
        if (source.File is { } file)
            lines = new LogicalLineReader(file, source.Argument, warnings);
        else if (TryUnwrap(source.Argument, typeName, out var text, out problem))
            lines = new LogicalLineReader(text, source.Argument, warnings);
        return lines is not null;
    }

    private static bool TryUnwrap(string argument, string typeName, out string text, [NotNullWhen(false)] out string? problem)
    {
        text = "";
        if (!ListText.TryStripBraces(argument, out var rest, out problem))
        {
            problem = $"{typeName} map: {problem}";
            return false;
        }

        var lines = new StringBuilder();
        while (ListText.TryTakeToken(ref rest, out var element))
        {
            if (element[0] != '{')
                problem = $"no '{{' at start of text in \"{element}\"";
            if (problem is not null || !ListText.TryStripBraces(element, out element, out problem))
            {
                problem = $"{typeName} map: {problem}";
                return false;
            }

            lines.Append(element).Append('\n');
        }

        text = lines.ToString();
        return true;
    }
}
