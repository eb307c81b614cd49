using System.Diagnostics.CodeAnalysis;

namespace Postern.Core;

/// <summary>How Core sees the file system: whole small text files, each byte as the Latin-1 character of that value.</summary>
public interface ITextFiles
{
    /// <summary>The reason why a file that is being written, under a lock, cannot be read now.</summary>
    const string IsLocked = "Resource temporarily unavailable";

    /// <summary>The reason why a file in something that is no directory cannot be read.</summary>
    const string NotADirectory = "Not a directory";

    /// <summary>The reason why a file of others cannot be read.</summary>
    const string NotPermitted = "Permission denied";

    /// <summary>Reads a whole file, under a shared lock where files can have one.</summary>
    /// <param name="reason">On failure, the system's words: <c>No such file or directory</c>.</param>
    bool TryRead(string path, [NotNullWhen(true)] out TextFile? file, [NotNullWhen(false)] out string? reason);

    /// <summary>What tells one version of a file from the next, without reading it; null when the file cannot be reached.</summary>
    FileStamp? Stamp(string path);

    /// <summary>The absolute path of a file without any link in it; the path as given when it cannot be followed.</summary>
    string Resolve(string path) => path;
}

/// <summary>A file's text and the version that was read.</summary>
public sealed record TextFile(string Text, FileStamp Stamp);

/// <summary>A version of a file: modification time in UTC ticks, size in bytes, inode number.</summary>
public readonly record struct FileStamp(long ModifiedTicks, long Size, ulong Inode);
