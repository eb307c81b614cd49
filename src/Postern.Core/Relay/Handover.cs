using Postern.Core.Config;
using Postern.Core.Smtp;

namespace Postern.Core.Relay;

/// <summary>How a hand-over stands after an event.</summary>
public enum HandoverStep
{
    /// <summary>The server's next words are waited for.</summary>
    Wait,

    /// <summary>TLS begins with the next byte; <see cref="Handover.OnTlsUp"/> goes on inside.</summary>
    StartTls,

    /// <summary>The server has the client: from here on bytes are passed both ways as they are.</summary>
    Done,

    /// <summary>This server does not take it; <see cref="Handover.Reason"/> says why.</summary>
    GiveUp,
}

/// <summary>
/// The talk with a server until it has the client: the announcement, then, for a client that has said something already,
/// STARTTLS if that is wanted, and its HELO, MAIL and first recipient (or AUTH) said again, one line after the other. Events go in; what is to be sent stands in
/// <see cref="ToServer"/> and <see cref="ToClient"/>. Nothing that is said here makes the server responsible for a mail,
/// so it can be given up at every step, and begun again elsewhere.
/// </summary>
public sealed class Handover
{
    // What a server says to a verb that it does not know.
    private static readonly int[] UnknownVerb = [500, 502, 504];

    private readonly RelayRules _rules;
    private readonly ClientIdentity _client;
    private readonly Envelope? _envelope;
    private readonly bool _isProbe;
    private readonly ReplyReader _replies = new();
    private Stage _stage;
    private bool _isEncrypted;

    private Handover(RelayRules rules, ClientIdentity client, Envelope? envelope, bool isProbe)
    {
        (_rules, _client, _envelope, _isProbe) = (rules, client, envelope, isProbe);
        ProxyHeaderWriter.Append(ToServer, rules.Announcement, client);
    }

    private enum Stage
    {
        Greeting,
        OwnEhlo,
        StartTls,
        Xclient,
        Ehlo,
        Helo,
        Mail,
        Recipient,
        Auth,
    }

    /// <summary>To be sent to the server, then emptied; at the start what comes first on the connection.</summary>
    public ByteBuffer ToServer { get; } = new();

    /// <summary>When done: what the client gets to see of the talk, and first of what the server said.</summary>
    public ByteBuffer ToClient { get; } = new();

    /// <summary>What the server offers, once it has said so.</summary>
    public EhloOffer? Learned { get; private set; }

    /// <summary>After giving up: why, for the log; may have the server's words in it.</summary>
    public string Reason { get; private set; } = "";

    /// <summary>After giving up: the server's own answer to the client; null: it had none.</summary>
    public ServerReply? Answer { get; private set; }

    /// <summary>After giving up: it may be that something is wrong with the server, and not with the client.</summary>
    public bool IsSuspect => Answer is null;

    /// <summary>After giving up: it offers TLS, but it cannot be spoken with it.</summary>
    public bool TlsHasFailed => _stage is Stage.StartTls;

    /// <summary>After giving up: another server may decide differently.</summary>
    public bool MayTryNext => Answer is null or { Class: 4 };

    /// <summary>A client of which nothing was read: it gets the server's greeting.</summary>
    public static Handover OfSilentClient(RelayRules rules, ClientIdentity client) => new(rules, client, null, isProbe: false);

    /// <summary>A client in the middle of its session.</summary>
    public static Handover OfSession(RelayRules rules, ClientIdentity client, Envelope envelope) => new(rules, client, envelope, isProbe: false);

    /// <summary>No client: the server is asked whether it is well and what it offers.</summary>
    /// <param name="rules">How it is talked to.</param>
    /// <param name="self">Postern as the client.</param>
    public static Handover Probe(RelayRules rules, ClientIdentity self) => new(rules, self, null, isProbe: true);

    /// <summary>The server has said something.</summary>
    public HandoverStep OnReceived(ReadOnlySpan<byte> bytes)
    {
        if (!_replies.TryRead(ref bytes, out var reply))
            return GiveUp($"what it says{WhereSaid()} is no SMTP reply");
        if (reply is null)
            return HandoverStep.Wait;
        var step = OnReply(reply);
        if (step is HandoverStep.Done)
            ToClient.Append(bytes);
        else if (step is HandoverStep.Wait or HandoverStep.StartTls && !bytes.IsEmpty)
            return GiveUp("it talks out of turn"); // its next reply would be taken for the answer to something else
        return step;
    }

    /// <summary>The server is talked to inside TLS from now on, and knows nothing of what was said before.</summary>
    public HandoverStep OnTlsUp()
    {
        _isEncrypted = true;
        return _isProbe || NeedsXclient ? SayOwnEhlo() : OnAnnounced(null);
    }

    /// <summary>The handshake has failed.</summary>
    public HandoverStep OnTlsFailed(string problem) => GiveUp("no TLS with it: " + problem);

    /// <summary>The server has closed the connection.</summary>
    public HandoverStep OnClosed(string? error = null) => GiveUp($"it hung up{WhereSaid()}{(error is null ? "" : ": " + error)}");

    /// <summary>The server takes too long.</summary>
    public HandoverStep OnTimeout() => GiveUp($"timeout{WhereSaid()}");

    private HandoverStep OnReply(ServerReply reply) => _stage switch
    {
        Stage.Greeting => OnGreeting(reply),
        Stage.OwnEhlo => OnOwnEhlo(reply),
        Stage.StartTls => reply.Code == 220 ? HandoverStep.StartTls : GiveUp("it says after STARTTLS: " + reply.LastLine),
        Stage.Xclient => reply.Code == 220 ? OnAnnounced(reply) : Refused(reply),
        Stage.Ehlo => OnEhlo(reply),
        Stage.Helo => reply.Class == 2 ? SayMail() : Refused(reply),
        Stage.Mail => reply.Class == 2 ? Say(Stage.Recipient, "RCPT "u8, _envelope!.Last) : Answered(reply),
        _ => Answered(reply),
    };

    private HandoverStep OnGreeting(ServerReply reply)
    {
        if (reply.Code != 220)
            return reply.Class is 4 or 5 ? Refused(reply) : GiveUp("its greeting is " + reply.LastLine);
        return _isProbe || NeedsXclient || MayEncrypt ? SayOwnEhlo() : OnAnnounced(reply);
    }

    private bool NeedsXclient => _rules.Announcement is RelayAnnouncement.Xclient;

    // A client of which nothing was read may say STARTTLS to the server itself.
    private bool MayEncrypt => _rules.Tls is not RelayTls.None && !_isEncrypted && (_isProbe || _envelope is not null);

    private HandoverStep SayOwnEhlo() => Say(Stage.OwnEhlo, "EHLO "u8, System.Text.Encoding.Latin1.GetBytes(_rules.MyHostname));

    private HandoverStep OnOwnEhlo(ServerReply reply)
    {
        if (reply.Class != 2 && (NeedsXclient || !UnknownVerb.Contains(reply.Code)))
            return GiveUp("it says no to our EHLO: " + reply.LastLine);
        var offer = reply.Class == 2 ? EhloOffer.Parse(reply) : EhloOffer.Nothing;
        if (MayEncrypt)
        {
            if (offer.Keywords.HasFlag(EhloKeywords.StartTls))
            {
                ToServer.Append("STARTTLS\r\n"u8);
                _stage = Stage.StartTls;
                return HandoverStep.Wait;
            }

            if (_rules.Tls is not RelayTls.May)
                return GiveUp("it does not offer STARTTLS");
        }

        Learned = offer;
        if (NeedsXclient)
        {
            var command = new ByteBuffer();
            if (offer.XclientAttributes is not { } attributes
                || !Relay.Xclient.TryAppend(command, attributes, _client, _envelope?.Helo, _envelope?.Extended ?? false))
            {
                return GiveUp("it does not offer XCLIENT with ADDR to us");
            }

            if (!_isProbe)
            {
                ToServer.Append(command.Written);
                _stage = Stage.Xclient;
                return HandoverStep.Wait;
            }
        }

        if (!_isProbe)
            return OnAnnounced(null);
        ToServer.Append("QUIT\r\n"u8);
        return HandoverStep.Done;
    }

    /// <summary>The server knows who the client is.</summary>
    /// <param name="greeting">What it greets it with; null: a client that has said something already needs none.</param>
    private HandoverStep OnAnnounced(ServerReply? greeting)
    {
        if (_envelope is null)
            return Answered(greeting!);
        if (_envelope.Helo.Length == 0)
            return SayMail();
        return _envelope.Extended ? Say(Stage.Ehlo, "EHLO "u8, _envelope.Helo) : Say(Stage.Helo, "HELO "u8, _envelope.Helo);
    }

    private HandoverStep OnEhlo(ServerReply reply)
    {
        if (reply.Class != 2)
            return UnknownVerb.Contains(reply.Code) && EhloOffer.Nothing.Keeps(_envelope!.Announced)
                ? Say(Stage.Helo, "HELO "u8, _envelope.Helo)
                : Refused(reply);
        Learned = EhloOffer.Parse(reply);
        return Learned.Keeps(_envelope!.Announced) ? SayMail() : GiveUp("it no longer offers what the client was promised");
    }

    private HandoverStep SayMail() =>
        _envelope!.Mail is { } mail ? Say(Stage.Mail, "MAIL "u8, mail) : Say(Stage.Auth, "AUTH "u8, _envelope.Last);

    private HandoverStep Say(Stage stage, ReadOnlySpan<byte> verb, ReadOnlySpan<byte> arguments)
    {
        ToServer.Append(verb).Append(arguments).Append("\r\n"u8);
        _stage = stage;
        return HandoverStep.Wait;
    }

    /// <summary>The client is the server's, and gets its answer: a yes, a no, or a question.</summary>
    private HandoverStep Answered(ServerReply reply)
    {
        if (reply.Code == 421)
            return Refused(reply); // it hangs up next
        ToClient.Append(reply.Lines);
        return HandoverStep.Done;
    }

    private HandoverStep Refused(ServerReply reply)
    {
        Answer = reply;
        Reason = $"it says{WhereSaid()}: {reply.LastLine}";
        return HandoverStep.GiveUp;
    }

    private HandoverStep GiveUp(string reason)
    {
        Reason = reason;
        return HandoverStep.GiveUp;
    }

    private string WhereSaid() => _stage switch
    {
        Stage.Greeting => " instead of a greeting",
        Stage.OwnEhlo => " after our EHLO",
        Stage.StartTls => " after STARTTLS",
        Stage.Xclient => " after XCLIENT",
        Stage.Ehlo => " after EHLO",
        Stage.Helo => " after HELO",
        Stage.Mail => " after MAIL",
        Stage.Auth => " after AUTH",
        _ => " after RCPT",
    };
}
