using System.Text;
using Postern.Core;
using Postern.Core.Rehearsal;
using Postern.Native;

namespace Postern.Rehearsal;

/// <summary>The socket of one visit.</summary>
internal sealed unsafe class Caller
{
    private const int SourcesFrom = 0x7f010000; // 127.1.0.0: each with ports of its own, so that none run out
    private const int CallsPerSource = 200;

    private Caller(int descriptor, Sender sender, int attempt, ushort port, TimeSpan since) =>
        (Descriptor, Sender, Visit, Host, Attempt, Port, Since) = (descriptor, sender, new Visit(sender.MannersAt(attempt)), HostOf(sender, attempt), attempt, port, since);

    public int Descriptor { get; }

    /// <summary>Who calls.</summary>
    public Sender Sender { get; }

    /// <summary>What it does.</summary>
    public Visit Visit { get; }

    /// <summary>From where, by the proxy's word.</summary>
    public Host Host { get; }

    /// <summary>Its first attempt is 0.</summary>
    public int Attempt { get; }

    /// <summary>From which port, by the proxy's word.</summary>
    public ushort Port { get; }

    /// <summary>When it connected, since the beginning.</summary>
    public TimeSpan Since { get; }

    /// <summary>The mail server has it.</summary>
    public bool IsHandedOff { get; set; }

    /// <summary>It has said that nothing more will come.</summary>
    public bool IsShut { get; private set; }

    /// <summary>Whether it is counted among those to whom the server owes something.</summary>
    public bool IsCounted { get; set; }

    /// <summary>The server owes it something now: the clock has to wait for that.</summary>
    public bool IsOwed => (IsHandedOff || Visit.IsGreeted) && (Visit.AwaitsReply || !Visit.IsGreeted);

    /// <summary>
    /// Connects through a proxy's header, so that the clients have addresses that are neither trusted as the own machine's
    /// nor anybody else's.
    /// </summary>
    /// <param name="sender">Who calls.</param>
    /// <param name="attempt">Its first one is 0.</param>
    /// <param name="number">How many have called before.</param>
    /// <param name="listener">The loop's port on 127.0.0.1.</param>
    /// <param name="server">The address that the client means.</param>
    /// <param name="problem">On failure, for the administrator.</param>
    public static Caller? Connect(Sender sender, int attempt, int number, TimeSpan now, int listener, IpAddress server, out string? problem)
    {
        problem = null;
        var descriptor = Libc.socket(Libc.AF_INET, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0);
        var address = stackalloc byte[SockAddr.MaxLength];
        var room = new Span<byte>(address, SockAddr.MaxLength);
        if (descriptor >= 0
            && Libc.bind(descriptor, address, (uint)SockAddr.WriteInet(room, IpAddress.FromIPv4((uint)(SourcesFrom + number / CallsPerSource % 0xffff + 1)), 0)) == 0
            && Libc.connect(descriptor, address, (uint)SockAddr.WriteInet(room, IpAddress.FromIPv4(0x7f000001), listener)) == 0)
        {
            var port = (ushort)(1024 + number % 60_000);
            var caller = new Caller(descriptor, sender, attempt, port, now);
            caller.Send($"PROXY TCP4 {caller.Host.Address} {server} {port} 25\r\n");
            return caller;
        }

        problem = $"cannot connect to 127.0.0.1: {Errno.LastText}";
        if (descriptor >= 0)
            _ = Libc.close(descriptor);
        return null;
    }

    private static Host HostOf(Sender sender, int attempt) => sender.Hosts[attempt % sender.Hosts.Count];

    /// <summary>Lets the visit say what it has to say.</summary>
    public void Flush()
    {
        if (Visit.TakeOutput() is { Length: > 0 } text)
            Send(text);
        if (Visit.IsLeaving && !IsShut)
        {
            IsShut = true;
            _ = Libc.shutdown(Descriptor, Libc.SHUT_WR); // and waits for the other side, so that it is known when that has noticed
        }
    }

    /// <returns>False: the other side has closed.</returns>
    public bool Receive(byte[] buffer, TimeSpan now)
    {
        nint length;
        fixed (byte* bytes = buffer)
            length = Libc.recv(Descriptor, bytes, (nuint)buffer.Length, Libc.MSG_DONTWAIT);
        if (length <= 0)
            return length < 0 && Errno.Last is Errno.EAGAIN or Errno.EINTR;
        Visit.OnReceived(buffer.AsSpan(0, (int)length), now - Since);
        return true;
    }

    public void Close() => _ = Libc.close(Descriptor);

    // A few hundred bytes into an empty socket: they fit, and when the other side is gone that is seen at the next read.
    private void Send(string text)
    {
        var data = Encoding.Latin1.GetBytes(text);
        fixed (byte* bytes = data)
            _ = Libc.send(Descriptor, bytes, (nuint)data.Length, Libc.MSG_NOSIGNAL);
    }
}
