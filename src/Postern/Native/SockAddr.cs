using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Postern.Core;

namespace Postern.Native;

/// <summary>
/// The bytes of struct sockaddr_in, sockaddr_in6 and sockaddr_un. All start with the family in host order; ports and
/// addresses stand in network order.
/// </summary>
internal static class SockAddr
{
    /// <summary>Room for any socket address: sockaddr_storage.</summary>
    public const int MaxLength = 128;

    /// <summary>The longest path of a UNIX socket, without its NUL.</summary>
    public const int MaxUnixPath = 107;

    private const int InetLength = 16;
    private const int Inet6Length = 28;
    private const int UnixPathOffset = 2;

    /// <summary>AF_UNIX, AF_INET or AF_INET6; 0 when <paramref name="address"/> is empty.</summary>
    public static int Family(ReadOnlySpan<byte> address) => address.Length < 2 ? 0 : MemoryMarshal.Read<ushort>(address);

    /// <summary>Writes an AF_INET address for IPv4, else an AF_INET6 address.</summary>
    /// <returns>The length in bytes, as bind(2) and connect(2) want it.</returns>
    public static int WriteInet(Span<byte> destination, IpAddress address, int port)
    {
        if (!address.IsIPv4)
            return WriteInet6(destination, address, port);

        destination[..InetLength].Clear();
        MemoryMarshal.Write(destination, (ushort)Libc.AF_INET);
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)port);
        BinaryPrimitives.WriteUInt32BigEndian(destination[4..], address.IPv4Bits);
        return InetLength;
    }

    /// <summary>Writes an AF_INET6 address, IPv4 in its mapped form: for sockets of family AF_INET6.</summary>
    /// <param name="scope">Interface index of a link-local address, else 0.</param>
    public static int WriteInet6(Span<byte> destination, IpAddress address, int port, uint scope = 0)
    {
        destination[..Inet6Length].Clear();
        MemoryMarshal.Write(destination, (ushort)Libc.AF_INET6);
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)port);
        address.WriteBytes(destination[8..]);
        MemoryMarshal.Write(destination[24..], scope);
        return Inet6Length;
    }

    /// <param name="path">Latin-1; a first character NUL means the abstract name space.</param>
    /// <returns>The length in bytes; 0 when the path is empty or too long.</returns>
    public static int WriteUnix(Span<byte> destination, ReadOnlySpan<char> path)
    {
        if (path.Length is 0 or > MaxUnixPath)
            return 0;

        MemoryMarshal.Write(destination, (ushort)Libc.AF_UNIX);
        var length = UnixPathOffset + Encoding.Latin1.GetBytes(path, destination[UnixPathOffset..]);
        if (path[0] == '\0')
            return length; // an abstract name is counted, not ended by NUL
        destination[length] = 0;
        return length + 1;
    }

    /// <summary>Reads an AF_INET or AF_INET6 address.</summary>
    /// <returns>False for any other family and for a cut address.</returns>
    public static bool TryReadInet(ReadOnlySpan<byte> source, out IpAddress address, out int port)
    {
        (address, port) = (default, 0);
        switch (Family(source))
        {
            case Libc.AF_INET when source.Length >= InetLength:
                address = IpAddress.FromBytes(source.Slice(4, 4));
                break;
            case Libc.AF_INET6 when source.Length >= Inet6Length:
                address = IpAddress.FromBytes(source.Slice(8, 16));
                break;
            default:
                return false;
        }

        port = BinaryPrimitives.ReadUInt16BigEndian(source[2..]);
        return true;
    }
}
