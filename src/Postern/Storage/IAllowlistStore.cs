using Postern.Core;
using Postern.Core.Allowlist;

namespace Postern.Storage;

/// <summary>Takes one record of a store.</summary>
internal delegate void RecordReader(IpAddress client, in TestExpiry record);

/// <summary>
/// What is behind the temporary allowlist, open: a file, which other processes may read and write too. It is asked for one
/// client, takes changes in batches, and is walked in parts. For one thread.
/// </summary>
internal interface IAllowlistStore : IDisposable
{
    /// <summary>Tells the store from one that takes its place.</summary>
    long Id { get; }

    /// <summary>How far news are known (<see cref="ReadNews"/>). Set it to go on where an earlier connection was.</summary>
    long Seen { get; set; }

    /// <summary>Whether the name leads to another store by now, or to none.</summary>
    bool HasMoved { get; }

    /// <summary>Reads what the store knows of itself.</summary>
    StoreProblem? ReadFacts(out StoreFacts facts);

    /// <summary>Looks one client up.</summary>
    /// <param name="record">Null: there is none.</param>
    StoreProblem? Find(IpAddress client, out TestExpiry? record);

    /// <summary>Reads the records after a place, in an order of the store's own.</summary>
    /// <param name="after">Where the part before ended; null: from the start.</param>
    /// <param name="most">How many at once.</param>
    /// <param name="last">The place to go on from; null: there are no more.</param>
    StoreProblem? ReadPart(byte[]? after, int most, RecordReader take, out byte[]? last);

    /// <summary>Reads what others have written since the last time. The first time there are none.</summary>
    /// <param name="isIncomplete">Whether more was written than the store can tell: it has to be read as a whole.</param>
    StoreProblem? ReadNews(RecordReader take, out bool isIncomplete);

    /// <summary>Writes a batch of changes as one transaction, each merged with what is there (<see cref="ExpiryRules.Merged"/>).</summary>
    /// <param name="others">Takes what others wrote before, where that is known at no cost.</param>
    StoreProblem? Save(StoreBatch batch, RecordReader others);
}

/// <summary>What is done with any store.</summary>
internal static class AllowlistStores
{
    /// <summary>Reads all records, part by part.</summary>
    /// <param name="partSize">How many at once.</param>
    public static StoreProblem? ReadAll(this IAllowlistStore store, int partSize, RecordReader take)
    {
        StoreProblem? problem;
        byte[]? after = null;
        do
            problem = store.ReadPart(after, partSize, take, out after);
        while (problem is null && after is not null);
        return problem;
    }
}
