using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Postern.Core.Tables;

/// <summary>
/// A block of addresses: <c>192.0.2.0/24</c>. IPv4 and IPv6 are apart: <c>::/0</c> contains no IPv4 address, and neither
/// does <c>::ffff:0.0.0.0/96</c>, since a client with such an address counts as an IPv4 client.
/// </summary>
public readonly record struct IpNetwork
{
    private IpNetwork(IpAddress address, bool isIPv4, int length)
    {
        (Address, IsIPv4, Length) = (address, isIPv4, length);
        var bits = isIPv4 ? length + 96 : length;
        MaskHigh = Ones(bits);
        MaskLow = Ones(bits - 64);
    }

    /// <summary>The first address.</summary>
    public IpAddress Address { get; }

    /// <summary>Whether it was written as IPv4.</summary>
    public bool IsIPv4 { get; }

    /// <summary>The number of leading bits that count, 0 to 32 or 0 to 128.</summary>
    public int Length { get; }

    /// <summary>The mask for <see cref="IpAddress.High"/>.</summary>
    public ulong MaskHigh { get; }

    /// <summary>The mask for <see cref="IpAddress.Low"/>.</summary>
    public ulong MaskLow { get; }

    /// <summary>A block given in parts.</summary>
    /// <param name="address">Any address in it.</param>
    /// <param name="isIPv4">Whether it was written as IPv4.</param>
    /// <param name="length">0 to 32 or 0 to 128.</param>
    public static IpNetwork Of(IpAddress address, bool isIPv4, int length) => new(address, isIPv4, length);

    /// <inheritdoc />
    public override string ToString() => Length == (IsIPv4 ? 32 : 128) ? Text(Address, IsIPv4) : $"{Text(Address, IsIPv4)}/{Length}";

    /// <summary>The IPv4 network that a network of mapped addresses (<c>::ffff:192.0.2.0/120</c>) stands for; else the network itself.</summary>
    public IpNetwork Unmapped => !IsIPv4 && Address.IsIPv4 && Length >= 96 ? new IpNetwork(Address, isIPv4: true, Length - 96) : this;

    /// <summary>Whether the address lies in the block.</summary>
    public bool Contains(IpAddress address) => address.IsIPv4 == IsIPv4
        && ((address.High ^ Address.High) & MaskHigh) == 0 && ((address.Low ^ Address.Low) & MaskLow) == 0;

    /// <summary>Reads <c>addr</c>, <c>addr/length</c>, <c>[addr]</c>, <c>[addr]/length</c> or <c>[addr/length]</c>.</summary>
    /// <param name="problem">On failure, Postfix's words, quoting the pattern without brackets.</param>
    public static bool TryParse(ReadOnlySpan<char> pattern, out IpNetwork network, [NotNullWhen(false)] out string? problem)
    {
        network = default;
        ReadOnlySpan<char> address, mask;
        bool hasMask;
        if (pattern.StartsWith('['))
        {
            var close = pattern.IndexOf(']');
            if (close < 0)
            {
                problem = $"missing ']' character after \"{pattern}\"";
                return false;
            }

            var after = pattern[(close + 1)..];
            if (!after.IsEmpty && after[0] != '/')
            {
                problem = $"garbage after \"{pattern[..(close + 1)]}\"";
                return false;
            }

            address = pattern[1..close];
            hasMask = !after.IsEmpty;
            mask = hasMask ? after[1..] : [];
            if (!hasMask)
                hasMask = SplitMask(address, out address, out mask);
        }
        else
        {
            hasMask = SplitMask(pattern, out address, out mask);
        }

        var isIPv4 = !address.Contains(':');
        var length = isIPv4 ? 32 : 128;
        if (hasMask && !TryParseLength(address, mask, length, out length, out problem))
            return false;
        if (!IpAddress.TryParse(address, out var first))
        {
            problem = hasMask ? $"bad network value in \"{address}/{mask}\"" : $"bad address pattern: \"{address}\"";
            return false;
        }

        network = new IpNetwork(first, isIPv4, length);
        var clean = network.FirstAddress();
        problem = clean == first ? null : $"non-null host address bits in \"{address}/{mask}\", "
            + $"perhaps you should use \"{Text(clean, isIPv4)}/{length}\" instead";
        return problem is null;
    }

    private static bool SplitMask(ReadOnlySpan<char> text, out ReadOnlySpan<char> address, out ReadOnlySpan<char> mask)
    {
        var slash = text.IndexOf('/');
        address = slash < 0 ? text : text[..slash];
        mask = slash < 0 ? [] : text[(slash + 1)..];
        return slash >= 0;
    }

    private static bool TryParseLength(
        ReadOnlySpan<char> address, ReadOnlySpan<char> mask, int longest, out int length, [NotNullWhen(false)] out string? problem)
    {
        length = 0;
        if (mask.IsEmpty || mask.ContainsAnyExceptInRange('0', '9'))
        {
            problem = $"bad mask value in \"{address}/{mask}\"";
            return false;
        }

        // As C's atoi does it: 4294967328 is 32, and what exceeds a long is no number at all.
        length = long.TryParse(mask, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? unchecked((int)value) : -1;
        problem = length >= 0 && length <= longest ? null : $"bad mask length in \"{address}/{mask}\"";
        return problem is null;
    }

    private IpAddress FirstAddress()
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, Address.High & MaskHigh);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Address.Low & MaskLow);
        return IpAddress.FromBytes(bytes);
    }

    /// <summary>inet_ntop(3) shows a mapped address that was written as IPv6 with its prefix.</summary>
    private static string Text(IpAddress address, bool isIPv4) =>
        isIPv4 || !address.IsIPv4 ? address.ToString() : $"::ffff:{address}";

    private static ulong Ones(int bits) => bits <= 0 ? 0 : bits >= 64 ? ulong.MaxValue : ~(ulong.MaxValue >> bits);
}
