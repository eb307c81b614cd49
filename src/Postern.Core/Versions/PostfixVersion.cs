using System.Globalization;

namespace Postern.Core.Versions;

/// <summary>A release of Postfix, <c>3.10.13</c>. A snapshot, <c>3.12-20260821</c>, counts as the first of its series.</summary>
/// <param name="Patch">0: the series as a whole.</param>
public readonly record struct PostfixVersion(int Major, int Minor, int Patch = 0) : IComparable<PostfixVersion>
{
    private const int LargestPart = 9999;

    /// <summary>The release that Postern was built to match; older ones are read like it.</summary>
    public static readonly PostfixVersion Base = new(3, 7);

    /// <summary>The series that were compared with the real program, in order: the columns of docs/compatibility.md.</summary>
    public static readonly IReadOnlyList<PostfixVersion> Known = [Base, new(3, 10), new(3, 11), new(3, 12)];

    /// <summary>The series: without the patch level.</summary>
    public PostfixVersion Series => this with { Patch = 0 };

    /// <summary>Reads <c>3.11</c>, <c>3.10.13</c> and <c>3.12-20260821</c>.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out PostfixVersion version)
    {
        version = default;
        var dash = text.IndexOf('-');
        var rest = dash < 0 ? text : text[..dash];
        if (dash >= 0 && (rest.Length + 1 == text.Length || text[(dash + 1)..].ContainsAnyExcept("0123456789-RCabcdefghijklmnopqrstuvwxyz")))
            return false;
        Span<int> parts = stackalloc int[3];
        parts.Clear();
        var count = 0;
        foreach (var range in rest.Split('.'))
        {
            if (count == parts.Length || !int.TryParse(rest[range], NumberStyles.None, CultureInfo.InvariantCulture, out parts[count]) || parts[count] > LargestPart)
                return false;
            count++;
        }

        version = new PostfixVersion(parts[0], parts[1], parts[2]);
        return count >= 2;
    }

    /// <summary>Whether this version behaves in the newer of the two ways, as far as Postern follows it there.</summary>
    public bool Has(PostfixDifference difference) => difference.Policy switch
    {
        VersionPolicy.ForAll => true,
        VersionPolicy.NotFollowed => false,
        _ => difference.IsIn(this),
    };

    /// <inheritdoc />
    public int CompareTo(PostfixVersion other) => (Major, Minor, Patch).CompareTo((other.Major, other.Minor, other.Patch));

    /// <summary>As Postfix writes it.</summary>
    public override string ToString() => Patch == 0
        ? string.Create(CultureInfo.InvariantCulture, $"{Major}.{Minor}")
        : string.Create(CultureInfo.InvariantCulture, $"{Major}.{Minor}.{Patch}");

    /// <summary>Whether the left version is the older one.</summary>
    public static bool operator <(PostfixVersion left, PostfixVersion right) => left.CompareTo(right) < 0;

    /// <summary>Whether the left version is not the newer one.</summary>
    public static bool operator <=(PostfixVersion left, PostfixVersion right) => left.CompareTo(right) <= 0;

    /// <summary>Whether the left version is the newer one.</summary>
    public static bool operator >(PostfixVersion left, PostfixVersion right) => left.CompareTo(right) > 0;

    /// <summary>Whether the left version is not the older one.</summary>
    public static bool operator >=(PostfixVersion left, PostfixVersion right) => left.CompareTo(right) >= 0;
}
