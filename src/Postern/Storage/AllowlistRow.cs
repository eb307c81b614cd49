using System.Globalization;
using System.Text;
using Postern.Core;
using Postern.Core.Allowlist;

namespace Postern.Storage;

/// <summary>Reads the keys of a store, as bytes: client addresses and a few special ones.</summary>
internal static class AllowlistRow
{
    /// <summary>Bytes of a record's text that are looked at; ours have 54.</summary>
    private const int LongestValue = 1024;

    /// <summary>Whether the key is a client address, as postscreen writes it.</summary>
    public static bool TryReadAddress(ReadOnlySpan<byte> key, out IpAddress address)
    {
        address = default;
        Span<char> text = stackalloc char[IpAddress.MaxTextLength];
        return key.Length <= text.Length
            && Encoding.Latin1.TryGetChars(key, text, out var length)
            && IpAddress.TryParse(text[..length], out address);
    }

    /// <summary>The record that a value is the text of, however long that is.</summary>
    public static TestExpiry ReadRecord(ReadOnlySpan<byte> value) => CacheRecord.Parse(value[..Math.Min(value.Length, LongestValue)]);

    /// <summary>Whether the key is this special one and its value a Unix time.</summary>
    public static bool TryReadTime(ReadOnlySpan<byte> key, string name, ReadOnlySpan<byte> value, out long time)
    {
        time = 0;
        return Ascii.Equals(key, name)
            && long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out time);
    }
}
