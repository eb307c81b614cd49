using System.Net.Sockets;
using System.Text;
using Postern.Core;
using Postern.Native;

namespace Postern.Receiver;

/// <summary>The input and output around one <see cref="SmtpDialogue"/>: reads, feeds, performs what it asks for.</summary>
/// <param name="client">Owned from now on.</param>
/// <param name="number">For the log: no other session of this receiver has it.</param>
/// <param name="options">The receiver's.</param>
/// <param name="services">The receiver's.</param>
internal sealed class MailSession(HandedClient client, long number, ReceiverOptions options, ReceiverServices services) : IDisposable
{
    private const int ReadLength = 16 * 1024;

    /// <summary>Replies wait for the client's next turn (RFC 2920 §3.2), but not more than this.</summary>
    private const int MostUnsent = 8 * 1024;

    /// <summary>smtpd_min_data_rate: a message that comes more slowly uses its time up.</summary>
    private const int LeastBytesPerSecond = 500;

    /// <summary>How long a client may still talk after the last reply before the connection is cut.</summary>
    private static readonly TimeSpan FarewellTime = TimeSpan.FromSeconds(2);

    private readonly SmtpDialogue _dialogue = new(options, client.Address, services.QueueIds.Next);
    private readonly byte[] _buffer = new byte[ReadLength];
    private readonly List<byte> _unsent = [];
    private MaildirMessage? _message;
    private bool _isClosed;

    /// <summary>Serves the client to the end.</summary>
    /// <param name="drain">When cancelled, the session ends as soon as no message would be lost.</param>
    /// <param name="abort">When cancelled, it ends at once; the client's message, if any, is not accepted.</param>
    public async Task RunAsync(CancellationToken drain, CancellationToken abort)
    {
        await UntilEndAsync(_dialogue.OnConnected(), drain, abort).ConfigureAwait(false);
    }

    /// <summary>Tells the client that there is no room for it.</summary>
    public async Task RefuseAsync(CancellationToken abort)
    {
        await UntilEndAsync(_dialogue.OnConnectedInVain(), CancellationToken.None, abort).ConfigureAwait(false);
    }

    private async Task UntilEndAsync(List<DialogueAction> beginning, CancellationToken drain, CancellationToken abort)
    {
        try
        {
            await PerformAsync(beginning, abort).ConfigureAwait(false);
            await ServeAsync(drain, abort).ConfigureAwait(false);
            Discard();
            await SendAsync(abort).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // Our own time limit on a reply that the client does not take, or the end of the process.
            await PerformAsync(abort.IsCancellationRequested ? _dialogue.OnShutdown() : _dialogue.OnTimeout(), CancellationToken.None).ConfigureAwait(false);
            TrySend();
        }
        catch (SocketException)
        {
            await PerformAsync(_dialogue.OnLost(), CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            Discard();
            await PerformAsync(_dialogue.OnDisconnected(), CancellationToken.None).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Ends the connection in order, after the session. Closing with unread input would reset it, and a reset may overtake the last reply.
    /// </summary>
    public async Task LingerAsync(CancellationToken abort)
    {
        // The process that handed the client over may still hold its copy of the descriptor: closing ours is not enough.
        using var patience = new Patience(FarewellTime, services.Clock, abort);
        try
        {
            client.Socket.Shutdown(SocketShutdown.Send);
            for (var most = 64; most > 0; most--)
            {
                if (await client.Socket.ReceiveAsync(_buffer, patience.Token).ConfigureAwait(false) == 0)
                    break;
            }
        }
        catch (Exception end) when (end is OperationCanceledException or SocketException)
        {
            // All was said; how the client leaves does not matter.
        }
    }

    /// <summary>Drops the client and what it has not finished.</summary>
    public void Dispose()
    {
        Discard();
        client.Socket.Dispose();
    }

    private async Task ServeAsync(CancellationToken drain, CancellationToken abort)
    {
        var commandDeadline = Now + options.CommandTimeLimit;
        var dataDeadline = Now;
        while (!_isClosed)
        {
            await SendAsync(abort).ConfigureAwait(false);
            var wasData = _dialogue.IsReceivingData;
            var commandCount = _dialogue.CommandCount;
            var deadline = wasData ? dataDeadline : commandDeadline;
            int length;
            using (var patience = new Patience(deadline - Now, services.Clock, abort))
            using (var stop = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, _dialogue.IsIdle ? drain : CancellationToken.None))
            {
                try
                {
                    length = await client.Socket.ReceiveAsync(_buffer, stop.Token).ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (!abort.IsCancellationRequested)
                {
                    var farewell = patience.Token.IsCancellationRequested ? _dialogue.OnTimeout() : _dialogue.OnShutdown();
                    await PerformAsync(farewell, abort).ConfigureAwait(false);
                    return;
                }
            }

            if (length == 0)
            {
                await PerformAsync(_dialogue.OnLost(), abort).ConfigureAwait(false);
                return;
            }

            await FeedAsync(length, abort).ConfigureAwait(false);
            if (!_dialogue.IsReceivingData)
            {
                // A line that comes byte by byte has no more time than one that comes whole.
                if (wasData || _dialogue.CommandCount > commandCount)
                    commandDeadline = Now + options.CommandTimeLimit;
            }
            else if (!wasData)
                dataDeadline = Now + options.DataTimeLimit;
            else
                dataDeadline = Earlier(Now + options.DataTimeLimit, dataDeadline + TimeSpan.FromSeconds((double)length / LeastBytesPerSecond));
        }
    }

    private TimeSpan Now => services.Clock.GetElapsedTime(0);

    private Moment Moment => new(services.Clock.GetUtcNow(), UnderStress: false) { MonotonicTicks = Now.Ticks };

    private static TimeSpan Earlier(TimeSpan one, TimeSpan other) => one < other ? one : other;

    private async Task FeedAsync(int length, CancellationToken abort)
    {
        for (var position = 0; position < length && !_isClosed;)
        {
            var actions = _dialogue.OnReceived(_buffer.AsSpan(position, length - position), Moment, out var consumed);
            position += consumed;
            WriteContent();
            await PerformAsync(actions, abort).ConfigureAwait(false);
        }
    }

    private async Task PerformAsync(List<DialogueAction> actions, CancellationToken abort)
    {
        foreach (var action in actions)
        {
            switch (action)
            {
                case DialogueAction.Reply(var text):
                    _unsent.AddRange(Encoding.Latin1.GetBytes(text));
                    _unsent.AddRange("\r\n"u8);
                    if (_unsent.Count > MostUnsent)
                        await SendAsync(abort).ConfigureAwait(false);
                    break;
                case DialogueAction.Log(var severity, var program, var text):
                    options.Log(severity, program, number, text);
                    break;
                case DialogueAction.CheckSender(var domain):
                    var verdict = await SenderDomainCheck.AskAsync(services.Resolver, domain, abort).ConfigureAwait(false);
                    await PerformAsync(_dialogue.OnSenderChecked(verdict, Moment), abort).ConfigureAwait(false);
                    break;
                case DialogueAction.OpenMessage(var queueId, var header):
                    await PerformAsync(_dialogue.OnMessageOpened(Open(queueId, header)), abort).ConfigureAwait(false);
                    break;
                case DialogueAction.StoreMessage:
                    var size = await StoreAsync(abort).ConfigureAwait(false);
                    await PerformAsync(_dialogue.OnMessageStored(size, Moment), abort).ConfigureAwait(false);
                    break;
                case DialogueAction.DiscardMessage:
                    Discard();
                    break;
                case DialogueAction.Close:
                    _isClosed = true;
                    break;
                default:
                    throw new System.Diagnostics.UnreachableException($"unhandled {action}");
            }
        }
    }

    private bool Open(string queueId, string header)
    {
        try
        {
            _message = services.Maildir.Create(queueId);
            _message.Append(Encoding.Latin1.GetBytes(header));
            return true;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            GiveUp(problem);
            return false;
        }
    }

    private void WriteContent()
    {
        try
        {
            _message?.Append(_dialogue.Content.WrittenSpan);
        }
        catch (IOException problem)
        {
            GiveUp(problem);
            _dialogue.OnWriteFailed();
        }

        _dialogue.Content.ResetWrittenCount();
    }

    private async Task<long?> StoreAsync(CancellationToken abort)
    {
        if (_message is not { } message)
            return null; // it was given up with the very last piece
        await services.Writers.WaitAsync(abort).ConfigureAwait(false);
        try
        {
            message.Commit();
            return message.Size;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            GiveUp(problem);
            return null;
        }
        finally
        {
            services.Writers.Release();
            Discard();
        }
    }

    private void GiveUp(Exception problem)
    {
        options.Log(LogSeverity.Warning, "smtpd", number, $"cannot write to maildir {options.MaildirPath}: {Errno.ReasonOf(problem)}");
        Discard();
    }

    private void Discard()
    {
        try
        {
            _message?.Dispose();
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            options.Log(LogSeverity.Warning, "smtpd", number, $"cannot remove a temporary file from maildir {options.MaildirPath}: {Errno.ReasonOf(problem)}");
        }

        _message = null;
    }

    private async Task SendAsync(CancellationToken abort)
    {
        if (_unsent.Count == 0)
            return;
        ReadOnlyMemory<byte> rest = _unsent.ToArray();
        _unsent.Clear();
        using var patience = new Patience(options.CommandTimeLimit, services.Clock, abort);
        while (!rest.IsEmpty)
            rest = rest[await client.Socket.SendAsync(rest, patience.Token).ConfigureAwait(false)..];
    }

    /// <summary>A last word without waiting: if the kernel has no room for it, the client does not read anyway.</summary>
    private void TrySend()
    {
        try
        {
            client.Socket.Blocking = false;
            client.Socket.Send(_unsent.ToArray());
        }
        catch (SocketException)
        {
            // The client is gone or deaf, and the session is over either way.
        }
    }
}
