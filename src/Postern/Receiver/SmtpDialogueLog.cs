using System.Globalization;
using System.Text;
using Postern.Core;

namespace Postern.Receiver;

/// <summary>The log lines of a dialogue, in the words of smtpd, qmgr and local, for the tools that read and count those.</summary>
/// <param name="client">The address that every line names; host names are not looked up.</param>
internal sealed class SmtpDialogueLog(IpAddress client)
{
    /// <summary>Longest piece of a client's text in a line, where smtpd has a limit.</summary>
    private const int LongestQuote = 100;

    private readonly string _client = $"unknown[{client}]";

    public DialogueAction.Log Connect() => Info("smtpd", $"connect from {_client}");

    public DialogueAction.Log TooManySessions() =>
        Info("smtpd", $"NOQUEUE: reject: CONNECT from {_client}: 421 4.3.2 Error: too many sessions; proto=SMTP");

    public DialogueAction.Log Disconnect(CommandCounts counts) => Info("smtpd", $"disconnect from {_client} {counts}");

    public DialogueAction.Log LostConnection(string where) => Info("smtpd", $"lost connection after {where} from {_client}");

    public DialogueAction.Log Timeout(string where) => Info("smtpd", $"timeout after {where} from {_client}");

    public DialogueAction.Log TooManyErrors(string where) => Info("smtpd", $"too many errors after {where} from {_client}");

    public DialogueAction.Log Accepted(string queueId) => Info("smtpd", $"{queueId}: client={_client}");

    public static DialogueAction.Log TooBig(string? queueId) => Warning($"{queueId}: queue file size limit exceeded");

    public DialogueAction.Log NonSmtpCommand(ReadOnlySpan<char> line) => Warning($"non-SMTP command from {_client}: {Quote(line)}");

    public DialogueAction.Log BadAddress(string command, ReadOnlySpan<char> address) =>
        Warning($"Illegal address syntax from {_client} in {command} command: {Quote(address)}");

    public DialogueAction.Log LongLine(ReadOnlySpan<byte> line) =>
        Warning($"{_client}: request longer than {CommandReader.MaxLength}: {ReceiverText.Printable(Encoding.Latin1.GetString(line[..30]))}...");

    /// <param name="where">The command; or what was going on.</param>
    /// <param name="text">The reply, or a reason.</param>
    /// <param name="sender">Null = none known.</param>
    /// <param name="recipient">Null = none known.</param>
    /// <param name="helo">Null = none given.</param>
    public DialogueAction.Log Reject(string? queueId, string where, string text, string? sender, string? recipient, string protocol, string? helo)
    {
        var line = new StringBuilder($"{queueId ?? "NOQUEUE"}: reject: {where} from {_client}: {text};");
        if (sender is not null)
            line.Append(CultureInfo.InvariantCulture, $" from=<{sender}>");
        if (recipient is not null)
            line.Append(CultureInfo.InvariantCulture, $" to=<{recipient}>");
        line.Append(CultureInfo.InvariantCulture, $" proto={protocol}");
        if (helo is not null)
            line.Append(CultureInfo.InvariantCulture, $" helo=<{helo}>");
        return Info("smtpd", ReceiverText.Printable(line.ToString()));
    }

    /// <summary>The lines that Postfix writes between queue and mailbox, all at once here, because there is no queue.</summary>
    /// <param name="size">Bytes stored.</param>
    public static IEnumerable<DialogueAction.Log> Delivered(Envelope envelope, long size, Moment now)
    {
        var delay = ReceiverText.Delay(now.Since(envelope.Arrived));
        yield return Info("qmgr", string.Create(CultureInfo.InvariantCulture,
            $"{envelope.QueueId}: from=<{ReceiverText.Printable(envelope.Sender)}>, size={size}, nrcpt={envelope.Recipients.Count} (queue active)"));
        foreach (var recipient in envelope.Recipients)
        {
            yield return Info("local", $"{envelope.QueueId}: to=<{ReceiverText.Printable(recipient)}>, relay=local, "
                + $"delay={delay}, delays={delay}/0/0/0, dsn=2.0.0, status=sent (delivered to maildir)");
        }

        yield return Info("qmgr", $"{envelope.QueueId}: removed");
    }

    private static string Quote(ReadOnlySpan<char> text) => ReceiverText.Printable(text[..Math.Min(text.Length, LongestQuote)].ToString());

    private static DialogueAction.Log Info(string program, string text) => new(LogSeverity.Info, program, text);

    private static DialogueAction.Log Warning(string text) => new(LogSeverity.Warning, "smtpd", text);
}
