using System.Diagnostics.CodeAnalysis;

namespace Postern.Core;

/// <summary>How Core sees the file system: files that are read from the beginning to the end, each byte as the Latin-1 character of that value.</summary>
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

    /// <summary>Opens a file that may be too large to be held as a text, under a shared lock where files can have one.</summary>
    /// <param name="file">To be read by any one thread, and closed.</param>
    /// <inheritdoc cref="TryRead" path="/param[@name='reason']" />
    bool TryOpen(string path, [NotNullWhen(true)] out IFileReader? file, [NotNullWhen(false)] out string? reason)
    {
        file = TryRead(path, out var text, out reason) ? new TextFileReader(text) : null;
        return file is not null;
    }

    /// <summary>What tells one version of a file from the next, without reading it; null when the file cannot be reached.</summary>
    FileStamp? Stamp(string path);

    /// <summary>The absolute path of a file without any link in it; the path as given when it cannot be followed.</summary>
    string Resolve(string path) => path;
}

/// <summary>A file that is open for reading, once and from the beginning to the end.</summary>
public interface IFileReader : IDisposable
{
    /// <summary>The version that is read: what is written while it is read has another stamp.</summary>
    FileStamp Stamp { get; }

    /// <summary>Why it could not be read to its end, in the system's words; null: nothing is wrong so far.</summary>
    string? Problem { get; }

    /// <returns>How many bytes were read; 0: there are no more, or <see cref="Problem"/> says why not.</returns>
    int Read(Span<byte> into);
}

/// <summary>A file's text and the version that was read.</summary>
public sealed record TextFile(string Text, FileStamp Stamp);

/// <summary>A version of a file: modification time in UTC ticks, size in bytes, inode number.</summary>
public readonly record struct FileStamp(long ModifiedTicks, long Size, ulong Inode);
