using Postern.Core;
using Postern.Core.Allowlist;

namespace Postern.Storage;

/// <summary>What the writer thread posts to the loop. Closed: every case is listed here.</summary>
internal abstract record StoreNews
{
    private StoreNews() { }

    /// <summary>Passes found in the store: at the start, or written by other processes.</summary>
    /// <param name="IsImported">From an earlier file: of what we know and what that has, the later time of each test stays.</param>
    public sealed record Learned(List<KeyValuePair<IpAddress, TestExpiry>> Entries, bool IsImported) : StoreNews;

    /// <summary>An earlier file is being imported. Until <see cref="Loaded"/> it can be asked for single clients.</summary>
    /// <param name="Path">The file.</param>
    public sealed record Importing(string Path) : StoreNews;

    /// <summary>The first reading has ended, well or not, and so has the import.</summary>
    public sealed record Loaded : StoreNews;

    /// <summary>What there was to import is here as well: cleanup may begin.</summary>
    /// <param name="LastCleanup">Unix time of the end of the last full cleanup; null: never.</param>
    public sealed record Ready(long? LastCleanup) : StoreNews;

    /// <summary>The changes handed over are in the store.</summary>
    public sealed record Saved : StoreNews;

    /// <summary>They are not; the loop may try again.</summary>
    public sealed record NotSaved : StoreNews;

    /// <summary>The file is a new one: the store needs all that memory has.</summary>
    public sealed record StartedFresh : StoreNews;

    /// <summary>The writer has come to an end that it should not: from now on there is only memory.</summary>
    public sealed record Ended : StoreNews;

    /// <summary>A line for the log, which is the loop's.</summary>
    public sealed record Line(LogSeverity Severity, string Text) : StoreNews;
}
