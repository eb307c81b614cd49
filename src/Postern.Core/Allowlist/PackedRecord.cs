using System.Buffers.Binary;

namespace Postern.Core.Allowlist;

/// <summary>
/// A client's passes in as few bytes as they need, for files with millions of them: two bits for each test, in the column order
/// of a cache record, then the times that the bits announce, four bytes each, most significant byte first.
/// <code>
/// bytes 0-1   00 never passed (0); 01 due (1); 10 the time before; 11 a time of its own. Pregreet has the highest bits.
/// bytes 2-    the times
/// </code>
/// A client that passed pregreet alone takes 6 bytes, where its text takes 18.
/// </summary>
public static class PackedRecord
{
    /// <summary>Longest form, in bytes.</summary>
    public const int MaxLength = 2 + 5 * 4;

    private const int Zero = 0, Due = 1, Before = 2, Time = 3;

    /// <summary>Writes the record.</summary>
    /// <returns>The number of bytes written; <paramref name="destination"/> needs <see cref="MaxLength"/>.</returns>
    public static int Write(in TestExpiry record, Span<byte> destination)
    {
        var (bits, length, last) = (0, 2, 0u);
        ReadOnlySpan<uint> times = [record.Pregreet, record.Dnsbl, record.Pipelining, record.NonSmtpCommand, record.BareNewline];
        foreach (var time in times)
        {
            var form = time is 0 ? Zero : time is CacheRecord.Due ? Due : time == last ? Before : Time;
            bits = bits << 2 | form;
            if (form is not Time)
                continue;
            BinaryPrimitives.WriteUInt32BigEndian(destination[length..], last = time);
            length += 4;
        }

        BinaryPrimitives.WriteUInt16BigEndian(destination, (ushort)(bits << 6));
        return length;
    }

    /// <summary>Reads a record. It never fails: a time that is not there counts as 1 (due).</summary>
    public static TestExpiry Read(ReadOnlySpan<byte> bytes)
    {
        var bits = bytes.Length >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(bytes) : (ushort)0b01_01_01_01_01_000000;
        var rest = bytes.Length > 2 ? bytes[2..] : default;
        var last = CacheRecord.Due;
        return new TestExpiry(
            Next(bits >> 14, ref rest, ref last), Next(bits >> 12, ref rest, ref last), Next(bits >> 10, ref rest, ref last),
            Next(bits >> 8, ref rest, ref last), Next(bits >> 6, ref rest, ref last));
    }

    private static uint Next(int bits, ref ReadOnlySpan<byte> rest, ref uint last)
    {
        switch (bits & 3)
        {
            case Zero:
                return 0;
            case Due:
                return CacheRecord.Due;
            case Before:
                return last;
            default:
                if (rest.Length < 4)
                    return CacheRecord.Due;
                last = BinaryPrimitives.ReadUInt32BigEndian(rest);
                rest = rest[4..];
                return last;
        }
    }
}
