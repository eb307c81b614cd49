using Postern.Core.Allowlist;

namespace Postern.Storage;

/// <summary>What the store has yet to learn about one address.</summary>
/// <param name="Expiry">The passes to write; or, to be forgotten, those that were judged: if the store has others by then, another process knows better.</param>
/// <param name="IsForgotten">Whether the record goes.</param>
internal readonly record struct AllowlistChange(TestExpiry Expiry, bool IsForgotten);
