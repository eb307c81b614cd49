using System.Runtime.InteropServices;

namespace Postern.Core;

/// <summary>
/// A list outside of the heap. What is large and then replaced as a whole goes back to the system at once, or when nobody can
/// reach it any more; on the heap it would stay until a collection that keeps the loop waiting, and be copied when it grows.
/// </summary>
/// <remarks>Whoever uses a span of it keeps the list alive meanwhile (<see cref="GC.KeepAlive"/>).</remarks>
internal sealed unsafe class NativeList<T>
    where T : unmanaged
{
    private T* _items;
    private int _capacity;

    /// <param name="capacity">How many there is room for at first.</param>
    public NativeList(int capacity) => Resize(Math.Max(1, capacity));

    /// <summary>Gives the memory back.</summary>
    ~NativeList() => NativeMemory.Free(_items);

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>All of them.</summary>
    public Span<T> Span => new(_items, Count);

    /// <summary>Appends one.</summary>
    public void Add(in T item) => Extend(1)[0] = item;

    /// <summary>Appends some, whose content is whatever was in that memory before.</summary>
    /// <returns>Those that were appended.</returns>
    public Span<T> Extend(int count)
    {
        var needed = checked(Count + count);
        if (needed > _capacity)
            Resize((int)Math.Max(needed, Math.Min(_capacity + (_capacity / 2L), Array.MaxLength)));
        Count = needed;
        return new Span<T>(_items + needed - count, count);
    }

    /// <summary>Takes the last ones off.</summary>
    /// <param name="count">How many stay.</param>
    public void Truncate(int count) => Count = Math.Min(Count, count);

    /// <summary>Gives back what there is room for beyond those that are in it.</summary>
    public void Trim() => Resize(Math.Max(1, Count));

    /// <summary>Gives the memory back at once. The list is empty then.</summary>
    public void Free()
    {
        NativeMemory.Free(_items);
        _items = null;
        (_capacity, Count) = (0, 0);
    }

    private void Resize(int capacity)
    {
        _items = (T*)NativeMemory.Realloc(_items, (nuint)capacity * (nuint)sizeof(T));
        _capacity = capacity;
    }
}
