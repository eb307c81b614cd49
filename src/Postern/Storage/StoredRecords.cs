using Postern.Core;
using Postern.Core.Allowlist;

namespace Postern.Storage;

/// <summary>The records in the file, while no daemon runs.</summary>
internal sealed class StoredRecords : IAllowlistRecords
{
    private readonly IAllowlistStore _store;
    private readonly string _path;
    private readonly Dictionary<IpAddress, TestExpiry> _records = [];
    private string? _problem;

    private StoredRecords(IAllowlistStore store, string path)
    {
        (_store, _path) = (store, path);
        Take(store.ReadNew(Learn));
    }

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

        if (!File.Exists(path))
        {
            problem = $"{path}: there is no such file (yet: the daemon makes it)";
            return null;
        }

        var failure = location.OpenStore(options, static _ => { }, out var store);
        if (failure is null && store is not null)
        {
            problem = null;
            return new StoredRecords(store, path);
        }

        store?.Dispose();
        problem = $"{path}: {failure?.Reason}";
        return null;
    }

    /// <inheritdoc />
    public string? ReadAll(Action<IpAddress, TestExpiry> take)
    {
        foreach (var (client, record) in _records)
            take(client, record);
        return _problem;
    }

    /// <inheritdoc />
    public string? Find(IpAddress client, out TestExpiry? record)
    {
        record = _records.TryGetValue(client, out var found) ? found : null;
        return _problem;
    }

    /// <inheritdoc />
    public string? Forget(IpAddress client, out bool wasKnown)
    {
        wasKnown = _records.Remove(client, out var record);
        return wasKnown ? Save(new() { [client] = new AllowlistChange(record, IsForgotten: true) }) : _problem;
    }

    /// <inheritdoc />
    public string? Add(IReadOnlyList<KeyValuePair<IpAddress, TestExpiry>> records)
    {
        var changes = new Dictionary<IpAddress, AllowlistChange>();
        foreach (var (client, record) in records)
        {
            var merged = _records.TryGetValue(client, out var known) ? RecordText.Later(known, record) : record;
            _records[client] = merged;
            changes[client] = new AllowlistChange(merged, IsForgotten: false);
        }

        return Save(changes);
    }

    public void Dispose() => _store.Dispose();

    private string? Save(Dictionary<IpAddress, AllowlistChange> changes) => Take(_store.Save(changes, cleanupCompleted: null, Learn));

    private void Learn(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (AllowlistRow.TryReadAddress(key, out var client))
            _records[client] = CacheRecord.Parse(value);
    }

    private string? Take(StoreProblem? failure) => _problem = failure is null ? _problem : $"{_path}: {failure.Reason}";
}
