using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Postern.Receiver;

namespace Postern.Dashboard;

/// <summary>Kestrel's connections are those that the daemon gives us, live and unread, through a UNIX socket.</summary>
/// <param name="channel">To the daemon.</param>
/// <param name="ended">Called when the daemon has closed it.</param>
internal sealed class PassedConnections(Socket channel, Action ended) : IConnectionListenerFactory, IConnectionListener
{
    private readonly SocketConnectionContextFactory _contexts = new(new SocketConnectionFactoryOptions(), Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
    private static readonly byte[] Taken = [0];
    private readonly CancellationTokenSource _unbound = new();

    /// <summary>When the last connection came, in <see cref="Environment.TickCount64"/>.</summary>
    public long LastCame { get; private set; } = Environment.TickCount64;

    /// <inheritdoc />
    public EndPoint EndPoint { get; private set; } = new IPEndPoint(IPAddress.Loopback, 0);

    /// <inheritdoc />
    public ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        EndPoint = endpoint; // nothing is bound: the daemon listens
        return ValueTask.FromResult<IConnectionListener>(this);
    }

    /// <inheritdoc />
    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _unbound.Token);
        var nothing = Memory<byte>.Empty;
        while (!stop.IsCancellationRequested)
        {
            try
            {
                await channel.ReceiveAsync(nothing, SocketFlags.None, stop.Token).ConfigureAwait(false); // until something is there
            }
            catch (Exception over) when (over is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                break;
            }

            if (DescriptorReceiver.Take(channel, out var problem) is { } socket)
            {
                await channel.SendAsync(Taken, SocketFlags.None, CancellationToken.None).ConfigureAwait(false); // else the daemon takes us for hung
                LastCame = Environment.TickCount64;
                return _contexts.Create(socket);
            }

            if (problem == "end of file")
                break;
        }

        ended();
        return null;
    }

    /// <inheritdoc />
    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        _unbound.Cancel();
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync()
    {
        _unbound.Cancel();
        _contexts.Dispose();
        return ValueTask.CompletedTask;
    }
}
