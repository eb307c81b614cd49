using Postern.Core.Allowlist;

namespace Postern.Storage;

/// <summary>What the store has yet to learn about one address.</summary>
/// <param name="Expiry">The passes to write, or those that were forgotten.</param>
/// <param name="IsForgotten">Whether the record goes.</param>
/// <param name="Seen">
/// What was known of it before; null: nothing, which may be for want of an answer. A record that says something else by then is
/// forgotten only where this is null: another process knows better.
/// </param>
internal readonly record struct AllowlistChange(TestExpiry Expiry, bool IsForgotten, TestExpiry? Seen)
{
    /// <summary>This change after an earlier one of the same client that the store has not seen.</summary>
    public AllowlistChange After(in AllowlistChange earlier) => (IsForgotten, earlier.IsForgotten) switch
    {
        (true, true) => earlier,
        (false, true) => this with { Seen = earlier.Expiry },
        (true, false) when Seen is null => this,
        _ => this with { Seen = earlier.Seen },
    };
}
