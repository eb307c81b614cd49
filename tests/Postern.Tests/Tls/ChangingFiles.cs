using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Postern.Core;

namespace Postern.Tests.Tls;

/// <summary>Files in memory that tests change while somebody reads them.</summary>
internal sealed class ChangingFiles : ITextFiles
{
    private readonly ConcurrentDictionary<string, TextFile> _files = new();
    private long _version;

    /// <summary>Writes a file; null: nobody may read it any more.</summary>
    public string? this[string path]
    {
        set
        {
            if (value is null)
                _files.TryRemove(path, out _);
            else
                _files[path] = new TextFile(value, new FileStamp(Interlocked.Increment(ref _version), value.Length, 1));
        }
    }

    public bool TryRead(string path, [NotNullWhen(true)] out TextFile? file, [NotNullWhen(false)] out string? reason)
    {
        reason = _files.TryGetValue(path, out file) ? null : "Permission denied";
        return reason is null;
    }

    public FileStamp? Stamp(string path) => _files.GetValueOrDefault(path)?.Stamp;
}
