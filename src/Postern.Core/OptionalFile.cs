using System.Diagnostics.CodeAnalysis;

namespace Postern.Core;

/// <summary>Files of which one may be missing: then it is empty, and it is seen when it comes.</summary>
/// <param name="files">All of them.</param>
/// <param name="optional">The path of the one.</param>
internal sealed class OptionalFile(ITextFiles files, string optional) : ITextFiles
{
    /// <inheritdoc />
    public bool TryRead(string path, [NotNullWhen(true)] out TextFile? file, [NotNullWhen(false)] out string? reason)
    {
        if (files.TryRead(path, out file, out reason))
            return true;
        if (!IsMissing(path))
            return false;
        (file, reason) = (new TextFile("", default), null);
        return true;
    }

    /// <inheritdoc />
    public bool TryOpen(string path, [NotNullWhen(true)] out IFileReader? file, [NotNullWhen(false)] out string? reason)
    {
        if (files.TryOpen(path, out file, out reason))
            return true;
        if (!IsMissing(path))
            return false;
        (file, reason) = (new TextFileReader(new TextFile("", default)), null);
        return true;
    }

    /// <inheritdoc />
    public FileStamp? Stamp(string path) => files.Stamp(path) ?? (path == optional ? default(FileStamp) : null);

    /// <inheritdoc />
    public string Resolve(string path) => files.Resolve(path);

    private bool IsMissing(string path) => path == optional && files.Stamp(path) is null;
}
