using System.Diagnostics;
using System.Globalization;
using System.Text;
using Postern.Core;
using Postern.Native;

namespace Postern.ProcessLife;

/// <summary>
/// Tells the service manager how we are: sd_notify(3), one datagram a state. Without a service manager all of it does
/// nothing. The socket is kept open, so that it still works in a chroot and after privileges were dropped.
/// </summary>
internal sealed unsafe class SdNotify : IDisposable
{
    private const string Variable = "NOTIFY_SOCKET";

    private readonly IWarningSink _warnings;
    private int _socket = -1;

    /// <param name="address">A path, or a name in the abstract name space behind <c>@</c>; null or empty = nobody listens.</param>
    public SdNotify(string? address, IWarningSink warnings)
    {
        _warnings = warnings;
        if (string.IsNullOrEmpty(address))
            return;

        var path = address[0] == '@' ? '\0' + address[1..] : address;
        var bytes = stackalloc byte[SockAddr.MaxLength];
        var length = SockAddr.WriteUnix(new Span<byte>(bytes, SockAddr.MaxLength), path);
        if (length == 0)
        {
            warnings.Warn($"{Variable} is too long: {address}");
            return;
        }

        _socket = Libc.socket(Libc.AF_UNIX, Libc.SOCK_DGRAM | Libc.SOCK_CLOEXEC, 0);
        // A state must arrive, so this may wait, but not for ever: seconds and microseconds.
        var patience = stackalloc long[] { 1, 0 };
        if (_socket < 0
            || Libc.setsockopt(_socket, Libc.SOL_SOCKET, Libc.SO_SNDTIMEO, patience, 2 * sizeof(long)) != 0
            || Libc.connect(_socket, bytes, (uint)length) != 0)
        {
            warnings.Warn($"cannot connect to {Variable} {address}: {Errno.LastText}");
            Dispose();
        }
    }

    /// <summary>Takes the address from the environment, and takes it away from children that we start.</summary>
    public static SdNotify FromEnvironment(IWarningSink warnings)
    {
        var address = Environment.GetEnvironmentVariable(Variable);
        Environment.SetEnvironmentVariable(Variable, null);
        return new SdNotify(address, warnings);
    }

    /// <summary>Started, or done with a reload.</summary>
    public void Ready() => Send("READY=1");

    /// <summary>A reload begins; <see cref="Ready"/> ends it.</summary>
    public void Reloading()
    {
        // systemd wants CLOCK_MONOTONIC, which is what Stopwatch reads on Linux.
        var now = Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);
        Send(string.Create(CultureInfo.InvariantCulture, $"RELOADING=1\nMONOTONIC_USEC={now}"));
    }

    /// <summary>The end begins.</summary>
    public void Stopping() => Send("STOPPING=1");

    /// <inheritdoc />
    public void Dispose()
    {
        if (_socket >= 0)
            Libc.close(_socket);
        _socket = -1;
    }

    private void Send(string state)
    {
        if (_socket < 0)
            return;

        nint sent;
        fixed (byte* data = Encoding.ASCII.GetBytes(state))
        {
            do
                sent = Libc.send(_socket, data, (nuint)state.Length, Libc.MSG_NOSIGNAL);
            while (sent < 0 && Errno.Last == Errno.EINTR);
        }

        if (sent < 0)
            _warnings.Warn($"cannot tell the service manager {state.Split('\n')[0]}: {Errno.LastText}");
    }
}
