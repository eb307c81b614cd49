using System.Globalization;

namespace Postern.Core.Config;

/// <summary>
/// Reads lists of TLS versions such as <c>&gt;=TLSv1.2</c>, <c>!SSLv3 !TLSv1</c> or <c>TLSv1.2, TLSv1.3</c>: bounds, what is
/// not used, or what alone is used.
/// </summary>
public static class TlsProtocolList
{
    // SSL versions are known, so that they can be excluded, and never used.
    private static readonly (string Name, int Number, TlsVersions Version)[] Known =
    [
        ("SSLv2", 0x0002, TlsVersions.None), ("SSLv3", 0x0300, TlsVersions.None), ("TLSv1", 0x0301, TlsVersions.Tls10),
        ("TLSv1.1", 0x0302, TlsVersions.Tls11), ("TLSv1.2", 0x0303, TlsVersions.Tls12), ("TLSv1.3", 0x0304, TlsVersions.Tls13),
    ];

    /// <summary>Reads a list; an empty one means every version.</summary>
    /// <param name="versions">May be none, when the list excludes all.</param>
    /// <returns>False when a word is no version.</returns>
    public static bool TryParse(string text, out TlsVersions versions)
    {
        var (included, excluded) = (TlsVersions.None, TlsVersions.None);
        var includes = false;
        var (least, most) = (0, int.MaxValue);
        versions = TlsVersions.None;
        foreach (var word in text.Split([',', ' ', '\t', '\r', '\n', ':'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (word.StartsWith(">=", StringComparison.Ordinal) || word.StartsWith("<=", StringComparison.Ordinal))
            {
                if (!TryParseBound(word[2..], out var bound))
                    return false;
                if (word[0] == '>')
                    least = bound;
                else
                    most = bound == 0 ? int.MaxValue : bound;
                continue;
            }

            if (Array.FindIndex(Known, k => k.Name.Equals(word.TrimStart('!'), StringComparison.OrdinalIgnoreCase)) is not (>= 0 and var index))
                return false;
            if (word[0] == '!')
                excluded |= Known[index].Version;
            else
                (included, includes) = (included | Known[index].Version, true);
        }

        foreach (var (_, number, version) in Known)
        {
            if (number >= least && number <= most && (!includes || included.HasFlag(version)))
                versions |= version;
        }

        versions &= ~excluded;
        return true;
    }

    // A name, or OpenSSL's number of the version in hexadecimal; 0: no bound.
    private static bool TryParseBound(string text, out int bound)
    {
        bound = 0;
        foreach (var (name, number, _) in Known)
        {
            if (name.Equals(text, StringComparison.OrdinalIgnoreCase))
                bound = number;
        }

        if (bound != 0 || text == "0")
            return true;
        return text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && text.Length <= 6
            && int.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out bound);
    }
}
