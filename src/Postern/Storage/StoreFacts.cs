namespace Postern.Storage;

/// <summary>What a store knows of itself.</summary>
/// <param name="Clients">Number of records.</param>
/// <param name="LastCleanup">Unix time of the end of the last full cleanup; null: never.</param>
/// <param name="ImportedUntil">Unix time up to when the passes of earlier files were taken over; null: never, or the store does not say.</param>
internal readonly record struct StoreFacts(long Clients, long? LastCleanup = null, long? ImportedUntil = null);
