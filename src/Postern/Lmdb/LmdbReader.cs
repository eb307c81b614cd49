namespace Postern.Lmdb;

/// <summary>Reads an LMDB file that others write, and follows its name to a new file. For one thread.</summary>
/// <param name="path">With its suffix; characters stand for bytes.</param>
/// <param name="mapSize"><c>lmdb_map_size</c>.</param>
internal sealed class LmdbReader(string path, long mapSize) : IDisposable
{
    private LmdbFile? _file;

    /// <summary>Opens the file, if it is not open.</summary>
    /// <param name="limit">How long to wait for other processes' locks, here and below.</param>
    public LmdbProblem? Open(TimeSpan limit)
    {
        if (_file is { HasMoved: true })
            Dispose();
        return _file is null ? LmdbFile.Open(path, isReadOnly: true, mapSize, limit, note: null, out _file) : null;
    }

    /// <summary>Looks one key up.</summary>
    /// <param name="key">Without NUL.</param>
    /// <param name="value">Without NUL; null: there is none.</param>
    public LmdbProblem? Find(ReadOnlySpan<byte> key, TimeSpan limit, out byte[]? value)
    {
        value = null;
        var problem = Open(limit) ?? _file!.Find(key, limit, out value);
        if (problem is { IsPassing: false })
            Dispose();
        return problem;
    }

    public void Dispose()
    {
        _file?.Dispose();
        _file = null;
    }
}
