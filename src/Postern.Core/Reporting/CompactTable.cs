namespace Postern.Core.Reporting;

/// <summary>
/// Numbers by keys of 64 bits, in 12 bytes a slot and as many slots as there is room for: what is known of millions of
/// addresses. Keys are spread well already (<see cref="Fingerprint"/>), and none is 0.
/// </summary>
/// <param name="maxSlots">A power of two.</param>
internal sealed class CompactTable(int maxSlots)
{
    private const int FirstSlots = 1024;

    private ulong[] _keys = new ulong[FirstSlots];
    private int[] _values = new int[FirstSlots];

    /// <summary>Entries.</summary>
    public int Count { get; private set; }

    /// <summary>Whether there is no room for one more.</summary>
    public bool IsFull => Count >= maxSlots / 4 * 3;

    /// <summary>The number of a key, to be read and written; 0 where it is new. There must be room.</summary>
    public ref int GetOrAdd(ulong key)
    {
        if (Count >= _keys.Length / 4 * 3)
            Resize(2 * _keys.Length);
        var slot = Find(key);
        if (_keys[slot] == 0)
        {
            (_keys[slot], _values[slot]) = (key, 0);
            Count++;
        }

        return ref _values[slot];
    }

    /// <summary>Whether the key is there.</summary>
    public bool Contains(ulong key) => _keys[Find(key)] != 0;

    /// <summary>Takes a key out.</summary>
    public bool Remove(ulong key, out int value)
    {
        var slot = Find(key);
        value = _values[slot];
        if (_keys[slot] == 0)
            return false;
        RemoveAt(slot);
        return true;
    }

    /// <summary>All keys and numbers, in no order.</summary>
    public IEnumerable<(ulong Key, int Value)> Entries()
    {
        for (var slot = 0; slot < _keys.Length; slot++)
        {
            if (_keys[slot] != 0)
                yield return (_keys[slot], _values[slot]);
        }
    }

    /// <summary>Keeps only some entries.</summary>
    public void Keep(Func<ulong, int, bool> isWanted)
    {
        var start = Array.IndexOf(_keys, 0UL); // no row of entries goes over it
        for (var i = 0; i < _keys.Length;)
        {
            var slot = (start + i) & (_keys.Length - 1);
            if (_keys[slot] != 0 && !isWanted(_keys[slot], _values[slot]))
                RemoveAt(slot); // and look at the one that has moved there
            else
                i++;
        }
    }

    // Those behind it in the row move up, as far as their own slots allow.
    private void RemoveAt(int hole)
    {
        Count--;
        var mask = _keys.Length - 1;
        for (var next = (hole + 1) & mask; _keys[next] != 0; next = (next + 1) & mask)
        {
            if (((next - Home(_keys[next])) & mask) < ((next - hole) & mask))
                continue;
            (_keys[hole], _values[hole]) = (_keys[next], _values[next]);
            hole = next;
        }

        _keys[hole] = 0;
    }

    private void Resize(int slots)
    {
        var (keys, values) = (_keys, _values);
        (_keys, _values) = (new ulong[slots], new int[slots]);
        for (var slot = 0; slot < keys.Length; slot++)
        {
            if (keys[slot] == 0)
                continue;
            var free = Find(keys[slot]);
            (_keys[free], _values[free]) = (keys[slot], values[slot]);
        }
    }

    private int Home(ulong key) => (int)((key * 0x9e37_79b9_7f4a_7c15) >> 32) & (_keys.Length - 1);

    private int Find(ulong key)
    {
        var slot = Home(key);
        while (_keys[slot] != 0 && _keys[slot] != key)
            slot = (slot + 1) & (_keys.Length - 1);
        return slot;
    }
}
