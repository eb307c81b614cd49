namespace Postern.Core.Reporting;

/// <summary>
/// Counts connections by network, /24 of IPv4 and /64 of IPv6. When there are too many networks those with the fewest
/// connections are forgotten; the counts that are shown then may be a little too low.
/// </summary>
public sealed class Networks
{
    private const int MaxSlots = 1 << 21;
    private const ulong IPv4Mark = 0xffff_0000_0000_0000; // no client has such an IPv6 address: ffff::/16 is multicast

    private readonly CompactTable _counts = new(MaxSlots);

    /// <summary>By how much a count may be too low.</summary>
    public int Error { get; private set; }

    /// <summary>Counts a connection.</summary>
    public void Add(IpAddress address)
    {
        var key = address.IsIPv4 ? IPv4Mark | address.IPv4Bits >> 8 : address.High;
        if (key == 0)
            return; // ::/64 has no clients but this machine
        if (_counts.IsFull && !_counts.Contains(key))
            Forget();
        _counts.GetOrAdd(key)++;
    }

    /// <summary>Those with the most connections.</summary>
    public IReadOnlyList<NameCount> Top(int count)
    {
        // One by one: to sort millions would take more memory than to count them.
        var top = new List<(ulong Key, int Value)>(count + 1);
        foreach (var entry in _counts.Entries())
        {
            if (top.Count == count && !IsBefore(entry, top[^1]))
                continue;
            var place = top.FindIndex(other => IsBefore(entry, other));
            top.Insert(place < 0 ? top.Count : place, entry);
            if (top.Count > count)
                top.RemoveAt(count);
        }

        return [.. top.Select(static entry => new NameCount(NameOf(entry.Key), entry.Value))];
    }

    private static bool IsBefore((ulong Key, int Value) one, (ulong Key, int Value) other) => one.Value != other.Value ? one.Value > other.Value : one.Key < other.Key;

    // The fewest connections of any network, until a quarter of the room is free.
    private void Forget()
    {
        var wanted = _counts.Count / 4 * 3;
        while (_counts.Count > wanted)
        {
            var fewest = _counts.Entries().Min(static entry => entry.Value);
            _counts.Keep((_, connections) => connections > fewest);
            Error += fewest;
        }
    }

    private static string NameOf(ulong key)
    {
        if ((key & IPv4Mark) == IPv4Mark)
            return $"{IpAddress.FromIPv4((uint)(key & 0xff_ffff) << 8)}/24";
        Span<byte> bytes = stackalloc byte[16];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(bytes, key);
        return $"{IpAddress.FromBytes(bytes)}/64";
    }
}
