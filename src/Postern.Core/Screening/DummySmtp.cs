using Postern.Core.Config;
using Postern.Core.Relay;
using Postern.Core.Reporting;
using Postern.Core.Smtp;
using Postern.Core.Versions;
using static Postern.Core.Screening.DummyReplies;

namespace Postern.Core.Screening;

/// <summary>
/// The SMTP dialogue that never accepts mail. It finds out who wants to send what to whom, says no (or "come back
/// later") to every recipient, and runs the deep tests. Bounded: line length, command count, time between commands.
/// </summary>
internal sealed class DummySmtp(Session session, ServiceLoad load)
{
    private static readonly TimeSpan TlsPatience = TimeSpan.FromSeconds(10);

    private readonly LineReader _lines = new(session.Settings.LineLengthLimit, session.Settings.Postfix.Has(PostfixDifferences.StrictLineLimit));
    private byte[]? _helo;
    private byte[]? _sender;
    private byte[]? _hello = []; // what stood behind HELO or EHLO; null: it cannot be said again
    private byte[]? _mail; // what stood behind MAIL, as long as there is a sender; null: it cannot be said again
    private EhloOffer? _announced; // in the last reply to EHLO; null: the client has said HELO since, or nothing
    private bool _extended;
    private int _commands;
    private string _where = CommandTable.BeforeFirst;
    private EhloKeywords _discarded;
    private Tls _tls;
    private byte[] _behindStartTls = [];

    private enum Tls : byte
    {
        No,
        Preparing,
        Active,
    }

    /// <summary>What a server is told when the client is handed over to it; null: it is not being handed over.</summary>
    internal Envelope? Envelope { get; private set; }

    /// <summary>Opens the dialogue.</summary>
    /// <param name="withoutBanner">The client talked into the greeting: it gets answers, not the rest of a greeting.</param>
    /// <param name="actions">Takes what is to be done.</param>
    internal void Begin(bool withoutBanner, SessionActions actions)
    {
        if (!withoutBanner)
            session.SendReply(new Reply("220 " + session.Settings.Banner), actions);
        actions.Watch(WatchMode.Read);
        RestartTimer(actions);
    }

    /// <summary>The client took too long to complete a command, or we to find out whether TLS can be spoken.</summary>
    internal void OnTimeLimit(Moment moment, SessionActions actions)
    {
        if (_tls is Tls.Preparing)
        {
            OnTlsUnavailable("timeout receiving status from "u8, moment, actions);
            return;
        }

        LogLimit("TIME"u8, _where, actions);
        session.Drop(new Reply($"421 4.4.2 {session.Settings.MyHostname} Error: timeout exceeded"), actions);
    }

    /// <summary>Works through what one read brought.</summary>
    internal void OnReceived(ReadOnlySpan<byte> input, Moment moment, SessionActions actions)
    {
        if (_behindStartTls.Length > 0)
        {
            input = (byte[])[.. _behindStartTls, .. input];
            _behindStartTls = [];
        }

        while (!input.IsEmpty && !session.IsDone && !session.IsHandingOver)
        {
            var end = _lines.Read(ref input, out var line);
            if (end is LineEnd.Incomplete)
                return;
            if (end is LineEnd.TooLong)
            {
                LogLimit("LENGTH"u8, _where, actions);
                session.Drop(TryAgainLater, actions);
                return;
            }

            var command = new CommandLine(line);
            var read = new CommandRead
            {
                Line = line,
                End = end,
                Command = command,
                Known = CommandTable.Find(command.Verb),
                Previous = _where,
                Unread = input,
            };
            if (DeepTests.CheckNewline(session, read, moment, actions))
                return;
            if (session.Settings.CommandFilter is { } filter)
            {
                if (!CommandFilter.TryApply(session, filter, line, ref command, actions))
                    return;
                read = read with { Command = command, Known = CommandTable.Find(command.Verb) };
            }

            OnCommand(read, moment, actions);
            if (read.Known?.Name is "STARTTLS")
            {
                _behindStartTls = input.ToArray(); // also of one that is refused, as in postscreen: until the client sends more
                return;
            }
        }
    }

    /// <summary>No server took the client over: its recipient gets the session's answer.</summary>
    internal void OnHandoverFailed(Envelope envelope, SessionActions actions)
    {
        Envelope = null;
        if (envelope.Mail is null)
            return;
        MailAddress.TryExtract(envelope.Last, out var address);
        LogRejection(address!, actions);
    }

    /// <summary>The client is listened to again.</summary>
    internal void Resume(SessionActions actions)
    {
        if (_tls is not Tls.Active) // its channel knows by itself
            actions.Watch(WatchMode.Read);
        RestartTimer(actions);
    }

    /// <summary>TLS can be spoken: what came behind STARTTLS was sent by nobody knows whom, and is forgotten with all that was said before.</summary>
    internal void OnTlsReady(SessionActions actions)
    {
        if (_tls is not Tls.Preparing)
            return;
        _tls = Tls.Active;
        _behindStartTls = [];
        (_helo, _hello, _sender, _announced) = (null, [], null, null);
        session.SendReply(TlsReady, actions);
        actions.StartTls();
        RestartTimer(actions);
    }

    /// <summary>TLS cannot be spoken; the client may go on without.</summary>
    internal void OnTlsUnavailable(ReadOnlySpan<byte> problem, Moment moment, SessionActions actions)
    {
        if (_tls is not Tls.Preparing)
            return;
        _tls = Tls.No;
        actions.Text.Append(problem).Append("private/"u8).Append(session.Settings.TlsproxyServiceName).Append(" service"u8);
        actions.Log(LogSeverity.Warning);
        session.SendReply(TlsUnavailable, actions);
        actions.Watch(WatchMode.Read);
        RestartTimer(actions);
        OnReceived([], moment, actions); // what came behind STARTTLS need not wait for more here, as in postscreen
    }

    private Reply TryAgainLater => new($"421 {session.Settings.MyHostname} Service unavailable - try again later");

    private void OnCommand(in CommandRead read, Moment moment, SessionActions actions)
    {
        _where = read.Known?.Name ?? CommandTable.Unimplemented;
        var isQuit = read.Known?.Name is "QUIT";
        if (session.HandoffHasFailed && !isQuit)
        {
            session.DropForTrouble(actions);
            return;
        }

        if (DeepTests.CheckCommand(session, read, moment, actions))
            return;
        if (read.Known?.Name is "RCPT")
            DeepTests.PassAtRecipient(session, moment);

        if (++_commands > session.Settings.CommandCountLimit && !isQuit)
        {
            LogLimit("COUNT"u8, read.Previous, actions);
            session.Drop(TryAgainLater, actions);
            return;
        }

        if (read.Known?.Name is "AUTH" && session.MayAuthenticate && session.Offer!.Current.Mechanisms.Count > 0)
            OnAuth(read.Command, read.Unread, actions);
        else if (read.Known is not { IsImplemented: true } known)
            session.SendReply(NotRecognized, actions);
        else if (known.NeedsTls && session.Settings.TlsLevel is TlsLevel.Encrypt && _tls is Tls.No)
            session.SendReply(TlsFirst, actions);
        else
            Execute(known, read, actions);
        if (!session.IsDone && !session.IsHandingOver && _tls is not Tls.Preparing)
            RestartTimer(actions);
    }

    private void Execute(DummyCommand known, in CommandRead read, SessionActions actions)
    {
        var command = read.Command;
        switch (known.Name)
        {
            case "HELO": OnHelo(command, actions); break;
            case "EHLO": OnEhlo(command, actions); break;
            case "STARTTLS": OnStartTls(command, actions); break;
            case "MAIL": OnMail(command, actions); break;
            case "RCPT": OnRcpt(command, read.Unread, actions); break;
            case "DATA": OnData(command, actions); break;
            case "BDAT": OnBdat(command, actions); break;
            case "RSET":
                _sender = null;
                session.SendReply(Done, actions);
                break;
            case "NOOP": session.SendReply(Done, actions); break;
            case "VRFY": OnVrfy(command, actions); break;
            case "ETRN": OnEtrn(command, actions); break;
            case "QUIT": session.Drop(Bye, actions); break;
            default: throw new System.Diagnostics.UnreachableException($"unhandled command {known.Name}");
        }
    }

    private void OnHelo(CommandLine command, SessionActions actions)
    {
        if (!TakeHelo(command))
        {
            session.SendReply(HeloSyntax, actions);
            return;
        }

        _announced = null;
        session.SendReply(new Reply("250 " + session.Settings.MyHostname), actions);
    }

    private void OnEhlo(CommandLine command, SessionActions actions)
    {
        if (!TakeHelo(command))
        {
            session.SendReply(EhloSyntax, actions);
            return;
        }

        _extended = true;
        if (!EhloDiscard.TryFind(session, actions, out _discarded))
            return;
        if (_tls is Tls.Active)
            _discarded |= EhloKeywords.StartTls;
        var reply = new EhloReply(session.Settings, _discarded, session.Settings.LiveHandover || session.Settings.AuthPassthrough ? session.Offer?.Current : null, session.MayAuthenticate && !NeedsTlsForAuth);
        _announced = reply.Announced;
        reply.AppendTo(actions.Text);
        actions.Send();
    }

    private void OnStartTls(CommandLine command, SessionActions actions)
    {
        if (!command.FirstArgument.IsEmpty)
        {
            session.SendReply(session.Settings.Postfix.Has(PostfixDifferences.StartTlsSyntax) ? StartTlsSyntax : EhloSyntax, actions);
        }
        else if (_tls is Tls.Active)
        {
            session.SendReply(TlsActive, actions);
        }
        else if (session.Settings.TlsLevel is TlsLevel.None || (_discarded.HasFlag(EhloKeywords.StartTls) && !session.Settings.Postfix.Has(PostfixDifferences.StartTlsThoughDiscarded)))
        {
            session.SendReply(NotImplemented, actions);
        }
        else
        {
            _tls = Tls.Preparing;
            actions.Watch(WatchMode.Nothing);
            actions.WakeAfter(TlsPatience);
            actions.PrepareTls();
        }
    }

    private bool TakeHelo(CommandLine command)
    {
        var name = command.FirstArgument;
        if (name.IsEmpty)
            return false;
        _helo = name.ToArray();
        _hello = ToSayAgain(command);
        session.Facts?.Greet(name);
        _sender = null;
        return true;
    }

    private void OnMail(CommandLine command, SessionActions actions)
    {
        if (session.Settings.HeloRequired && _helo is null)
        {
            session.SendReply(HeloFirst, actions);
        }
        else if (_sender is not null)
        {
            session.SendReply(NestedMail, actions);
        }
        else if (!MailAddress.TryExtract(command.Arguments, out _sender))
        {
            session.SendReply(MailSyntax, actions);
        }
        else
        {
            session.Facts?.From(_sender);
            _mail = session.MayHandOver ? ToSayAgain(command) : null;
            session.SendReply(Ok, actions);
        }
    }

    private void OnRcpt(CommandLine command, ReadOnlySpan<byte> unread, SessionActions actions)
    {
        if (_sender is null)
        {
            session.SendReply(NeedMail, actions);
        }
        else if (!MailAddress.TryExtract(command.Arguments, out var recipient))
        {
            session.SendReply(RcptSyntax, actions);
        }
        else if (session.MayHandOver && _mail is not null && CanBeSaidAgain(command))
        {
            session.Facts?.To(recipient);
            HandOver(_mail, command, unread, actions);
        }
        else
        {
            LogRejection(recipient, actions);
            session.Facts?.To(recipient);
            session.Facts?.Refuse(session.RecipientReply);
            session.SendReply(session.RecipientReply, actions);
        }
    }

    // Where TLS is to be had, no password is asked for outside.
    private bool NeedsTlsForAuth => session.Settings.TlsLevel is not TlsLevel.None && _tls is not Tls.Active;

    private void OnAuth(CommandLine command, ReadOnlySpan<byte> unread, SessionActions actions)
    {
        if (NeedsTlsForAuth)
            session.SendReply(TlsFirst, actions);
        else if (_announced is null)
            session.SendReply(HeloFirst, actions);
        else if (_sender is not null)
            session.SendReply(MailInProgress, actions);
        else if (command.FirstArgument.IsEmpty || !CanBeSaidAgain(command))
            session.SendReply(AuthSyntax, actions);
        else
            HandOver(mail: null, command, unread, actions);
    }

    private void HandOver(byte[]? mail, CommandLine last, ReadOnlySpan<byte> unread, SessionActions actions)
    {
        Envelope = new Envelope
        {
            Helo = _hello!,
            Extended = _announced is not null,
            Announced = _announced ?? EhloOffer.Nothing,
            Mail = mail,
            Last = last.Arguments.ToArray(),
            Rest = unread.ToArray(),
        };
        session.HandOver(actions);
    }

    // What a server is told is what the client said, or the server is told nothing.
    private bool CanBeSaidAgain(CommandLine last) => _hello is not null && ToSayAgain(last) is not null;

    private static byte[]? ToSayAgain(CommandLine command) =>
        !command.IsCut && Relay.Envelope.IsPlain(command.Arguments) ? command.Arguments.ToArray() : null;

    private void OnData(CommandLine command, SessionActions actions)
    {
        LogText.ClientEvent(actions.Text, "DATA without valid RCPT from"u8, session.Client.Address, session.ClientPort);
        actions.Log();
        var farewell = !command.FirstArgument.IsEmpty ? DataSyntax : _sender is null ? NeedRcpt : NoRecipients;
        session.Drop(farewell, actions);
    }

    private void OnBdat(CommandLine command, SessionActions actions)
    {
        LogText.ClientEvent(actions.Text, "BDAT without valid RCPT from"u8, session.Client.Address, session.ClientPort);
        actions.Log();
        var farewell = _discarded.HasFlag(EhloKeywords.Chunking) ? NotImplemented
            : command.FirstArgument.IsEmpty ? BdatSyntax
            : _sender is null ? NoMailForBdat : NoRecipients;
        session.Drop(farewell, actions);
    }

    private void OnVrfy(CommandLine command, SessionActions actions) => session.SendReply(
        command.FirstArgument.IsEmpty ? VrfySyntax : session.Settings.DisableVrfyCommand ? VrfyDisabled : session.RecipientReply, actions);

    private void OnEtrn(CommandLine command, SessionActions actions) => session.SendReply(
        session.Settings.HeloRequired && _helo is null ? HeloFirst : command.FirstArgument.IsEmpty ? EtrnSyntax : NoEtrn, actions);

    private void LogRejection(byte[] recipient, SessionActions actions)
    {
        var settings = session.Settings;
        LogText.RejectRecipient(
            actions.Text, session.Client.Address, session.ClientPort, session.RecipientReply, settings.SoftBounce, _sender,
            recipient, settings.LogAddressesQuoted, _extended, _helo);
        actions.Log();
    }

    private void LogLimit(ReadOnlySpan<byte> limit, string where, SessionActions actions)
    {
        session.Facts?.Stop(ScreeningCause.CommandLimit);
        LogText.CommandLimit(actions.Text, limit, session.Client.Address, session.ClientPort, CommandTable.NameBytes(where));
        actions.Log();
    }

    private void RestartTimer(SessionActions actions) => actions.WakeAfter(
        load.UnderStress ? session.Settings.CommandTimeLimitUnderStress : session.Settings.CommandTimeLimit);
}
