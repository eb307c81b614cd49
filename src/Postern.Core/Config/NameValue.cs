using System.Diagnostics.CodeAnalysis;

namespace Postern.Core.Config;

/// <summary>The <c>name = value</c> form of main.cf lines and of <c>-o</c> options in master.cf.</summary>
public static class NameValue
{
    /// <summary>Splits one entry; white space around the name, the <c>=</c> and the value is dropped.</summary>
    /// <param name="problem">Postfix's words: <c>missing '=' after attribute name</c>; most of its programs add <c>: "TEXT"</c>.</param>
    public static bool TrySplit(
        string text,
        [NotNullWhen(true)] out string? name,
        [NotNullWhen(true)] out string? value,
        [NotNullWhen(false)] out string? problem)
    {
        (name, value, problem) = (null, null, null);
        var rest = text.AsSpan().TrimStart(LogicalLines.WhiteSpace);
        var end = 0;
        while (end < rest.Length && rest[end] != '=' && !LogicalLines.IsSpace(rest[end]))
            end++;
        if (end == 0)
        {
            problem = "missing attribute name";
            return false;
        }

        var afterName = rest[end..].TrimStart(LogicalLines.WhiteSpace);
        if (afterName.IsEmpty || afterName[0] != '=')
        {
            problem = "missing '=' after attribute name";
            return false;
        }

        name = rest[..end].ToString();
        value = afterName[1..].Trim(LogicalLines.WhiteSpace).ToString();
        return true;
    }
}
