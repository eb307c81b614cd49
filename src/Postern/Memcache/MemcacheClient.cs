using System.Diagnostics;
using System.Globalization;
using System.Text;
using Postern.Core;
using Postern.Core.Config;
using Postern.Native;

namespace Postern.Memcache;

/// <summary>
/// A connection to a memcached, kept open, in its text protocol. For one thread, which waits for the server, but never for
/// longer than it is told: what is not done by then has failed, and so does all that is asked within the next second, at
/// once. Nothing that the server sends is held beyond the file's limits.
/// </summary>
internal sealed class MemcacheClient : IDisposable
{
    private readonly MemcacheFile _file;
    private readonly TimeSpan _limit;
    private List<byte[]> _addresses = [];
    private MemcacheConnection? _connection;
    private string _failure = "";
    private long _failedAt;

    /// <param name="limit">Longest time for one request, tries and pauses included; <c>timeout</c> may be shorter.</param>
    public MemcacheClient(MemcacheFile file, TimeSpan limit)
    {
        (_file, _limit) = (file, file.Timeout < limit ? file.Timeout : limit);
        if (file.SocketPath is { } path)
        {
            Where = path;
            var address = new byte[SockAddr.MaxLength];
            _addresses = [address[..SockAddr.WriteUnix(address, path)]];
            return;
        }

        Where = $"{file.Server.Host}:{file.Server.Port}";
        if (IpAddress.TryParse(file.Server.Host, out var numeric))
            _addresses = [Write(numeric)];
    }

    /// <summary>The server, as log lines name it.</summary>
    public string Where { get; }

    /// <summary>Whether the server's address is known; else <see cref="Resolve"/> finds it.</summary>
    public bool IsResolved => _addresses.Count > 0;

    /// <summary>Asks the name service for the server's addresses: takes its time.</summary>
    public void Resolve()
    {
        try
        {
            _addresses = [.. System.Net.Dns.GetHostAddresses(_file.Server.Host).Select(one => Write(IpAddress.FromBytes(one.GetAddressBytes())))];
        }
        catch (System.Net.Sockets.SocketException)
        {
            // No address: then each request fails, and says so.
        }
    }

    /// <summary>Looks a row up.</summary>
    /// <param name="value">Null: there is none.</param>
    /// <returns>Why that failed; null: it did not.</returns>
    public string? Get(string key, out byte[]? value)
    {
        byte[]? found = null;
        var problem = _file.KeyFor(key) is { } name
            ? Try(connection => connection.Get(name, out found))
            : null;
        value = found;
        return problem;
    }

    /// <summary>Puts a row, in place of an earlier one.</summary>
    public string? Set(string key, ReadOnlySpan<byte> value)
    {
        if (_file.KeyFor(key) is not { } name)
            return null;
        var head = string.Create(CultureInfo.InvariantCulture, $"set {name} {_file.Flags} {_file.Ttl} {value.Length}\r\n");
        byte[] request = [.. Encoding.Latin1.GetBytes(head), .. value, .. "\r\n"u8];
        return Try(connection => connection.Exchange(request, "STORED", null));
    }

    /// <summary>Removes a row, if it is there.</summary>
    public string? Delete(string key)
    {
        if (_file.KeyFor(key) is not { } name)
            return null;
        var request = Encoding.Latin1.GetBytes($"delete {name}\r\n");
        return Try(connection => connection.Exchange(request, "DELETED", "NOT_FOUND"));
    }

    public void Dispose() => _connection?.Dispose();

    private byte[] Write(IpAddress address)
    {
        var bytes = new byte[SockAddr.MaxLength];
        return bytes[..SockAddr.WriteInet(bytes, address, int.Parse(_file.Server.Port, CultureInfo.InvariantCulture))];
    }

    private string? Try(Func<MemcacheConnection, string?> request)
    {
        if (_failure.Length > 0 && Stopwatch.GetElapsedTime(_failedAt) < _file.RetryPause)
            return _failure;
        var deadline = Stopwatch.GetTimestamp() + (long)(_limit.TotalSeconds * Stopwatch.Frequency);
        string? problem = null;
        for (var tries = 0; tries < _file.MaxTry; tries++)
        {
            var isUsed = _connection is not null;
            if (_connection is null && (problem = Connect(deadline)) is not null)
                break; // who takes no connection is not asked again
            _connection!.Deadline = deadline;
            problem = request(_connection);
            if (problem is null)
            {
                _failure = "";
                return null;
            }

            _connection.Dispose();
            _connection = null;
            if (isUsed)
                tries--; // the server may have ended it, or itself, long ago
            else if (Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), deadline) <= _file.RetryPause)
                break;
            else
                Thread.Sleep(_file.RetryPause);
        }

        (_failure, _failedAt) = (problem!, Stopwatch.GetTimestamp());
        return problem;
    }

    private string? Connect(long deadline)
    {
        var problem = $"connect to {Where}: the name has no address";
        foreach (var address in _addresses)
        {
            if (MemcacheConnection.TryOpen(address, deadline, _file, out _connection, out var reason))
                return null;
            problem = $"connect to {Where}: {reason}";
        }

        return problem;
    }
}
