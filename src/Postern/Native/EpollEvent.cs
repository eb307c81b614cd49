using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Postern.Native;

/// <summary>
/// Reads and writes struct epoll_event, which is packed (12 bytes, data at 4) on x64 and aligned (16 bytes, data at 8)
/// elsewhere; hence bytes at offsets instead of a struct.
/// </summary>
internal static unsafe class EpollEvent
{
    /// <summary>Bytes of one event in an array of them.</summary>
    public static readonly int Size = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    private static readonly int DataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;

    /// <summary>The most that <see cref="Size"/> can be: for buffers on the stack.</summary>
    public const int MaxSize = 16;

    public static void Write(byte* destination, uint events, ulong data)
    {
        Unsafe.WriteUnaligned(destination, events);
        Unsafe.WriteUnaligned(destination + DataOffset, data);
    }

    public static uint Events(byte* events, int index) => Unsafe.ReadUnaligned<uint>(events + index * Size);

    public static ulong Data(byte* events, int index) => Unsafe.ReadUnaligned<ulong>(events + index * Size + DataOffset);

    /// <summary>epoll_ctl(2) with an event built on the stack.</summary>
    public static int Control(int epoll, int operation, int fd, uint events, ulong data)
    {
        var change = stackalloc byte[MaxSize];
        Write(change, events, data);
        return Libc.epoll_ctl(epoll, operation, fd, change);
    }
}
