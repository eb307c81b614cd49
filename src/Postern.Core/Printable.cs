using System.Buffers;
using System.Text;

namespace Postern.Core;

/// <summary>Makes untrusted bytes harmless in a log line: Postfix's "printable" filter.</summary>
public static class Printable
{
    /// <summary>
    /// Copies <paramref name="source"/> up to its first NUL. Each byte that may not stand in the log becomes <c>?</c>, so
    /// the result is never longer than the source.
    /// </summary>
    /// <param name="keepUtf8">
    /// <c>smtputf8_enable</c>: keep well-formed UTF-8 (no overlong forms, no surrogates), replace each byte of anything
    /// else; otherwise keep printable ASCII only.
    /// </param>
    /// <returns>The number of bytes written.</returns>
    public static int Copy(ReadOnlySpan<byte> source, Span<byte> destination, bool keepUtf8)
    {
        var clean = source.IndexOfAnyExceptInRange((byte)' ', (byte)'~');
        if (clean < 0)
        {
            source.CopyTo(destination);
            return source.Length;
        }

        source[..clean].CopyTo(destination);
        var at = clean;
        while (at < source.Length && source[at] != 0)
        {
            var length = 1;
            if (source[at] is >= (byte)' ' and <= (byte)'~')
                destination[at] = source[at];
            else if (keepUtf8 && source[at] >= 0x80
                && Rune.DecodeFromUtf8(source[at..], out _, out length) == OperationStatus.Done)
                source.Slice(at, length).CopyTo(destination[at..]);
            else
                (destination[at], length) = ((byte)'?', 1); // one byte only: the next may begin a character
            at += length;
        }

        return at;
    }
}
