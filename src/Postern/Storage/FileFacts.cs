using System.Runtime.InteropServices;
using System.Text;

namespace Postern.Storage;

/// <summary>Who owns a file and which file it is: what .NET does not tell. By statx(2), whose layout is the same everywhere.</summary>
/// <param name="Owner">User id.</param>
/// <param name="Inode">Tells a file from one that took its place.</param>
internal readonly partial record struct FileFacts(uint Owner, ulong Inode)
{
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const uint BasicStats = 0x7ff; // STATX_BASIC_STATS

    /// <summary>The facts about a path; null when it cannot be reached.</summary>
    public static FileFacts? Of(string path)
    {
        Span<byte> facts = stackalloc byte[256];
        var terminated = new byte[Encoding.UTF8.GetByteCount(path) + 1];
        Encoding.UTF8.GetBytes(path, terminated);
        if (StatX(CurrentDirectory, terminated, 0, BasicStats, facts) != 0)
            return null;
        return new FileFacts(BitConverter.ToUInt32(facts[20..]), BitConverter.ToUInt64(facts[32..])); // stx_uid, stx_ino
    }

    [LibraryImport("libc", EntryPoint = "statx")]
    private static partial int StatX(int directory, ReadOnlySpan<byte> path, int flags, uint mask, Span<byte> facts);
}
