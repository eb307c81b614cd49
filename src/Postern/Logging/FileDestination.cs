using System.Diagnostics.CodeAnalysis;
using Postern.Native;

namespace Postern.Logging;

/// <summary>
/// <c>maillog_file</c> and its like: appends with one write(2) a batch, and follows the path when the file was rotated, told or not.
/// </summary>
internal sealed unsafe class FileDestination : ILogDestination
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly string _parameter;
    private readonly string _path;
    private readonly uint _mode;
    private readonly TimeProvider _time;
    private int _file;
    private (ulong Inode, uint Major, uint Minor) _identity;
    private long _lookedAt;
    private bool _cannotWrite;
    private bool _cannotReopen;
    private string? _warning;

    private FileDestination(string parameter, string path, uint mode, TimeProvider time, int file)
    {
        (_parameter, _path, _mode, _time, _file) = (parameter, path, mode, time, file);
        TryIdentify(file, "", out _identity);
        _lookedAt = time.GetTimestamp();
    }

    /// <param name="parameter">Which one, for messages.</param>
    /// <param name="mode">Mode bits if the file is created.</param>
    public static bool TryOpen(
        string parameter,
        string path,
        uint mode,
        TimeProvider time,
        [NotNullWhen(true)] out FileDestination? destination,
        [NotNullWhen(false)] out string? problem)
    {
        var file = OpenFile(path, mode);
        (destination, problem) = file < 0
            ? ((FileDestination?)null, $"open {parameter} {path}: {Errno.LastText}")
            : (new FileDestination(parameter, path, mode, time, file), null);
        return file >= 0;
    }

    /// <inheritdoc />
    public bool IsSyslog => false;

    /// <inheritdoc />
    public int Write(ReadOnlySpan<byte> lines)
    {
        if (_time.GetElapsedTime(_lookedAt) >= LookInterval)
            Reopen();

        nint written;
        fixed (byte* data = lines)
        {
            do
                written = Libc.write(_file, data, (nuint)lines.Length);
            while (written < 0 && Errno.Last == Errno.EINTR);
        }

        if (written < 0)
        {
            if (!_cannotWrite)
                _warning = $"cannot write {_parameter} {_path}: {Errno.LastText}";
            _cannotWrite = true;
            return 0;
        }

        _cannotWrite &= written < lines.Length; // a full disk takes a part before it takes nothing
        return (int)written;
    }

    /// <inheritdoc />
    public bool WaitForRoom(int milliseconds) => false;

    /// <inheritdoc />
    public void Reopen()
    {
        _lookedAt = _time.GetTimestamp();
        if (TryIdentify(Libc.AT_FDCWD, _path, out var now) && now == _identity)
            return; // and without a right to open it again we could not

        var file = OpenFile(_path, _mode);
        if (file < 0)
        {
            // After privileges were dropped the folder may be closed to us; a line in the old file beats no line.
            if (!_cannotReopen)
                _warning = $"cannot reopen {_parameter} {_path}: {Errno.LastText}; still writing to the old file";
            _cannotReopen = true;
            return;
        }

        _cannotReopen = false;
        Libc.close(_file);
        _file = file;
        TryIdentify(file, "", out _identity);
    }

    /// <inheritdoc />
    public string? TakeWarning()
    {
        var warning = _warning;
        _warning = null;
        return warning;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_file >= 0)
            Libc.close(_file);
        _file = -1;
    }

    private static int OpenFile(string path, uint mode)
    {
        // Non-blocking for the sake of a named pipe without a reader; it changes nothing for a file.
        const int Flags = Libc.O_WRONLY | Libc.O_APPEND | Libc.O_NONBLOCK | Libc.O_NOCTTY | Libc.O_CLOEXEC;

        var file = Libc.open(path, Flags, 0);
        if (file >= 0 || Errno.Last != Errno.ENOENT)
            return file;
        file = Libc.open(path, Flags | Libc.O_CREAT | Libc.O_EXCL, mode);
        if (file >= 0)
            Libc.fchmod(file, mode); // what the administrator set is stronger than the umask
        else if (Errno.Last == Errno.EEXIST)
            file = Libc.open(path, Flags, 0);
        return file;
    }

    private static bool TryIdentify(int directory, string path, out (ulong Inode, uint Major, uint Minor) identity)
    {
        FileStatus status;
        var found = Libc.statx(
            directory, path, path.Length == 0 ? Libc.AT_EMPTY_PATH : 0, Libc.STATX_BASIC_STATS, &status) == 0;
        identity = found ? (status.Inode, status.DeviceMajor, status.DeviceMinor) : default;
        return found;
    }
}
