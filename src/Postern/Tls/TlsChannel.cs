using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Postern.Core;

namespace Postern.Tls;

/// <summary>
/// One client inside TLS. It owns the client's socket, which is never handed off any more, so the runtime's own poller may
/// have it. It reads, gives what it read to its listener, and waits until it may go on: like one read of an unencrypted
/// client, with bounds on both sides. Every moment is bound by the session's timer, whose end is <see cref="Close"/>.
/// </summary>
/// <param name="descriptor">The client's socket; ours from now on.</param>
/// <param name="context">Certificate and settings.</param>
/// <param name="turns">The turn to compute.</param>
/// <param name="listener">Hears what happens.</param>
internal sealed class TlsChannel(int descriptor, TlsContext context, SemaphoreSlim turns, ITlsListener listener) : IDisposable
{
    private const int InputSize = 4096; // what the loop reads at a time from the others
    private const int MaxUnsent = 64 * 1024;
    private static readonly TimeSpan FarewellLimit = TimeSpan.FromSeconds(5);

    private readonly byte[] _input = new byte[InputSize];
    private readonly ByteBuffer _output = new();
    private readonly SemaphoreSlim _turn = new(0);
    private readonly CancellationTokenSource _closing = new();
    private string? _problem;
    private TlsRelay? _relay;

    /// <summary>Ends when the socket is closed.</summary>
    public Task Completion { get; private set; } = Task.CompletedTask;

    /// <summary>Starts the handshake.</summary>
    public void Start() => Completion = Task.Run(RunAsync);

    /// <summary>Adds to what is sent before the next read, or before the end.</summary>
    public void Send(ReadOnlySpan<byte> bytes)
    {
        lock (_output)
        {
            if (_output.Length + bytes.Length <= MaxUnsent)
                _output.Append(bytes);
        }
    }

    /// <summary>From the next <see cref="Continue"/> on, a server has the client.</summary>
    public void Relay(TlsRelay relay) => _relay = relay;

    /// <summary>What was received has been dealt with.</summary>
    public void Continue() => _turn.Release();

    /// <summary>Sends what is left to send, if that is soon possible, and closes the socket.</summary>
    public void Close() => _closing.CancelAsync(); // does not run what waits for it on the caller's thread

    /// <summary>After <see cref="ITlsListener.OnClosed"/>.</summary>
    public void Dispose()
    {
        _relay?.Dispose();
        _turn.Dispose();
        _closing.Dispose();
    }

    private async Task RunAsync()
    {
        try
        {
            using var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true)) { NoDelay = true }; // a reply waits for no acknowledgement
            using var network = new NetworkStream(socket, ownsSocket: false);
            using var stream = new TurnStream(network, turns);
            using var tls = new SslStream(stream, leaveInnerStreamOpen: true);
            if (!await TryShakeHandsAsync(tls, stream).ConfigureAwait(false))
                listener.OnReceived(ReadOnlyMemory<byte>.Empty);
            else if (await TalkAsync(tls).ConfigureAwait(false))
                await SayFarewellAsync(tls).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            listener.OnReceived(ReadOnlyMemory<byte>.Empty); // the client has left us in the middle of something
        }
        catch (Exception bug) when (bug is not OutOfMemoryException)
        {
            _problem = $"internal error: {bug}".ReplaceLineEndings(" ");
            listener.OnReceived(ReadOnlyMemory<byte>.Empty);
        }
        finally
        {
            listener.OnClosed(_problem);
        }
    }

    private async Task<bool> TryShakeHandsAsync(SslStream tls, TurnStream stream)
    {
        var trusted = false;
        try
        {
            await tls.AuthenticateAsServerAsync(
                (_, _, _, _) => ValueTask.FromResult(context.NewOptions(stream.Received, judgement => trusted = judgement)), null, _closing.Token)
                .ConfigureAwait(false);
            listener.OnUp(TlsHandshake.Of(tls, trusted));
            return true;
        }
        catch (AuthenticationException error)
        {
            _problem = LibraryText(error);
            return false;
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException)
        {
            return false; // it hung up, or took too long: nothing that the library could tell
        }
        finally
        {
            stream.SetFree();
        }
    }

    /// <returns>Whether there is somebody to say farewell to.</returns>
    private async Task<bool> TalkAsync(SslStream tls)
    {
        while (true)
        {
            int count;
            try
            {
                count = await tls.ReadAsync(_input, _closing.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return true;
            }
            catch (Exception error) when (error is IOException or SocketException or AuthenticationException)
            {
                count = 0; // a reset, or bytes that are no TLS
            }

            listener.OnReceived(_input.AsMemory(0, count));
            if (count == 0)
                return false;
            try
            {
                await _turn.WaitAsync(_closing.Token).ConfigureAwait(false);
            }
            catch (OperationCanceledException)
            {
                return true;
            }

            if (!await TryFlushAsync(tls, _closing.Token).ConfigureAwait(false))
                return false;
            if (_relay is not null)
                return await _relay.RunAsync(tls, _closing.Token).ConfigureAwait(false);
        }
    }

    private async Task SayFarewellAsync(SslStream tls)
    {
        using var limit = new CancellationTokenSource(FarewellLimit);
        if (await TryFlushAsync(tls, limit.Token).ConfigureAwait(false))
            await tls.ShutdownAsync().WaitAsync(limit.Token).ConfigureAwait(false);
    }

    private async Task<bool> TryFlushAsync(SslStream tls, CancellationToken cancellation)
    {
        byte[] bytes;
        lock (_output)
        {
            bytes = _output.Written.ToArray();
            _output.Truncate(0);
        }

        if (bytes.Length == 0)
            return true;
        try
        {
            await tls.WriteAsync(bytes, cancellation).ConfigureAwait(false);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false; // it does not read; half a record is out, so nothing can follow
        }
    }

    /// <summary>The runtime's own messages are left out of this build; those of OpenSSL say what happened.</summary>
    internal static string LibraryText(Exception error)
    {
        var text = error.Message;
        for (var inner = error.InnerException; inner is not null; inner = inner.InnerException)
            text = inner.Message;
        return "TLS library problem: " + text;
    }
}
