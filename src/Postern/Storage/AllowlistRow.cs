using System.Globalization;
using System.Text;
using Postern.Core;

namespace Postern.Storage;

/// <summary>Reads the keys of a store, as bytes: client addresses and a few special ones.</summary>
internal static class AllowlistRow
{
    /// <summary>Whether the key is a client address, as postscreen writes it.</summary>
    public static bool TryReadAddress(ReadOnlySpan<byte> key, out IpAddress address)
    {
        address = default;
        Span<char> text = stackalloc char[IpAddress.MaxTextLength];
        return key.Length <= text.Length
            && Encoding.Latin1.TryGetChars(key, text, out var length)
            && IpAddress.TryParse(text[..length], out address);
    }

    /// <summary>Whether the key is this special one and its value a Unix time.</summary>
    public static bool TryReadTime(ReadOnlySpan<byte> key, string name, ReadOnlySpan<byte> value, out long time)
    {
        time = 0;
        return Ascii.Equals(key, name)
            && long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out time);
    }
}
