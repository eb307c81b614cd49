using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using Postern.Core.Versions;

namespace Postern.Core.Config;

/// <summary>What <c>${name{text}}</c> calls, in main.cf and in reject footers. Characters stand for bytes.</summary>
public static class MacroFunctions
{
    private const int LongestName = 255; // RFC 1035 §2.3.4
    private const int LongestLabel = 63;

    private static readonly FrozenDictionary<string, Func<string, string?>> All = new Dictionary<string, Func<string, string?>>(StringComparer.Ordinal)
    {
        ["domain_to_ascii"] = ToAscii,
        ["domain_to_utf8"] = ToUtf8,
    }.ToFrozenDictionary();

    /// <summary>The functions of a version; null: it has none.</summary>
    public static IReadOnlyDictionary<string, Func<string, string?>>? In(PostfixVersion postfix) => postfix.Has(PostfixDifferences.Functions) ? All : null;

    /// <summary>The form of a domain name that DNS has; of a name in ASCII that is the name as it is.</summary>
    /// <returns>Null: it is no domain name.</returns>
    private static string? ToAscii(string domain)
    {
        if (domain.Length == 0 || !TryDecode(domain, out var name))
            return null;
        return Ascii.IsValid(name) ? name : Convert(name, static (mapping, text) => mapping.GetAscii(text));
    }

    /// <summary>The form of a domain name that people read, in lower case.</summary>
    /// <returns>Null: it is no domain name.</returns>
    private static string? ToUtf8(string domain)
    {
        if (domain.Length == 0 || !TryDecode(domain, out var name))
            return null;
        var result = Convert(name, static (mapping, text) => mapping.GetUnicode(mapping.GetAscii(text)));
        return result is null || result.Any(char.IsControl) || Array.Exists(result.Split('.'), static label => label.StartsWith("xn--", StringComparison.Ordinal)) ? null : Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(result));
    }

    private static bool TryDecode(string domain, out string name)
    {
        name = "";
        var bytes = Encoding.Latin1.GetBytes(domain);
        if (!System.Text.Unicode.Utf8.IsValid(bytes))
            return false;
        name = Encoding.UTF8.GetString(bytes);
        return true;
    }

    private static string? Convert(string name, Func<IdnMapping, string, string> convert)
    {
        name = name.ToLowerInvariant();
        if (name.Length > LongestName || name.AsSpan().ContainsAny(" \t@*"))
            return null;
        try
        {
            var result = convert(new IdnMapping { AllowUnassigned = true }, name);
            return result.Length <= LongestName && !result.StartsWith('.') && !result.EndsWith('.') && !Array.Exists(result.Split('.'), static label => label.Length is 0 or > LongestLabel) ? result : null;
        }
        catch (ArgumentException)
        {
            return null; // an empty label, one that is too long, or bad Punycode
        }
    }
}
