using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;

namespace Postern.Core.Tables;

/// <summary>
/// Keys and values of a stored table, a byte a character, in two lists: a table of a million entries is no million objects,
/// for which the garbage collector would stop the loop to look at them.
/// </summary>
/// <remarks>An entry is the length of the key and that of the value, four bytes each, then the key and the value.</remarks>
internal sealed class TextMap
{
    private const int HeaderSize = 8;
    private const int MostOnStack = 512;

    private readonly NativeList<byte> _bytes;
    private NativeList<int> _slots; // where an entry begins, plus one; 0: no entry. As many as a power of two
    private int _count;

    /// <param name="expectedBytes">About as many as keys and values have together.</param>
    public TextMap(long expectedBytes)
    {
        _bytes = new NativeList<byte>((int)Math.Clamp(expectedBytes, 64, 64 << 20));
        _slots = NewSlots(64);
    }

    /// <returns>False: there is an entry with this key, which stays.</returns>
    public bool TryAdd(ReadOnlySpan<char> key, ReadOnlySpan<char> value)
    {
        var entry = Append(key.Length, value.Length);
        Encoding.Latin1.GetBytes(key, entry);
        Encoding.Latin1.GetBytes(value, entry[key.Length..]);
        return TryKeep(key.Length, value.Length);
    }

    /// <inheritdoc cref="TryAdd(ReadOnlySpan{char}, ReadOnlySpan{char})" />
    public bool TryAdd(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        var entry = Append(key.Length, value.Length);
        key.CopyTo(entry);
        value.CopyTo(entry[key.Length..]);
        return TryKeep(key.Length, value.Length);
    }

    /// <summary>Gives back what was reserved for more entries.</summary>
    public void Trim() => _bytes.Trim();

    /// <returns>The value; null: there is no such key.</returns>
    public string? Find(ReadOnlySpan<char> key)
    {
        Span<byte> bytes = key.Length <= MostOnStack ? stackalloc byte[MostOnStack] : new byte[key.Length];
        bytes = bytes[..Encoding.Latin1.GetBytes(key, bytes)];
        var value = _slots.Span[SlotOf(bytes)] is not 0 and var found ? Encoding.Latin1.GetString(ValueAt(found - 1)) : null;
        GC.KeepAlive(this);
        return value;
    }

    /// <summary>All entries, in the order in which they were added.</summary>
    public IEnumerable<TableRule> List()
    {
        for (var entry = 0; entry < _bytes.Count;)
        {
            yield return new TableRule(0, Encoding.Latin1.GetString(KeyAt(entry)), Encoding.Latin1.GetString(ValueAt(entry)));
            entry += HeaderSize + Number(entry) + Number(entry + 4);
        }
    }

    private static NativeList<int> NewSlots(int count)
    {
        var slots = new NativeList<int>(count);
        slots.Extend(count).Clear();
        return slots;
    }

    /// <summary>Appends an entry.</summary>
    /// <returns>Where key and value go.</returns>
    private Span<byte> Append(int keyLength, int valueLength)
    {
        var entry = _bytes.Extend(HeaderSize + keyLength + valueLength);
        MemoryMarshal.Write(entry, keyLength);
        MemoryMarshal.Write(entry[4..], valueLength);
        return entry[HeaderSize..];
    }

    /// <summary>Makes the entry that was appended one that is found, or takes it off again.</summary>
    private bool TryKeep(int keyLength, int valueLength)
    {
        var entry = _bytes.Count - HeaderSize - keyLength - valueLength;
        var slot = SlotOf(KeyAt(entry));
        if (_slots.Span[slot] != 0)
        {
            _bytes.Truncate(entry);
            return false;
        }

        _slots.Span[slot] = entry + 1;
        if (++_count > _slots.Count / 3 * 2)
            Spread();
        return true;
    }

    private void Spread()
    {
        var former = _slots;
        _slots = NewSlots(2 * former.Count);
        foreach (var entry in former.Span)
        {
            if (entry != 0)
                _slots.Span[SlotOf(KeyAt(entry - 1))] = entry;
        }

        former.Free();
    }

    /// <returns>Where the key is, or would be.</returns>
    private int SlotOf(ReadOnlySpan<byte> key)
    {
        var slots = _slots.Span;
        var hash = 2166136261u; // FNV-1a: who could choose keys that collide is who wrote the table
        foreach (var one in key)
            hash = (hash ^ one) * 16777619;
        hash ^= BitOperations.RotateRight(hash, 15);
        var slot = (int)(hash & (uint)(slots.Length - 1));
        while (slots[slot] != 0 && !KeyAt(slots[slot] - 1).SequenceEqual(key))
            slot = (slot + 1) & (slots.Length - 1);
        return slot;
    }

    private ReadOnlySpan<byte> KeyAt(int entry) => _bytes.Span.Slice(entry + HeaderSize, Number(entry));

    private ReadOnlySpan<byte> ValueAt(int entry) => _bytes.Span.Slice(entry + HeaderSize + Number(entry), Number(entry + 4));

    private int Number(int at) => MemoryMarshal.Read<int>(_bytes.Span[at..]);
}
