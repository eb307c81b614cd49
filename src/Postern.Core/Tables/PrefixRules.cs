using System.Numerics;
using System.Runtime.CompilerServices;

namespace Postern.Core.Tables;

/// <summary>A network as its first address and the number of leading bits that count.</summary>
internal readonly record struct Prefix<TBits>(TBits Start, int Length)
    where TBits : unmanaged, IBinaryInteger<TBits>, IMinMaxValue<TBits>
{
    /// <summary>Bits of an address.</summary>
    public static int Width => 8 * Unsafe.SizeOf<TBits>();

    /// <summary>All addresses.</summary>
    public static Prefix<TBits> Everything => new(TBits.Zero, 0);

    /// <summary>The bits that do not count, all set.</summary>
    public TBits HostBits => Length == Width ? TBits.Zero : TBits.MaxValue >>> Length;

    /// <summary>Whether the other is this one, or in it.</summary>
    public bool Contains(Prefix<TBits> other) => Length <= other.Length && (other.Start & ~HostBits) == Start;
}

/// <summary>
/// The rules of a cidr table for one address family, in order, on their way to a <see cref="PrefixMap{TBits}"/>. Conditions and
/// negations go out here: a rule holds for networks that are in all its conditions, and "all but a network" is as many
/// networks as that one has bits.
/// </summary>
internal sealed class PrefixRules<TBits>
    where TBits : unmanaged, IBinaryInteger<TBits>, IMinMaxValue<TBits>
{
    private const int MostPrefixes = 8 << 20;
    private const int MostInRegion = 4096; // each rule of a block is compared with each

    private readonly NativeList<RankedPrefix<TBits>> _prefixes;
    private readonly List<int> _answers = []; // by rank
    private readonly Stack<List<Prefix<TBits>>> _regions = new([[Prefix<TBits>.Everything]]); // in what a rule holds, by nesting
    private readonly List<Prefix<TBits>> _pieces = [];

    /// <param name="expected">How many rules there may be.</param>
    public PrefixRules(int expected) => _prefixes = new(expected);

    /// <summary>Whether these are more than can be compiled: conditions with negations are nested by the thousand.</summary>
    public bool IsTooMuch { get; private set; }

    /// <summary>The rules up to <see cref="EndBlock"/> hold only for addresses in a network, or only for those outside.</summary>
    /// <param name="condition">Null: one that no address of the family meets.</param>
    public void BeginBlock(Prefix<TBits>? condition, bool isNegated)
    {
        var region = new List<Prefix<TBits>>();
        if (condition is { } network)
            Cut(_regions.Peek(), network, isNegated, region);
        IsTooMuch |= region.Count > MostInRegion;
        if (IsTooMuch)
            region.Clear();
        _regions.Push(region);
    }

    /// <summary>Ends the innermost block.</summary>
    public void EndBlock() => _regions.Pop();

    /// <summary>The next rule.</summary>
    /// <param name="network">For whom it holds, or for whom not.</param>
    /// <param name="answer">From 1.</param>
    public void Add(Prefix<TBits> network, bool isNegated, int answer)
    {
        if (_answers.Count == 0 || _answers[^1] != answer) // among neighbours that say the same none need be first
            _answers.Add(answer);
        _pieces.Clear();
        Cut(_regions.Peek(), network, isNegated, _pieces);
        IsTooMuch |= _prefixes.Count + _pieces.Count > MostPrefixes || _answers.Count > RankedPrefix<TBits>.MostRanks;
        if (IsTooMuch)
            return;
        foreach (var piece in _pieces)
            _prefixes.Add(new RankedPrefix<TBits>(piece.Start, piece.Length, _answers.Count - 1));
    }

    /// <summary>The rules as one map; there are none any more afterwards.</summary>
    public PrefixMap<TBits> Compile()
    {
        var prefixes = _prefixes.Span;
        if (!IsSorted(prefixes)) // as lists from elsewhere often are
            prefixes.Sort();
        var map = new PrefixMap<TBits>(prefixes, _answers);
        _prefixes.Free();
        return map;
    }

    private static bool IsSorted(ReadOnlySpan<RankedPrefix<TBits>> prefixes)
    {
        for (var i = 1; i < prefixes.Length; i++)
        {
            if (prefixes[i - 1].CompareTo(prefixes[i]) > 0)
                return false;
        }

        return true;
    }

    /// <summary>What of some networks lies in another one, or outside of it.</summary>
    private static void Cut(List<Prefix<TBits>> region, Prefix<TBits> network, bool isOutside, List<Prefix<TBits>> into)
    {
        foreach (var part in region)
        {
            if (network.Contains(part))
            {
                if (!isOutside)
                    into.Add(part);
            }
            else if (!part.Contains(network))
            {
                if (isOutside)
                    into.Add(part);
            }
            else if (!isOutside)
            {
                into.Add(network);
            }
            else
            {
                for (var length = part.Length + 1; length <= network.Length; length++)
                {
                    var bit = TBits.One << (Prefix<TBits>.Width - length);
                    var half = new Prefix<TBits>(network.Start, length); // the half of what is left that holds the network
                    into.Add(half with { Start = (network.Start & ~half.HostBits) ^ bit });
                }
            }
        }
    }
}
