using Postern.Dns;

namespace Postern.Receiver;

/// <summary>What all sessions of a receiver share.</summary>
/// <param name="Writers">Limits how many wait for the disk at once: each blocks a thread of the pool.</param>
internal sealed record ReceiverServices(
    Maildir Maildir, QueueIds QueueIds, IDnsResolver Resolver, SemaphoreSlim Writers, TimeProvider Clock);
