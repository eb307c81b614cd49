using System.Runtime.InteropServices;

namespace Postern.Native;

/// <summary>struct pollfd.</summary>
internal struct PollEntry
{
    public int Descriptor;
    public short Events;
    public short Returned;
}

/// <summary>struct flock; all zero but the type: the whole file.</summary>
internal struct FileLock
{
    public short Type;
    public short Whence;
    public long Start;
    public long Length;
    public int Process;
}

/// <summary>struct iovec.</summary>
internal unsafe struct IoVector
{
    public byte* Data;
    public nuint Length;
}

/// <summary>struct msghdr, 56 bytes.</summary>
internal unsafe struct MessageHeader
{
    public byte* Name;
    public uint NameLength;
    public IoVector* Vectors;
    public nuint VectorCount;
    public void* Control;
    public nuint ControlLength;
    public int Flags;
}

/// <summary>struct cmsghdr, 16 bytes; the data follow it, padded to a multiple of eight.</summary>
internal struct ControlHeader
{
    /// <summary>CMSG_SPACE of one descriptor.</summary>
    public const int SpaceOfDescriptor = 24;

    /// <summary>CMSG_LEN of one descriptor.</summary>
    public const int LengthOfDescriptor = 20;

    public nuint Length;
    public int Level;
    public int Type;
}

/// <summary>struct rlimit; all bits set means unlimited.</summary>
internal struct ResourceLimit
{
    public ulong Soft;
    public ulong Hard;
}

/// <summary>struct passwd; the text lies in the buffer given to <see cref="Libc.getpwnam_r"/>.</summary>
internal unsafe struct PasswordEntry
{
    public byte* Name;
    public byte* Password;
    public uint User;
    public uint Group;
    public byte* Comment;
    public byte* Home;
    public byte* Shell;
}

/// <summary>struct group; the text lies in the buffer given to <see cref="Libc.getgrnam_r"/>.</summary>
internal unsafe struct GroupEntry
{
    public byte* Name;
    public byte* Password;
    public uint Group;
    public byte** Members; // null behind the last one
}

/// <summary>struct statx: unlike struct stat it is the same on every architecture.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
internal struct FileStatus
{
    [FieldOffset(16)] public uint Links;
    [FieldOffset(20)] public uint User;
    [FieldOffset(24)] public uint Group;
    [FieldOffset(28)] public ushort Mode;
    [FieldOffset(32)] public ulong Inode;
    [FieldOffset(40)] public ulong Length;
    [FieldOffset(80)] public long BornSeconds;
    [FieldOffset(88)] public uint BornNanoseconds;
    [FieldOffset(96)] public long ChangedSeconds;
    [FieldOffset(104)] public uint ChangedNanoseconds;
    [FieldOffset(112)] public long ModifiedSeconds;
    [FieldOffset(120)] public uint ModifiedNanoseconds;
    [FieldOffset(136)] public uint DeviceMajor;
    [FieldOffset(140)] public uint DeviceMinor;
}
