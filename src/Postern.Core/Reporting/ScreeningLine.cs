using System.Buffers.Text;

namespace Postern.Core.Reporting;

/// <summary>What postscreen says of a client after its CONNECT.</summary>
internal enum ScreeningEvent : byte
{
    Failed,
    Allowlisted,
    Provider,
    PassOld,
    PassNew,
    Disconnect,

    /// <summary>A recipient got <c>450 4.3.2</c>: the tests go on, or are passed, and the client has to come back.</summary>
    ToldToComeBack,

    /// <summary>A recipient got another reply.</summary>
    Refused,

    /// <summary>The mail server has as many clients waiting as <c>postscreen_post_queue_limit</c> allows.</summary>
    ServerBusy,
}

/// <summary>One of postscreen's lines about a client. The beginning of a line tells what it is; what the client said stands at its end.</summary>
/// <param name="Event">What happened.</param>
/// <param name="Cause">What failed.</param>
/// <param name="Address">The client's address.</param>
/// <param name="Port">Its port.</param>
/// <param name="Seconds">How long it had waited, where the line says so.</param>
internal readonly record struct ScreeningLine(ScreeningEvent Event, ScreeningCause Cause, IpAddress Address, ushort Port, double Seconds)
{
    private static readonly (byte[] Start, ScreeningEvent Event, ScreeningCause Cause)[] Starts =
    [
        ("DISCONNECT "u8.ToArray(), ScreeningEvent.Disconnect, default),
        ("PASS OLD "u8.ToArray(), ScreeningEvent.PassOld, default),
        ("PASS NEW "u8.ToArray(), ScreeningEvent.PassNew, default),
        ("ALLOWLISTED "u8.ToArray(), ScreeningEvent.Allowlisted, default),
        ("WHITELISTED "u8.ToArray(), ScreeningEvent.Allowlisted, default),
        ("PROVIDER PERMIT "u8.ToArray(), ScreeningEvent.Provider, default), // under Postern's own name
        ("DENYLISTED "u8.ToArray(), ScreeningEvent.Failed, ScreeningCause.Denylisted),
        ("BLACKLISTED "u8.ToArray(), ScreeningEvent.Failed, ScreeningCause.Denylisted),
        ("ALLOWLIST VETO "u8.ToArray(), ScreeningEvent.Failed, ScreeningCause.Veto),
        ("WHITELIST VETO "u8.ToArray(), ScreeningEvent.Failed, ScreeningCause.Veto),
        ("DNSBL rank "u8.ToArray(), ScreeningEvent.Failed, ScreeningCause.Dnsbl),
        ("COMMAND PIPELINING from "u8.ToArray(), ScreeningEvent.Failed, ScreeningCause.Pipelining),
        ("NON-SMTP COMMAND from "u8.ToArray(), ScreeningEvent.Failed, ScreeningCause.NonSmtpCommand),
        ("BARE NEWLINE from "u8.ToArray(), ScreeningEvent.Failed, ScreeningCause.BareNewline),
        ("COMMAND TIME LIMIT from "u8.ToArray(), ScreeningEvent.Failed, ScreeningCause.CommandLimit),
        ("COMMAND COUNT LIMIT from "u8.ToArray(), ScreeningEvent.Failed, ScreeningCause.CommandLimit),
        ("COMMAND LENGTH LIMIT from "u8.ToArray(), ScreeningEvent.Failed, ScreeningCause.CommandLimit),
        ("LANE GREYLISTED "u8.ToArray(), ScreeningEvent.Failed, ScreeningCause.Greylisted), // under Postern's own name
        ("reject: connect from "u8.ToArray(), ScreeningEvent.Failed, ScreeningCause.NoRoom),
    ];

    public static bool TryRead(ReadOnlySpan<byte> text, out ScreeningLine line)
    {
        line = default;
        if (text.StartsWith("NOQUEUE: reject: "u8))
            return TryReadReject(text[17..], out line);
        if (text.StartsWith("PREGREET "u8))
            return TryReadWait(text, ScreeningCause.Pregreet, out line);
        if (text.StartsWith("HANGUP after "u8))
            return TryReadWait(text, text.EndsWith("tests after SMTP handshake"u8) ? ScreeningCause.HangupAfter : ScreeningCause.HangupBefore, out line);
        foreach (var (start, happened, cause) in Starts)
        {
            if (!text.StartsWith(start))
                continue;
            var rest = text[start.Length..];
            if (cause is ScreeningCause.Dnsbl)
                rest = rest.IndexOf(" for "u8) is > 0 and var end ? rest[(end + 5)..] : [];
            return TryMake(rest, happened, cause, 0, out line);
        }

        return false;
    }

    private static bool TryReadReject(ReadOnlySpan<byte> text, out ScreeningLine line)
    {
        if (text.StartsWith("CONNECT from "u8))
        {
            return text.EndsWith(": all server ports busy"u8)
                ? TryMake(text[13..], ScreeningEvent.ServerBusy, default, 0, out line)
                : TryMake(text[13..], ScreeningEvent.Failed, ScreeningCause.ConnectionLimit, 0, out line);
        }

        line = default;
        if (!text.StartsWith("RCPT from "u8) || text.IndexOf("]:"u8) is not (> 0 and var end))
            return false;
        var reply = text[(end + 2)..];
        reply = reply[(reply.IndexOf((byte)' ') + 1)..];
        return TryMake(text[10..], reply.StartsWith("450 4.3.2 "u8) ? ScreeningEvent.ToldToComeBack : ScreeningEvent.Refused, default, 0, out line);
    }

    // PREGREET 11 after 0.5 from [a]:p: text, HANGUP after 1.3 from [a]:p in tests ...
    private static bool TryReadWait(ReadOnlySpan<byte> text, ScreeningCause cause, out ScreeningLine line)
    {
        line = default;
        if (text.IndexOf("after "u8) is not (>= 0 and var start) || !Utf8Parser.TryParse(text[(start + 6)..], out double seconds, out var length))
            return false;
        var rest = text[(start + 6 + length)..];
        return rest.StartsWith(" from "u8) && TryMake(rest[6..], ScreeningEvent.Failed, cause, seconds, out line);
    }

    private static bool TryMake(ReadOnlySpan<byte> client, ScreeningEvent happened, ScreeningCause cause, double seconds, out ScreeningLine line)
    {
        line = default;
        if (!ClientText.TryRead(client, out var address, out var port))
            return false;
        line = new ScreeningLine(happened, cause, address, port, seconds);
        return true;
    }
}
