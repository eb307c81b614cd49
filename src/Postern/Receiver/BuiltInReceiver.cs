using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using Postern.Core;
using Postern.Dns;
using Postern.Native;

namespace Postern.Receiver;

/// <summary>
/// An SMTP server for machines that have none, so that Postern alone can receive mail. It takes clients over as Postfix's
/// smtpd does, on a UNIX socket that speaks the <c>pass</c> protocol, so there is one hand-off path for both.
/// </summary>
/// <remarks>
/// It is not a mail transfer agent. It delivers to one Maildir and nothing else: no forwarding, no queue, no aliases, no
/// bounces, no TLS, no authentication. A 250 after the final dot means that the message is on disk. It runs on tasks of its
/// own; nothing of it happens on the event loop.
/// </remarks>
public sealed class BuiltInReceiver : IAsyncDisposable
{
    private const int Backlog = 256;

    /// <summary>Channels from which a descriptor is awaited at the same time; more stay in the backlog.</summary>
    private const int MostChannels = 128;

    /// <summary>fsync(2) calls at the same time.</summary>
    private const int MostWriters = 4;

    /// <summary>How long accepting pauses when the process is out of descriptors.</summary>
    private static readonly TimeSpan AcceptPause = TimeSpan.FromSeconds(1);

    private readonly ReceiverOptions _options;
    private readonly ReceiverServices _services;
    private readonly Socket _listener;
    private readonly ulong? _inode;
    private readonly CancellationTokenSource _drain = new();
    private readonly CancellationTokenSource _abort = new();
    private readonly SemaphoreSlim _channels = new(MostChannels);
    private readonly HashSet<Task> _running = [];
    private readonly Lock _runningLock = new();
    private readonly Task _accepting;
    private int _clients; // sessions, and those that are being refused or hung up
    private int _sessions;
    private long _lastNumber;
    private bool _isStopped;

    private BuiltInReceiver(ReceiverOptions options, ReceiverServices services, Socket listener)
    {
        (_options, _services, _listener, _inode) = (options, services, listener, ListeningSocket.InodeOf(options.SocketPath));
        _accepting = Task.Run(AcceptAsync);
    }

    /// <summary>
    /// Makes the Maildir and the socket and starts to serve. The socket is for our own user only: start the receiver after
    /// the process has taken the user that it stays with.
    /// </summary>
    /// <param name="problem">What the administrator must fix.</param>
    public static bool TryStart(
        ReceiverOptions options, [NotNullWhen(true)] out BuiltInReceiver? receiver, [NotNullWhen(false)] out string? problem)
    {
        (receiver, problem) = (null, null);
        Maildir maildir;
        try
        {
            maildir = Maildir.Open(options.MaildirPath, options.HostName, options.Clock);
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
        {
            problem = $"cannot use maildir {options.MaildirPath}: {Errno.ReasonOf(refusal)}";
            return false;
        }

        if (ListeningSocket.Open(options.SocketPath, Backlog, isTakenOver: false, out problem) is not { } listener)
        {
            problem ??= $"cannot listen on {options.SocketPath}";
            return false;
        }

        var resolver = options.Resolver ?? new StubResolver(ResolverSettings(options), options.Clock);
        var services = new ReceiverServices(maildir, new QueueIds(options.Clock), resolver, new SemaphoreSlim(MostWriters), options.Clock);
        receiver = new BuiltInReceiver(options, services, listener);
        receiver.Track(Task.Run(() => RemoveLeftovers(maildir, options)));
        return true;
    }

    /// <summary>
    /// Takes no more clients, tells idle ones to come back later, and lets the others finish their message.
    /// </summary>
    /// <param name="grace">After this, all that is left is cut off.</param>
    public async Task StopAsync(TimeSpan grace)
    {
        if (_isStopped)
            return;
        _isStopped = true;
        await _drain.CancelAsync().ConfigureAwait(false);
        _listener.Dispose();
        await _accepting.ConfigureAwait(false);
        if (ListeningSocket.InodeOf(_options.SocketPath) == _inode) // else the next process listens there
            _ = Libc.unlink(_options.SocketPath);

        var all = Task.WhenAll(Running());
        using (var patience = new Patience(grace, _options.Clock, CancellationToken.None))
            await Task.WhenAny(all, Task.Delay(Timeout.InfiniteTimeSpan, patience.Token)).ConfigureAwait(false);
        await _abort.CancelAsync().ConfigureAwait(false);
        await all.ConfigureAwait(false); // never fails: ServeAsync reports all there is
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await StopAsync(TimeSpan.Zero).ConfigureAwait(false);
        _services.Writers.Dispose();
        _channels.Dispose();
        _drain.Dispose();
        _abort.Dispose();
    }

    private static void RemoveLeftovers(Maildir maildir, ReceiverOptions options)
    {
        if (maildir.RemoveLeftovers() is > 0 and var count)
            options.Log(LogSeverity.Info, "local", 0, $"removed {count} files from {options.MaildirPath}/tmp: their deliveries were cut more than 36 hours ago");
    }

    private static ResolverConfiguration ResolverSettings(ReceiverOptions options)
    {
        if (options.DnsServers.Count > 0)
            return ResolverConfiguration.For(options.DnsServers);
        try
        {
            var configuration = ResolverConfiguration.Parse(File.ReadAllText(ResolverConfiguration.SystemPath));
            foreach (var problem in configuration.Problems)
                options.Log(LogSeverity.Warning, "smtpd", 0, problem);
            return configuration;
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            options.Log(LogSeverity.Warning, "smtpd", 0, $"cannot read {ResolverConfiguration.SystemPath}: {Errno.ReasonOf(problem)}");
            return ResolverConfiguration.Parse("");
        }
    }

    private async Task AcceptAsync()
    {
        while (!_drain.IsCancellationRequested)
        {
            try
            {
                await _channels.WaitAsync(_drain.Token).ConfigureAwait(false);
                var channel = await AcceptOneAsync().ConfigureAwait(false);
                if (channel is null)
                    _channels.Release();
                else
                    Track(ServeAsync(channel));
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task<Socket?> AcceptOneAsync()
    {
        try
        {
            return await _listener.AcceptAsync(_drain.Token).ConfigureAwait(false);
        }
        catch (SocketException problem) when (!_drain.IsCancellationRequested)
        {
            Warn($"accept connection: {problem.Message}");
            await Task.Delay(AcceptPause, _options.Clock, _drain.Token).ConfigureAwait(false);
            return null;
        }
        catch (Exception end) when (end is SocketException or ObjectDisposedException)
        {
            return null; // the listener was closed by StopAsync
        }
    }

    /// <summary>The owner of one hand-over from beginning to end; reports every fault and throws none.</summary>
    private async Task ServeAsync(Socket channel)
    {
        try
        {
            HandedClient? client;
            try
            {
                client = await PassChannel.ReceiveAsync(channel, _options.HandoffTimeLimit, _options.Clock, Warn, _drain.Token).ConfigureAwait(false);
                if (client is not null)
                    _options.Counts?.Enter(client.Address); // before who has sent it sees that it is taken, and counts it no more
            }
            finally
            {
                channel.Dispose();
                _channels.Release();
            }

            if (client is not null)
                await ServeCountedAsync(client).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_drain.IsCancellationRequested)
        {
            // The client was not taken over; the sender sees its channel close and its client go.
        }
#pragma warning disable CA1031 // one client's trouble must not end the process, whatever it is
        catch (Exception fault)
#pragma warning restore CA1031
        {
            _options.Log(LogSeverity.Error, "smtpd", 0, ReceiverText.Printable($"unexpected failure of a session: {fault}"));
        }
    }

    private async Task ServeCountedAsync(HandedClient client)
    {
        try
        {
            await ServeAsync(client).ConfigureAwait(false);
        }
        finally
        {
            _options.Counts?.Leave(client.Address);
        }
    }

    private async Task ServeAsync(HandedClient client)
    {
        using var session = new MailSession(client, Interlocked.Increment(ref _lastNumber), _options, _services);
        try
        {
            // Even refusing and hanging up in order takes time, so their number has a bound too.
            if (Interlocked.Increment(ref _clients) > 2 * _options.SessionLimit)
            {
                Warn($"{client.Address}: dropped, twice the limit of {_options.SessionLimit} sessions is reached");
                return;
            }

            await TalkAsync(session).ConfigureAwait(false);
            await session.LingerAsync(_abort.Token).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _clients);
        }
    }

    private async Task TalkAsync(MailSession session)
    {
        try
        {
            if (Interlocked.Increment(ref _sessions) > _options.SessionLimit)
                await session.RefuseAsync(_abort.Token).ConfigureAwait(false);
            else
                await session.RunAsync(_drain.Token, _abort.Token).ConfigureAwait(false);
        }
        finally
        {
            Interlocked.Decrement(ref _sessions);
        }
    }

    private void Warn(string text) => _options.Log(LogSeverity.Warning, "smtpd", 0, text);

    private void Track(Task task)
    {
        lock (_runningLock)
            _running.Add(task);
        _ = task.ContinueWith(Forget, TaskScheduler.Default);
    }

    private void Forget(Task task)
    {
        lock (_runningLock)
            _running.Remove(task);
    }

    private Task[] Running()
    {
        lock (_runningLock)
            return [.. _running];
    }
}
