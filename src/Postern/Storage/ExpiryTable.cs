using Postern.Core;
using Postern.Core.Allowlist;

namespace Postern.Storage;

/// <summary>
/// All passes, in memory. Split in many small dictionaries, so that a walk over all of it can be made in steps while
/// entries come and go, and no insertion ever pays for the rehashing of a million others.
/// </summary>
internal sealed class ExpiryTable
{
    private readonly Dictionary<IpAddress, TestExpiry>?[] _parts = new Dictionary<IpAddress, TestExpiry>?[PartCount];

    /// <summary>Number of addresses.</summary>
    public int Count { get; private set; }

    /// <summary>Number of parts, for walking with <see cref="Part"/>.</summary>
    public const int PartCount = 1024;

    public bool TryGet(IpAddress address, out TestExpiry expiry)
    {
        expiry = default;
        return _parts[Index(address)] is { } part && part.TryGetValue(address, out expiry);
    }

    public void Set(IpAddress address, TestExpiry expiry)
    {
        var part = _parts[Index(address)] ??= [];
        var before = part.Count;
        part[address] = expiry;
        Count += part.Count - before;
    }

    public void Remove(IpAddress address)
    {
        if (_parts[Index(address)]?.Remove(address) is true)
            Count--;
    }

    /// <summary>The entries of one part; null if it has none. Entries may be removed while it is enumerated, not added.</summary>
    public Dictionary<IpAddress, TestExpiry>? Part(int index) => _parts[index] is { Count: > 0 } part ? part : null;

    /// <summary>Gives back the memory of a part that lost entries.</summary>
    public void Shrink(int index)
    {
        if (_parts[index] is not { } part)
            return;
        if (part.Count == 0)
            _parts[index] = null;
        else if (part.Count < part.Capacity / 4)
            part.TrimExcess();
    }

    private int Index(IpAddress address) => address.GetHashCode() & (_parts.Length - 1);
}
