using System.Diagnostics;
using System.Text;
using Postern.Core.Lanes;
using Postern.Core.Smtp;

namespace Postern.Core;

/// <summary>
/// The exact log lines, written after the log's own frame. Administrators' scripts read them: where postscreen has the
/// line, it is the same to the byte. Client text is escaped here; the log filters whole lines besides.
/// </summary>
public static class LogText
{
    /// <summary>Most bytes of client text in one field.</summary>
    public const int FieldLimit = 100;

    /// <summary>Appends <c>[address]:port</c>.</summary>
    public static ByteBuffer AppendClient(this ByteBuffer line, IpAddress address, ushort port) =>
        line.Append((byte)'[').Append(address).Append("]:"u8).Append(port);

    /// <summary><c>CONNECT from [a]:p to [s]:sp</c>.</summary>
    public static void Connect(ByteBuffer line, IpAddress address, ushort port, Endpoint server) =>
        line.Append("CONNECT from "u8).AppendClient(address, port).Append(" to "u8).AppendClient(server.Address, server.Port);

    /// <summary>A line that consists of an event and the client: <c>PASS NEW [a]:p</c>.</summary>
    public static void ClientEvent(ByteBuffer line, ReadOnlySpan<byte> what, IpAddress address, ushort port) =>
        line.Append(what).Append((byte)' ').AppendClient(address, port);

    /// <summary><c>PROVIDER PERMIT [a]:p DOMAIN</c>, <c>PROVIDER PASS [a]:p DOMAIN</c>.</summary>
    public static void Provider(ByteBuffer line, ReadOnlySpan<byte> what, IpAddress address, ushort port, string domain) =>
        line.Append("PROVIDER "u8).Append(what).Append((byte)' ').AppendClient(address, port).Append((byte)' ').Append(domain);

    /// <summary><c>PREGREET n after T from [a]:p: TEXT</c>, TEXT cut to 100 characters after escaping.</summary>
    public static void Pregreet(ByteBuffer line, ReadOnlySpan<byte> early, TimeSpan elapsed, int decimals, IpAddress address, ushort port)
    {
        line.Append("PREGREET "u8).Append(early.Length).Append(" after "u8);
        AppendElapsed(line, elapsed, significantDigits: 2, decimals);
        line.Append(" from "u8).AppendClient(address, port).Append(": "u8);
        var start = line.Length;
        AppendEscaped(line, early[..Math.Min(early.Length, FieldLimit)]);
        line.Truncate(Math.Min(line.Length, start + FieldLimit));
    }

    /// <summary><c>DNSBL rank SCORE for [a]:p</c>.</summary>
    public static void DnsblRank(ByteBuffer line, int score, IpAddress address, ushort port) =>
        line.Append("DNSBL rank "u8).Append(score).Append(" for "u8).AppendClient(address, port);

    /// <summary>A line of dnsblog: <c>addr A listed by domain D as R</c>.</summary>
    /// <param name="line">Takes the line.</param>
    /// <param name="client">The client's address.</param>
    /// <param name="domain">The list's real domain.</param>
    /// <param name="answer">a.b.c.d with a in the most significant byte.</param>
    public static void Listed(ByteBuffer line, IpAddress client, string domain, uint answer) =>
        line.Append("addr "u8).Append(client).Append(" listed by domain "u8).Append(domain).Append(" as "u8).Append(IpAddress.FromIPv4(answer));

    /// <summary>dnsblog's line about a query that nobody answered, whatever the reason, in Postfix's words for it.</summary>
    public static void DnsblLookupError(ByteBuffer line, string query) =>
        line.Append("dnsblog_query: lookup error for DNS query "u8).Append(query)
            .Append(": Host or domain name not found. Name service error for name="u8).Append(query)
            .Append(" type=A: Host not found, try again"u8);

    /// <summary><c>HANGUP after T from [a]:p in PHASE</c>.</summary>
    public static void Hangup(ByteBuffer line, TimeSpan elapsed, int decimals, IpAddress address, ushort port, ReadOnlySpan<byte> phase)
    {
        line.Append("HANGUP after "u8);
        AppendElapsed(line, elapsed, significantDigits: 2, decimals);
        line.Append(" from "u8).AppendClient(address, port).Append(" in "u8).Append(phase);
    }

    /// <summary><c>NOQUEUE: reject: CONNECT from [a]:p: WHY</c>.</summary>
    public static void RejectConnect(ByteBuffer line, IpAddress address, ushort port, ReadOnlySpan<byte> why) =>
        line.Append("NOQUEUE: reject: CONNECT from "u8).AppendClient(address, port).Append(": "u8).Append(why);

    /// <summary>The line of <c>postscreen_pre_queue_limit</c>, whose form is its own.</summary>
    public static void ScreeningPortsBusy(ByteBuffer line, IpAddress address, ushort port) =>
        line.Append("reject: connect from "u8).AppendClient(address, port).Append(": all screening ports busy"u8);

    /// <summary><c>COMMAND xxx LIMIT from [a]:p after WHERE</c>.</summary>
    public static void CommandLimit(ByteBuffer line, ReadOnlySpan<byte> limit, IpAddress address, ushort port, ReadOnlySpan<byte> where) =>
        line.Append("COMMAND "u8).Append(limit).Append(" LIMIT from "u8).AppendClient(address, port).Append(" after "u8).Append(where);

    /// <summary><c>BARE NEWLINE from [a]:p after TEXT</c>: the offending line itself.</summary>
    public static void BareNewline(ByteBuffer line, IpAddress address, ushort port, ReadOnlySpan<byte> text)
    {
        line.Append("BARE NEWLINE from "u8).AppendClient(address, port).Append(" after "u8);
        AppendEscaped(line, Cut(text));
    }

    /// <summary><c>NON-SMTP COMMAND from [a]:p after WHERE: VERB ARGUMENTS</c>.</summary>
    public static void NonSmtpCommand(
        ByteBuffer line, IpAddress address, ushort port, ReadOnlySpan<byte> where, ReadOnlySpan<byte> verb, ReadOnlySpan<byte> arguments, bool utf8)
    {
        line.Append("NON-SMTP COMMAND from "u8).AppendClient(address, port).Append(" after "u8).Append(where).Append(": "u8);
        AppendPrintable(line, Cut(verb), utf8);
        AppendEscaped(line.Append((byte)' '), Cut(arguments));
    }

    /// <summary><c>COMMAND PIPELINING from [a]:p after VERB: TEXT</c>, TEXT = what came too early.</summary>
    public static void Pipelining(ByteBuffer line, IpAddress address, ushort port, ReadOnlySpan<byte> verb, ReadOnlySpan<byte> early, bool utf8)
    {
        line.Append("COMMAND PIPELINING from "u8).AppendClient(address, port).Append(" after "u8);
        AppendPrintable(line, Cut(verb), utf8);
        AppendEscaped(line.Append(": "u8), Cut(early));
    }

    /// <summary><c>[a]:p: replacing command "OLD" with "NEW"</c>, each cut to 100 bytes.</summary>
    public static void ReplacedCommand(ByteBuffer line, IpAddress address, ushort port, ReadOnlySpan<byte> command, ReadOnlySpan<byte> replacement) =>
        line.AppendClient(address, port).Append(": replacing command \""u8).Append(Cut(command)).Append("\" with \""u8).Append(Cut(replacement)).Append((byte)'"');

    /// <summary><c>[a]p: discarding EHLO keywords: LIST</c>; that there is no colon before the port is postscreen's.</summary>
    public static void DiscardedKeywords(ByteBuffer line, IpAddress address, ushort port, string keywords) =>
        line.Append((byte)'[').Append(address).Append((byte)']').Append(port).Append(": discarding EHLO keywords: "u8).Append(keywords);

    /// <summary><c>LANE CLASS [a]:p CLASS WHY name=NAME</c>, under Postern's own name; the name is left away when there is none.</summary>
    public static void LaneClass(ByteBuffer line, IpAddress address, ushort port, RdnsVerdict verdict, string name)
    {
        line.Append("LANE CLASS "u8).AppendClient(address, port).Append((byte)' ').Append(verdict.Word).Append((byte)' ').Append(verdict.Why);
        if (name.Length == 0)
            return;
        Span<byte> bytes = stackalloc byte[FieldLimit];
        AppendEscaped(line.Append(" name="u8), bytes[..Encoding.Latin1.GetBytes(name.AsSpan(0, Math.Min(name.Length, FieldLimit)), bytes)]);
    }

    /// <summary><c>LANE EVENT [a]:p CLASS WHY wait=SECONDS after=SECONDS refusals=NUMBER</c>, under Postern's own name.</summary>
    /// <param name="line">Takes the line.</param>
    /// <param name="what">The event.</param>
    /// <param name="address">The client's address.</param>
    /// <param name="port">The client's port.</param>
    /// <param name="verdict">Class and reason.</param>
    /// <param name="wait">How long the client has to be silent, from the teaser on.</param>
    /// <param name="after">How long it was silent, or since when it is known; null: left away.</param>
    /// <param name="refusals">How often its return was refused; null: left away.</param>
    /// <param name="decimals"><c>delay_logging_resolution_limit</c>.</param>
    public static void LaneEvent(
        ByteBuffer line, LaneEvent what, IpAddress address, ushort port, RdnsVerdict verdict, int wait, TimeSpan? after, int? refusals, int decimals)
    {
        line.Append("LANE "u8).Append(WordOf(what)).Append((byte)' ').AppendClient(address, port);
        line.Append((byte)' ').Append(verdict.Word).Append((byte)' ').Append(verdict.Why).Append(" wait="u8).Append(wait);
        if (after is { } elapsed)
            AppendElapsed(line.Append(" after="u8), elapsed, significantDigits: 3, decimals);
        if (refusals is { } number)
            line.Append(" refusals="u8).Append(number);
    }

    /// <summary>The line of a refused recipient.</summary>
    /// <param name="line">Takes the line.</param>
    /// <param name="address">The client's address.</param>
    /// <param name="port">The client's port.</param>
    /// <param name="reply">The reply, shown as sent (<c>soft_bounce</c> applied).</param>
    /// <param name="softBounce"><c>soft_bounce</c>.</param>
    /// <param name="sender">Internal form.</param>
    /// <param name="recipient">Internal form.</param>
    /// <param name="quoted"><c>info_log_address_format = external</c>.</param>
    /// <param name="extended">The client has said EHLO.</param>
    /// <param name="helo">The HELO name; empty when there was none.</param>
    public static void RejectRecipient(
        ByteBuffer line, IpAddress address, ushort port, Reply reply, bool softBounce, ReadOnlySpan<byte> sender,
        ReadOnlySpan<byte> recipient, bool quoted, bool extended, ReadOnlySpan<byte> helo)
    {
        line.Append("NOQUEUE: reject: RCPT from "u8).AppendClient(address, port).Append(": "u8);
        reply.AppendTo(line, softBounce);
        AppendMailbox(line.Append("; from=<"u8), sender, quoted);
        AppendMailbox(line.Append(">, to=<"u8), recipient, quoted);
        line.Append(extended ? ">, proto=ESMTP, helo=<"u8 : ">, proto=SMTP, helo=<"u8).Append(helo).Append((byte)'>');
    }

    /// <summary><c>TLS handshake failed for service=smtpd peer=[a]:p</c>: smtpd's name is on the lines of all clients of postscreen.</summary>
    public static void TlsHandshakeFailed(ByteBuffer line, IpAddress address, ushort port) =>
        line.Append("TLS handshake failed for service=smtpd peer="u8).AppendClient(address, port);

    /// <summary><c>Anonymous TLS connection established from [a]:p: TLSv1.2 with cipher NAME (256/256 bits)</c>.</summary>
    /// <param name="line">Takes the line.</param>
    /// <param name="trust"><c>Anonymous</c>, <c>Untrusted</c> or <c>Trusted</c>, by the client's certificate.</param>
    /// <param name="address">The client's address.</param>
    /// <param name="port">The client's port.</param>
    /// <param name="version">Such as <c>TLSv1.3</c>.</param>
    /// <param name="cipher">OpenSSL's name.</param>
    /// <param name="bits">Of the key.</param>
    public static void TlsEstablished(ByteBuffer line, string trust, IpAddress address, ushort port, string version, string cipher, int bits) =>
        line.Append(trust).Append(" TLS connection established from "u8).AppendClient(address, port).Append(": "u8).Append(version)
            .Append(" with cipher "u8).Append(cipher).Append(" ("u8).Append(bits).Append((byte)'/').Append(bits).Append(" bits)"u8);

    /// <summary>
    /// Appends a time span as "after T" shows it: so many significant digits, at most so many decimals
    /// (<c>delay_logging_resolution_limit</c>), rounded, no trailing zeros; negative counts as 0.
    /// </summary>
    public static void AppendElapsed(ByteBuffer line, TimeSpan elapsed, int significantDigits, int decimals)
    {
        var total = Math.Max(0, elapsed.Ticks / TimeSpan.TicksPerMicrosecond);
        var (seconds, micros) = ((long)(total / 1_000_000), (int)(total % 1_000_000));
        Debug.Assert(significantDigits is >= 1 and <= 6 && decimals is >= 0 and <= 6);

        var resolution = 1;
        for (var i = decimals; i < 6; i++)
            resolution *= 10;
        var wanted = 1;
        for (var i = 1; i < significantDigits; i++)
            wanted *= 10;
        if (seconds > 0)
        {
            var needed = Math.Max(1, 1_000_000 / (wanted * 10L));
            for (long power = 1; power <= seconds && needed < 1_000_000; power *= 10)
                needed *= 10;
            resolution = (int)Math.Max(resolution, needed);
        }
        else
        {
            while (micros >= wanted * 10L * resolution)
                resolution *= 10;
        }

        if (resolution > 1)
        {
            micros += resolution / 2;
            if (micros >= 1_000_000)
            {
                micros -= 1_000_000;
                seconds++;
            }
        }

        line.Append(seconds);
        if (micros < resolution)
            return;
        line.Append((byte)'.');
        for (var unit = 100_000; micros >= resolution; unit /= 10)
        {
            line.Append((byte)('0' + micros / unit));
            micros %= unit;
        }
    }

    /// <summary>
    /// Appends client bytes in C's escapes: <c>\r \n \t …</c>, <c>\\</c>, and <c>\ooo</c> for everything that is not
    /// printable ASCII.
    /// </summary>
    public static void AppendEscaped(ByteBuffer line, ReadOnlySpan<byte> text)
    {
        foreach (var value in text)
        {
            var letter = value switch
            {
                7 => 'a',
                8 => 'b',
                12 => 'f',
                10 => 'n',
                13 => 'r',
                9 => 't',
                11 => 'v',
                (byte)'\\' => '\\',
                _ => '\0',
            };
            if (letter != '\0')
                line.Append((byte)'\\').Append((byte)letter);
            else if (value is >= 0x20 and < 0x7f)
                line.Append(value);
            else
                line.Append((byte)'\\').Append((byte)('0' + (value >> 6))).Append((byte)('0' + (value >> 3 & 7))).Append((byte)('0' + (value & 7)));
        }
    }

    /// <summary>Appends bytes as <see cref="Printable"/> lets them through.</summary>
    public static void AppendPrintable(ByteBuffer line, ReadOnlySpan<byte> text, bool utf8) =>
        line.Advance(Printable.Copy(text, line.Reserve(text.Length), utf8));

    private static ReadOnlySpan<byte> WordOf(LaneEvent what) => what switch
    {
        Lanes.LaneEvent.Class => "CLASS"u8,
        Lanes.LaneEvent.Enter => "ENTER"u8,
        Lanes.LaneEvent.Waited => "WAITED"u8,
        Lanes.LaneEvent.Hangup => "HANGUP"u8,
        Lanes.LaneEvent.Quit => "QUIT"u8,
        Lanes.LaneEvent.Pregreet => "PREGREET"u8,
        Lanes.LaneEvent.Praised => "PRAISED"u8,
        Lanes.LaneEvent.Full => "FULL"u8,
        Lanes.LaneEvent.Closed => "CLOSED"u8,
        Lanes.LaneEvent.Greylisted => "GREYLISTED"u8,
        Lanes.LaneEvent.Returned => "RETURNED"u8,
        _ => "STOPPED"u8,
    };

    private static void AppendMailbox(ByteBuffer line, ReadOnlySpan<byte> mailbox, bool quoted)
    {
        if (quoted)
            MailAddress.AppendQuoted(line, mailbox);
        else
            line.Append(mailbox);
    }

    private static ReadOnlySpan<byte> Cut(ReadOnlySpan<byte> text) => text[..Math.Min(text.Length, FieldLimit)];
}
