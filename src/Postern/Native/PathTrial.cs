namespace Postern.Native;

/// <summary>Tells what opening a file for writing would come to, and makes nothing.</summary>
internal static unsafe class PathTrial
{
    /// <summary>Whether files can be made in a folder that is there.</summary>
    /// <param name="keeper">As whom; null: as we are.</param>
    /// <returns>Null: yes.</returns>
    public static OpenProblem? MakeIn(string folder, FileKeeper? keeper)
    {
        OpenProblem? problem = OpenProblem.Refused("it cannot be tried as that user");
        SafeFile.As(keeper, () => problem = Exists(folder) && !IsOfKind(folder, Libc.S_IFDIR)
            ? new OpenProblem(Errno.ENOTDIR, Errno.Text(Errno.ENOTDIR))
            : Access(folder, Libc.W_OK | Libc.X_OK));
        return problem;
    }

    /// <summary>Whether files can be made in a folder, which may have to be made before.</summary>
    /// <inheritdoc cref="MakeIn" path="/param" />
    /// <inheritdoc cref="MakeIn" path="/returns" />
    public static OpenProblem? MakeFolderAndIn(string folder, FileKeeper? keeper)
    {
        var path = folder.TrimEnd('/');
        while (path.Length > 0 && !Exists(path))
            path = path[..Math.Max(0, path.LastIndexOf('/'))];
        return MakeIn(path.Length == 0 ? "/" : path, keeper);
    }

    /// <summary>Whether lines can be appended to a file, as <see cref="SafeFile.OpenToAppend"/> would open it.</summary>
    public static OpenProblem? Append(string path, FileKeeper? keeper)
    {
        if (!Exists(path))
            return MakeIn(FolderOf(path), keeper: null);
        var file = SafeFile.OpenToAppend(path, mode: 0, keeper, isGiven: false, out var problem);
        if (file >= 0)
            _ = Libc.close(file);
        return problem;
    }

    /// <summary>Whether a file or socket may be read and written.</summary>
    /// <param name="keeper">By whom; null: by us.</param>
    public static OpenProblem? Use(string path, FileKeeper? keeper)
    {
        OpenProblem? problem = null;
        SafeFile.As(keeper, () => problem = Access(path, Libc.R_OK | Libc.W_OK));
        return problem;
    }

    /// <summary>Whether there is a file that we may run.</summary>
    public static OpenProblem? Run(string path) => IsOfKind(path, Libc.S_IFDIR) ? new OpenProblem(Errno.EACCES, "Is a directory") : Access(path, Libc.X_OK);

    /// <summary>Whether there is something, and it is a socket.</summary>
    public static bool IsSocket(string path) => IsOfKind(path, Libc.S_IFSOCK);

    /// <summary>Whether there is something of that name.</summary>
    public static bool Exists(string path)
    {
        FileStatus status;
        return Libc.statx(Libc.AT_FDCWD, path, 0, Libc.STATX_BASIC_STATS, &status) == 0;
    }

    /// <summary>The folder that a path is in.</summary>
    public static string FolderOf(string path) => path.LastIndexOf('/') is > 0 and var slash ? path[..slash] : "/";

    private static bool IsOfKind(string path, int kind)
    {
        FileStatus status;
        return Libc.statx(Libc.AT_FDCWD, path, 0, Libc.STATX_BASIC_STATS, &status) == 0 && (status.Mode & Libc.S_IFMT) == kind;
    }

    private static OpenProblem? Access(string path, int mode) =>
        Libc.faccessat(Libc.AT_FDCWD, path, mode, Libc.AT_EACCESS) == 0 ? null : OpenProblem.OfSystem();
}
