using Postern.Core;

namespace Postern.Tls;

/// <summary>
/// The socket under a TLS handshake. What the client sent is given out when there is a turn to compute, and the turn goes
/// back with the next read or write: so a flood of handshakes queues for the processors, in order, and a client that
/// takes its time holds nobody up.
/// </summary>
internal sealed class TurnStream(Stream socket, SemaphoreSlim turns) : Stream
{
    private readonly ByteBuffer _received = new();
    private int _hasTurn;
    private bool _isFree;

    /// <summary>What the client has sent in the handshake so far. The library bounds it: a message ends at 16 KiB.</summary>
    public ReadOnlySpan<byte> Received => _received.Written;

    /// <summary>The handshake is over: what comes now costs next to nothing.</summary>
    public void SetFree()
    {
        _isFree = true;
        _received.Truncate(0);
        GiveBack();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        GiveBack();
        var count = await socket.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        if (_isFree || count == 0)
            return count;
        _received.Append(buffer.Span[..count]);
        await turns.WaitAsync(cancellationToken).ConfigureAwait(false);
        Volatile.Write(ref _hasTurn, 1);
        return count;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        GiveBack();
        return socket.WriteAsync(buffer, cancellationToken);
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush()
    {
    }

    // A pool thread that waits for a client is one less for everybody.
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private void GiveBack()
    {
        if (Interlocked.Exchange(ref _hasTurn, 0) == 1)
            turns.Release();
    }
}
