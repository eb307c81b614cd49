using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Postern.Core.Tables;

namespace Postern.Core.Spf;

/// <summary>The mechanisms of RFC 7208 §5.</summary>
internal enum SpfMechanism
{
    All,
    Include,
    A,
    Mx,
    Ptr,
    Ip4,
    Ip6,
    Exists,
}

/// <summary>A directive: what to say when the mechanism matches.</summary>
/// <param name="Result">What the qualifier says: + pass, - fail, ~ softfail, ? neutral.</param>
/// <param name="Mechanism">How the client is compared.</param>
/// <param name="Domain">The domain-spec; null: the domain of the check.</param>
/// <param name="Network">ip4 and ip6: the block.</param>
/// <param name="Bits4">a and mx: leading bits of an IPv4 address that count, 0 to 32.</param>
/// <param name="Bits6">a and mx: leading bits of an IPv6 address that count, 0 to 128.</param>
internal readonly record struct SpfDirective(
    SpfResult Result, SpfMechanism Mechanism, SpfMacroString? Domain, IpNetwork Network, int Bits4, int Bits6);

/// <summary>A policy: <c>v=spf1 include:_spf.example.com ip4:192.0.2.0/24 -all</c> (RFC 7208 §4.5 and §12).</summary>
internal sealed class SpfRecord
{
    private const string Version = "v=spf1";

    private SpfRecord(SpfDirective[] directives, SpfMacroString? redirect, SpfMacroString? explanation) =>
        (Directives, Redirect, Explanation) = (directives, redirect, explanation);

    /// <summary>In the order of the record.</summary>
    public SpfDirective[] Directives { get; }

    /// <summary>The domain whose policy to use when no mechanism matches; null: none.</summary>
    public SpfMacroString? Redirect { get; }

    /// <summary>The domain whose TXT record explains a fail; null: none.</summary>
    public SpfMacroString? Explanation { get; }

    /// <summary>Whether a TXT record is a policy at all: the version is followed by a blank or by nothing.</summary>
    public static bool IsPolicy(string text) => text.StartsWith(Version, StringComparison.OrdinalIgnoreCase) && (text.Length == Version.Length || text[Version.Length] == ' ');

    /// <summary>Reads a policy for which <see cref="IsPolicy"/> said yes; a single error anywhere makes all of it invalid (§4.6).</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out SpfRecord? record)
    {
        record = null;
        List<SpfDirective> directives = [];
        SpfMacroString? redirect = null, explanation = null;
        foreach (var range in text.AsSpan(Version.Length).Split(' '))
        {
            var term = text.AsSpan(Version.Length)[range];
            if (term.IsEmpty)
                continue;
            if (TrySplitModifier(term, out var name, out var value))
            {
                var isRedirect = name.Equals("redirect", StringComparison.OrdinalIgnoreCase);
                if (isRedirect || name.Equals("exp", StringComparison.OrdinalIgnoreCase))
                {
                    ref var place = ref isRedirect ? ref redirect : ref explanation;
                    if (place is not null || !SpfMacroString.TryParseDomain(value, out place))
                        return false; // either of them twice is an error (§6)
                }
                else if (!SpfMacroString.TryParse(value, isExplanation: false, out _))
                {
                    return false;
                }
            }
            else if (TryParseDirective(term, out var directive))
            {
                directives.Add(directive);
            }
            else
            {
                return false;
            }
        }

        record = new SpfRecord([.. directives], redirect, explanation);
        return true;
    }

    // modifier = name "=" macro-string; a name is a letter, then letters, digits, "-", "_" and "."
    private static bool TrySplitModifier(ReadOnlySpan<char> term, out ReadOnlySpan<char> name, out ReadOnlySpan<char> value)
    {
        var equals = term.IndexOf('=');
        name = equals < 0 ? [] : term[..equals];
        value = term[(equals + 1)..];
        if (name.IsEmpty || !char.IsAsciiLetter(name[0]))
            return false;
        foreach (var symbol in name)
        {
            if (!char.IsAsciiLetterOrDigit(symbol) && symbol is not ('-' or '_' or '.'))
                return false;
        }

        return true;
    }

    private static bool TryParseDirective(ReadOnlySpan<char> term, out SpfDirective directive)
    {
        directive = default;
        var result = term[0] switch { '-' => SpfResult.Fail, '~' => SpfResult.SoftFail, '?' => SpfResult.Neutral, _ => SpfResult.Pass };
        if (term[0] is '+' or '-' or '~' or '?')
            term = term[1..];
        var nameEnd = term.IndexOfAny(':', '/');
        var name = nameEnd < 0 ? term : term[..nameEnd];
        var rest = nameEnd < 0 ? [] : term[nameEnd..];
        SpfMechanism? mechanism = name switch
        {
            _ when Is(name, "all") => SpfMechanism.All,
            _ when Is(name, "include") => SpfMechanism.Include,
            _ when Is(name, "a") => SpfMechanism.A,
            _ when Is(name, "mx") => SpfMechanism.Mx,
            _ when Is(name, "ptr") => SpfMechanism.Ptr,
            _ when Is(name, "ip4") => SpfMechanism.Ip4,
            _ when Is(name, "ip6") => SpfMechanism.Ip6,
            _ when Is(name, "exists") => SpfMechanism.Exists,
            _ => null,
        };
        switch (mechanism)
        {
            case null:
                return false;
            case SpfMechanism.All:
                directive = new(result, SpfMechanism.All, null, default, 0, 0);
                return rest.IsEmpty;
            case SpfMechanism.Ip4 or SpfMechanism.Ip6:
                var network = default(IpNetwork);
                var isBlock = rest.StartsWith(':') && TryParseBlock(rest[1..], mechanism == SpfMechanism.Ip4, out network);
                directive = new(result, mechanism.Value, null, network, 0, 0);
                return isBlock;
            default:
                var (bits4, bits6) = (32, 128);
                if (mechanism is SpfMechanism.A or SpfMechanism.Mx && !TryTakeLengths(ref rest, out bits4, out bits6))
                    return false;
                SpfMacroString? domain = null;
                if (rest.StartsWith(':') ? !SpfMacroString.TryParseDomain(rest[1..], out domain)
                    : !rest.IsEmpty || mechanism is SpfMechanism.Include or SpfMechanism.Exists)
                {
                    return false;
                }

                directive = new(result, mechanism.Value, domain, default, bits4, bits6);
                return true;
        }

        static bool Is(ReadOnlySpan<char> name, string mechanism) => name.Equals(mechanism, StringComparison.OrdinalIgnoreCase);
    }

    private static bool TryParseBlock(ReadOnlySpan<char> text, bool isIPv4, out IpNetwork network)
    {
        network = default;
        var slash = text.IndexOf('/');
        var length = isIPv4 ? 32 : 128;
        if (slash >= 0 && !TryParseLength(text[(slash + 1)..], length, out length))
            return false;
        if (!IpAddress.TryParse(slash < 0 ? text : text[..slash], out var address) || text.Contains(':') == isIPv4)
            return false;
        network = IpNetwork.Of(address, isIPv4, length);
        return true;
    }

    // dual-cidr-length = [ "/" 0 to 32 ] [ "//" 0 to 128 ], at the end of the term
    private static bool TryTakeLengths(ref ReadOnlySpan<char> text, out int bits4, out int bits6)
    {
        (bits4, bits6) = (32, 128);
        var two = text.LastIndexOf("//");
        if (two >= 0)
        {
            if (!TryParseLength(text[(two + 2)..], 128, out bits6))
                return false;
            text = text[..two];
        }

        var one = text.LastIndexOf('/');
        if (one < 0 || text[(one + 1)..].ContainsAnyExceptInRange('0', '9')) // a slash in the name is none of ours
            return true;
        if (!TryParseLength(text[(one + 1)..], 32, out bits4))
            return false;
        text = text[..one];
        return true;
    }

    private static bool TryParseLength(ReadOnlySpan<char> text, int max, out int length)
    {
        length = 0;
        return text.Length is > 0 and <= 3 && (text.Length == 1 || text[0] != '0')
            && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out length) && length <= max;
    }
}
