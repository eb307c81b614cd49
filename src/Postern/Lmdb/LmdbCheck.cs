using System.Buffers.Binary;
using System.Collections;
using Postern.Native;
using static Postern.Lmdb.LmdbLibrary;

namespace Postern.Lmdb;

/// <summary>
/// Reads an LMDB file page by page and sees whether every page that the library may follow is where and what it says. The
/// library itself checks little, and in a damaged file follows offsets out of its memory. The layout is that of LMDB 0.9
/// with 64-bit numbers, in the machine's byte order:
/// <code>
/// page   number 8, pad 2, flags 2, lower 2, upper 2 (overflow: pages 4), node offsets 2 each from byte 16 to lower
/// meta   page header; magic 4, version 4, address 8, map size 8; free and main tree, 48 each; last page 8, transaction 8
/// tree   pad 4, flags 2, depth 2, branch pages 8, leaf pages 8, overflow pages 8, entries 8, root 8
/// node   low 2, high 2, flags 2, key length 2, key; then a leaf's data, or the page number of a large one's
/// </code>
/// </summary>
internal sealed unsafe class LmdbCheck
{
    private const int Header = 16;
    private const int Branch = 1, Leaf = 2, Overflow = 4, Meta = 8, FixedKeys = 0x20;
    private const int LargeData = 1;
    private const ulong NoPage = ulong.MaxValue;
    private const int MaxDepth = 32;

    private readonly int _descriptor;
    private readonly int _pageSize;
    private readonly ulong _lastPage;
    private readonly BitArray _seen;

    private LmdbCheck(int descriptor, int pageSize, ulong lastPage, long length)
    {
        (_descriptor, _pageSize, _lastPage) = (descriptor, pageSize, lastPage);
        _seen = new BitArray((int)Math.Min(lastPage + 1, (ulong)(length / pageSize) + 1));
    }

    /// <summary>Checks the file; an empty one is fine, as the library makes its own first pages. The caller has the lock.</summary>
    /// <param name="length">Bytes in the file.</param>
    public static LmdbProblem? Run(int descriptor, out long length)
    {
        length = 0;
        FileStatus status;
        if (Libc.statx(descriptor, "", Libc.AT_EMPTY_PATH, Libc.STATX_BASIC_STATS, &status) != 0)
            return LmdbProblem.OfSystem();
        length = (long)status.Length;
        if (length == 0)
            return null;
        var start = new byte[Header + 136];
        if (!TryRead(descriptor, start, 0))
            return LmdbProblem.Of(MDB_INVALID);
        if (!IsMeta(start))
            return LmdbProblem.Of(MDB_INVALID);
        var pageSize = (int)Math.Min(U32(start, 40), int.MaxValue);
        if (U32(start, 20) != 1 || pageSize is < 512 or > 65536 || (pageSize & (pageSize - 1)) != 0)
            return null; // another version: the library says so, and it is no damage
        var other = new byte[start.Length];
        if (!TryRead(descriptor, other, pageSize) || !IsMeta(other))
            return LmdbProblem.Damage("the second page is no meta page");
        var meta = U64(other, 144) > U64(start, 144) ? other : start;
        var lastPage = U64(meta, 136);
        if (lastPage is < 1 or > long.MaxValue / 65536)
            return LmdbProblem.Damage("the meta page counts an impossible number of pages");
        var check = new LmdbCheck(descriptor, pageSize, lastPage, length);
        var what = check.Tree(meta.AsSpan(40), isFreeList: true) ?? check.Tree(meta.AsSpan(88), isFreeList: false);
        return what is null ? null : LmdbProblem.Damage(what);
    }

    private string? Tree(ReadOnlySpan<byte> tree, bool isFreeList)
    {
        var (depth, root) = (U16(tree, 6), U64(tree, 40));
        if (root == NoPage)
            return null;
        return depth is < 1 or > MaxDepth ? $"a tree of depth {depth}" : Page(root, depth, isFreeList);
    }

    private string? Page(ulong number, int depth, bool isFreeList)
    {
        var page = new byte[_pageSize];
        if (Claim(number, 1) is { } problem)
            return problem;
        if (!TryRead(_descriptor, page, (long)number * _pageSize))
            return $"page {number} is behind the end of the file";
        var (flags, lower, upper) = (U16(page, 10), U16(page, 12), U16(page, 14));
        if (U64(page, 0) != number || (flags & (Branch | Leaf | Overflow | Meta | FixedKeys)) != (depth == 1 ? Leaf : Branch))
            return $"page {number} is of another kind or place";
        if (lower < Header || lower > upper || upper > _pageSize || (lower & 1) != 0 || (depth > 1 && lower < Header + 4))
            return $"page {number} has impossible bounds";
        for (var at = Header; at < lower; at += 2)
        {
            var offset = U16(page, at);
            if (offset < upper || offset + 8 > _pageSize)
                return $"page {number} has a row outside of it";
            if (Node(page.AsSpan(offset), number, depth, isFreeList) is { } failure)
                return failure;
        }

        return null;
    }

    private string? Node(ReadOnlySpan<byte> node, ulong page, int depth, bool isFreeList)
    {
        var (flags, keyLength) = (U16(node, 4), U16(node, 6));
        var low = U16(node, 0) | (uint)U16(node, 2) << 16;
        if (8 + keyLength > node.Length || (depth == 1 && keyLength == 0) || (isFreeList && depth == 1 && keyLength != 8))
            return $"page {page} has a key outside of it";
        if (depth > 1)
            return Page(low | (ulong)flags << 32, depth - 1, isFreeList);
        if (flags is not (0 or LargeData))
            return $"page {page} has a row of an unknown kind";
        var data = node[(8 + keyLength)..];
        if (flags == 0 ? low > data.Length : data.Length < 8)
            return $"page {page} has a value outside of it";
        var value = flags == 0 ? data[..(int)low] : [];
        if (flags == LargeData && ReadLarge(U64(data, 0), low, isFreeList, out value) is { } problem)
            return problem;
        return isFreeList && !IsFreeList(value) ? $"page {page} has a wrong list of free pages" : null;
    }

    private string? ReadLarge(ulong number, uint length, bool isNeeded, out ReadOnlySpan<byte> value)
    {
        value = [];
        var header = new byte[Header];
        if (!IsInside(number) || !TryRead(_descriptor, header, (long)number * _pageSize))
            return $"page {number} is behind the end of the file";
        var pages = U32(header, 12);
        if (U64(header, 0) != number || (U16(header, 10) & (Branch | Leaf | Overflow | Meta)) != Overflow || (long)pages * _pageSize < Header + (long)length)
            return $"page {number} is of another kind or place";
        if (Claim(number, pages) is { } problem)
            return problem;
        if (!isNeeded)
            return null;
        var bytes = new byte[length];
        value = bytes;
        return TryRead(_descriptor, bytes, (long)number * _pageSize + Header) ? null : $"page {number} is behind the end of the file";
    }

    /// <summary>Page numbers of 8 bytes: how many follow, then those, falling.</summary>
    private bool IsFreeList(ReadOnlySpan<byte> value)
    {
        if (value.Length < 8 || U64(value, 0) > (ulong)value.Length / 8 - 1)
            return false;
        var before = _lastPage + 1;
        for (var i = 8; i <= (int)U64(value, 0) * 8; i += 8)
        {
            if (U64(value, i) is var page && (page < 2 || page >= before))
                return false;
            before = U64(value, i);
        }

        return true;
    }

    private string? Claim(ulong first, uint count)
    {
        if (count == 0 || !IsInside(first) || !IsInside(first + count - 1))
            return $"page {first} is behind the end of the file";
        for (var page = (int)first; count > 0; page++, count--)
        {
            if (_seen[page])
                return $"page {page} is used twice";
            _seen[page] = true;
        }

        return null;
    }

    private bool IsInside(ulong page) => page >= 2 && page < (ulong)_seen.Length;

    private static bool IsMeta(ReadOnlySpan<byte> page) => (U16(page, 10) & Meta) != 0 && U32(page, 16) == 0xBEEFC0DE;

    private static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static ulong U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);

    private static bool TryRead(int descriptor, Span<byte> bytes, long offset)
    {
        fixed (byte* start = bytes)
        {
            for (var done = 0; done < bytes.Length;)
            {
                var count = Libc.pread(descriptor, start + done, (nuint)(bytes.Length - done), offset + done);
                if (count == 0 || (count < 0 && Errno.Last != Errno.EINTR))
                    return false;
                done += Math.Max(0, (int)count);
            }
        }

        return true;
    }
}
