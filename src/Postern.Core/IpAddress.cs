using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace Postern.Core;

/// <summary>
/// An IPv4 or IPv6 address, 16 bytes. IPv4 is kept in its mapped form (::ffff:a.b.c.d), so that an IPv4-mapped IPv6
/// address and the IPv4 address are one and the same, as they are to Postfix.
/// </summary>
public readonly struct IpAddress : IEquatable<IpAddress>
{
    private const ulong MappedPrefix = 0x0000_ffff_0000_0000;

    /// <summary>Longest text form, in bytes.</summary>
    public const int MaxTextLength = 45;

    private IpAddress(ulong high, ulong low) => (High, Low) = (high, low);

    /// <summary>The first 64 bits in network order.</summary>
    public ulong High { get; }

    /// <summary>The last 64 bits in network order.</summary>
    public ulong Low { get; }

    /// <summary>Whether this is an IPv4 address.</summary>
    public bool IsIPv4 => High == 0 && Low >> 32 == MappedPrefix >> 32;

    /// <summary>The 32 bits of an IPv4 address, most significant byte first.</summary>
    public uint IPv4Bits => (uint)Low;

    /// <summary>All addresses of the own machine, in the place of one to listen on: 0.0.0.0 or ::.</summary>
    public bool IsWildcard => IsIPv4 ? IPv4Bits == 0 : (High | Low) == 0;

    /// <summary>Whether it stands for the own machine: 127.0.0.0/8, ::1.</summary>
    public bool IsLoopback => IsIPv4 ? IPv4Bits >> 24 == 127 : this is { High: 0, Low: 1 };

    /// <summary>The network that the address is in: its first bits, and zeros.</summary>
    /// <param name="length">Bits: 0 to 32 of an IPv4 address, 0 to 128 of an IPv6 address.</param>
    public IpAddress Network(int length)
    {
        return IsIPv4 ? FromIPv4(IPv4Bits & (uint)(First(length) >> 32)) : new(High & First(length), Low & First(length - 64));

        static ulong First(int bits) => bits <= 0 ? 0 : ulong.MaxValue << (64 - Math.Min(bits, 64));
    }

    /// <summary>The last address of that network: the same first bits, and ones.</summary>
    /// <param name="length">Bits: 0 to 32 of an IPv4 address, 0 to 128 of an IPv6 address.</param>
    public IpAddress LastOf(int length)
    {
        var bits = IsIPv4 ? length + 96 : length;
        return new(High | Rest(bits), Low | Rest(bits - 64));

        static ulong Rest(int bits) => bits <= 0 ? ulong.MaxValue : bits >= 64 ? 0 : ulong.MaxValue >> bits;
    }

    /// <param name="bits">a.b.c.d with a in the most significant byte.</param>
    public static IpAddress FromIPv4(uint bits) => new(0, MappedPrefix | bits);

    /// <param name="bytes">4 or 16 bytes in network order.</param>
    public static IpAddress FromBytes(ReadOnlySpan<byte> bytes) => bytes.Length == 4
        ? FromIPv4(BinaryPrimitives.ReadUInt32BigEndian(bytes))
        : new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));

    /// <summary>
    /// Reads what inet_pton(3) accepts: IPv4 as four decimal parts without leading zeros, IPv6 without zone or brackets.
    /// </summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IpAddress address)
    {
        address = default;
        if (!text.Contains(':'))
        {
            if (!TryParseIPv4(text, out var bits))
                return false;
            address = FromIPv4(bits);
            return true;
        }

        if (text.Length > MaxTextLength || text.ContainsAnyExcept("0123456789abcdefABCDEF:."))
            return false;
        if (text.LastIndexOf('.') >= 0 && !TryParseIPv4(text[(text.LastIndexOf(':') + 1)..], out _))
            return false; // the system's parser also takes octal and short forms here
        if (!IPAddress.TryParse(text, out var parsed))
            return false;
        Span<byte> bytes = stackalloc byte[16];
        parsed.TryWriteBytes(bytes, out var written);
        if (written != 16)
            return false;
        address = FromBytes(bytes);
        return true;
    }

    private static bool TryParseIPv4(ReadOnlySpan<char> text, out uint bits)
    {
        bits = 0;
        var parts = 0;
        while (true)
        {
            var dot = text.IndexOf('.');
            var part = dot < 0 ? text : text[..dot];
            if (part.Length is 0 or > 3 || (part.Length > 1 && part[0] == '0') || part.ContainsAnyExceptInRange('0', '9'))
                return false;
            var value = 0u;
            foreach (var digit in part)
                value = value * 10 + (uint)(digit - '0');
            if (value > 255 || ++parts > 4)
                return false;
            bits = bits << 8 | value;
            if (dot < 0)
                return parts == 4;
            text = text[(dot + 1)..];
        }
    }

    /// <summary>Writes the text form: dotted quad, or compressed lower-case IPv6 without brackets and zone.</summary>
    /// <returns>The number of bytes written; <paramref name="destination"/> needs <see cref="MaxTextLength"/>.</returns>
    public int Format(Span<byte> destination)
    {
        if (IsIPv4)
        {
            // Every line about a client has its address: this is some four times as fast as the general formatter.
            var length = 0;
            for (var shift = 24; shift >= 0; shift -= 8)
            {
                var part = (byte)(IPv4Bits >> shift);
                if (part >= 100)
                    destination[length++] = (byte)('0' + part / 100);
                if (part >= 10)
                    destination[length++] = (byte)('0' + part / 10 % 10);
                destination[length++] = (byte)('0' + part % 10);
                if (shift > 0)
                    destination[length++] = (byte)'.';
            }

            return length;
        }

        Span<byte> bytes = stackalloc byte[16];
        WriteBytes(bytes);
        new IPAddress(bytes).TryFormat(destination, out var written);
        return written;
    }

    /// <summary>Writes the 16 bytes in network order (IPv4 in its mapped form).</summary>
    public void WriteBytes(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, High);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Low);
    }

    /// <inheritdoc />
    public override string ToString()
    {
        Span<byte> text = stackalloc byte[MaxTextLength];
        return Encoding.ASCII.GetString(text[..Format(text)]);
    }

    /// <inheritdoc />
    public bool Equals(IpAddress other) => High == other.High && Low == other.Low;

    /// <inheritdoc />
    public override bool Equals(object? obj) => obj is IpAddress other && Equals(other);

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(High, Low); // seeded per process: clients choose addresses

    /// <summary>Whether both are the same address.</summary>
    public static bool operator ==(IpAddress left, IpAddress right) => left.Equals(right);

    /// <summary>Whether the two differ.</summary>
    public static bool operator !=(IpAddress left, IpAddress right) => !left.Equals(right);
}
