namespace Postern.Core.Relay;

/// <summary>
/// What a client said before it was handed over, to be said again to the server: up to its first recipient, or to AUTH. Each
/// text is free of CR, LF and NUL, so that it is one line to every server.
/// </summary>
public sealed record Envelope
{
    /// <summary>What stands behind HELO or EHLO, as the client wrote it; empty: it said neither.</summary>
    public required byte[] Helo { get; init; }

    /// <summary>It said EHLO.</summary>
    public required bool Extended { get; init; }

    /// <summary>What it was told in reply to EHLO, as far as the server has to keep it.</summary>
    public required EhloOffer Announced { get; init; }

    /// <summary>What stands behind MAIL, parameters included, as the client wrote it; null: its last command is AUTH.</summary>
    public required byte[]? Mail { get; init; }

    /// <summary>What stands behind its last command: RCPT, or AUTH if there was no MAIL.</summary>
    public required byte[] Last { get; init; }

    /// <summary>What the client sent behind that without waiting for the reply.</summary>
    public required byte[] Rest { get; init; }

    /// <summary>
    /// Whether the lines can be said again without a server reading something else in them: what some take for the end
    /// of a line, or of a text, is no part of them.
    /// </summary>
    public static bool IsPlain(ReadOnlySpan<byte> text) => !text.ContainsAny("\r\n\0"u8);
}
