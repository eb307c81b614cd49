using System.Net.Security;
using System.Net.Sockets;
using Postern.Core.Relay;

namespace Postern.Tls;

/// <summary>
/// What goes between a client inside TLS and the server that has it: off the loop, as the records have to be read and
/// written there anyway. Each side is read no faster than the other takes it.
/// </summary>
/// <param name="server">The connection to the server; ours from now on.</param>
/// <param name="toServer">What the client said before that the server has not heard.</param>
/// <param name="toClient">What the server said before that the client has not heard.</param>
/// <param name="idleLimit">How long nothing may move.</param>
/// <param name="watcher">Sees what the server says from now on; null: nobody.</param>
internal sealed class TlsRelay(int server, byte[] toServer, byte[] toClient, TimeSpan idleLimit, AuthWatcher? watcher = null) : IDisposable
{
    private const int BufferSize = 16 * 1024; // a record
    private static readonly TimeSpan AfterServer = TimeSpan.FromSeconds(30);

    private readonly SafeSocketHandle _server = new(server, ownsHandle: true);
    private long _fromClient, _fromServer;

    /// <summary>Bytes delivered to the server. Any thread may ask.</summary>
    public long FromClient => Interlocked.Read(ref _fromClient);

    /// <summary>Bytes delivered to the client.</summary>
    public long FromServer => Interlocked.Read(ref _fromServer);

    /// <summary>Who ended it, in words for the log. When it is over.</summary>
    public string EndedBy { get; private set; } = "Postern";

    /// <summary>Passes everything on until one side has ended or is gone.</summary>
    /// <param name="client">The client's TLS stream.</param>
    /// <param name="closing">The daemon or the session ends.</param>
    /// <returns>Whether the client is still there to be told that this is the end.</returns>
    public async Task<bool> RunAsync(SslStream client, CancellationToken closing)
    {
        using var idle = CancellationTokenSource.CreateLinkedTokenSource(closing);
        using var socket = new Socket(_server);
        using var stream = new NetworkStream(socket, ownsSocket: false);
        var toServerDone = CopyAsync(client, stream, toServer, isFromClient: true, idle);
        var toClientDone = CopyAsync(stream, client, toClient, isFromClient: false, idle);
        var first = await Task.WhenAny(toServerDone, toClientDone).ConfigureAwait(false);
        EndedBy = await first.ConfigureAwait(false) ?? (first == toServerDone ? "the client" : "the server");
        if (first == toServerDone && await toServerDone.ConfigureAwait(false) is null)
        {
            TryEnd(socket); // the server may still have an answer to what it got last
            await toClientDone.ConfigureAwait(false);
        }

        idle.CancelAfter(first == toClientDone ? TimeSpan.Zero : AfterServer);
        await Task.WhenAll(toServerDone, toClientDone).ConfigureAwait(false);
        return await toClientDone.ConfigureAwait(false) is null;
    }

    public void Dispose() => _server.Dispose();

    /// <returns>Null: the source has ended, and all is delivered; else what went wrong.</returns>
    private async Task<string?> CopyAsync(Stream from, Stream to, byte[] before, bool isFromClient, CancellationTokenSource idle)
    {
        var buffer = new byte[BufferSize];
        try
        {
            idle.CancelAfter(idleLimit);
            for (ReadOnlyMemory<byte> next = before; ;)
            {
                if (!next.IsEmpty)
                {
                    await to.WriteAsync(next, idle.Token).ConfigureAwait(false);
                    Interlocked.Add(ref isFromClient ? ref _fromClient : ref _fromServer, next.Length);
                    idle.CancelAfter(idleLimit);
                }

                var count = await from.ReadAsync(buffer, idle.Token).ConfigureAwait(false);
                if (count == 0)
                    return null;
                next = buffer.AsMemory(0, count);
                if (!isFromClient)
                    watcher?.See(next.Span);
            }
        }
        catch (OperationCanceledException)
        {
            return "Postern: nothing has moved for too long, or it stops";
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
        {
            return isFromClient ? "the client or the server, in the middle of what the client said" : "the client or the server, in the middle of what the server said";
        }
    }

    private static void TryEnd(Socket socket)
    {
        try
        {
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // It has gone already.
        }
    }
}
