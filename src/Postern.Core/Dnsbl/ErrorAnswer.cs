namespace Postern.Core.Dnsbl;

/// <summary>What an answer of a DNS list can be besides a listing.</summary>
public enum ErrorAnswerKind
{
    /// <summary>A listing.</summary>
    None,

    /// <summary>Not in 127.0.0.0/8, where listings are (RFC 5782 §2.1).</summary>
    OutsideLoopback,

    /// <summary>In 127.255.255.0/24, the error codes of Spamhaus and others.</summary>
    ErrorCode,

    /// <summary>127.0.0.255: dnswl.org refuses to serve.</summary>
    OverQuota,
}

/// <summary>Answers that look like listings and are errors. Who takes them for listings refuses, or lets in, everybody.</summary>
public static class ErrorAnswer
{
    /// <param name="address">a.b.c.d with a in the most significant byte.</param>
    public static ErrorAnswerKind KindOf(uint address) =>
        address >> 24 != 127 ? ErrorAnswerKind.OutsideLoopback
        : address >> 8 == 0x7fffff ? ErrorAnswerKind.ErrorCode
        : address == 0x7f0000ff ? ErrorAnswerKind.OverQuota
        : ErrorAnswerKind.None;

    /// <summary>What it means, for the administrator.</summary>
    public static string Meaning(uint address) => KindOf(address) switch
    {
        ErrorAnswerKind.OutsideLoopback => "not an address that DNS lists answer with: the list may be gone, or a resolver invents answers",
        ErrorAnswerKind.OverQuota => "too many queries for free use",
        _ => (address & 0xff) switch
        {
            252 => "the name of the list is mistyped",
            254 => "asked through a public or open resolver, which the list does not serve: use a resolver of your own",
            255 => "too many queries for free use",
            _ => "an error code of the list",
        },
    };
}
