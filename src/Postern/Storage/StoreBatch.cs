using Postern.Core;
using Postern.Core.Allowlist;

namespace Postern.Storage;

/// <summary>Changes that go to a store together.</summary>
/// <param name="Changes">By client.</param>
internal sealed record StoreBatch(IReadOnlyDictionary<IpAddress, AllowlistChange> Changes)
{
    /// <summary>Unix time of the end of a full cleanup; null: there was none.</summary>
    public long? CleanupCompleted { get; init; }

    /// <summary>Unix time up to when the passes of earlier files are in the store with this batch; null: it says nothing about them.</summary>
    public long? ImportedUntil { get; init; }

    /// <summary>Whether the store has nothing that postscreen's own file has not, these included.</summary>
    public bool IsAllOfPostscreen { get; init; }

    /// <summary>Seconds since 1970 UTC: what the store has beyond it was written by a clock that was wrong.</summary>
    public uint Horizon { get; init; } = uint.MaxValue;

    /// <summary>Takes the records that the store has otherwise than they were to be written, since it knew better.</summary>
    public List<KeyValuePair<IpAddress, TestExpiry>> Merged { get; } = [];
}
