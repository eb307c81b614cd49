using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Postern.Core;

namespace Postern.Receiver;

/// <summary>
/// The SMTP server's side of one connection as decisions only: bytes and outcomes in, actions out. It opens nothing and
/// waits for nothing; see <see cref="DialogueAction"/> for what it may ask for. Replies and log lines are those of
/// Postfix's smtpd where it has them.
/// </summary>
/// <param name="nextQueueId">Makes a name that no other message of this process has.</param>
internal sealed partial class SmtpDialogue(ReceiverOptions options, IpAddress client, Func<string> nextQueueId)
{
    private const string WriteError = "451 4.3.0 Error: queue file write error";

    private readonly SmtpDialogueLog _log = new(client);
    private readonly CommandReader _commands = new();
    private readonly CommandCounts _counts = new();
    private List<DialogueAction> _actions = [];
    private Moment _now;
    private Waiting _waiting;
    private bool _isClosed;
    private string _lastCommand = "CONNECT";
    private int _counting;
    private int _errors;
    private int _junk;

    private string? _helo;
    private string _protocol = "SMTP";

    private MailTransaction? _mail;
    private Envelope? _envelope;
    private MessageIntake? _intake;

    private enum Waiting
    {
        ForClient,
        ForSenderVerdict,
        ForOpenMessage,
        ForStoredMessage,
    }

    /// <summary>Decoded text that belongs to the end of the open message's file. The caller writes it and clears it.</summary>
    public ArrayBufferWriter<byte> Content { get; } = new();

    /// <summary>Whether the client is within a message, where other time limits hold.</summary>
    public bool IsReceivingData => _intake is not null;

    /// <summary>Whether nothing would be lost if the connection ended now.</summary>
    public bool IsIdle => _mail is null && _intake is null && _waiting is Waiting.ForClient && !_commands.IsWithinLine;

    /// <summary>Complete command lines so far.</summary>
    public int CommandCount { get; private set; }

    /// <summary>The client has been handed over.</summary>
    public List<DialogueAction> OnConnected()
    {
        _actions.Add(_log.Connect());
        Reply($"220 {options.Banner}");
        return Take();
    }

    /// <summary>The client has sent something.</summary>
    /// <param name="consumed">How much of the input was used; when it is not all, the rest is to be given again after the
    /// actions are done. Nothing is used up while an answer is waited for.</param>
    public List<DialogueAction> OnReceived(ReadOnlySpan<byte> input, Moment now, out int consumed)
    {
        consumed = 0;
        _now = now;
        while (consumed < input.Length && _waiting is Waiting.ForClient && !_isClosed)
        {
            if (_intake is not null)
            {
                consumed += ReceiveData(_intake, input[consumed..]);
                continue;
            }

            if (_commands.TryRead(input[consumed..], out var read))
                OnCommand(_commands.Line);
            else if (_commands.Violation is not LineViolation.None)
                RefuseLine(_commands.Violation);
            consumed += read;
        }

        return Take();
    }

    /// <summary>The answer to <see cref="DialogueAction.CheckSender"/>.</summary>
    public List<DialogueAction> OnSenderChecked(SenderVerdict verdict, Moment now)
    {
        _now = now;
        _waiting = Waiting.ForClient;
        if (_mail is { Pending: { } recipient })
        {
            _mail.Verdict = verdict;
            JudgeRecipient(_mail, recipient);
        }

        CheckErrors();
        return Take();
    }

    /// <summary>The answer to <see cref="DialogueAction.OpenMessage"/>.</summary>
    public List<DialogueAction> OnMessageOpened(bool succeeded)
    {
        _waiting = Waiting.ForClient;
        if (!succeeded)
        {
            Fail(WriteError);
            ResetMail();
            CheckErrors();
            return Take();
        }

        _intake = new MessageIntake(options.MessageSizeLimit, Content);
        Reply("354 End data with <CR><LF>.<CR><LF>");
        return Take();
    }

    /// <summary><see cref="Content"/> could not be written; the caller has logged why and thrown the file away.</summary>
    public void OnWriteFailed() => _intake?.Fail(WriteError);

    /// <summary>The answer to <see cref="DialogueAction.StoreMessage"/>.</summary>
    /// <param name="size">Bytes in the file; null when the message is not on disk.</param>
    public List<DialogueAction> OnMessageStored(long? size, Moment now)
    {
        _waiting = Waiting.ForClient;
        if (size is null || _envelope is not { } envelope)
        {
            Fail(WriteError);
        }
        else
        {
            _actions.AddRange(SmtpDialogueLog.Delivered(envelope, size.Value, now));
            Accept($"250 2.0.0 Ok: queued as {envelope.QueueId}");
            (_errors, _junk) = (0, 0); // as in smtpd: the limits are for clients that deliver nothing
        }

        ResetMail();
        CheckErrors();
        return Take();
    }

    /// <summary>The client has gone.</summary>
    public List<DialogueAction> OnLost()
    {
        if (!_isClosed)
            _actions.Add(_log.LostConnection(Where));
        return Close();
    }

    /// <summary>The client took too long.</summary>
    public List<DialogueAction> OnTimeout()
    {
        Reply($"421 4.4.2 {options.HostName} Error: timeout exceeded");
        _actions.Add(_log.Timeout(Where));
        return Close();
    }

    /// <summary>The client has been handed over, and there is no room for it.</summary>
    public List<DialogueAction> OnConnectedInVain()
    {
        _actions.Add(_log.Connect());
        _actions.Add(_log.TooManySessions());
        Reply($"421 4.3.2 {options.HostName} Error: too many sessions");
        return Close();
    }

    /// <summary>We are going.</summary>
    public List<DialogueAction> OnShutdown()
    {
        Reply($"421 4.3.2 {options.HostName} Error: service shutting down");
        return Close();
    }

    /// <summary>The connection has ended; last event.</summary>
    public List<DialogueAction> OnDisconnected()
    {
        _actions.Add(_log.Disconnect(_counts));
        return Take();
    }

    private string Where => _intake is null ? _lastCommand : string.Create(CultureInfo.InvariantCulture, $"DATA ({_intake.Size} bytes)");

    private void OnCommand(ReadOnlySpan<byte> bytes)
    {
        CommandCount++;
        var line = Encoding.Latin1.GetString(bytes).AsSpan().Trim(' ');
        if (!Utf8.IsValid(bytes))
        {
            _errors++;
            Reply("500 5.5.2 Error: bad UTF-8 syntax");
            CheckErrors();
            return;
        }

        var end = line.IndexOf(' ');
        var arguments = end < 0 ? [] : line[(end + 1)..].TrimStart(' ');
        var verb = (end < 0 ? line : line[..end]).ToString().ToUpperInvariant();
        if (verb.Length == 0)
        {
            _errors++;
            Reply("500 5.5.2 Error: bad syntax");
            CheckErrors();
            return;
        }

        _counting = _counts.Start(verb);
        _lastCommand = CommandCounts.NameOf(_counting);
        Dispatch(verb, arguments, line);
        if (_waiting is Waiting.ForClient)
            CheckErrors();
    }

    private int ReceiveData(MessageIntake intake, ReadOnlySpan<byte> input)
    {
        var consumed = intake.Receive(input);
        if (intake.Violation is not LineViolation.None)
        {
            _lastCommand = "END-OF-MESSAGE";
            Content.ResetWrittenCount();
            _actions.Add(new DialogueAction.DiscardMessage());
            RefuseLine(intake.Violation);
            return consumed;
        }

        if (intake is { IsTooBig: true, Failure: null })
        {
            intake.Fail("552 5.3.4 Error: message file too big");
            _actions.Add(new DialogueAction.DiscardMessage());
            _actions.Add(SmtpDialogueLog.TooBig(_mail?.QueueId));
        }

        if (!intake.IsEnd)
        {
            if (intake is { IsHopeless: true, Failure: { } hopeless })
            {
                Fail(hopeless);
                Close(_actions);
            }

            return consumed;
        }

        _intake = null;
        _lastCommand = "END-OF-MESSAGE";
        if (intake.Failure is { } failure)
        {
            Fail(failure);
            ResetMail();
            CheckErrors();
            return consumed;
        }

        _waiting = Waiting.ForStoredMessage;
        _actions.Add(new DialogueAction.StoreMessage());
        return consumed;
    }

    /// <summary>Smuggling is refused for good: where two servers disagree about lines, the rest of the connection means nothing.</summary>
    private void RefuseLine(LineViolation violation)
    {
        if (violation is LineViolation.TooLong)
        {
            _actions.Add(_log.LongLine(_commands.Line));
            Reply("500 5.5.2 Error: line too long");
        }
        else
        {
            var what = violation switch
            {
                LineViolation.BareLf => "bare <LF> received",
                LineViolation.BareCr => "bare <CR> received",
                _ => "<NUL> received",
            };
            LogReject(_lastCommand, what, _mail?.Sender.Text, _mail?.LastRecipient);
            Reply($"521 5.5.2 {options.HostName} Error: {what}");
        }

        Close(_actions);
    }

    private void CheckErrors()
    {
        if (_junk > options.JunkCommandLimit)
        {
            _errors++;
            _junk = options.JunkCommandLimit;
        }

        if (_errors < options.ErrorLimit || _isClosed)
            return;
        Reply($"421 4.7.0 {options.HostName} Error: too many errors");
        _actions.Add(_log.TooManyErrors(_lastCommand));
        Close(_actions);
    }

    private void ResetMail() => (_mail, _envelope, _intake) = (null, null, null);

    private void LogReject(string where, string text, string? sender, string? recipient) =>
        _actions.Add(_log.Reject(_mail?.QueueId, where, text, sender, recipient, _protocol, _helo));

    private void Reply(string text) => _actions.Add(new DialogueAction.Reply(text));

    private void Accept(string reply)
    {
        _counts.Accept(_counting);
        Reply(reply);
    }

    private void Fail(string reply)
    {
        _errors++;
        Reply(ReceiverText.WithoutControls(reply));
    }

    private List<DialogueAction> Close()
    {
        Close(_actions);
        return Take();
    }

    private void Close(List<DialogueAction> actions)
    {
        if (_isClosed)
            return;
        _isClosed = true;
        actions.Add(new DialogueAction.Close());
    }

    private List<DialogueAction> Take()
    {
        var actions = _actions;
        _actions = [];
        return actions;
    }
}
