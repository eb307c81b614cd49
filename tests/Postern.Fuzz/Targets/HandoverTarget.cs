using System.Text;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Relay;
using Postern.Core.Smtp;

namespace Postern.Fuzz.Targets;

/// <summary>
/// A client that is handed over to a hostile server. The first byte chooses the announcement and whether TLS is wanted, the
/// second the kind of hand-over; the rest is what the server says, and a <c>|</c> in it is where one read ends and the next begins.
/// </summary>
internal static class HandoverTarget
{
    private const int LongestReason = 400;

    public static readonly FuzzTarget Target = new(
        "handover", Run, MaxInput: 65_536, MaxAllocated: (200_000, 400),
        ["220 x\r\n|", "250-x\r\n250 XCLIENT ADDR NAME\r\n|", "250 ok\r\n|", "250-SIZE 5\r\n", "550 no\r\n", "421 bye\r\n", "354 go\r\n", "|", "220-", "\n", "\r", "250-DSN\r\n"]);

    private static readonly string[] Said =
        ["PROXY TCP4 192.0.2.7 192.0.2.25 40000 25\r\n", "EHLO postern.test\r\n", "XCLIENT ADDR=192.0.2.7", "EHLO foo\r\n", "HELO foo\r\n", "MAIL FROM:<a>\r\n", "RCPT TO:<b>\r\n",
         "AUTH PLAIN x\r\n", "STARTTLS\r\n", "QUIT\r\n"];

    private static void Run(byte[] input)
    {
        if (input.Length < 2)
            return;
        var announcement = (RelayAnnouncement)(input[0] % 4);
        var rules = new RelayRules { Announcement = announcement, MyHostname = "postern.test", Tls = input[0] < 128 ? RelayTls.None : input[0] < 192 ? RelayTls.May : RelayTls.Encrypt };
        var client = new ClientIdentity(IpAddress.FromIPv4(0xc0000207), 40000, new Endpoint(IpAddress.FromIPv4(0xc0000219), 25), "id");
        var talk = (input[1] % 4) switch
        {
            0 => Handover.OfSilentClient(rules, client),
            1 => Handover.Probe(rules, client),
            var kind => Handover.OfSession(rules, client, EnvelopeOf(kind == 2, isAuth: input[1] >= 128)),
        };

        var step = HandoverStep.Wait;
        CheckSaid(talk, isFirst: true, announcement);
        foreach (var piece in Encoding.Latin1.GetString(input, 2, input.Length - 2).Split('|'))
        {
            if (step is not HandoverStep.Wait)
                break;
            if (piece.Length == 0)
                continue;
            step = talk.OnReceived(Encoding.Latin1.GetBytes(piece));
            CheckSaid(talk, isFirst: false, announcement);
            if (step is HandoverStep.StartTls)
                step = talk.OnTlsUp();
            CheckSaid(talk, isFirst: false, announcement);
        }

        if (step is HandoverStep.Wait)
            step = input[0] < 128 ? talk.OnClosed() : talk.OnTimeout();
        FuzzFailure.Unless(step is not HandoverStep.GiveUp || talk.Reason.Length is > 0 and < LongestReason, $"a reason of {talk.Reason.Length} characters");
        FuzzFailure.Unless(talk.ToClient.Length <= input.Length + ReplyReader.Limit, "the client gets no more than the server said");
    }

    private static Envelope EnvelopeOf(bool extended, bool isAuth) => new()
    {
        Helo = "foo"u8.ToArray(),
        Extended = extended,
        Announced = extended ? new EhloOffer(EhloKeywords.Dsn, 0, null) : EhloOffer.Nothing,
        Mail = isAuth ? null : "FROM:<a>"u8.ToArray(),
        Last = isAuth ? "PLAIN x"u8.ToArray() : "TO:<b>"u8.ToArray(),
        Rest = [],
    };

    // Whatever the server says, it hears what belongs to the hand-over, and one line at a time.
    private static void CheckSaid(Handover talk, bool isFirst, RelayAnnouncement announcement)
    {
        var text = Encoding.Latin1.GetString(talk.ToServer.Written);
        talk.ToServer.Truncate(0);
        if (text.Length == 0 || (isFirst && announcement is RelayAnnouncement.ProxyV2))
            return;
        FuzzFailure.Unless(Said.Any(one => text.StartsWith(one, StringComparison.Ordinal)), $"it said {text}");
        FuzzFailure.Unless(text.IndexOf('\n') == text.Length - 1, $"more than a line: {text}");
    }
}
