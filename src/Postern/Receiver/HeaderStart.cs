using System.Buffers;

namespace Postern.Receiver;

/// <summary>
/// Looks at the first line of a message. When it is not a header field, an empty line goes in front of it, as Postfix's
/// cleanup does: the text would otherwise continue our own trace headers. An mbox separator becomes <c>X-Mailbox-Line:</c>.
/// </summary>
internal sealed class HeaderStart
{
    /// <summary>A field name that is longer than this is none.</summary>
    private const int LongestName = 128;

    private readonly ArrayBufferWriter<byte> _held = new();
    private bool _isDecided;

    /// <summary>Passes decoded text on, except for a first piece of which it cannot yet be said what it is.</summary>
    public void Write(ReadOnlySpan<byte> decoded, IBufferWriter<byte> output)
    {
        if (_isDecided)
        {
            output.Write(decoded);
            return;
        }

        _held.Write(decoded);
        var first = _held.WrittenSpan;
        var isField = IsField(first);
        if (isField is null && first.Length <= LongestName)
            return;

        if (IsMailboxLine(first) is null)
            return;
        if (IsMailboxLine(first) == true)
            output.Write("X-Mailbox-Line: "u8);
        else if (first[0] != '\n' && isField != true)
            output.Write("\n"u8);
        Finish(output);
    }

    /// <summary>Passes on what was held when the data has ended.</summary>
    public void Finish(IBufferWriter<byte> output)
    {
        _isDecided = true;
        output.Write(_held.WrittenSpan);
        _held.Clear();
    }

    private static bool? IsMailboxLine(ReadOnlySpan<byte> first)
    {
        var line = first.StartsWith(">"u8) ? first[1..] : first;
        if (line.StartsWith("From "u8))
            return true;
        return "From "u8.StartsWith(line) ? null : false;
    }

    /// <returns>Null when more of the line is needed.</returns>
    private static bool? IsField(ReadOnlySpan<byte> first)
    {
        var colon = first.IndexOf((byte)':');
        var name = (colon < 0 ? first : first[..colon]).TrimEnd(" \t"u8); // white space before the colon is obsolete, yet legal (RFC 5322 §4.5)
        if (name.Length > LongestName || name.ContainsAnyExceptInRange((byte)'!', (byte)'~') || (name.IsEmpty && !first.IsEmpty))
            return false;
        return colon < 0 ? null : true;
    }
}
