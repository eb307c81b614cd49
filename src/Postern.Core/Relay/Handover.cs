using Postern.Core.Config;
using Postern.Core.Smtp;

namespace Postern.Core.Relay;

/// <summary>
/// The talk with a server until it has the client: the announcement, then, for a client that has said something already,
/// STARTTLS if that is wanted, and its HELO, MAIL and first recipient (or AUTH) said again, one line after the other. Events go in; what is to be sent stands in
/// <see cref="ToServer"/> and <see cref="ToClient"/>. Nothing that is said here makes the server responsible for a mail,
/// so it can be given up at every step, and begun again elsewhere.
/// </summary>
/// <remarks>
/// A server that does not know the PROXY protocol answers its header as it answers any bad command, and all its replies are then
/// one behind. So the first reply to a command is believed only if it is <c>250</c>; after any other the replies are counted up to
/// that of QUIT. A probe always goes that far.
/// </remarks>
public sealed class Handover
{
    // What a server says to a verb that it does not know.
    private static readonly int[] UnknownVerb = [500, 502, 504];

    // What a server says to a line that is no command, such as the header of the PROXY protocol.
    private static readonly int[] NoCommand = [500, 501, 502, 503];

    private readonly RelayRules _rules;
    private readonly ClientIdentity _client;
    private readonly Envelope? _envelope;
    private readonly bool _isProbe;
    private readonly ReplyReader _replies = new();
    private Stage _stage;
    private bool _isEncrypted;
    private bool _isInStep; // the server's replies belong to our commands
    private ServerReply? _doubtful; // the first reply to a command, and none of success
    private Stage _doubtfulStage;

    private Handover(RelayRules rules, ClientIdentity client, Envelope? envelope, bool isProbe)
    {
        (_rules, _client, _envelope, _isProbe) = (rules, client, envelope, isProbe);
        ProxyHeaderWriter.Append(ToServer, rules.Announcement, client);
        _isInStep = !rules.HasHeader;
    }

    private enum Stage
    {
        Greeting,
        OwnEhlo,
        StartTls,
        Xclient,
        EhloAsAnother,
        XclientOfAnother,
        Ehlo,
        Helo,
        Mail,
        Recipient,
        Auth,
        Noop,
        Quit,
    }

    /// <summary>To be sent to the server, then emptied; at the start what comes first on the connection.</summary>
    public ByteBuffer ToServer { get; } = new();

    /// <summary>When done: what the client gets to see of the talk, and first of what the server said.</summary>
    public ByteBuffer ToClient { get; } = new();

    /// <summary>What the server offers, once it has said so.</summary>
    public EhloOffer? Learned { get; private set; }

    /// <summary>
    /// Whether the server may be told of clients: it knows the PROXY protocol, or lets nobody say XCLIENT whom it was told of.
    /// Null: it did not come to that.
    /// </summary>
    public bool? MayBeTold { get; private set; }

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

    /// <summary>No client: the server is asked whether it is well, what it offers, and whether it knows what it is told.</summary>
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
        if (!bytes.IsEmpty && _rules.HasHeader && _stage is Stage.Greeting)
            return bytes[0] == (byte)'5' ? DoesNotKnow("more than a greeting") : GiveUp("it talks out of turn"); // a client of which nothing was read would get it
        var step = OnReply(reply);
        if (step is HandoverStep.GiveUp || bytes.IsEmpty)
            return step;
        if (step is not HandoverStep.Done)
            return _doubtful is { } doubtful ? DoesNotKnow(doubtful.LastLine) : GiveUp("it talks out of turn"); // its next reply would be taken for the answer to something else
        if (!_isProbe)
            ToClient.Append(bytes);
        return step;
    }

    /// <summary>The server is talked to inside TLS from now on, and knows nothing of what was said before.</summary>
    public HandoverStep OnTlsUp()
    {
        _isEncrypted = true;
        return _isProbe || NeedsXclient ? SayEhlo(Stage.OwnEhlo) : OnAnnounced(null);
    }

    /// <summary>The handshake has failed.</summary>
    public HandoverStep OnTlsFailed(string problem) => GiveUp("no TLS with it: " + problem);

    /// <summary>The server has closed the connection.</summary>
    public HandoverStep OnClosed(string? error = null) => _isProbe && _stage is Stage.Quit
        ? HandoverStep.Done
        : GiveUp($"it hung up{WhereSaid()}{(error is null ? "" : ": " + error)}");

    /// <summary>The server takes too long.</summary>
    public HandoverStep OnTimeout() => GiveUp($"timeout{WhereSaid()}");

    private HandoverStep OnReply(ServerReply reply)
    {
        if (!_isInStep && _stage is not (Stage.Greeting or Stage.Noop or Stage.Quit))
        {
            if (reply.Code != 250)
                return Doubt(reply);
            _isInStep = true;
            MayBeTold = true;
        }

        return _stage switch
        {
            Stage.Greeting => OnGreeting(reply),
            Stage.OwnEhlo => OnOwnEhlo(reply),
            Stage.StartTls => reply.Code == 220 ? HandoverStep.StartTls : GiveUp("it says after STARTTLS: " + reply.LastLine),
            Stage.Xclient => OnXclient(reply),
            Stage.EhloAsAnother => OnEhloAsAnother(reply),
            Stage.XclientOfAnother => OnXclientOfAnother(reply),
            Stage.Ehlo => OnEhlo(reply),
            Stage.Helo => reply.Class == 2 ? SayMail() : Refused(reply),
            Stage.Mail => reply.Class == 2 ? Say(Stage.Recipient, "RCPT "u8, _envelope!.Last) : Answered(reply),
            Stage.Noop => reply.Code == 250 ? Say(Stage.Quit, "QUIT"u8) : DoesNotKnow(_doubtful!.LastLine),
            Stage.Quit => OnQuit(reply),
            _ => Answered(reply),
        };
    }

    private HandoverStep OnGreeting(ServerReply reply)
    {
        if (reply.Code != 220)
            return reply.Class is 4 or 5 ? Refused(reply) : GiveUp("its greeting is " + reply.LastLine);
        return _isProbe || NeedsXclient || MayEncrypt ? SayEhlo(Stage.OwnEhlo) : OnAnnounced(reply);
    }

    /// <summary>Is this about our command, or about the header before it?</summary>
    private HandoverStep Doubt(ServerReply reply)
    {
        if (reply.Code == 421)
            return Refused(reply);
        if (reply.Class is not (4 or 5) || (_isProbe && NoCommand.Contains(reply.Code)))
            return DoesNotKnow(reply.LastLine);
        if (_isProbe)
            return GiveUp("it says no to our EHLO: " + reply.LastLine);
        (_doubtful, _doubtfulStage) = (reply, _stage);
        return Say(Stage.Noop, "NOOP"u8);
    }

    /// <summary>The last of the replies, if none is missing and none too many.</summary>
    private HandoverStep OnQuit(ServerReply reply)
    {
        if (_rules.HasHeader && reply.Code != 221)
            return DoesNotKnow((_doubtful ?? reply).LastLine);
        if (_doubtful is not { } doubtful)
            return HandoverStep.Done;
        _stage = _doubtfulStage;
        return _stage is Stage.OwnEhlo ? GiveUp("it says no to our EHLO: " + doubtful.LastLine)
            : NoCommand.Contains(doubtful.Code) && doubtful.Code != 501 ? GiveUp($"it says{WhereSaid()}: {doubtful.LastLine}")
            : Refused(doubtful);
    }

    private HandoverStep DoesNotKnow(string said)
    {
        MayBeTold = false;
        return GiveUp($"it does not know the PROXY protocol: it answers its header ({said})");
    }

    private bool NeedsXclient => _rules.Announcement is RelayAnnouncement.Xclient;

    // A client of which nothing was read may say STARTTLS to the server itself.
    private bool MayEncrypt => _rules.Tls is not RelayTls.None && !_isEncrypted && (_isProbe || _envelope is not null);

    private HandoverStep SayEhlo(Stage stage) => Say(stage, "EHLO "u8, System.Text.Encoding.Latin1.GetBytes(_rules.MyHostname));

    private HandoverStep OnOwnEhlo(ServerReply reply)
    {
        if (reply.Class != 2 && (NeedsXclient || !UnknownVerb.Contains(reply.Code)))
            return GiveUp("it says no to our EHLO: " + reply.LastLine);
        var offer = reply.Class == 2 ? EhloOffer.Parse(reply) : EhloOffer.Nothing;
        if (MayEncrypt)
        {
            if (offer.Keywords.HasFlag(EhloKeywords.StartTls))
                return Say(Stage.StartTls, "STARTTLS"u8);
            if (_rules.Tls is not RelayTls.May)
                return GiveUp("it does not offer STARTTLS");
        }

        Learned = offer;
        if (NeedsXclient)
            return SayXclient(Stage.Xclient, offer, _isProbe ? _client.AsStranger(1) : _client);
        return _isProbe ? Say(Stage.Quit, "QUIT"u8) : OnAnnounced(null);
    }

    private HandoverStep SayXclient(Stage stage, EhloOffer offer, ClientIdentity client)
    {
        var command = new ByteBuffer();
        if (offer.XclientAttributes is not { } attributes
            || !Relay.Xclient.TryAppend(command, attributes, client, _envelope?.Helo, _envelope?.Extended ?? false))
        {
            return GiveUp("it does not offer XCLIENT with ADDR to us");
        }

        ToServer.Append(command.Written);
        _stage = stage;
        return HandoverStep.Wait;
    }

    private HandoverStep OnXclient(ServerReply reply) => reply.Code == 220
        ? _isProbe ? SayEhlo(Stage.EhloAsAnother) : OnAnnounced(reply)
        : _isProbe && !NoCommand.Contains(reply.Code) ? OnStrangerRefused(reply) : Refused(reply);

    private HandoverStep OnEhloAsAnother(ServerReply reply) =>
        reply.Class == 2 ? SayXclient(Stage.XclientOfAnother, Learned!, _client.AsStranger(2)) : OnStrangerRefused(reply);

    private HandoverStep OnXclientOfAnother(ServerReply reply)
    {
        if (reply.Class != 2)
            return OnStrangerRefused(reply);
        MayBeTold = false;
        return GiveUp("it goes by the address of our connection, not by the one that XCLIENT tells it, or takes XCLIENT from any client; tell it by proxy-v2 (postern_relay_announce), or let this host alone use XCLIENT");
    }

    /// <summary>As it should be: the server goes by what it was told, and allows a stranger less than us.</summary>
    private HandoverStep OnStrangerRefused(ServerReply reply)
    {
        if (reply.Code == 421)
            return Refused(reply); // to everybody, maybe
        MayBeTold = true;
        return Say(Stage.Quit, "QUIT"u8);
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

    private HandoverStep Say(Stage stage, ReadOnlySpan<byte> verb, ReadOnlySpan<byte> arguments = default)
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
        Stage.Xclient or Stage.XclientOfAnother => " after XCLIENT",
        Stage.EhloAsAnother => " after EHLO",
        Stage.Ehlo => " after EHLO",
        Stage.Helo => " after HELO",
        Stage.Mail => " after MAIL",
        Stage.Auth => " after AUTH",
        Stage.Noop => " after NOOP",
        Stage.Quit => " after QUIT",
        _ => " after RCPT",
    };
}
