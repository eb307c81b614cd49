using System.Runtime.InteropServices;
using System.Runtime.InteropServices.Marshalling;
using System.Text;

namespace Postern.Native;

/// <summary>
/// Gives a string to C with one byte for each char: paths and names come from configuration files, which are held so.
/// </summary>
[CustomMarshaller(typeof(string), MarshalMode.ManagedToUnmanagedIn, typeof(Latin1Marshaller))]
internal unsafe ref struct Latin1Marshaller
{
    private Span<byte> _text;
    private void* _allocated;

    /// <summary>Bytes the caller offers on its stack.</summary>
    public static int BufferSize => 256;

    public void FromManaged(string text, Span<byte> buffer)
    {
        if (text.Length >= buffer.Length)
        {
            _allocated = NativeMemory.Alloc((nuint)text.Length + 1);
            buffer = new Span<byte>(_allocated, text.Length + 1);
        }

        buffer[Encoding.Latin1.GetBytes(text, buffer)] = 0;
        _text = buffer;
    }

    public readonly ref byte GetPinnableReference() => ref MemoryMarshal.GetReference(_text);

    // The buffer is the caller's pinned stack or native memory, so the address stays.
    public readonly byte* ToUnmanaged() => (byte*)System.Runtime.CompilerServices.Unsafe.AsPointer(ref MemoryMarshal.GetReference(_text));

    public readonly void Free() => NativeMemory.Free(_allocated);
}
