using System.Buffers.Binary;

namespace Postern.Storage;

/// <summary>What an SQLite file says of itself (https://sqlite.org/fileformat.html, 1.3).</summary>
internal static class SqliteHeader
{
    /// <summary>The bytes at the beginning of a file by which SQLite knows it.</summary>
    public const int Length = 100;

    /// <summary>What SQLite will find at once to be wrong with a file; null: nothing.</summary>
    /// <param name="header">The first <see cref="Length"/> bytes, or all.</param>
    /// <param name="length">Of the file.</param>
    public static string? FindDamage(ReadOnlySpan<byte> header, long length)
    {
        if (length == 0)
            return null; // one that was made, and not written yet
        if (header.Length < Length || !header.StartsWith("SQLite format 3\0"u8))
            return "file is not a database";
        long page = BinaryPrimitives.ReadUInt16BigEndian(header[16..]) is var size && size == 1 ? 65536 : size;
        var pages = BinaryPrimitives.ReadUInt32BigEndian(header[28..]);
        var isCounted = header.Slice(24, 4).SequenceEqual(header.Slice(92, 4));
        return isCounted && length < page * pages ? "database disk image is malformed" : null;
    }
}
