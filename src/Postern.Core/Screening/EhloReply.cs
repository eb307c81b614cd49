using Postern.Core.Config;
using Postern.Core.Smtp;

namespace Postern.Core.Screening;

/// <summary>The answer to EHLO: what postscreen announces, less what is discarded. Never PIPELINING, never AUTH.</summary>
internal readonly ref struct EhloReply(Settings settings, EhloKeywords discarded)
{
    internal void AppendTo(ByteBuffer output)
    {
        var start = output.Length;
        var last = Line(output, settings.MyHostname);
        if (Announces(EhloKeywords.Size))
            last = Line(output, settings.MessageSizeLimit > 0 ? $"SIZE {settings.MessageSizeLimit}" : "SIZE");
        if (Announces(EhloKeywords.Vrfy) && !settings.HideVrfy)
            last = Line(output, "VRFY");
        if (Announces(EhloKeywords.Etrn))
            last = Line(output, "ETRN");
        if (Announces(EhloKeywords.StartTls) && settings.TlsLevel is not TlsLevel.None)
            last = Line(output, "STARTTLS");
        if (Announces(EhloKeywords.EnhancedStatusCodes))
            last = Line(output, "ENHANCEDSTATUSCODES");
        if (Announces(EhloKeywords.EightBitMime))
            last = Line(output, "8BITMIME");
        if (Announces(EhloKeywords.Dsn))
            last = Line(output, "DSN");
        if (Announces(EhloKeywords.SmtpUtf8) && settings.SmtpUtf8)
            last = Line(output, "SMTPUTF8");
        if (Announces(EhloKeywords.Chunking))
            last = Line(output, "CHUNKING");
        output[last + 3] = (byte)' ';
        if (settings.SoftBounce)
            Reply.Soften(output, start);
    }

    private bool Announces(EhloKeywords keyword) => !discarded.HasFlag(keyword);

    /// <returns>Where the line starts.</returns>
    private static int Line(ByteBuffer output, string text)
    {
        var start = output.Length;
        output.Append("250-"u8).Append(text).Append("\r\n"u8);
        return start;
    }
}
