using System.Net.Security;
using System.Net.Sockets;

namespace Postern.Tls;

/// <summary>
/// TLS with a relay target, off the loop. What uses the connection gets the near end of a pair of local sockets in its
/// place, with the plain text, and need not know of the TLS; here it goes between the far end and the target's connection,
/// read from each side no faster than the other takes it.
/// </summary>
internal sealed class ServerTunnel : IDisposable
{
    private const int BufferSize = 16 * 1024; // a record

    // After one side has gone: what it said last may still be on its way to the other.
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(30);

    private static readonly SemaphoreSlim Turns = new(Math.Max(1, Environment.ProcessorCount - 1)); // leaves one processor to the loop

    private readonly SafeSocketHandle _server, _far;
    private readonly ServerTls _settings;
    private readonly CancellationTokenSource _closing = new();
    private volatile bool _isUp;

    /// <param name="server">The connection to the target; ours from now on.</param>
    /// <param name="far">The far end of the pair; ours from now on.</param>
    /// <param name="settings">The target's.</param>
    public ServerTunnel(int server, int far, ServerTls settings)
    {
        (_server, _far) = (new SafeSocketHandle(server, ownsHandle: true), new SafeSocketHandle(far, ownsHandle: true));
        _settings = settings;
    }

    /// <summary>Starts the handshake.</summary>
    /// <param name="done">Called once, on any thread; null: TLS is up; else what went wrong. Not called after <see cref="LetGo"/>.</param>
    public void Start(Action<string?> done) => _ = Task.Run(() => RunAsync(done));

    /// <summary>The near end is closed, or about to be: a handshake is given up, last words are delivered.</summary>
    public void LetGo()
    {
        try
        {
            if (_isUp)
                _closing.CancelAfter(LastWords);
            else
                _closing.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // It has come to its end by itself.
        }
    }

    /// <summary>It does so itself, once both sides have ended.</summary>
    public void Dispose()
    {
        _server.Dispose();
        _far.Dispose();
        _closing.Dispose();
    }

    private async Task RunAsync(Action<string?> done)
    {
        try
        {
            using var server = new Socket(_server);
            using var far = new Socket(_far);
            using var serverStream = new NetworkStream(server, ownsSocket: false);
            using var farStream = new NetworkStream(far, ownsSocket: false);
            using var turns = new TurnStream(serverStream, Turns);
            using var tls = new SslStream(turns, leaveInnerStreamOpen: true);
            if (await TryShakeHandsAsync(tls, turns, done).ConfigureAwait(false))
            {
                var toServer = CopyAsync(farStream, tls, () => tls.ShutdownAsync(), patience: LastWords);
                var fromServer = CopyAsync(tls, farStream, () => End(far), patience: TimeSpan.Zero);
                await Task.WhenAll(toServer, fromServer).ConfigureAwait(false);
            }
        }
        finally
        {
            Dispose();
        }
    }

    private async Task<bool> TryShakeHandsAsync(SslStream tls, TurnStream turns, Action<string?> done)
    {
        string? problem = null;
        try
        {
            await tls.AuthenticateAsClientAsync(_settings.NewOptions(text => problem = text), _closing.Token).ConfigureAwait(false);
            _isUp = true;
            done(null);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false; // nobody waits any more
        }
        catch (Exception error)
        {
            done(problem ?? TlsChannel.LibraryText(error));
            return false;
        }
        finally
        {
            turns.SetFree();
        }
    }

    private async Task CopyAsync(Stream from, Stream to, Func<Task> end, TimeSpan patience)
    {
        var buffer = new byte[BufferSize];
        try
        {
            for (int count; (count = await from.ReadAsync(buffer, _closing.Token).ConfigureAwait(false)) > 0;)
                await to.WriteAsync(buffer.AsMemory(0, count), _closing.Token).ConfigureAwait(false);
            await end().ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            _closing.CancelAfter(patience); // one side is gone, and with it whoever waits for an answer; a server may have given one
        }
    }

    private static Task End(Socket far)
    {
        far.Shutdown(SocketShutdown.Send);
        return Task.CompletedTask;
    }
}
