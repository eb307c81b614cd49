using Postern.Core;

namespace Postern.Receiver;

/// <summary>What a dialogue asks of the input and output around it. Closed: every case is listed here.</summary>
internal abstract record DialogueAction
{
    private DialogueAction()
    {
    }

    /// <param name="Text">One or more lines, Latin-1, without the last CR LF.</param>
    public sealed record Reply(string Text) : DialogueAction;

    /// <param name="Program">The Postfix program that logs such lines.</param>
    public sealed record Log(LogSeverity Severity, string Program, string Text) : DialogueAction;

    /// <summary>Look the sender's domain up and report by <see cref="SmtpDialogue.OnSenderChecked"/>.</summary>
    public sealed record CheckSender(string Domain) : DialogueAction;

    /// <summary>Start a file for the message, write the header, report by <see cref="SmtpDialogue.OnMessageOpened"/>. From now on
    /// <see cref="SmtpDialogue.Content"/> goes to the end of the file.</summary>
    public sealed record OpenMessage(string QueueId, string Header) : DialogueAction;

    /// <summary>Put the message on disk for good and report by <see cref="SmtpDialogue.OnMessageStored"/>.</summary>
    public sealed record StoreMessage : DialogueAction;

    /// <summary>Throw the file away.</summary>
    public sealed record DiscardMessage : DialogueAction;

    /// <summary>Hang up after the replies so far.</summary>
    public sealed record Close : DialogueAction;
}
