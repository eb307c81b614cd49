namespace Postern.Reports;

/// <summary>Counts what is read of a stream; gives back first what was read ahead of it.</summary>
internal sealed class CountingStream(Stream inner) : Stream
{
    private byte[] _ahead = [];

    /// <summary>Bytes read so far.</summary>
    public long Count { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => Count;
        set => throw new NotSupportedException();
    }

    /// <summary>Looks at the first bytes, which are still read afterwards.</summary>
    public ReadOnlySpan<byte> Peek(int length)
    {
        var head = new byte[length];
        _ahead = head[..inner.ReadAtLeast(head, length, throwOnEndOfStream: false)];
        return _ahead;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        var read = Math.Min(_ahead.Length, buffer.Length);
        _ahead.AsSpan(0, read).CopyTo(buffer);
        _ahead = _ahead[read..];
        if (read == 0)
            read = inner.Read(buffer);
        Count += read;
        return read;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
