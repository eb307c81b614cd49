using Postern.Core.Relay;
using Postern.Native;

namespace Postern.Relay;

/// <summary>Two sockets and what goes between them.</summary>
internal sealed class Pump
{
    private readonly int _client;
    private readonly int _server;
    private Flow _toServer;
    private Flow _toClient;

    public Pump(int client, int server) => (_client, _server) = (client, server);

    /// <summary>What the poller reports of each socket at the moment; null: it is not watched.</summary>
    public uint? ClientWatch { get; set; }

    /// <inheritdoc cref="ClientWatch"/>
    public uint? ServerWatch { get; set; }

    /// <summary>Monotonic milliseconds of the last event.</summary>
    public long LastMoved { get; set; }

    /// <summary>Sees what the server says; null: nobody.</summary>
    public AuthWatcher? Watcher { get; init; }

    /// <summary>Bytes delivered to the server.</summary>
    public long FromClient => _toServer.Total;

    /// <summary>Bytes delivered to the client.</summary>
    public long FromServer => _toClient.Total;

    /// <summary>The events of each socket that mean something now: EPOLLIN, EPOLLOUT.</summary>
    public uint ClientInterest => Interest(_toServer, _toClient);

    /// <inheritdoc cref="ClientInterest"/>
    public uint ServerInterest => Interest(_toClient, _toServer);

    /// <summary>The server says nothing more; what the client still says is for nobody.</summary>
    public bool ServerHasEnded => _toClient.State is FlowState.Ended;

    /// <summary>Who ended it, in words for the log; null while it goes on.</summary>
    public string? EndedBy { get; private set; }

    /// <summary>Both sides have ended, or one of them is gone for good.</summary>
    public bool IsOver { get; private set; }

    /// <summary>Delivers what was read before the pumping began.</summary>
    /// <returns>False when it cannot be kept for a reader that is too slow.</returns>
    public bool Preload(ReadOnlySpan<byte> toServer, ReadOnlySpan<byte> toClient, PipePool pipes) =>
        _toClient.Preload(_client, toClient, pipes) && _toServer.Preload(_server, toServer, pipes);

    /// <summary>The poller has reported something of one of the sockets.</summary>
    /// <param name="ofServer">Of the server's, else of the client's.</param>
    /// <param name="events">EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP.</param>
    /// <param name="pipes">Where pipes come from.</param>
    public void OnEvents(bool ofServer, uint events, PipePool pipes)
    {
        const uint readable = Libc.EPOLLIN | Libc.EPOLLHUP | Libc.EPOLLERR;
        const uint writable = Libc.EPOLLOUT | Libc.EPOLLHUP | Libc.EPOLLERR;
        if ((events & readable) != 0)
            Move(fromServer: ofServer, pipes);
        if ((events & writable) != 0 && (ofServer ? _toServer : _toClient).HasPending)
            Move(fromServer: !ofServer, pipes);

        // One that had said its last word, and all of it is delivered, does not listen any more either.
        if ((events & (Libc.EPOLLHUP | Libc.EPOLLERR)) != 0)
            IsOver |= (ofServer ? _toClient : _toServer).State is FlowState.Ended;
    }

    /// <summary>Gives the pipes back.</summary>
    public void Drop(PipePool pipes)
    {
        _toServer.Drop(pipes);
        _toClient.Drop(pipes);
    }

    private void Move(bool fromServer, PipePool pipes)
    {
        var error = fromServer ? _toClient.Move(_server, _client, pipes, Watcher) : _toServer.Move(_client, _server, pipes, watcher: null);
        if (error != 0)
        {
            // The source is gone, and with it whoever waits for an answer, or whoever could give one.
            EndedBy ??= error == Errno.EMFILE ? "Postern, which has no descriptors left for a pipe" : $"{(fromServer ? "the server" : "the client")}: {Errno.Text(error)}";
            IsOver = true;
            return;
        }

        if (fromServer && _toClient.State is FlowState.Broken)
        {
            EndedBy ??= "the client, which takes nothing any more";
            IsOver = true;
        }
        else if (!fromServer && _toServer.State is FlowState.Broken)
        {
            EndedBy ??= "the server, which takes nothing any more"; // what it said before is still delivered
        }
        else if ((fromServer ? _toClient : _toServer).State is FlowState.Ended)
        {
            EndedBy ??= fromServer ? "the server" : "the client";
        }

        IsOver |= _toClient.State is FlowState.Ended && _toServer.State is FlowState.Ended or FlowState.Broken;
    }

    private static uint Interest(in Flow from, in Flow to) => (from.WantsInput ? Libc.EPOLLIN : 0) | (to.HasPending ? Libc.EPOLLOUT : 0);
}
