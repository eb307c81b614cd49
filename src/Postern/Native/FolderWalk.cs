using System.Text;

namespace Postern.Native;

/// <summary>
/// Goes to the folder of a file step by step, as the kernel does, and sees each link on the way, the last one included: who
/// made it, and who could have. What is opened by <see cref="Name"/> in <see cref="Folder"/> is what was looked at.
/// </summary>
internal sealed unsafe class FolderWalk : IDisposable
{
    private const int MaxLinks = 40; // as the kernel
    private const int MaxTarget = 4096; // PATH_MAX
    private const int Searching = Libc.O_PATH | Libc.O_CLOEXEC;

    private readonly Stack<string> _ahead = [];
    private readonly bool _followsOthers;
    private int _links;

    // Whether nobody but root can have put the folder, and all those above it, where they are.
    private bool _isReachedSafely = true;

    private FolderWalk(string path, bool followsOthers)
    {
        _followsOthers = followsOthers;
        Push(path);
        if (!path.StartsWith('/'))
            Folder = Libc.open(".", Searching | Libc.O_DIRECTORY, 0);
    }

    /// <summary>Descriptor of the folder; for <see cref="Libc.openat"/> only.</summary>
    public int Folder { get; private set; } = -1;

    /// <summary>Of the file in there. No link, unless <see cref="IsOfKernel"/>; need not exist.</summary>
    public string Name { get; private set; } = "";

    /// <summary>Whether only root can have put there what is there.</summary>
    public bool IsRootsOnly { get; private set; }

    /// <summary>Whether the folder is root's, though a group may write to it, as to /var/log on some systems.</summary>
    public bool IsRoots { get; private set; }

    /// <summary>Whose folder it is.</summary>
    public uint Owner { get; private set; }

    /// <summary>Whether <see cref="Name"/> is a link such as /proc/self/fd/2, which only the kernel can follow.</summary>
    public bool IsOfKernel { get; private set; }

    /// <summary>Users beside root who made links on the way.</summary>
    public HashSet<uint> LinkOwners { get; } = [];

    /// <param name="path">Of the file.</param>
    /// <param name="followsOthers">Whether links are followed that others than root can have made.</param>
    /// <returns>Null with a <paramref name="problem"/>.</returns>
    public static FolderWalk? To(string path, bool followsOthers, out OpenProblem? problem)
    {
        var walk = new FolderWalk(path, followsOthers);
        problem = path.Length == 0 ? new OpenProblem(Errno.ENOENT, Errno.Text(Errno.ENOENT)) : walk.Look();
        while (problem is null && walk._ahead.Count > 0)
            problem = walk.Step();
        if (problem is null)
            return walk;
        walk.Dispose();
        return null;
    }

    public void Dispose()
    {
        if (Folder >= 0)
            _ = Libc.close(Folder);
        Folder = -1;
    }

    private void Push(string path)
    {
        if (path.StartsWith('/'))
        {
            Enter(Libc.open("/", Searching | Libc.O_DIRECTORY, 0));
            _isReachedSafely = true;
        }

        var names = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (path.EndsWith('/'))
            _ahead.Push("."); // it has to be a folder
        for (var i = names.Length - 1; i >= 0; i--)
            _ahead.Push(names[i]);
    }

    private void Enter(int folder)
    {
        Dispose();
        Folder = folder;
    }

    private OpenProblem? Step()
    {
        var name = _ahead.Pop();
        FileStatus status;
        if (Libc.statx(Folder, name, Libc.AT_SYMLINK_NOFOLLOW, Libc.STATX_BASIC_STATS, &status) != 0)
            return _ahead.Count == 0 && Errno.Last == Errno.ENOENT ? Arrive(name) : OpenProblem.OfSystem();
        if ((status.Mode & Libc.S_IFMT) == Libc.S_IFLNK)
            return Follow(name, status.User);
        if (_ahead.Count == 0)
            return Arrive(name);
        var next = Libc.openat(Folder, name, Searching | Libc.O_DIRECTORY | Libc.O_NOFOLLOW, 0);
        if (next < 0)
            return OpenProblem.OfSystem();
        Enter(next);
        return Look();
    }

    private OpenProblem? Arrive(string name)
    {
        Name = name;
        return null;
    }

    private OpenProblem? Follow(string name, uint owner)
    {
        if (++_links > MaxLinks)
            return new OpenProblem(Errno.ELOOP, Errno.Text(Errno.ELOOP));
        if (!_followsOthers && !IsRootsOnly)
            return OpenProblem.Refused("root does not follow a link that others can have put there: name the file that it leads to");
        var fileSystem = stackalloc long[16];
        if (_ahead.Count == 0 && IsRootsOnly && Libc.fstatfs(Folder, fileSystem) == 0 && *fileSystem == Libc.PROC_SUPER_MAGIC)
        {
            IsOfKernel = true;
            return Arrive(name);
        }

        if (owner != 0)
            LinkOwners.Add(owner);
        var target = stackalloc byte[MaxTarget];
        var length = Libc.readlinkat(Folder, name, target, MaxTarget);
        if (length < 0)
            return OpenProblem.OfSystem();
        if (length is 0 or MaxTarget)
            return OpenProblem.Refused("the link is too long");
        var path = Encoding.Latin1.GetString(target, (int)length);
        Push(path);
        return path.StartsWith('/') ? Look() : null;
    }

    /// <summary>Looks at the folder that was entered.</summary>
    private OpenProblem? Look()
    {
        FileStatus status;
        if (Folder < 0 || Libc.statx(Folder, "", Libc.AT_EMPTY_PATH, Libc.STATX_BASIC_STATS, &status) != 0)
            return OpenProblem.OfSystem();
        var mayGroupWrite = (status.Mode & Libc.S_IWGRP) != 0 && status.Group != 0;
        var isSticky = (status.Mode & Libc.S_ISVTX) != 0; // as /tmp: what is root's in there stays where it is
        Owner = status.User;
        IsRoots = _isReachedSafely && status.User == 0 && (status.Mode & Libc.S_IWOTH) == 0;
        IsRootsOnly = IsRoots && !mayGroupWrite;
        _isReachedSafely &= IsRootsOnly || (status.User == 0 && isSticky);
        return null;
    }
}
