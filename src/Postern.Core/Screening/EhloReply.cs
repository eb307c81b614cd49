using Postern.Core.Config;
using Postern.Core.Relay;
using Postern.Core.Smtp;

namespace Postern.Core.Screening;

/// <summary>The answer to EHLO: what postscreen announces, less what is discarded. Never PIPELINING; AUTH only for a server behind.</summary>
/// <param name="target">What the server keeps that the client may be handed over to; null: it will not be.</param>
/// <param name="mayAuthenticate">The client may be handed over with AUTH.</param>
internal readonly ref struct EhloReply(Settings settings, EhloKeywords discarded, EhloOffer? target, bool mayAuthenticate)
{
    /// <summary>Of what is announced: what such a server has to keep.</summary>
    internal EhloOffer Announced => target is null
        ? EhloOffer.Nothing
        : new EhloOffer(target.Keywords & ~discarded, Size, null);

    private long Size => target is { SizeLimit: > 0 }
        ? EhloOffer.SmallerLimit(settings.MessageSizeLimit, target.SizeLimit)
        : settings.MessageSizeLimit;

    internal void AppendTo(ByteBuffer output)
    {
        var start = output.Length;
        var last = Line(output, settings.MyHostname);
        if (Announces(EhloKeywords.Size))
            last = Line(output, Size > 0 ? $"SIZE {Size}" : "SIZE");
        if (Announces(EhloKeywords.Vrfy) && !settings.HideVrfy)
            last = Line(output, "VRFY");
        if (Announces(EhloKeywords.Etrn))
            last = Line(output, "ETRN");
        if (!discarded.HasFlag(EhloKeywords.StartTls) && settings.TlsLevel is not TlsLevel.None)
            last = Line(output, "STARTTLS");
        if (mayAuthenticate && target is { Mechanisms: { Count: > 0 } mechanisms } && !discarded.HasFlag(EhloKeywords.Auth))
            last = Line(output, "AUTH " + string.Join(' ', mechanisms));
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

    private bool Announces(EhloKeywords keyword) => !discarded.HasFlag(keyword) && (target is null || target.Keywords.HasFlag(keyword));

    /// <returns>Where the line starts.</returns>
    private static int Line(ByteBuffer output, string text)
    {
        var start = output.Length;
        output.Append("250-"u8).Append(text).Append("\r\n"u8);
        return start;
    }
}
