using System.Net.Sockets;
using Postern.Core;

namespace Postern.Receiver;

/// <summary>A client that was handed over.</summary>
/// <param name="Socket">Owned by whoever holds this. It arrives non-blocking, so only async calls are made on it.</param>
/// <param name="Address">The client's, as the sender of the descriptor names it (it may know better: PROXY protocol).</param>
internal sealed record HandedClient(Socket Socket, IpAddress Address);
