using Postern.Core;
using Postern.Core.Allowlist;

namespace Postern.Storage;

/// <summary>
/// Takes the clients of a file of the first layout over into the store, a part at a time. The file stays until all of them are
/// there; begun again after a restart, it does no harm. For the writer's thread.
/// </summary>
/// <param name="path">The file.</param>
internal sealed class FirstLayoutMove(string path, TimeSpan busyTimeout) : IDisposable
{
    private const int PartSize = 5000;

    private FirstLayout? _layout;
    private byte[]? _after;
    private long _count;

    /// <summary>The file.</summary>
    public string Path => path;

    /// <summary>Unix time of the end of the last full cleanup, when it was read; null: never.</summary>
    public long? LastCleanup { get; private set; }

    /// <summary>Unix time up to when earlier files were taken over, when it was read; null: never.</summary>
    public long? ImportedUntil { get; private set; }

    /// <summary>Reads everything.</summary>
    public StoreProblem? ReadAll(RecordReader take)
    {
        var problem = Open();
        byte[]? after = null;
        do
            problem ??= _layout!.ReadPart(after, PartSize, take, Note, out after);
        while (problem is null && after is not null);
        return problem;
    }

    /// <inheritdoc cref="FirstLayout.Find" />
    public StoreProblem? Find(IpAddress client, out TestExpiry? record)
    {
        record = null;
        return Open() ?? _layout!.Find(client, out record);
    }

    /// <summary>Moves a part.</summary>
    /// <param name="save">Saves it; false: it could not.</param>
    /// <param name="problem">Why the file cannot be read; null: it can.</param>
    /// <param name="moved">How many clients were moved in all.</param>
    /// <returns>Whether the store has everything, and the file is not needed any more.</returns>
    public bool Step(Func<StoreBatch, bool> save, out StoreProblem? problem, out long moved)
    {
        moved = _count;
        problem = Open();
        if (problem is not null)
            return false;
        var part = new Dictionary<IpAddress, AllowlistChange>(PartSize);
        problem = _layout!.ReadPart(
            _after, PartSize, (IpAddress client, in TestExpiry record) => part[client] = new AllowlistChange(record, IsForgotten: false, Seen: null), Note, out var last);
        var isLast = last is null && problem is null;
        if (!save(new StoreBatch(part) { CleanupCompleted = isLast ? LastCleanup : null, ImportedUntil = isLast ? ImportedUntil : null }) || problem is not null)
            return false;
        (_after, _count) = (last, _count + part.Count);
        moved = _count;
        return last is null;
    }

    public void Dispose()
    {
        _layout?.Dispose();
        _layout = null;
    }

    private void Note(string key, long time)
    {
        if (key == FirstLayout.ImportedKey)
            ImportedUntil = time;
        else
            LastCleanup = time;
    }

    private StoreProblem? Open() => _layout is null ? FirstLayout.Open(path, busyTimeout, out _layout) : null;
}
