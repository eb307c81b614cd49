using Postern.Core;
using Postern.Logging;
using Postern.Tls;

namespace Postern.Loop;

/// <summary>
/// The clients inside TLS, and tlsproxy's log lines about them. A client's socket is its channel's from the handshake on;
/// what happens there comes back to the loop as posts.
/// </summary>
/// <param name="post">Runs something on the loop's thread.</param>
/// <param name="log">Takes the lines.</param>
/// <param name="answer">Tells a client's session whether TLS can be spoken.</param>
/// <param name="receive">Gives a client's session what it sent; empty: it hung up.</param>
internal sealed class TlsClients(
    Action<Action> post, MailLog log, Action<Client, bool> answer, Action<Client, ReadOnlyMemory<byte>> receive)
{
    private readonly Dictionary<Client, Listener> _inside = [];
    private readonly HashSet<TlsChannel> _open = [];
    private readonly ByteBuffer _line = new();
    private TlsContext? _prepared;

    /// <summary>Null: there is no TLS.</summary>
    public TlsServer? Server { get; set; }

    /// <summary>Sockets that are still open though their client's session has ended.</summary>
    public int Closing => _open.Count - _inside.Count;

    /// <summary>Finds out whether TLS can be spoken; the answer comes as a post.</summary>
    public void Prepare(Client client)
    {
        Log(client, "CONNECT from"u8);
        if (Server is { } server && client.Session.Settings.Tls is { } settings)
            server.Prepare(settings, context => post(() => Answer(client, context)));
        else
            post(() => Answer(client, null));
    }

    /// <summary>Starts the handshake with a client that was just told that it may. The client's descriptor is not the loop's any more.</summary>
    public void Start(Client client)
    {
        var listener = new Listener(this, client);
        var channel = new TlsChannel(client.Descriptor, _prepared!, Server!.Turns, listener);
        listener.Channel = channel;
        listener.LogsHandshake = _prepared!.LogsHandshakes;
        client.Descriptor = -1;
        _inside.Add(client, listener);
        _open.Add(channel);
        channel.Start();
    }

    /// <summary>Whether the client is inside TLS.</summary>
    public bool Has(Client client) => client.Descriptor < 0 && _inside.ContainsKey(client);

    /// <summary>Sends replies.</summary>
    public void Send(Client client, ReadOnlySpan<byte> bytes)
    {
        if (!bytes.IsEmpty)
            _inside[client].Channel.Send(bytes);
    }

    /// <summary>The session has ended: what was sent last goes out, and the socket is closed.</summary>
    /// <param name="isTimeout">If the handshake is not over, the client took too long; else the daemon stops.</param>
    public void Close(Client client, bool isTimeout)
    {
        if (!_inside.Remove(client, out var listener))
            return;
        if (isTimeout && !listener.IsUp && !listener.HasEnded)
            Log(client, "ciphertext read/write timeout for"u8, LogSeverity.Warning);
        listener.Channel.Close();
    }

    /// <summary>Waits for the last farewells. When the loop has come to its end.</summary>
    public void WaitUntilClosed(TimeSpan atMost) => Task.WaitAll([.. _open.Select(static channel => channel.Completion)], atMost);

    private void Answer(Client client, TlsContext? context)
    {
        _prepared = context;
        answer(client, context is not null);
        _prepared = null;
        if (context is not null)
            return;
        LogFailure(client);
        Log(client, "DISCONNECT"u8);
    }

    private void Up(Listener listener, TlsHandshake handshake)
    {
        listener.IsUp = true;
        if (!listener.LogsHandshake)
            return;
        var session = listener.Client.Session;
        _line.Truncate(0);
        LogText.TlsEstablished(_line, handshake.Trust, session.Client.Address, session.ClientPort, handshake.Version, handshake.Cipher, handshake.Bits);
        log.Write(Server!.Tag, LogSeverity.Info, _line.Written);
    }

    private void Received(Listener listener, ReadOnlyMemory<byte> bytes)
    {
        listener.HasEnded |= bytes.IsEmpty;
        if (!_inside.ContainsKey(listener.Client))
            return;
        receive(listener.Client, bytes);
        if (_inside.ContainsKey(listener.Client))
            listener.Channel.Continue();
    }

    private void Closed(Listener listener, string? problem)
    {
        _open.Remove(listener.Channel);
        listener.Channel.Dispose();
        if (problem is not null)
            log.Write(Server!.Tag, LogSeverity.Warning, problem);
        if (!listener.IsUp)
            LogFailure(listener.Client);
        Log(listener.Client, "DISCONNECT"u8);
    }

    private void LogFailure(Client client)
    {
        _line.Truncate(0);
        LogText.TlsHandshakeFailed(_line, client.Session.Client.Address, client.Session.ClientPort);
        if (Server is not null)
            log.Write(Server.Tag, LogSeverity.Info, _line.Written);
    }

    private void Log(Client client, ReadOnlySpan<byte> what, LogSeverity severity = LogSeverity.Info)
    {
        _line.Truncate(0);
        LogText.ClientEvent(_line, what, client.Session.Client.Address, client.Session.ClientPort);
        if (Server is not null)
            log.Write(Server.Tag, severity, _line.Written);
    }

    /// <summary>Brings a channel's events to the loop's thread. Only that thread looks at its properties.</summary>
    private sealed class Listener(TlsClients clients, Client client) : ITlsListener
    {
        public Client Client => client;

        public TlsChannel Channel { get; set; } = null!;

        public bool LogsHandshake { get; set; }

        public bool IsUp { get; set; }

        public bool HasEnded { get; set; }

        public void OnUp(TlsHandshake handshake) => clients.Post(() => clients.Up(this, handshake));

        public void OnReceived(ReadOnlyMemory<byte> bytes) => clients.Post(() => clients.Received(this, bytes));

        public void OnClosed(string? handshakeProblem) => clients.Post(() => clients.Closed(this, handshakeProblem));
    }

    private void Post(Action action) => post(action);
}
