using Microsoft.Win32.SafeHandles;

namespace Postern.Native;

/// <summary>
/// Opens files for a process that is root, while somebody else may own the folder, and could put a link there that has root
/// write to, give away or read what is not his. The rules are in ADR 13. Who is not root opens with his own rights, and
/// needs no rules.
/// </summary>
internal static unsafe class SafeFile
{
    // Non-blocking for the sake of a named pipe without anybody at the other end; it changes nothing for a file.
    private const uint OwnerOnly = 0b111_000_000;
    private const int Always = Libc.O_NONBLOCK | Libc.O_NOCTTY | Libc.O_CLOEXEC;

    /// <summary>
    /// Opens a file to append to, and makes it where it is missing. Root follows only links that nobody but root can have
    /// put there, and writes to a regular file with one name that belongs to root or to the keeper, or lies in a folder of
    /// root's; where nobody but root can put anything, also to what is no file.
    /// </summary>
    /// <param name="path">Characters stand for bytes.</param>
    /// <param name="mode">Mode bits of a new file, stronger than the umask.</param>
    /// <param name="keeper">Who else may own the file, when we are root; null: nobody.</param>
    /// <param name="isGiven">
    /// Whether the file is to belong to the keeper. Then one that is not his already is taken from a folder of root's alone only:
    /// in his own, he may have renamed another file of root's.
    /// </param>
    /// <returns>A descriptor; negative with a <paramref name="problem"/>.</returns>
    public static int OpenToAppend(string path, uint mode, FileKeeper? keeper, bool isGiven, out OpenProblem? problem)
    {
        const int Flags = Libc.O_WRONLY | Libc.O_APPEND | Always;
        if (Libc.geteuid() != 0)
            return OpenOrCreate(Libc.AT_FDCWD, path, Flags, mode, out _, out problem);

        using var walk = FolderWalk.To(path, followsOthers: false, out problem);
        if (walk is null)
            return -1;
        var file = OpenOrCreate(walk.Folder, walk.Name, Flags | (walk.IsOfKernel ? 0 : Libc.O_NOFOLLOW), mode, out var isNew, out problem);
        if (file < 0)
            return file;
        problem = isNew ? null : isGiven ? RefusalToGive(file, walk, keeper) : RefusalToWrite(file, walk, keeper);
        if (problem is null && isGiven && keeper is var (user, group) && Libc.fchown(file, user, group) != 0)
            problem = OpenProblem.OfSystem();
        return problem is null ? file : Close(file);
    }

    /// <summary>
    /// Opens a file to read, never a named pipe. Root follows links, as administrators make them for tables and certificates,
    /// but neither a link nor a second name by which its maker would have root read what belongs to somebody else.
    /// </summary>
    /// <inheritdoc cref="OpenToAppend" path="/param[@name='path']" />
    /// <inheritdoc cref="OpenToAppend" path="/returns" />
    public static int OpenToRead(string path, out OpenProblem? problem)
    {
        const int Flags = Libc.O_RDONLY | Always;
        if (Libc.geteuid() != 0)
            return Check(Libc.open(path, Flags, 0), walk: null, out problem);

        using var walk = FolderWalk.To(path, followsOthers: true, out problem);
        return walk is null ? -1 : Check(Libc.openat(walk.Folder, walk.Name, Flags | (walk.IsOfKernel ? 0 : Libc.O_NOFOLLOW), 0), walk, out problem);
    }

    /// <summary>
    /// Makes a folder with those above it, for the keeper alone: with his rights, unless nobody but root can put anything
    /// there. What exists already stays as it is.
    /// </summary>
    /// <param name="keeper">Whose it is to be; null: ours, whoever we are.</param>
    public static OpenProblem? MakeFolder(string path, FileKeeper? keeper) => MakeFolder(path.TrimEnd('/'), OwnerOnly, keeper, keeper);

    /// <summary>Does something with files as the keeper, in this thread alone: the system asks for his rights then.</summary>
    /// <param name="keeper">Null: as we are.</param>
    public static void As(FileKeeper? keeper, Action action)
    {
        if (keeper is not var (user, group))
        {
            action();
            return;
        }

        _ = Libc.setfsgid(group);
        _ = Libc.setfsuid(user);
        try
        {
            if (Libc.setfsuid(uint.MaxValue) == user) // which changes nothing, and tells
                action();
        }
        finally
        {
            _ = Libc.setfsuid(0);
            _ = Libc.setfsgid(0);
        }
    }

    private static OpenProblem? MakeFolder(string path, uint mode, FileKeeper? keeper, FileKeeper? owner)
    {
        FileStatus status;
        if (path.Length == 0 || Libc.statx(Libc.AT_FDCWD, path, 0, Libc.STATX_BASIC_STATS, &status) == 0)
            return null;
        const uint ForAll = 0b111_101_101;
        if (path.LastIndexOf('/') is > 0 and var slash && MakeFolder(path[..slash].TrimEnd('/'), ForAll, keeper, owner: null) is { } above)
            return above;

        OpenProblem? problem = null;
        if (keeper is null)
            return Libc.mkdirat(Libc.AT_FDCWD, path, mode) == 0 ? null : OpenProblem.OfSystem();
        using var walk = FolderWalk.To(path, followsOthers: false, out problem);
        if (walk is null)
            return problem;
        if (!walk.IsRootsOnly)
            As(keeper, () => problem = Libc.mkdirat(walk.Folder, walk.Name, mode) == 0 ? null : OpenProblem.OfSystem());
        else if (Libc.mkdirat(walk.Folder, walk.Name, mode) != 0)
            problem = OpenProblem.OfSystem();
        else if (owner is var (user, group))
            problem = Give(walk, user, group);
        return problem;
    }

    private static OpenProblem? Give(FolderWalk walk, uint user, uint group)
    {
        var folder = Libc.openat(walk.Folder, walk.Name, Libc.O_RDONLY | Libc.O_DIRECTORY | Libc.O_NOFOLLOW | Libc.O_CLOEXEC, 0);
        var problem = folder >= 0 && Libc.fchown(folder, user, group) == 0 ? null : OpenProblem.OfSystem();
        Close(folder);
        return problem;
    }

    /// <summary>As <see cref="OpenToRead"/>, for the runtime.</summary>
    /// <exception cref="IOException">Its message is the reason.</exception>
    public static FileStream Read(string path)
    {
        var file = OpenToRead(path, out var problem);
        return problem is null ? new FileStream(new SafeFileHandle(file, ownsHandle: true), FileAccess.Read) : throw new IOException(problem.Text);
    }

    private static int OpenOrCreate(int folder, string name, int flags, uint mode, out bool isNew, out OpenProblem? problem)
    {
        isNew = false;
        var file = Libc.openat(folder, name, flags, 0);
        if (file < 0 && Errno.Last == Errno.ENOENT)
        {
            file = Libc.openat(folder, name, flags | Libc.O_CREAT | Libc.O_EXCL, mode);
            isNew = file >= 0;
            if (isNew)
                _ = Libc.fchmod(file, mode);
            else if (Errno.Last == Errno.EEXIST)
                file = Libc.openat(folder, name, flags, 0);
        }

        problem = file < 0 ? OpenProblem.OfSystem() : null;
        return file;
    }

    private static OpenProblem? RefusalToWrite(int file, FolderWalk walk, FileKeeper? keeper)
    {
        if (!TryLook(file, out var status, out var problem))
            return problem;
        if (walk.IsRootsOnly)
            return null;
        return RefusalOfKind(status) ?? (walk.IsRoots || status.User == 0 || status.User == keeper?.User ? null : Foreign(status));
    }

    private static OpenProblem? RefusalToGive(int file, FolderWalk walk, FileKeeper? keeper)
    {
        if (!TryLook(file, out var status, out var problem))
            return problem;
        if (RefusalOfKind(status) is { } refusal)
            return refusal;
        if (status.User == 0 && !walk.IsRootsOnly)
            return OpenProblem.Refused("it belongs to root, in a folder where others can have put it: chown it to mail_owner");
        return status.User == 0 || status.User == keeper?.User ? null : Foreign(status);
    }

    private static OpenProblem? RefusalOfKind(in FileStatus status) =>
        (status.Mode & Libc.S_IFMT) != Libc.S_IFREG ? OpenProblem.Refused("it is not a regular file")
        : status.Links != 1 ? OpenProblem.Refused($"it has {status.Links} names (hard links)")
        : null;

    private static OpenProblem Foreign(in FileStatus status) => OpenProblem.Refused($"it belongs to user ID {status.User}, who is neither root nor mail_owner: chown it to one of them");

    private static bool TryLook(int file, out FileStatus status, out OpenProblem? problem)
    {
        fixed (FileStatus* found = &status)
            problem = Libc.statx(file, "", Libc.AT_EMPTY_PATH, Libc.STATX_BASIC_STATS, found) == 0 ? null : OpenProblem.OfSystem();
        return problem is null;
    }

    private static int Check(int file, FolderWalk? walk, out OpenProblem? problem)
    {
        if (file < 0)
            problem = OpenProblem.OfSystem();
        else if (!TryLook(file, out var status, out problem))
            return Close(file);
        else if ((status.Mode & Libc.S_IFMT) == Libc.S_IFIFO)
            problem = OpenProblem.Refused("it is a named pipe, not a file");
        else if (walk is { IsRoots: false, IsOfKernel: false } && status.Links > 1 && (status.Mode & Libc.S_IFMT) == Libc.S_IFREG && status.User != walk.Owner)
            problem = OpenProblem.Refused($"it is user ID {status.User}'s and has {status.Links} names (hard links), one of them in a folder of user ID {walk.Owner}");
        else if (walk?.LinkOwners.FirstOrDefault(owner => owner != status.User) is > 0 and var maker)
            problem = OpenProblem.Refused($"root does not follow a link of user ID {maker} to a file of user ID {status.User}");
        return problem is null ? file : Close(file);
    }

    private static int Close(int file)
    {
        if (file >= 0)
            _ = Libc.close(file);
        return -1;
    }
}
