using System.Diagnostics.CodeAnalysis;

namespace Postern.Core.Tables;

/// <summary>
/// All entries of a Berkeley DB file of the methods hash and btree, without the library: every page that holds entries is
/// read, in the order of the file, and neither the tree nor the hash buckets are followed. Numbers are in the byte order
/// of the machine that wrote the file; the big-endian kind is refused.
/// </summary>
/// <remarks>
/// <code>
/// file       = page*, all of one size; page 0 describes the file
/// page       = LSN 8, page number 4, previous 4, next 4, entries 2, offset 2, level 1, type 1, then 2 for each item: where it is
/// page 0     = ... magic at 12, page size at 20, encryption at 24, type at 25, flags at 26 (1: checksums)
/// btree item = length 2, type 1, data                                   key, value, key, value ...
/// hash item  = type 1, data up to the item before it (they grow down)   key, value, key, value ...
/// elsewhere  = 4 bytes (hash) or length 2, type 1, unused 1 (btree), page 4, total length 4: a chain of overflow pages
/// </code>
/// </remarks>
internal static class BerkeleyFile
{
    /// <summary>Of a file of the method hash.</summary>
    public const uint HashMagic = 0x061561;

    /// <summary>Of a file of the method btree.</summary>
    public const uint BtreeMagic = 0x053162;

    private const string InvalidArgument = "Invalid argument"; // what the library says of a file that is not its own
    private const string Damaged = "the file is damaged";
    private const int HeaderSize = 26;
    private const byte HashUnsortedPage = 2;
    private const byte BtreeLeafPage = 5;
    private const byte OverflowPage = 7;
    private const byte HashPage = 13;
    private const byte Data = 1;
    private const byte Elsewhere = 3;
    private const byte Deleted = 0x80;

    /// <summary>Reads all entries. Key and value lose the NUL that postmap puts at their end.</summary>
    /// <param name="problem">On failure, why.</param>
    public static bool TryRead(
        ReadOnlySpan<byte> file, uint magic, [NotNullWhen(true)] out TextMap? entries, [NotNullWhen(false)] out string? problem)
    {
        entries = null;
        problem = InvalidArgument;
        if (file.Length < 512 || Number(file, 12, 4) != magic)
            return false;
        var pageSize = (int)Number(file, 20, 4);
        if (pageSize is < 512 or > 65536 || (pageSize & (pageSize - 1)) != 0)
            return false;
        if (file[24] != 0 || (file[26] & 1) != 0)
        {
            problem = "the file has encryption or checksums, which Postfix does not use";
            return false;
        }

        var found = new TextMap(file.Length);
        for (var start = (long)pageSize; start + pageSize <= file.Length; start += pageSize)
        {
            var isGood = file[(int)start + 25] switch
            {
                BtreeLeafPage when magic == BtreeMagic => TryReadPage(file, pageSize, (int)start, isHash: false, found),
                HashPage or HashUnsortedPage when magic == HashMagic => TryReadPage(file, pageSize, (int)start, isHash: true, found),
                _ => true, // inner nodes, overflow, free
            };
            if (isGood)
                continue;
            problem = Damaged;
            return false;
        }

        found.Trim();
        (entries, problem) = (found, null);
        return true;
    }

    private static bool TryReadPage(ReadOnlySpan<byte> file, int pageSize, int start, bool isHash, TextMap entries)
    {
        var count = (int)Number(file, start + 20, 2);
        if (HeaderSize + (2 * count) > pageSize || count % 2 != 0)
            return false;
        ReadOnlySpan<byte> key = [];
        var hasKey = false;
        var end = pageSize; // of a hash item
        for (var i = 0; i < count; i++)
        {
            var offset = (int)Number(file, start + HeaderSize + (2 * i), 2);
            if (offset < HeaderSize + (2 * count) || offset >= end)
                return false;
            if (!TryReadItem(file, pageSize, start, offset, isHash ? end : 0, out var text, out var isDeleted))
                return false;
            if (isHash)
                end = offset;
            if (i % 2 == 0)
            {
                key = text;
                hasKey = !isDeleted;
            }
            else if (hasKey && !isDeleted)
                entries.TryAdd(WithoutNul(key), ListText.BeforeNul(text));
        }

        return true;
    }

    /// <param name="end">Of a hash item, where it ends in the page; 0: a btree item, which says so itself.</param>
    private static bool TryReadItem(
        ReadOnlySpan<byte> file, int pageSize, int start, int offset, int end, out ReadOnlySpan<byte> text, out bool isDeleted)
    {
        text = [];
        isDeleted = false;
        var isHash = end > 0;
        if (!isHash && offset + 3 > pageSize)
            return false;
        var type = file[start + offset + (isHash ? 0 : 2)];
        if (!isHash && (type & Deleted) != 0)
        {
            isDeleted = true;
            return true;
        }

        if (type == Elsewhere)
        {
            if (offset + 12 > pageSize)
                return false;
            return TryReadChain(file, pageSize, Number(file, start + offset + 4, 4), Number(file, start + offset + 8, 4), out text);
        }

        var data = offset + (isHash ? 1 : 3);
        var length = isHash ? end - data : (int)Number(file, start + offset, 2);
        if (type != Data || data + length > pageSize)
            return false;
        text = file.Slice(start + data, length);
        return true;
    }

    private static bool TryReadChain(ReadOnlySpan<byte> file, int pageSize, uint page, uint length, out ReadOnlySpan<byte> text)
    {
        text = [];
        if (length > file.Length)
            return false;
        var joined = new byte[length];
        for (var taken = 0; taken < length;)
        {
            var start = (long)page * pageSize;
            if (page == 0 || start + pageSize > file.Length || file[(int)start + 25] != OverflowPage)
                return false;
            var held = (int)Number(file, (int)start + 22, 2);
            if (held == 0 || held > pageSize - HeaderSize || held > length - taken) // no progress would be no end
                return false;
            file.Slice((int)start + HeaderSize, held).CopyTo(joined.AsSpan(taken));
            taken += held;
            page = Number(file, (int)start + 16, 4);
        }

        text = joined;
        return true;
    }

    private static ReadOnlySpan<byte> WithoutNul(ReadOnlySpan<byte> key) => key is [.., 0] ? key[..^1] : key;

    private static uint Number(ReadOnlySpan<byte> file, int at, int size)
    {
        var number = 0u;
        for (var i = size - 1; i >= 0; i--)
            number = (number << 8) | file[at + i];
        return number;
    }
}
