using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using Postern.Native;

namespace Postern.Tests.Loop;

/// <summary>The server side of the pass protocol, recording what it was given: a stand-in for smtpd.</summary>
internal sealed unsafe class PassServer : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Thread _thread;

    public PassServer(int backlog = 128, bool takesClients = true)
    {
        Path = System.IO.Path.Combine(Directory.CreateTempSubdirectory("postern-test-").FullName, "smtpd");
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen(backlog);
        _thread = new Thread(Serve) { IsBackground = true };
        if (takesClients)
            _thread.Start();
    }

    public string Path { get; }

    /// <summary>The clients it was given: attribute text with | for NUL, and the socket.</summary>
    private BlockingCollection<(string Attributes, Socket Client)> Given { get; } = [];

    /// <summary>The next client; the deadline only bounds a failing test.</summary>
    public (string Attributes, Socket Client) Next()
    {
        Assert.True(Given.TryTake(out var next, 20_000, TestContext.Current.CancellationToken), "no client was given away");
        return next;
    }

    public void Dispose()
    {
        _listener.Dispose();
        foreach (var (_, client) in Given)
            client.Dispose();
    }

    /// <summary>Begins to take clients, if it did not from the start.</summary>
    public void TakeClients() => _thread.Start();

    private void Serve()
    {
        try
        {
            while (true)
            {
                using var channel = _listener.Accept();
                Take(channel);
            }
        }
        catch (SocketException)
        {
            // disposed
        }
        catch (ObjectDisposedException)
        {
            // disposed
        }
    }

    private void Take(Socket channel)
    {
        byte first;
        var control = stackalloc byte[ControlHeader.SpaceOfDescriptor];
        var vector = new IoVector { Data = &first, Length = 1 };
        var header = new MessageHeader { Vectors = &vector, VectorCount = 1, Control = control, ControlLength = ControlHeader.SpaceOfDescriptor };
        Assert.Equal(1, Libc.recvmsg((int)channel.Handle, &header, Libc.MSG_CMSG_CLOEXEC));
        Assert.Equal(0, first);
        Assert.Equal(Libc.SCM_RIGHTS, ((ControlHeader*)control)->Type);
        var descriptor = *(int*)(control + sizeof(ControlHeader));

        Assert.NotEqual(0, Libc.fcntl(descriptor, Libc.F_GETFL, 0) & Libc.O_NONBLOCK); // as postscreen passes it
        Assert.Equal(0, Libc.fcntl(descriptor, Libc.F_SETFL, 0));

        var attributes = new byte[4096];
        var length = 0;
        while (!Encoding.Latin1.GetString(attributes, 0, length).EndsWith("\0\0", StringComparison.Ordinal))
            length += channel.Receive(attributes.AsSpan(length));
        Given.Add((Encoding.Latin1.GetString(attributes, 0, length).Replace('\0', '|'), new Socket(new SafeSocketHandle(descriptor, true))));
    }
}
