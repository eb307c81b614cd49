using Postern.Core;
using Postern.Core.Screening;
using Postern.Native;

namespace Postern.Loop;

/// <summary>
/// Clients' sockets as sessions need them: how they are watched, what is read from them and what is sent, in the clear or
/// inside TLS. Nothing here waits.
/// </summary>
/// <param name="poller">The loop's.</param>
/// <param name="clients">The loop's.</param>
/// <param name="tls">The clients inside TLS.</param>
/// <param name="log">Takes warnings.</param>
internal sealed unsafe class ClientSockets(Poller poller, ClientTable clients, TlsClients tls, LoopLog log)
{
    private const int LongestPeek = 1023;

    private readonly ClientWriter _writer = new();

    /// <summary>What one read brings; valid until the next.</summary>
    public byte[] Input { get; } = GC.AllocateUninitializedArray<byte>(4096, pinned: true);

    /// <summary>Watches a client's socket.</summary>
    public void Watch(Client client, WatchMode mode)
    {
        if (client.Watch is WatchMode.Nothing && mode is not WatchMode.Nothing)
            Report(client);
        else if (client.Watch is not WatchMode.Nothing && mode is WatchMode.Nothing)
            poller.Forget(client.Descriptor);
        client.Watch = mode;
    }

    /// <summary>Peeks or reads, as the client is watched.</summary>
    /// <param name="client">A client that is watched, and not inside TLS.</param>
    /// <param name="bytes">What came; empty when the client hung up.</param>
    /// <returns>False: nothing came.</returns>
    public bool TryRead(Client client, out ReadOnlySpan<byte> bytes)
    {
        nint read;
        var peek = client.Watch is WatchMode.Peek;
        fixed (byte* input = Input)
            read = Libc.recv(client.Descriptor, input, peek ? LongestPeek : (nuint)Input.Length, peek ? Libc.MSG_PEEK : 0);
        var isNothing = read < 0 && Errno.Last is Errno.EAGAIN or Errno.EINTR;
        bytes = Input.AsSpan(0, (int)Math.Max(0, read));
        return !isNothing;
    }

    /// <summary>Adds to what <see cref="Send"/> sends next.</summary>
    public void Append(ReadOnlySpan<byte> text) => _writer.Append(text);

    /// <summary>Sends what was appended.</summary>
    public void Send(Client client)
    {
        if (tls.Has(client))
        {
            tls.Send(client, _writer.Take());
            return;
        }

        if (_writer.Send(client) is { } error)
            log.Write(LogSeverity.Warning, $"write {client.Name}: {error}");
    }

    /// <summary>Sends what was appended; all that comes after it is inside TLS.</summary>
    public void StartTls(Client client)
    {
        Send(client);
        _writer.Forget(client);
        tls.Start(client);
    }

    /// <summary>Sends last words to a client that is closed next. Not inside TLS.</summary>
    public static void SendAtOnce(Client client, ReadOnlySpan<byte> text) => ClientWriter.SendAtOnce(client.Descriptor, text);

    /// <summary>Takes what is not sent yet; somebody else sends it.</summary>
    public byte[] TakeUnsent(Client client) => _writer.TakeUnsent(client);

    /// <summary>Drops what is not sent yet.</summary>
    public void Forget(Client client) => _writer.Forget(client);

    /// <summary>A server holds the client's socket now: our copy is closed, and the channel to the server is watched in its place.</summary>
    public void Exchange(Client client, int channel)
    {
        // The sooner our copy is gone, the sooner the client sees the end of its session.
        _ = Libc.close(client.Descriptor);
        client.Descriptor = channel;
        _writer.Forget(client);
        clients.RenewToken(client);
        Report(client);
    }

    /// <summary>Closes the socket; what was sent last inside TLS goes out before that.</summary>
    /// <param name="client">The client.</param>
    /// <param name="isTimeout">See <see cref="TlsClients.Close"/>.</param>
    public void Close(Client client, bool isTimeout)
    {
        _writer.Forget(client);
        if (tls.Has(client))
            tls.Close(client, isTimeout);
        else
            _ = Libc.close(client.Descriptor);
    }

    // If the kernel has no room for it, its deadline is all the client has.
    private void Report(Client client)
    {
        if (!poller.Watch(client.Descriptor, clients.Token(client)))
            log.WarnOnce("epoll_ctl: " + Errno.LastText);
    }
}
