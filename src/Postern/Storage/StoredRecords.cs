using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Native;

namespace Postern.Storage;

/// <summary>The records in the file, while no daemon runs.</summary>
internal sealed class StoredRecords : IAllowlistRecords
{
    /// <summary>Bytes of an SQLite file to keep in memory: imports come in any order.</summary>
    private const int CacheSize = 64 << 20;

    private const int PartSize = 10_000;

    private readonly IAllowlistStore _store;
    private readonly string _path;
    private FirstLayoutMove? _move;

    private StoredRecords(IAllowlistStore store, string path) => (_store, _path) = (store, path);

    /// <param name="problem">Why there are none, for the administrator.</param>
    /// <returns>Null on failure.</returns>
    public static StoredRecords? Open(AllowlistOptions options, out string? problem)
    {
        var location = AllowlistLocation.Find(options, static directory => FileFacts.Of(directory)?.Owner, static (_, _) => { });
        if (location.DatabasePath is not { } path)
        {
            problem = $"{location.Name} is in the memory of a running daemon only, or on a server";
            return null;
        }

        var first = location.FirstLayoutPath is { } old && File.Exists(old) ? old : null;
        if (!File.Exists(path) && (first is null || Libc.geteuid() == 0)) // root makes no file that the daemon could not write
        {
            problem = $"{path}: there is no such file (yet: the daemon makes it)";
            return null;
        }

        var failure = location.OpenStore(options, CacheSize, static _ => { }, out var store);
        if (failure is null && store is not null)
        {
            problem = null;
            return new StoredRecords(store, path) { _move = first is null ? null : new FirstLayoutMove(first, options.BusyTimeout) };
        }

        store?.Dispose();
        problem = $"{path}: {failure?.Reason}";
        return null;
    }

    /// <inheritdoc />
    public string? ReadAll(Action<IpAddress, TestExpiry> take)
    {
        var problem = Told(_store.ReadAll(PartSize, (IpAddress client, in TestExpiry record) => take(client, record)));
        if (_move is not null)
            problem ??= ReadFirstLayout(take);
        return problem;
    }

    /// <inheritdoc />
    public string? Find(IpAddress client, out TestExpiry? record)
    {
        var problem = Told(_store.Find(client, out record));
        if (problem is null && record is null && _move?.Find(client, out record) is { } failure)
            problem = $"{_move.Path}: {failure.Reason}";
        return problem;
    }

    /// <inheritdoc />
    public string? Forget(IpAddress client, out bool wasKnown)
    {
        TestExpiry? record = null;
        var problem = Move() ?? Find(client, out record);
        wasKnown = record is not null;
        return problem is null && record is { } known ? Save(new() { [client] = new AllowlistChange(known, IsForgotten: true, Seen: null) }) : problem;
    }

    /// <inheritdoc />
    public string? Add(IReadOnlyList<KeyValuePair<IpAddress, TestExpiry>> records)
    {
        var changes = new Dictionary<IpAddress, AllowlistChange>(records.Count);
        foreach (var (client, record) in records)
            changes[client] = new AllowlistChange(changes.TryGetValue(client, out var earlier) ? RecordText.Later(earlier.Expiry, record) : record, IsForgotten: false, Seen: null);
        return Move() ?? Save(changes);
    }

    public void Dispose()
    {
        _move?.Dispose();
        _store.Dispose();
    }

    private string? Save(Dictionary<IpAddress, AllowlistChange> changes) => Told(_store.Save(new StoreBatch(changes), static (IpAddress _, in TestExpiry _) => { }));

    private string? ReadFirstLayout(Action<IpAddress, TestExpiry> take)
    {
        string? problem = null;
        var failure = _move!.ReadAll((IpAddress client, in TestExpiry record) =>
        {
            TestExpiry? moved = null;
            problem ??= Told(_store.Find(client, out moved));
            if (moved is null)
                take(client, record);
        });
        return problem ?? (failure is null ? null : $"{_move.Path}: {failure.Reason}");
    }

    /// <summary>Takes over what is still in a file of the first layout, as the daemon would.</summary>
    private string? Move()
    {
        if (_move is null)
            return null;
        StoreProblem? failure = null;
        while (!_move.Step(batch => (failure = _store.Save(batch, static (IpAddress _, in TestExpiry _) => { })) is null, out var problem, out _))
        {
            if (failure is not null)
                return Told(failure);
            if (problem is not null)
                return $"{_move.Path}: {problem.Reason}";
        }

        _move.Dispose();
        FirstLayout.Remove(_move.Path);
        _move = null;
        return null;
    }

    private string? Told(StoreProblem? failure) => failure is null ? null : $"{_path}: {failure.Reason}";
}
