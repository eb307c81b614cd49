namespace Postern.Storage;

/// <summary>Takes one row: the address or special key, and its value; good until it returns.</summary>
internal delegate void RowReader(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

/// <summary>A file behind the temporary allowlist, open; other processes may read and write it too. For one thread.</summary>
internal interface IAllowlistStore : IDisposable
{
    /// <summary>Tells the file from one that takes its place.</summary>
    long Id { get; }

    /// <summary>How far the file's rows are known, for stores that number them. Set it to go on where an earlier connection was.</summary>
    long Seen { get; set; }

    /// <summary>Whether the name leads to another file by now, or to none.</summary>
    bool HasMoved { get; }

    /// <summary>Reads at least the rows that others wrote since the last reading; the first time, all.</summary>
    StoreProblem? ReadNew(RowReader reader);

    /// <summary>Asks whether others have written since <see cref="ReadNew"/>, and it is time to read that.</summary>
    StoreProblem? HasNew(out bool hasNew);

    /// <summary>Writes a batch of changes as one transaction.</summary>
    /// <param name="cleanupCompleted">Unix time of the end of a full cleanup, if there was one.</param>
    /// <param name="others">Takes what others wrote before, where that is known at no cost.</param>
    StoreProblem? Save(IReadOnlyDictionary<Core.IpAddress, AllowlistChange> changes, long? cleanupCompleted, RowReader others);

    /// <summary>Adds what an earlier file had, the later time of each test, and up to when that holds.</summary>
    /// <param name="until">Unix time.</param>
    /// <param name="others">As with <see cref="Save"/>.</param>
    StoreProblem? Import(PassesDump dump, long until, RowReader others);
}
