using System.Diagnostics.CodeAnalysis;
using Postern.Native;

namespace Postern.Logging;

/// <summary>
/// <c>maillog_file</c> and its like: appends with one write(2) a batch, and follows the path when the file was rotated, told
/// or not. Where the file could not be opened, it is tried again once a second.
/// </summary>
internal sealed unsafe class FileDestination : ILogDestination
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly string _parameter;
    private readonly string _path;
    private readonly uint _mode;
    private readonly TimeProvider _time;
    private readonly FileKeeper? _keeper;
    private readonly bool _isGiven;
    private int _file = -1;
    private (ulong Inode, uint Major, uint Minor) _identity;
    private long _lookedAt;
    private bool _cannotWrite;
    private bool _cannotOpen;
    private string? _warning;

    private FileDestination(string parameter, string path, uint mode, TimeProvider time, FileKeeper? keeper, bool isGiven) =>
        (_parameter, _path, _mode, _time, _keeper, _isGiven) = (parameter, path, mode, time, keeper, isGiven);

    /// <summary>Opens the file, as <see cref="SafeFile.OpenToAppend"/> says.</summary>
    /// <param name="parameter">Which one, for messages.</param>
    /// <param name="mode">Mode bits if the file is created.</param>
    /// <param name="keeper">Who may own the file beside root; null: nobody.</param>
    /// <param name="destination">Null when the administrator has to do something about it. A disk that takes nothing now may do so later.</param>
    /// <param name="problem">Why there is no file; null: there is one.</param>
    public static bool TryOpen(
        string parameter, string path, uint mode, TimeProvider time, FileKeeper? keeper, [NotNullWhen(true)] out FileDestination? destination, out string? problem)
    {
        destination = new FileDestination(parameter, path, mode, time, keeper, isGiven: false);
        var failure = destination.Open();
        problem = failure is null ? null : $"open {parameter} {path}: {failure.Text}";
        if (failure is { IsOfDisk: true })
            destination.WarnOfNoFile(failure);
        else if (failure is not null)
            destination = null;
        return destination is not null;
    }

    /// <summary>
    /// Opens a file that is to belong to the user that the process is about to become. Where that is not possible, the first
    /// <see cref="Reopen"/> warns; as another user, it may work.
    /// </summary>
    /// <param name="keeper">That user; null: we are he, or nobody is known.</param>
    /// <inheritdoc cref="TryOpen" path="/param" />
    public static FileDestination OpenFor(string parameter, string path, uint mode, TimeProvider time, FileKeeper? keeper)
    {
        var destination = new FileDestination(parameter, path, mode, time, keeper, isGiven: keeper is not null);
        destination.Open();
        return destination;
    }

    /// <inheritdoc />
    public bool IsSyslog => false;

    /// <inheritdoc />
    public int Write(ReadOnlySpan<byte> lines)
    {
        if (_time.GetElapsedTime(_lookedAt) >= LookInterval)
            Reopen();
        if (_file < 0)
            return 0;

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
        if (_file >= 0 && TryIdentify(Libc.AT_FDCWD, _path, out var now) && now == _identity)
        {
            _lookedAt = _time.GetTimestamp();
            return; // and without a right to open it again we could not
        }

        var old = _file;
        if (Open() is { } problem)
            WarnOfNoFile(problem);
        else if (old >= 0)
            Libc.close(old);
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

    /// <returns>Null on success; else the file is the one that it was, or none.</returns>
    private OpenProblem? Open()
    {
        _lookedAt = _time.GetTimestamp();
        var file = SafeFile.OpenToAppend(_path, _mode, _keeper, _isGiven, out var problem);
        if (problem is not null)
            return problem;
        (_file, _cannotOpen) = (file, false);
        TryIdentify(file, "", out _identity);
        return null;
    }

    private void WarnOfNoFile(OpenProblem problem)
    {
        // After privileges were dropped the folder may be closed to us; a line in the old file beats no line.
        if (!_cannotOpen)
            _warning = _file >= 0 ? $"cannot reopen {_parameter} {_path}: {problem.Text}; still writing to the old file" : $"open {_parameter} {_path}: {problem.Text}; it is tried again every second";
        _cannotOpen = true;
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
