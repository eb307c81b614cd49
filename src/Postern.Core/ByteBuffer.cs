using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;

namespace Postern.Core;

/// <summary>A growing row of bytes that is emptied and used again. What is appended is ASCII or raw bytes.</summary>
public sealed class ByteBuffer
{
    private byte[] _bytes = new byte[512];

    /// <summary>How many bytes it holds.</summary>
    public int Length { get; private set; }

    /// <summary>What it holds, valid until the next append.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    /// <summary>One of the bytes it holds.</summary>
    public byte this[int index]
    {
        get => Written[index];
        set => _bytes.AsSpan(0, Length)[index] = value;
    }

    /// <summary>Forgets what stands from <paramref name="length"/> on.</summary>
    public void Truncate(int length) => Length = length;

    /// <summary>Room for at least <paramref name="size"/> bytes; <see cref="Advance"/> takes what was written there.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // a line of the log is some twenty appends
    public Span<byte> Reserve(int size)
    {
        if (_bytes.Length - Length < size)
            Grow(size);
        return _bytes.AsSpan(Length);
    }

    /// <summary>Takes <paramref name="count"/> bytes that were written into the reserved room.</summary>
    public void Advance(int count) => Length += count;

    /// <summary>Appends bytes as they are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ByteBuffer Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        Length += bytes.Length;
        return this;
    }

    /// <summary>Appends one byte.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ByteBuffer Append(byte value)
    {
        Reserve(1)[0] = value;
        Length++;
        return this;
    }

    /// <summary>Appends a text whose characters each stand for one byte (Latin-1).</summary>
    public ByteBuffer Append(string text)
    {
        Length += Encoding.Latin1.GetBytes(text, Reserve(text.Length));
        return this;
    }

    /// <summary>Appends a decimal number.</summary>
    public ByteBuffer Append(long number)
    {
        Utf8Formatter.TryFormat(number, Reserve(20), out var written);
        Length += written;
        return this;
    }

    /// <summary>Appends an address in its text form.</summary>
    public ByteBuffer Append(IpAddress address)
    {
        Length += address.Format(Reserve(IpAddress.MaxTextLength));
        return this;
    }

    private void Grow(int size) => Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + size));
}
