using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Screening;

namespace Postern.Storage;

/// <summary>The temporary allowlist as the loop uses it: from memory, on the loop's thread, never waiting.</summary>
internal interface IAllowlist : IAllowlistView
{
    /// <summary>Stores a record, durably soon.</summary>
    void Remember(IpAddress address, TestExpiry expiry);

    /// <summary>Asks the stores that others write to for an address. The loop is woken when the answer is there.</summary>
    /// <param name="client">Comes back with the answer.</param>
    void Ask(IpAddress address, ulong client);

    /// <summary>The next answer to <see cref="Ask"/>.</summary>
    bool TryTakeAnswer(out AllowlistAnswer answer);

    /// <summary>Does what is due: changes from the store, batches for the writer, a slice of cleanup.</summary>
    void Tick(DateTimeOffset now);

    /// <summary>How long the loop may sleep before the next tick; null: as long as it likes.</summary>
    TimeSpan? NextTick { get; }
}
