using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Postern.Core;
using Postern.Core.Config;
using Postern.Native;

namespace Postern.Tables;

/// <summary>Where a table's server is, and how to get a connection to it. Any thread may ask.</summary>
internal sealed class TableServer
{
    private static readonly TimeSpan AgeOfAddresses = TimeSpan.FromSeconds(60);

    private readonly Stack<PatientSocket> _idle = [];
    private readonly HostPort _endpoint;
    private byte[][] _addresses = [];
    private Task? _resolution; // null: there is no name to resolve
    private long _resolvedAt;
    private string? _unresolved;

    private TableServer(string name, HostPort endpoint, byte[][] addresses)
    {
        (Name, _endpoint, _addresses) = (name, endpoint, addresses);
        if (addresses.Length == 0)
            Resolve(); // soon, since a chroot may have no name service
    }

    /// <summary>As the administrator wrote it.</summary>
    public string Name { get; }

    /// <param name="text"><c>host:port</c>, <c>[address]:port</c>, or a port of this machine.</param>
    /// <param name="problem">Postfix's words.</param>
    public static TableServer? AtHost(string text, out string? problem)
    {
        if (!HostPort.TryParse(text, defaultHost: "localhost", defaultPort: null, out var endpoint, out problem))
        {
            problem = $"{text}: {problem}";
            return null;
        }

        if (!ushort.TryParse(endpoint.Port, NumberStyles.None, CultureInfo.InvariantCulture, out _))
        {
            problem = $"{text}: the port is not a number below 65536";
            return null;
        }

        return new TableServer(text, endpoint, IpAddress.TryParse(endpoint.Host, out var numeric) ? [Write(numeric, endpoint)] : []);
    }

    /// <param name="path">Of the UNIX socket.</param>
    public static TableServer? AtPath(string path, out string? problem)
    {
        var address = new byte[SockAddr.MaxLength];
        var length = SockAddr.WriteUnix(address, path);
        problem = length == 0 ? $"the path of a UNIX socket has at most {SockAddr.MaxUnixPath} bytes: {path}" : null;
        return length == 0 ? null : new TableServer(path, default, [address[..length]]);
    }

    /// <summary>A connection that somebody has given back, and on which nothing has happened since; null: there is none.</summary>
    public PatientSocket? TakeIdle()
    {
        while (true)
        {
            PatientSocket? socket;
            lock (_idle)
            {
                if (!_idle.TryPop(out socket))
                    return null;
            }

            if (socket.IsQuiet)
                return socket;
            socket.Dispose();
        }
    }

    /// <summary>Keeps a connection whose last reply has been read.</summary>
    public void GiveBack(PatientSocket socket)
    {
        lock (_idle)
            _idle.Push(socket);
    }

    /// <param name="patience">For each address.</param>
    /// <param name="end">In ticks of <see cref="Stopwatch"/>.</param>
    /// <param name="warnings">Told why there is no address.</param>
    /// <param name="error">On failure, as in errno(3).</param>
    public PatientSocket? Connect(TimeSpan patience, long end, IWarningSink warnings, out int error)
    {
        error = Errno.EADDRNOTAVAIL;
        if (_resolution is not null && Stopwatch.GetElapsedTime(Volatile.Read(ref _resolvedAt)) > AgeOfAddresses)
            Resolve();
        var left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), end);
        if (_resolution is { IsCompleted: false } resolution && Volatile.Read(ref _addresses).Length == 0 && left > TimeSpan.Zero)
            resolution.Wait(left < patience ? left : patience);
        var addresses = Volatile.Read(ref _addresses);
        if (addresses.Length == 0)
            warnings.Warn($"host or service {Name} not found: {Volatile.Read(ref _unresolved) ?? "Temporary failure in name resolution"}");
        foreach (var address in addresses)
        {
            if (PatientSocket.Connect(address, patience, end, out error) is { } socket)
                return socket;
        }

        return null;
    }

    private static byte[] Write(IpAddress address, HostPort endpoint)
    {
        var bytes = new byte[SockAddr.MaxLength];
        return bytes[..SockAddr.WriteInet(bytes, address, ushort.Parse(endpoint.Port, CultureInfo.InvariantCulture))];
    }

    private void Resolve()
    {
        lock (_idle)
        {
            if (_resolution is { IsCompleted: false })
                return;
            Volatile.Write(ref _resolvedAt, Stopwatch.GetTimestamp());
            _resolution = Task.Run(AskNameService);
        }
    }

    private void AskNameService()
    {
        try
        {
            var found = System.Net.Dns.GetHostAddresses(_endpoint.Host);
            if (found.Length > 0)
                Volatile.Write(ref _addresses, [.. found.Select(one => Write(IpAddress.FromBytes(one.GetAddressBytes()), _endpoint))]);
        }
        catch (SocketException problem) // the addresses that are known stay
        {
            Volatile.Write(ref _unresolved, problem.SocketErrorCode is SocketError.HostNotFound or SocketError.NoData ? "Name or service not known" : "Temporary failure in name resolution");
        }
    }
}
