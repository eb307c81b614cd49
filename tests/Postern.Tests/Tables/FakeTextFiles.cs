using System.Diagnostics.CodeAnalysis;
using Postern.Core;

namespace Postern.Tests.Tables;

/// <summary>A file system in memory: a file is there when it has a text, and each change gives a new stamp.</summary>
internal sealed class FakeTextFiles : ITextFiles
{
    private readonly Dictionary<string, TextFile> _files = [];
    private long _clock;

    /// <summary>Reasons why files cannot be read; their stamps are there all the same.</summary>
    public Dictionary<string, string> Unreadable { get; } = [];

    public int Reads { get; private set; }

    public string this[string path]
    {
        set => _files[path] = new TextFile(value, new FileStamp(++_clock, value.Length, 1));
    }

    /// <summary>A file with this text, open.</summary>
    public static IFileReader Reader(string text) => new TextFileReader(new TextFile(text, new FileStamp(1, text.Length, 1)));

    public void Remove(string path) => _files.Remove(path);

    public bool TryRead(string path, [NotNullWhen(true)] out TextFile? file, [NotNullWhen(false)] out string? reason)
    {
        Reads++;
        file = null;
        if (!Unreadable.TryGetValue(path, out reason) && !_files.TryGetValue(path, out file))
            reason = "No such file or directory";
        return file is not null;
    }

    public FileStamp? Stamp(string path) => _files.TryGetValue(path, out var file) ? file.Stamp : null;
}
