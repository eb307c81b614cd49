using Postern.Core;

namespace Postern.Storage;

/// <summary>
/// What the store has yet to learn: a batch that was handed over, to be read by the writer and changed by nobody until it
/// is answered, and the changes since.
/// </summary>
/// <param name="limit">Most changes held: with a store that does not work they would grow for ever.</param>
internal sealed class UnsavedChanges(int limit)
{
    private Dictionary<IpAddress, AllowlistChange> _gathered = [];
    private Dictionary<IpAddress, AllowlistChange> _batch = [];
    private long? _cleanupCompleted;

    /// <summary>The batch that is or will be handed over again.</summary>
    public IReadOnlyDictionary<IpAddress, AllowlistChange> Batch => _batch;

    /// <summary>Unix time of the end of a full cleanup, part of the batch; null: none.</summary>
    public long? BatchCleanupCompleted { get; private set; }

    /// <summary>Unix time of the end of a full cleanup that the store is to know; null: none.</summary>
    public long? CleanupCompleted { set => _cleanupCompleted = value; }

    /// <summary>Whether nothing waits.</summary>
    public bool IsEmpty => Count == 0 && _cleanupCompleted is null && BatchCleanupCompleted is null;

    /// <summary>Number of changes.</summary>
    public int Count => _gathered.Count + _batch.Count;

    /// <summary>Number of changes that are in no batch yet.</summary>
    public int GatheredCount => _gathered.Count;

    /// <summary>What the store has yet to learn about this address.</summary>
    public bool TryGet(IpAddress client, out AllowlistChange change) =>
        _gathered.TryGetValue(client, out change) || _batch.TryGetValue(client, out change);

    /// <summary>Adds a change, together with an earlier one for the address.</summary>
    /// <returns>False if there were too many, and those in no batch have been given up.</returns>
    public bool Add(IpAddress client, AllowlistChange change)
    {
        _gathered[client] = _gathered.TryGetValue(client, out var earlier) ? change.After(earlier) : change;
        if (Count < limit)
            return true;
        _gathered = [];
        return false;
    }

    /// <summary>Makes a batch of what was gathered, unless the last batch is still to be saved.</summary>
    public void TakeBatch()
    {
        if (_batch.Count > 0 || BatchCleanupCompleted is not null)
            return;
        (_batch, _gathered) = (_gathered, _batch);
        (BatchCleanupCompleted, _cleanupCompleted) = (_cleanupCompleted, null);
    }

    /// <summary>The batch is in the store.</summary>
    public void ForgetBatch()
    {
        if (_batch.Count > 1000)
            _batch = []; // a large dictionary is not kept for small batches
        else
            _batch.Clear();
        BatchCleanupCompleted = null;
    }
}
