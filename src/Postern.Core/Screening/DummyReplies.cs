using Postern.Core.Smtp;

namespace Postern.Core.Screening;

/// <summary>What the dummy engine says whoever the client is; where postscreen or smtpd has the reply, in its words.</summary>
internal static class DummyReplies
{
    internal static readonly Reply Ok = new("250 2.1.0 Ok");
    internal static readonly Reply Done = new("250 2.0.0 Ok");
    internal static readonly Reply Bye = new("221 2.0.0 Bye");
    internal static readonly Reply NotRecognized = new("502 5.5.2 Error: command not recognized");
    internal static readonly Reply NotImplemented = new("502 5.5.1 Error: command not implemented");
    internal static readonly Reply TlsFirst = new("530 5.7.0 Must issue a STARTTLS command first");
    internal static readonly Reply TlsReady = new("220 2.0.0 Ready to start TLS");
    internal static readonly Reply TlsActive = new("554 5.5.1 Error: TLS already active");
    internal static readonly Reply TlsUnavailable = new("454 4.7.0 TLS not available due to local problem");
    internal static readonly Reply HeloSyntax = new("501 Syntax: HELO hostname");
    internal static readonly Reply EhloSyntax = new("501 Syntax: EHLO hostname");
    internal static readonly Reply StartTlsSyntax = new("501 5.5.4 Syntax: STARTTLS");
    internal static readonly Reply MailSyntax = new("501 5.5.4 Syntax: MAIL FROM:<address>");
    internal static readonly Reply RcptSyntax = new("501 5.5.4 Syntax: RCPT TO:<address>");
    internal static readonly Reply DataSyntax = new("501 5.5.4 Syntax: DATA");
    internal static readonly Reply BdatSyntax = new("501 5.5.4 Syntax: BDAT count [LAST]");
    internal static readonly Reply VrfySyntax = new("501 5.5.4 Syntax: VRFY address");
    internal static readonly Reply EtrnSyntax = new("500 Syntax: ETRN domain");
    internal static readonly Reply AuthSyntax = new("501 5.5.4 Syntax: AUTH mechanism");
    internal static readonly Reply MailInProgress = new("503 5.5.1 Error: MAIL transaction in progress");
    internal static readonly Reply HeloFirst = new("503 5.5.1 Error: send HELO/EHLO first");
    internal static readonly Reply NestedMail = new("503 5.5.1 Error: nested MAIL command");
    internal static readonly Reply NeedMail = new("503 5.5.1 Error: need MAIL command");
    internal static readonly Reply NeedRcpt = new("503 5.5.1 Error: need RCPT command");
    internal static readonly Reply NoMailForBdat = new("554 5.5.1 Error: need MAIL command");
    internal static readonly Reply NoRecipients = new("554 5.5.1 Error: no valid recipients");
    internal static readonly Reply VrfyDisabled = new("502 5.5.1 VRFY command is disabled");
    internal static readonly Reply NoEtrn = new("458 Unable to queue messages");
}
