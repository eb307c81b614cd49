namespace Postern.Core;

/// <summary>The syntax of host names, as Postfix checks it (RFC 1035 lengths; underscores are tolerated).</summary>
public static class HostNameSyntax
{
    private const int LongestName = 255;
    private const int LongestLabel = 63;

    /// <summary>Finds what is wrong with a name.</summary>
    /// <returns>Postfix's reason, such as <c>misplaced hyphen</c>; null when the name is fine.</returns>
    public static string? Problem(ReadOnlySpan<char> name)
    {
        if (name.IsEmpty)
            return "empty hostname";

        var label = 0;
        var hasNonDigit = false;
        for (var i = 0; i < name.Length; i++)
        {
            var character = name[i];
            if (char.IsAsciiLetterOrDigit(character) || character == '_')
            {
                label++;
                hasNonDigit |= !char.IsAsciiDigit(character);
            }
            else if (character == '.')
            {
                if (label == 0 || i == name.Length - 1)
                    return "misplaced delimiter";
                label = 0;
            }
            else if (character == '-')
            {
                hasNonDigit = true;
                if (++label == 1 || i == name.Length - 1 || name[i + 1] == '.')
                    return "misplaced hyphen";
            }
            else
            {
                return $"invalid character {(int)character}(decimal)";
            }

            if (label > LongestLabel)
                return "hostname label too long";
        }

        if (!hasNonDigit)
            return "numeric hostname";
        return name.Length > LongestName ? "bad length" : null;
    }

    /// <summary>
    /// Whether Postfix takes the text for an address. Not all of them are: <c>a:a:a:a:a:1.2.3.4</c> lacks a group and
    /// fails only when it is used. IPv4 addresses that begin with 0 are refused, but for <c>0.0.0.0</c>.
    /// </summary>
    public static bool IsAddress(ReadOnlySpan<char> text)
    {
        if (IpAddress.TryParse(text, out var address))
            return text.Contains(':') || text[0] != '0' || address.IPv4Bits == 0;
        return text.Contains('.') && text.Contains(':') && IpAddress.TryParse($"0:{text}", out _);
    }
}
