using System.Globalization;

namespace Postern.Core.Config;

/// <summary>Where an entry was written.</summary>
/// <param name="File">The path as it was opened.</param>
/// <param name="Line">The first physical line of the entry, from 1; 0: the file as a whole.</param>
public readonly record struct ConfigOrigin(string File, int Line)
{
    /// <summary>The place that Postfix's words name: <c>cidr map /etc/postfix/access, line 3: …</c>, or without the type.</summary>
    /// <returns>Null: they name none.</returns>
    public static ConfigOrigin? NamedIn(string text)
    {
        const string Map = " map ", Line = ", line ";
        var start = text.IndexOf('/');
        var end = text.IndexOf(Line, StringComparison.Ordinal);
        if (start < 0 || end < start || !(start == 0 || text.AsSpan(0, start).EndsWith(Map)))
            return null;
        var digits = text.AsSpan(end + Line.Length);
        var length = digits.IndexOfAnyExceptInRange('0', '9');
        return int.TryParse(length < 0 ? digits : digits[..length], NumberStyles.None, CultureInfo.InvariantCulture, out var line)
            ? new ConfigOrigin(text[start..end], line)
            : null;
    }

    /// <summary><c>FILE:LINE</c>, or the file alone.</summary>
    public override string ToString() => Line == 0 ? File : string.Create(CultureInfo.InvariantCulture, $"{File}:{Line}");
}
