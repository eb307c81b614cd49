using Postern.Core;

namespace Postern.Receiver;

/// <summary>One message from MAIL to the final dot: who sends it to whom, and whom we refuse.</summary>
internal sealed class MailTransaction(MailPath sender, ReceiverOptions options)
{
    private readonly List<string> _recipients = [];

    /// <summary>As given in MAIL.</summary>
    public MailPath Sender => sender;

    /// <summary>Null until the DNS was asked, when it has to be asked.</summary>
    public SenderVerdict? Verdict { get; set; } =
        // A domain of our own needs no DNS, nor does a literal; a name without a domain counts as local.
        options.CheckSenderDomain && sender is { Domain: not null, IsLiteral: false } && !options.IsOurs(sender.Domain)
            ? null
            : SenderVerdict.Accepted;

    /// <summary>The recipient whose reply waits for the verdict.</summary>
    public MailPath? Pending { get; set; }

    /// <summary>Recipients accepted, repeated ones counted each time.</summary>
    public int RecipientCount { get; private set; }

    /// <summary>Recipients refused because there were too many.</summary>
    public int Overshoot { get; set; }

    /// <summary>The recipient that was accepted last; null = none yet.</summary>
    public string? LastRecipient => _recipients.Count > 0 ? _recipients[^1] : null;

    /// <summary>Given to the message with its first recipient; null before.</summary>
    public string? QueueId { get; set; }

    /// <summary>When the first recipient was accepted.</summary>
    public Moment Arrived { get; set; }

    /// <summary>The reply that refuses the sender or this recipient; null when both are welcome. As with smtpd_delay_reject,
    /// a bad sender is told with each recipient.</summary>
    public string? Refuse(MailPath recipient) => RefuseSender() ?? RefuseRecipient(recipient);

    /// <summary>Takes a recipient in. One that was named before gets no second copy.</summary>
    public void Add(MailPath recipient)
    {
        RecipientCount++;
        var text = ReceiverText.WithoutControls(recipient.Text);
        if (!_recipients.Contains(text)) // at most RecipientLimit
            _recipients.Add(text);
    }

    /// <summary>What is known when DATA comes.</summary>
    public Envelope ToEnvelope(string queueId, string protocol, string? helo) =>
        new(queueId, protocol, helo, sender.Text, [.. _recipients], Arrived);

    private string? RefuseSender() => Verdict switch
    {
        SenderVerdict.NotFound => $"550 5.1.8 <{sender.Text}>: Sender address rejected: Domain not found",
        SenderVerdict.Unknown => $"450 4.1.8 <{sender.Text}>: Sender address rejected: Domain not found",
        SenderVerdict.NullMx =>
            $"550 5.7.27 <{sender.Text}>: Sender address rejected: Domain {sender.Domain} does not accept mail (nullMX)",
        _ => null,
    };

    private string? RefuseRecipient(MailPath recipient)
    {
        var isOurs = recipient.Domain is null
            ? recipient.Text.Equals("postmaster", StringComparison.OrdinalIgnoreCase) // RFC 5321 §4.5.1
            : options.IsOurs(recipient.Domain) && !recipient.AsksForRouting;
        return isOurs ? null : $"554 5.7.1 <{recipient.Text}>: Relay access denied";
    }
}
