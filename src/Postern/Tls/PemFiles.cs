using Postern.Core;

namespace Postern.Tls;

/// <summary>
/// The texts of certificates and keys. They are kept: a key is often for root's eyes only, and root is what we are at the
/// start alone, when nothing is made of it yet. Any thread may ask.
/// </summary>
internal sealed class PemFiles(ITextFiles files)
{
    private readonly Dictionary<string, TextFile> _known = new(StringComparer.Ordinal);

    /// <summary>Reads a file, unless the version read before is still there.</summary>
    /// <param name="reason">The system's, when the file cannot be read now; null otherwise.</param>
    /// <returns>The version read before if the file cannot be read; null if it never could.</returns>
    public TextFile? Read(string path, out string? reason)
    {
        lock (_known)
        {
            reason = null;
            var known = _known.GetValueOrDefault(path);
            if (known is not null && files.Stamp(path) is { } stamp && stamp == known.Stamp)
                return known;
            return files.TryRead(path, out var file, out reason) ? _known[path] = file : known;
        }
    }

    /// <summary>Forgets the files that nobody uses any more.</summary>
    public void KeepOnly(IEnumerable<string> paths)
    {
        lock (_known)
        {
            foreach (var path in _known.Keys.Except(paths, StringComparer.Ordinal).ToArray())
                _known.Remove(path);
        }
    }
}
