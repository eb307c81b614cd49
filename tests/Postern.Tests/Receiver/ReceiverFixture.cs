using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Postern.Core;
using Postern.Dns;
using Postern.Receiver;

namespace Postern.Tests.Receiver;

/// <summary>A running receiver, and clients handed over to it through its real UNIX socket.</summary>
internal sealed class ReceiverFixture : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly ConcurrentQueue<string> _log = new();
    private readonly SemaphoreSlim _logged = new(0);

    public ReceiverFixture(Func<ReceiverOptions, ReceiverOptions>? change = null)
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(512);
        var options = DialogueRun.Options() with
        {
            SocketPath = Folder.SocketPath,
            MaildirPath = Folder.Maildir,
            Resolver = new FixedResolver(),
            Log = Log,
        };
        Assert.True(BuiltInReceiver.TryStart(change?.Invoke(options) ?? options, out var receiver, out var problem), problem);
        Receiver = receiver;
    }

    public MailboxFolder Folder { get; } = new();

    public BuiltInReceiver Receiver { get; }

    public IEnumerable<string> LogLines => _log;

    /// <summary>Connects a client over TCP and hands its other end over as postscreen would.</summary>
    public async Task<MailClient> ConnectAsync(string address = "192.0.2.7", string? attributes = null)
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(_listener.LocalEndPoint!);
        using var server = await _listener.AcceptAsync();
        server.Blocking = false; // as it arrives from an event loop
        using var channel = OpenChannel();
        DescriptorSender.Send(channel, server.SafeHandle);
        channel.Send(Encoding.Latin1.GetBytes(attributes ?? $"client_address\0{address}\0client_port\040000\0server_address\0127.0.0.1\0server_port\025\0\0"));
        Assert.Equal(0, await channel.ReceiveAsync(new byte[1])); // the sender waits for the receiver to close
        return new MailClient(client);
    }

    public Socket OpenChannel()
    {
        var channel = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        channel.Connect(new UnixDomainSocketEndPoint(Folder.SocketPath));
        return channel;
    }

    /// <summary>Waits until some log line contains the text.</summary>
    public async Task<string> LoggedAsync(string text)
    {
        while (true)
        {
            if (_log.FirstOrDefault(line => line.Contains(text, StringComparison.Ordinal)) is { } found)
                return found;
            Assert.True(await _logged.WaitAsync(TimeSpan.FromSeconds(20)), $"not logged: {text}; but\n{string.Join('\n', _log)}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Receiver.DisposeAsync();
        _listener.Dispose();
        Folder.Dispose();
    }

    private void Log(LogSeverity severity, string program, long session, string text)
    {
        _log.Enqueue($"{program}: {(severity == LogSeverity.Info ? "" : severity.ToString().ToLowerInvariant() + ": ")}{text}");
        _logged.Release();
    }

    private sealed class FixedResolver : IDnsResolver
    {
        public Task<DnsAnswer> LookUpAsync(string name, DnsType type, CancellationToken cancellation) => Task.FromResult(
            name == "gone.example"
                ? new DnsAnswer(DnsOutcome.NoSuchName, [], TimeSpan.Zero, null)
                : new DnsAnswer(DnsOutcome.Found, [new DnsRecord(name, type, 60) { Target = "mail." + name }], TimeSpan.Zero, null));
    }
}
