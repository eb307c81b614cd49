using Microsoft.Win32.SafeHandles;

namespace Postern.Native;

/// <summary>
/// Writes a small file so that it has either the new content or the former one, whatever happens meanwhile. Owner, group, mode
/// and a link to it stay. For files that are ours to write: root has <see cref="SafeFile"/>.
/// </summary>
internal static unsafe class WholeFile
{
    private const uint PermissionBits = 0b111_111_111_111;
    private const uint OwnerOnly = 0b110_000_000;
    private const uint ForAllToRead = 0b110_100_100;

    /// <param name="path">Characters stand for bytes; the file need not exist.</param>
    /// <exception cref="IOException">It has the former content; the message is the reason.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var link = new FileInfo(path);
        var target = link.LinkTarget is null ? path : link.ResolveLinkTarget(returnFinalTarget: true)!.FullName;
        FileStatus former;
        var exists = Libc.statx(Libc.AT_FDCWD, target, 0, Libc.STATX_BASIC_STATS, &former) == 0;
        if (!exists && Errno.Last != Errno.ENOENT)
            throw new IOException(Errno.LastText);

        var next = target + ".new";
        _ = Libc.unlink(next); // of one who did not get to the end
        using var file = Open(next, Libc.O_WRONLY | Libc.O_CREAT | Libc.O_EXCL | Libc.O_NOFOLLOW, OwnerOnly);
        try
        {
            RandomAccess.Write(file, content, fileOffset: 0);
            if (exists && !IsGiven(file, former))
            {
                WriteInPlace(target, content);
                return;
            }

            if (Libc.fchmod((int)file.DangerousGetHandle(), exists ? former.Mode & PermissionBits : ForAllToRead) != 0)
                throw new IOException(Errno.LastText);
            RandomAccess.FlushToDisk(file); // else a crash could leave the new name without the new content
            if (Libc.rename(next, target) != 0)
                throw new IOException(Errno.LastText);
            FlushFolder(Path.GetDirectoryName(Path.GetFullPath(target))!);
        }
        finally
        {
            _ = Libc.unlink(next); // there is none any more where all went well
        }
    }

    /// <summary>Whether the new file belongs to whom the former one does; only root can give it to anybody.</summary>
    private static bool IsGiven(SafeFileHandle file, in FileStatus former) =>
        Libc.fchown((int)file.DangerousGetHandle(), former.User, former.Group) == 0;

    // The owner or group cannot be kept otherwise. That there is room for the content has just been seen.
    private static void WriteInPlace(string target, ReadOnlySpan<byte> content)
    {
        using var file = Open(target, Libc.O_WRONLY | Libc.O_NOFOLLOW, 0);
        RandomAccess.Write(file, content, fileOffset: 0);
        RandomAccess.SetLength(file, content.Length);
        RandomAccess.FlushToDisk(file);
    }

    private static void FlushFolder(string path)
    {
        var folder = Libc.open(path, Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_CLOEXEC, 0);
        if (folder < 0)
            return; // the file is there; only a crash in the next seconds would bring the former one back
        _ = Libc.fsync(folder);
        _ = Libc.close(folder);
    }

    private static SafeFileHandle Open(string path, int flags, uint mode)
    {
        var file = Libc.open(path, flags | Libc.O_CLOEXEC, mode);
        return file >= 0 ? new SafeFileHandle(file, ownsHandle: true) : throw new IOException(Errno.LastText);
    }
}
