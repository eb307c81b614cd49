namespace Postern.Core.Smtp;

/// <summary>EHLO keywords that <c>postscreen_discard_ehlo_keywords</c> may name.</summary>
[Flags]
public enum EhloKeywords
{
    /// <summary>None.</summary>
    None = 0,
#pragma warning disable CS1591 // the names are the keywords
    EightBitMime = 1 << 0,
    Auth = 1 << 1,
    Etrn = 1 << 2,
    Pipelining = 1 << 3,
    Size = 1 << 4,
    Verp = 1 << 5,
    Vrfy = 1 << 6,
    XClient = 1 << 7,
    XForward = 1 << 8,
    StartTls = 1 << 9,
    EnhancedStatusCodes = 1 << 10,
    Dsn = 1 << 11,
    SmtpUtf8 = 1 << 12,
    Chunking = 1 << 13,
    SilentDiscard = 1 << 14,
    RequireTls = 1 << 15,
#pragma warning restore CS1591
}
