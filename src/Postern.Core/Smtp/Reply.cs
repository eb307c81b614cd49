namespace Postern.Core.Smtp;

/// <summary>A one-line SMTP reply without its CR LF, as the dummy engine means it (before <c>soft_bounce</c>).</summary>
/// <param name="Text">Reply code, enhanced code, words; Latin-1 characters standing for bytes.</param>
public sealed record Reply(string Text)
{
    /// <summary>
    /// Appends the reply to <paramref name="output"/>. With <c>soft_bounce = yes</c> a leading 5 becomes 4, and so does
    /// a 5 at offset 4, whatever stands around it.
    /// </summary>
    public void AppendTo(ByteBuffer output, bool softBounce)
    {
        var start = output.Length;
        output.Append(Text);
        if (softBounce)
            Soften(output, start);
    }

    /// <summary>Applies <c>soft_bounce</c> to the reply that starts at <paramref name="start"/>.</summary>
    public static void Soften(ByteBuffer output, int start)
    {
        if (output.Length > start && output[start] == '5')
            output[start] = (byte)'4';
        if (output.Length > start + 4 && output[start + 4] == '5')
            output[start + 4] = (byte)'4';
    }
}
