using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using System.Text;
using Postern.Core;
using Postern.Native;

namespace Postern.Storage;

/// <summary>
/// The file system for Core. It asks the system directly: paths are bytes, which .NET would take for UTF-8, inode numbers
/// are not to be had from .NET, and the reasons must be the system's words.
/// </summary>
internal sealed partial class TextFiles : ITextFiles
{
    private const int DefaultMostBytes = 64 << 20;
    private readonly int _mostBytes;

    /// <param name="mostBytes">A longer file is refused.</param>
    public TextFiles(int mostBytes = DefaultMostBytes) => _mostBytes = mostBytes;

    /// <inheritdoc />
    public bool TryRead(string path, [NotNullWhen(true)] out TextFile? file, [NotNullWhen(false)] out string? reason)
    {
        file = null;
        if (!TryOpen(path, out var reader, out reason))
            return false;
        using (reader)
        {
            var text = Encoding.Latin1.GetString(reader.ReadToEnd());
            reason = reader.Problem;
            file = reason is null ? new TextFile(text, reader.Stamp) : null;
            return file is not null;
        }
    }

    /// <inheritdoc />
    public bool TryOpen(string path, [NotNullWhen(true)] out IFileReader? file, [NotNullWhen(false)] out string? reason)
    {
        (file, reason) = (null, null);
        if (path.Contains('\0'))
        {
            reason = Reason(NoSuchFile);
            return false;
        }

        var descriptor = SafeFile.OpenToRead(path, out var problem);
        if (problem is not null)
        {
            reason = problem.Text;
            return false;
        }

        reason = Inspect(descriptor, out var stamp);
        if (reason is null)
            file = new OpenFile(descriptor, stamp, _mostBytes);
        else
            _ = Close(descriptor);
        return file is not null;
    }

    /// <inheritdoc />
    public FileStamp? Stamp(string path)
    {
        if (path.Contains('\0'))
            return null;
        return Statx(CurrentFolder, Bytes(path), 0, StatWanted, out var status) == 0 ? ToStamp(status) : null;
    }

    /// <inheritdoc />
    public string Resolve(string path)
    {
        var resolved = new byte[LongestPath];
        return !path.Contains('\0') && RealPath(Bytes(path), resolved) != 0
            ? Encoding.Latin1.GetString(resolved, 0, Array.IndexOf(resolved, (byte)0))
            : path;
    }

    /// <returns>Why the file is not to be read; null: it may be.</returns>
    private string? Inspect(int descriptor, out FileStamp stamp)
    {
        stamp = default;

        // postmap(1) writes databases under such a lock; a file system without locks has no writer to wait for.
        if (Flock(descriptor, SharedLock | DoNotWait) != 0 && Marshal.GetLastPInvokeError() == TryAgain)
            return Reason(TryAgain);

        // The stamp first: what changes while we read differs from it at the next look.
        if (Statx(descriptor, EmptyPath, StatEmptyPath, StatWanted, out var status) != 0)
            return Reason(Marshal.GetLastPInvokeError());
        if (status.Size > (ulong)_mostBytes)
            return Reason(FileTooLarge);
        stamp = ToStamp(status);
        return null;
    }

    private sealed class OpenFile(int descriptor, FileStamp stamp, int mostBytes) : IFileReader
    {
        private bool _isOpen = true;
        private int _length;

        /// <inheritdoc />
        public FileStamp Stamp => stamp;

        /// <inheritdoc />
        public string? Problem { get; private set; }

        /// <inheritdoc />
        public int Read(Span<byte> into)
        {
            while (Problem is null && !into.IsEmpty)
            {
                var count = (int)TextFiles.Read(descriptor, ref MemoryMarshal.GetReference(into), (nuint)into.Length);
                if (count < 0 && Marshal.GetLastPInvokeError() is not Interrupted and var error)
                    Problem = Reason(error);
                if (count < 0)
                    continue;
                _length += count;
                if (_length <= mostBytes)
                    return count;
                Problem = Reason(FileTooLarge); // it grew meanwhile, or has no end
            }

            return 0;
        }

        /// <inheritdoc />
        public void Dispose()
        {
            if (_isOpen)
                _ = Close(descriptor);
            _isOpen = false;
        }
    }

    private static FileStamp ToStamp(in FileStatus status) => new(
        DateTime.UnixEpoch.Ticks + status.ModifiedSeconds * TimeSpan.TicksPerSecond + status.ModifiedNanoseconds / 100,
        (long)status.Size,
        status.Inode);

    private static string Reason(int error) => Marshal.GetPInvokeErrorMessage(error);

    private static byte[] Bytes(string path) => [.. Encoding.Latin1.GetBytes(path), 0];

    // Values of Linux, the same on all machines that .NET runs on, as is the layout of statx(2).
    private const int CurrentFolder = -100;
    private const int StatEmptyPath = 0x1000;
    private const uint StatWanted = 0x40 | 0x100 | 0x200; // modification time, inode, size
    private const int LongestPath = 4096;
    private const int NoSuchFile = 2;
    private const int Interrupted = 4;
    private const int TryAgain = 11;
    private const int FileTooLarge = 27;
    private const int SharedLock = 1;
    private const int DoNotWait = 4;
    private static readonly byte[] EmptyPath = [0];

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(int descriptor, ref byte buffer, nuint count);

    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    private static partial int Statx(int folder, byte[] path, int flags, uint wanted, out FileStatus status);

    [LibraryImport("libc", EntryPoint = "realpath")]
    private static partial nint RealPath(byte[] path, byte[] resolved);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(int descriptor, int operation);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct FileStatus
    {
        [FieldOffset(0x20)]
        public ulong Inode;
        [FieldOffset(0x28)]
        public ulong Size;
        [FieldOffset(0x70)]
        public long ModifiedSeconds;
        [FieldOffset(0x78)]
        public uint ModifiedNanoseconds;
    }
}
