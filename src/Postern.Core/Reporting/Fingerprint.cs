using System.Buffers.Binary;
using System.Numerics;

namespace Postern.Core.Reporting;

/// <summary>
/// 64 bits in the place of a text, for tables of millions of texts that only have to be told apart. Who knows it can make
/// two texts of one fingerprint; all that he gains is that the report counts them as one.
/// </summary>
internal static class Fingerprint
{
    private const ulong Multiplier = 0x9e37_79b9_7f4a_7c15; // 2^64 divided by the golden ratio

    /// <summary>Never 0, so that 0 can stand for none.</summary>
    public static ulong Of(ReadOnlySpan<byte> text) => Of(text, seed: 0);

    /// <param name="text">The text.</param>
    /// <param name="seed">Other seeds give other fingerprints.</param>
    /// <inheritdoc cref="Of(ReadOnlySpan{byte})" />
    public static ulong Of(ReadOnlySpan<byte> text, ulong seed)
    {
        var hash = Mix(seed ^ (uint)text.Length);
        for (; text.Length >= sizeof(ulong); text = text[sizeof(ulong)..])
            hash = Mix(hash ^ BinaryPrimitives.ReadUInt64LittleEndian(text));
        var rest = 0UL;
        foreach (var value in text)
            rest = rest << 8 | value;
        hash = Mix(hash ^ rest);
        return hash == 0 ? Multiplier : hash;
    }

    /// <inheritdoc cref="Of(ReadOnlySpan{byte})" />
    public static ulong Of(IpAddress address, ulong seed = 0)
    {
        var hash = Mix(Mix(seed ^ address.High) ^ address.Low);
        return hash == 0 ? Multiplier : hash;
    }

    private static ulong Mix(ulong value)
    {
        value *= Multiplier;
        value ^= value >> 29;
        value = BitOperations.RotateLeft(value * 0xbf58_476d_1ce4_e5b9, 27);
        return value ^ value >> 32;
    }
}
