using System.Net.Security;

namespace Postern.Core.Config;

/// <summary>
/// Reads OpenSSL's cipher strings (ciphers(1)): words such as <c>HIGH</c>, <c>kRSA</c> or <c>ECDHE-RSA-AES128-SHA</c>,
/// joined by <c>+</c> when all must hold, after <c>!</c> (never), <c>-</c> (not so far) or <c>+</c> (to the end).
/// </summary>
public static class TlsCipherList
{
    // What no cipher of ours is: forbidden often, and needlessly.
    private static readonly string[] Absent =
    [
        "aNULL", "eNULL", "NULL", "ADH", "AECDH", "PSK", "kPSK", "aPSK", "kRSAPSK", "kDHEPSK", "kECDHEPSK", "SRP", "kSRP", "aSRP", "DSS", "aDSS",
        "EXP", "EXPORT", "EXPORT40", "EXPORT56", "LOW", "MEDIUM", "DES", "3DES", "RC2", "RC4", "RC5", "IDEA", "SEED", "MD5", "SSLv2", "COMPLEMENTOFALL",
        "kDHr", "kDHd", "kDH", "aDH", "kECDHr", "kECDHe", "kECDH", "aECDH", "GOST", "GOST94", "GOST89", "GOST89MAC", "kGOST", "aGOST", "aGOST01", "aGOST12",
    ];

    /// <summary>The suites that a string asks for, in its order; those of TLS 1.3 come first and always.</summary>
    /// <param name="text">Parted by colons, commas or blanks.</param>
    /// <param name="unknown">Words that mean nothing; OpenSSL passes over them.</param>
    public static IReadOnlyList<TlsCipherSuite> Parse(string text, out IReadOnlyList<string> unknown)
    {
        var chosen = new List<TlsCipher>();
        var barred = new HashSet<TlsCipher>();
        var strange = new List<string>();
        foreach (var rule in text.Split([':', ',', ' ', '\t', '\r', '\n', ';'], StringSplitOptions.RemoveEmptyEntries))
        {
            if (rule == "@STRENGTH")
                chosen = [.. chosen.OrderByDescending(static cipher => cipher.Bits)];
            else if (rule[0] != '@')
                Apply(rule, chosen, barred, strange);
        }

        unknown = strange;
        return [.. TlsCipher.All.Where(static cipher => cipher.IsOfTls13).Concat(chosen).Select(static cipher => cipher.Suite)];
    }

    private static void Apply(string rule, List<TlsCipher> chosen, HashSet<TlsCipher> barred, List<string> strange)
    {
        var sign = rule[0] is '!' or '-' or '+' ? rule[0] : ' ';
        var words = rule.TrimStart('!', '-', '+').Split('+', StringSplitOptions.RemoveEmptyEntries);
        strange.AddRange(words.Where(static word => !IsKnown(word)));
        foreach (var cipher in TlsCipher.All)
        {
            if (cipher.IsOfTls13 || words.Length == 0 || !Array.TrueForAll(words, word => Means(word, cipher)))
                continue;
            switch (sign)
            {
                case ' ':
                    if (!barred.Contains(cipher) && !chosen.Contains(cipher))
                        chosen.Add(cipher);
                    break;
                case '+':
                    if (chosen.Remove(cipher))
                        chosen.Add(cipher);
                    break;
                default:
                    chosen.Remove(cipher);
                    if (sign == '!')
                        barred.Add(cipher);
                    break;
            }
        }
    }

    private static bool Means(string word, TlsCipher cipher) => word switch
    {
        "DEFAULT" => cipher.IsDefault,
        "COMPLEMENTOFDEFAULT" => !cipher.IsDefault,
        _ => cipher.Is(word),
    };

    // A name with hyphens is taken for a cipher that this list knows not, or not any more.
    private static bool IsKnown(string word) =>
        word is "DEFAULT" or "COMPLEMENTOFDEFAULT" or "SSLv3" || word.Contains('-') || Array.IndexOf(Absent, word) >= 0
        || TlsCipher.All.Any(cipher => cipher.Is(word));
}
