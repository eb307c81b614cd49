using System.Collections.Frozen;

namespace Postern.Core.Lanes;

/// <summary>A set of domains, each of which stands for itself and all names below it.</summary>
/// <param name="domains">Lower case, without dots at their ends.</param>
public sealed class NameSuffixes(IEnumerable<string> domains)
{
    private readonly FrozenSet<string> _domains = domains.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>How many there are.</summary>
    public int Count => _domains.Count;

    /// <summary>Whether the name is one of the domains or is below one.</summary>
    public bool Contains(ReadOnlySpan<char> name)
    {
        var domains = _domains.GetAlternateLookup<ReadOnlySpan<char>>();
        while (true)
        {
            if (domains.Contains(name))
                return true;
            var dot = name.IndexOf('.');
            if (dot < 0)
                return false;
            name = name[(dot + 1)..];
        }
    }
}
