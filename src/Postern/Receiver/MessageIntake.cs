using System.Buffers;

namespace Postern.Receiver;

/// <summary>Receives one message's data: decodes it, measures it, and knows when it will not be kept.</summary>
/// <param name="sizeLimit">Bytes; 0 = none.</param>
/// <param name="content">Receives the text to store.</param>
internal sealed class MessageIntake(long sizeLimit, ArrayBufferWriter<byte> content)
{
    private readonly DataDecoder _decoder = new();
    private readonly HeaderStart _headerStart = new();
    private readonly ArrayBufferWriter<byte> _decoded = new();

    /// <summary>The reply to the final dot of a message that is not kept; null = it is kept.</summary>
    public string? Failure { get; private set; }

    /// <inheritdoc cref="DataDecoder.Size" />
    public long Size => _decoder.Size;

    /// <inheritdoc cref="DataDecoder.IsEnd" />
    public bool IsEnd => _decoder.IsEnd;

    /// <inheritdoc cref="DataDecoder.Violation" />
    public LineViolation Violation => _decoder.Violation;

    /// <summary>Whether the message has grown beyond its limit.</summary>
    public bool IsTooBig => sizeLimit > 0 && _decoder.Size > sizeLimit;

    /// <summary>A client may end a refused message and learn why, but it has to end it: so much is too much to listen to.</summary>
    public bool IsHopeless => Failure is not null && sizeLimit > 0 && _decoder.Size / 2 > sizeLimit;

    /// <returns>The number of bytes that belonged to the message.</returns>
    public int Receive(ReadOnlySpan<byte> input)
    {
        var consumed = _decoder.Decode(input, _decoded);
        if (Failure is null)
        {
            _headerStart.Write(_decoded.WrittenSpan, content);
            if (IsEnd)
                _headerStart.Finish(content);
        }

        _decoded.ResetWrittenCount();
        return consumed;
    }

    /// <summary>The message will be refused, with the first reply that was given here.</summary>
    public void Fail(string reply)
    {
        Failure ??= reply;
        content.ResetWrittenCount();
    }
}
