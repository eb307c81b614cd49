using System.Text;

namespace Postern.Core;

/// <summary>A text in memory as an open file.</summary>
public sealed class TextFileReader(TextFile file) : IFileReader
{
    private int _position;

    /// <inheritdoc />
    public FileStamp Stamp => file.Stamp;

    /// <inheritdoc />
    public string? Problem => null;

    /// <inheritdoc />
    public int Read(Span<byte> into)
    {
        var count = Math.Min(into.Length, file.Text.Length - _position);
        Encoding.Latin1.GetBytes(file.Text.AsSpan(_position, count), into);
        _position += count;
        return count;
    }

    /// <inheritdoc />
    public void Dispose()
    {
    }
}
