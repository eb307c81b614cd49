using Postern.Core;
using Postern.Core.Screening;
using Postern.Native;

namespace Postern.Handoff;

/// <summary>What came of an attempt to give a client away.</summary>
internal enum PassResult
{
    /// <summary>The server's channel holds the client's socket.</summary>
    Passed,

    /// <summary>The server's queue is full at this moment.</summary>
    Busy,

    /// <summary>It cannot be done; the failure says why.</summary>
    Failed,
}

/// <summary>
/// Gives the live socket to a server on this host that speaks the server side of Postfix's <c>pass</c> protocol, as
/// smtpd does. On a UNIX stream socket: one byte 0 with the descriptor (SCM_RIGHTS), then
/// <c>client_address\0A\0client_port\0P\0server_address\0A\0server_port\0P\0\0</c>; nothing is read.
/// </summary>
internal sealed unsafe class DescriptorPassing
{
    private readonly byte[] _address = GC.AllocateArray<byte>(SockAddr.MaxLength, pinned: true);
    private readonly int _addressLength;
    private readonly ByteBuffer _message = new();

    /// <param name="path">The socket's path.</param>
    /// <param name="service">The socket as the administrator knows it: <c>private/smtpd</c>.</param>
    public DescriptorPassing(string path, string service)
    {
        Service = service;
        _addressLength = SockAddr.WriteUnix(_address, path);
    }

    /// <summary>The socket as the administrator knows it.</summary>
    public string Service { get; }

    /// <summary>The sessions of a server in this process; null: it is another's, and counts them itself.</summary>
    public SessionCounts? Sessions { get; init; }

    /// <summary>Tries once; never waits.</summary>
    /// <param name="client">The client's socket; stays the caller's to close.</param>
    /// <param name="session">Whose endpoints the server is told.</param>
    /// <param name="channel">When passed: the connection to the server, which closes it as soon as it has the client.</param>
    /// <param name="failure">When failed: why.</param>
    public PassResult TryPass(int client, Session session, out int channel, out HandoffFailure? failure)
    {
        failure = null;
        channel = Libc.socket(Libc.AF_UNIX, Libc.SOCK_STREAM | Libc.SOCK_NONBLOCK | Libc.SOCK_CLOEXEC, 0);
        if (channel < 0)
        {
            failure = new HandoffFailure(CouldConnect: false, Service, Errno.LastText);
            return PassResult.Failed;
        }

        fixed (byte* address = _address)
        {
            if (Libc.connect(channel, address, (uint)_addressLength) < 0)
                return GiveUp(channel, couldConnect: false, Errno.Last, out failure);
        }

        return Send(channel, client, session) ? PassResult.Passed : GiveUp(channel, couldConnect: true, Errno.Last, out failure);
    }

    private bool Send(int channel, int client, Session session)
    {
        _message.Truncate(0);
        _message.Append((byte)0); // carries the descriptor
        _message.Append("client_address\0"u8).Append(session.Client.Address).Append("\0client_port\0"u8).Append(session.ClientPort);
        _message.Append("\0server_address\0"u8).Append(session.Server.Address).Append("\0server_port\0"u8).Append(session.Server.Port);
        _message.Append("\0\0"u8);

        return DescriptorMessage.Send(channel, client, _message.Written);
    }

    private PassResult GiveUp(int channel, bool couldConnect, int error, out HandoffFailure? failure)
    {
        _ = Libc.close(channel);
        failure = new HandoffFailure(couldConnect, Service, Errno.Text(error));
        return error == Errno.EAGAIN && !couldConnect ? PassResult.Busy : PassResult.Failed;
    }
}
