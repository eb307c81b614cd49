using System.Globalization;

namespace Postern.Receiver;

// What each command does; the order of the checks and the replies are those of smtpd.
internal sealed partial class SmtpDialogue
{
    /// <summary>Recipients over the limit that are refused without counting as errors (smtpd_recipient_overshoot_limit).</summary>
    private const int MostOvershoot = 1000;

    private void Dispatch(string verb, ReadOnlySpan<char> arguments, ReadOnlySpan<char> line)
    {
        switch (verb)
        {
            case "HELO" or "EHLO":
                OnHello(verb, arguments);
                break;
            case "MAIL":
                OnMail(arguments);
                break;
            case "RCPT":
                OnRecipient(arguments);
                break;
            case "DATA":
                OnData(arguments);
                break;
            case "RSET":
                _junk++;
                if (!arguments.IsEmpty)
                {
                    Fail("501 5.5.4 Syntax: RSET");
                    break;
                }

                ResetMail();
                Accept("250 2.0.0 Ok");
                break;
            case "NOOP":
                _junk++;
                Accept("250 2.0.0 Ok");
                break;
            case "VRFY":
                _junk++;
                if (arguments.IsEmpty)
                    Fail("501 5.5.4 Syntax: VRFY address");
                else
                    Accept($"252 2.0.0 {arguments}"); // RFC 5321 §7.3: no promise, no disclosure
                break;
            case "QUIT":
                Accept("221 2.0.0 Bye");
                Close(_actions);
                break;
            case "STARTTLS" or "ETRN":
                Fail("502 5.5.1 Error: command not implemented");
                break;
            case "AUTH":
                Fail("503 5.5.1 Error: authentication not enabled");
                break;
            case "CONNECT" or "GET" or "POST": // smtpd_forbidden_commands
            case [< 'A' or > 'Z', ..] or [.., ':']:
                _actions.Add(_log.NonSmtpCommand(line));
                Reply("221 2.7.0 Error: I can break rules, too. Goodbye.");
                Close(_actions);
                break;
            default:
                Fail("500 5.5.2 Error: command not recognized");
                break;
        }
    }

    private void OnHello(string verb, ReadOnlySpan<char> name)
    {
        if (name.IsEmpty)
        {
            Fail($"501 Syntax: {verb} hostname");
            return;
        }

        if (_helo is not null)
            _junk++;
        ResetMail();
        _helo = name.ToString();
        _protocol = verb == "EHLO" ? "ESMTP" : "SMTP";
        if (verb == "HELO")
        {
            Accept($"250 {options.HostName}");
            return;
        }

        var size = options.MessageSizeLimit > 0 ? string.Create(CultureInfo.InvariantCulture, $"SIZE {options.MessageSizeLimit}") : "SIZE";
        Accept($"250-{options.HostName}\r\n250-PIPELINING\r\n250-{size}\r\n250-VRFY\r\n250-ENHANCEDSTATUSCODES\r\n250 8BITMIME");
    }

    private void OnMail(ReadOnlySpan<char> arguments)
    {
        if (_mail is not null)
        {
            Fail("503 5.5.1 Error: nested MAIL command");
            return;
        }

        const string keyword = "FROM:";
        if (!arguments.StartsWith(keyword, StringComparison.OrdinalIgnoreCase) || arguments.Length == keyword.Length)
        {
            Fail("501 5.5.4 Syntax: MAIL FROM:<address>");
            return;
        }

        if (!MailPath.TryParse(arguments[keyword.Length..], out var path, out var rest))
        {
            _actions.Add(_log.BadAddress("MAIL", rest));
            Fail("501 5.1.7 Bad sender address syntax");
            return;
        }

        if (MailParameters.Check(rest, options.MessageSizeLimit) is { } refusal)
        {
            if (refusal.StartsWith("552", StringComparison.Ordinal))
                LogReject("MAIL", refusal, path.Text, recipient: null);
            Fail(refusal);
            return;
        }

        _mail = new MailTransaction(path, options);
        Accept("250 2.1.0 Ok");
    }

    private void OnRecipient(ReadOnlySpan<char> arguments)
    {
        if (_mail is null)
        {
            Fail("503 5.5.1 Error: need MAIL command");
            return;
        }

        const string keyword = "TO:";
        if (!arguments.StartsWith(keyword, StringComparison.OrdinalIgnoreCase) || arguments.Length == keyword.Length)
        {
            Fail("501 5.5.4 Syntax: RCPT TO:<address>");
            return;
        }

        if (!MailPath.TryParse(arguments[keyword.Length..], out var path, out var rest) || path.Text.Length == 0)
        {
            _actions.Add(_log.BadAddress("RCPT", path is null ? rest : "<>"));
            Fail("501 5.1.3 Bad recipient address syntax");
            return;
        }

        if (!rest.IsEmpty)
        {
            Fail(MailParameters.Unsupported(rest));
            return;
        }

        if (_mail.RecipientCount >= options.RecipientLimit)
        {
            const string tooMany = "452 4.5.3 Error: too many recipients";
            if (++_mail.Overshoot <= MostOvershoot)
                Accept(tooMany); // smtpd counts it as no error: the client may go on with the recipients it has
            else
                Fail(tooMany);
            return;
        }

        if (_mail.Verdict is null && _mail.Sender.Domain is { } domain)
        {
            _mail.Pending = path;
            _waiting = Waiting.ForSenderVerdict;
            _actions.Add(new DialogueAction.CheckSender(domain));
            return;
        }

        JudgeRecipient(_mail, path);
    }

    private void JudgeRecipient(MailTransaction mail, MailPath recipient)
    {
        mail.Pending = null;
        if (mail.Refuse(recipient) is { } refusal)
        {
            LogReject("RCPT", refusal, mail.Sender.Text, recipient.Text);
            Fail(refusal);
            return;
        }

        if (mail.QueueId is null)
        {
            mail.QueueId = nextQueueId();
            mail.Arrived = _now;
            _actions.Add(_log.Accepted(mail.QueueId));
        }

        mail.Add(recipient);
        Accept("250 2.1.5 Ok");
    }

    private void OnData(ReadOnlySpan<char> arguments)
    {
        if (_mail?.QueueId is not { } queueId)
            Fail(_mail is null ? "503 5.5.1 Error: need RCPT command" : "554 5.5.1 Error: no valid recipients");
        else if (!arguments.IsEmpty)
            Fail("501 5.5.4 Syntax: DATA");
        else
        {
            _envelope = _mail.ToEnvelope(queueId, _protocol, _helo);
            _waiting = Waiting.ForOpenMessage;
            _actions.Add(new DialogueAction.OpenMessage(queueId, TraceHeaders.Build(_envelope, client, options.HostName, _now.Now)));
        }
    }
}
