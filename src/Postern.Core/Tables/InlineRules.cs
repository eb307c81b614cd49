using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Postern.Core.Tables;

/// <summary>The rules of a cidr, pcre or regexp table that stand in main.cf itself: <c>{{rule} {rule}}</c>.</summary>
internal static class InlineRules
{
    /// <param name="argument">What follows the type and its colon.</param>
    /// <param name="text">The rules as the lines of a file.</param>
    /// <param name="problem">On failure, Postfix's words.</param>
    public static bool TryUnwrap(string argument, string typeName, out string text, [NotNullWhen(false)] out string? problem)
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
