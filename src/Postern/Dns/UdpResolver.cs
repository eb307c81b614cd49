using System.Buffers.Binary;
using System.Net;
using Postern.Native;

namespace Postern.Dns;

/// <summary>
/// Asks the servers of resolv.conf(5), for the event loop: everything happens in calls from it, nothing waits, and an
/// answer costs one send and one receive; with addresses for DNS lists it makes no garbage.
/// </summary>
/// <remarks>
/// A forger has to guess a random id, and a random port out of several that are renewed (RFC 5452); what does not answer a
/// question that is out, from the server that was asked, is ignored.
/// </remarks>
internal sealed class UdpResolver : IDisposable
{
    /// <summary>Most questions on their way; further ones fail.</summary>
    public const int MostOutstanding = 20_000;

    private const int SocketsOfServer = 4;
    private const int MostUses = 500; // then another port
    private const int MostMilliseconds = 60_000;
    private const int MostRetired = 64;
    private const int MostOverTcp = 100;
    private const int MostKept = 1000; // queries to use again
    private const int RoundSize = 256; // messages of one socket, before others have their turn
    private const int RefreshInterval = 1000;

    private readonly ResolverFile _file;
    private readonly TimeProvider _clock;
    private readonly Func<int, Action, bool> _watch;
    private readonly Action<int> _forget;
    private readonly Action<Action> _post;
    private readonly CancellationTokenSource _end = new();
    private readonly Dictionary<uint, AddressQuery> _outstanding = [];
    private readonly Stack<AddressQuery> _kept = [];
    private readonly Queue<AddressQuery> _failed = [];
    private readonly QueriesByDeadline _byDeadline = new();
    private readonly List<ServerSocket> _retired = [];
    private readonly List<ServerSocket> _refused = []; // where a send was told what the queries before it should be told
    private readonly byte[] _buffer = new byte[4096]; // no EDNS is announced: an honest server stays below 512
    private readonly uint[] _addresses = new uint[AddressReply.MostAddresses];
    private readonly RandomBytes _random = new();
    private readonly long _origin;
    private ServerSocket?[] _sockets = [];
    private ResolverConfiguration _configuration;
    private int _rotation;
    private int _overTcp;
    private ushort _nextNumber;
    private long _lastRefresh;

    /// <param name="file">Which servers; looked at once a second while there are questions.</param>
    /// <param name="clock">Monotonic time.</param>
    /// <param name="watch">Calls the action while the descriptor has input; false: the kernel has no room.</param>
    /// <param name="forget">Ends that.</param>
    /// <param name="post">Runs an action later, on the thread that makes all other calls. Used by other threads.</param>
    public UdpResolver(ResolverFile file, TimeProvider clock, Func<int, Action, bool> watch, Action<int> forget, Action<Action> post)
    {
        (_file, _clock, _watch, _forget, _post) = (file, clock, watch, forget, post);
        _origin = clock.GetTimestamp();
        _configuration = file.Configuration;
        _sockets = new ServerSocket?[_configuration.Servers.Count * SocketsOfServer];
    }

    /// <summary>Milliseconds until <see cref="Tick"/> has something to do; -1: nothing until an answer comes.</summary>
    public int UntilNext => _failed.Count + _refused.Count > 0 ? 0 : _byDeadline.First is not { } first ? -1 : (int)Math.Max(0, first.Deadline - Now);

    /// <summary>Questions on their way.</summary>
    public int Outstanding => _outstanding.Count + _failed.Count + _overTcp;

    private long Now => (long)_clock.GetElapsedTime(_origin).TotalMilliseconds;

    private int MostTries => _configuration.Attempts * _configuration.Servers.Count;

    /// <summary>Asks for the addresses of <paramref name="prefix"/> and <paramref name="domain"/>, wire names put together.</summary>
    /// <param name="domain">With the final zero.</param>
    /// <param name="taker">Told later, never from within this call.</param>
    public void Ask(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> domain, IAnswerTaker taker, int tag)
    {
        var query = NewQuery();
        (query.Taker, query.Tag) = (taker, tag);
        query.Length = DnsCodec.WriteAddressQuery(query.Message, prefix, domain);
        Begin(query);
    }

    /// <summary>Asks for records of any type.</summary>
    /// <param name="taker">Told later, never from within this call.</param>
    public void Ask(DnsQuestion question, Action<DnsAnswer> taker)
    {
        var query = NewQuery();
        (query.Question, query.RecordTaker) = (question, taker);
        query.Length = DnsCodec.WriteQuery(query.Message, 0, question);
        Begin(query);
    }

    /// <summary>Asks again where no answer came in time, and tells of failures.</summary>
    public void Tick()
    {
        for (var left = _refused.Count; left > 0; left--)
        {
            var socket = _refused[0];
            _refused.RemoveAt(0);
            RetryAllOf(socket);
        }

        var now = Now;
        while (_byDeadline.First is { } query && query.Deadline <= now)
            Retry(query);
        for (var left = _failed.Count; left > 0; left--)
            Fail(_failed.Dequeue());
    }

    public void Dispose()
    {
        _end.Cancel();
        _end.Dispose();
        foreach (var socket in _sockets)
        {
            if (socket is not null)
                Close(socket);
        }

        foreach (var socket in _retired)
            Close(socket);
    }

    private void OnReadable(ServerSocket socket)
    {
        for (var i = 0; i < RoundSize; i++)
        {
            var length = socket.Receive(_buffer);
            if (length == -1)
                return;
            if (length == -2)
            {
                RetryAllOf(socket);
                return;
            }

            var message = _buffer.AsSpan(0, length);
            if (length >= 2
                && _outstanding.TryGetValue(KeyOf(socket, BinaryPrimitives.ReadUInt16BigEndian(message)), out var query)
                && AddressReply.Answers(message, query.Query))
            {
                Take(query, message);
                if (socket.IsRetired && socket.Outstanding == 0)
                    return; // closed
            }
        }
    }

    private AddressQuery NewQuery()
    {
        RefreshServers();
        var query = _kept.TryPop(out var used) ? used : new AddressQuery();
        query.Tries = 0;
        query.FirstServer = _configuration.Rotate ? _rotation++ & 0xff : 0;
        return query;
    }

    private void Begin(AddressQuery query)
    {
        if (query.Length == 0 || Outstanding >= MostOutstanding)
            _failed.Enqueue(query);
        else
            Send(query);
    }

    private void Take(AddressQuery query, ReadOnlySpan<byte> message)
    {
        switch (query.Read(message, _addresses, out var reply, out var records))
        {
            case Reading.Unusable:
                Retry(query);
                break;
            case Reading.Truncated:
                AskOverTcp(query);
                break;
            default:
                Remove(query);
                End(query, reply, records);
                break;
        }
    }

    private void End(AddressQuery query, in AddressReply reply, DnsAnswer? records)
    {
        if (records is null)
            End(query, new AddressAnswer(_addresses.AsSpan(0, reply.Count), reply.TimeToLive, hasFailed: false));
        else
            End(query, records);
    }

    private void Fail(AddressQuery query)
    {
        if (query.RecordTaker is null)
            End(query, new AddressAnswer([], -1, hasFailed: true));
        else
            End(query, DnsAnswer.Failure("no server gave a usable answer"));
    }

    private void End(AddressQuery query, in AddressAnswer answer)
    {
        var (taker, tag) = (query.Taker, query.Tag);
        Keep(query);
        taker!.OnAnswer(tag, answer);
    }

    private void End(AddressQuery query, DnsAnswer answer)
    {
        var taker = query.RecordTaker;
        Keep(query);
        taker!(answer);
    }

    private void Keep(AddressQuery query)
    {
        (query.Taker, query.RecordTaker) = (null, null);
        if (_kept.Count < MostKept)
            _kept.Push(query);
    }

    private void Retry(AddressQuery query)
    {
        Remove(query);
        Send(query);
    }

    private void RetryAllOf(ServerSocket socket)
    {
        List<AddressQuery> queries = [];
        for (var query = _byDeadline.First; query is not null; query = query.Later)
        {
            if (query.Socket == socket)
                queries.Add(query);
        }

        foreach (var query in queries)
            Retry(query);
    }

    private void Send(AddressQuery query)
    {
        while (query.Tries < MostTries)
        {
            var server = (query.FirstServer + query.Tries++) % _configuration.Servers.Count;

            // A refusal that came for an earlier query is told to this one: hence a second time.
            if (TrySend(query, server) || TrySend(query, server))
                return;
        }

        _failed.Enqueue(query);
    }

    private bool TrySend(AddressQuery query, int server)
    {
        var now = Now;
        ref var slot = ref _sockets[server * SocketsOfServer + (_random.Next() & SocketsOfServer - 1)];
        if (slot is not null && (slot.Uses >= MostUses || now - slot.Born >= MostMilliseconds) && _retired.Count < MostRetired)
            Retire(ref slot);
        slot ??= Open(_configuration.Servers[server], now);
        if (slot is null)
            return false;

        uint key;
        do
            key = KeyOf(slot, (ushort)(_random.Next() << 8 | _random.Next()));
        while (_outstanding.ContainsKey(key));
        BinaryPrimitives.WriteUInt16BigEndian(query.Message, (ushort)key);
        if (!slot.Send(query.Query))
        {
            // Refused, or bound to an address that the machine does not have any more: no answer will come here.
            if (slot.Outstanding > 0)
                _refused.Add(slot);
            if (_retired.Count < MostRetired)
                Retire(ref slot);
            return false;
        }

        slot.Outstanding++;
        (query.Socket, query.Key) = (slot, key);
        _outstanding.Add(key, query);

        query.Deadline = now + (long)_configuration.Timeout.TotalMilliseconds;
        _byDeadline.Add(query);
        return true;
    }

    private void Remove(AddressQuery query)
    {
        _outstanding.Remove(query.Key);
        _byDeadline.Remove(query);
        var socket = query.Socket!;
        query.Socket = null;
        if (--socket.Outstanding == 0 && socket.IsRetired)
        {
            _retired.Remove(socket);
            Close(socket);
        }
    }

    private ServerSocket? Open(IPEndPoint server, long now)
    {
        if (ServerSocket.Open(server, _nextNumber++, now) is not { } socket)
            return null;
        if (_watch(socket.Descriptor, () => OnReadable(socket)))
            return socket;
        _ = Libc.close(socket.Descriptor);
        return null;
    }

    private void Retire(ref ServerSocket? slot)
    {
        var socket = slot!;
        slot = null;
        socket.IsRetired = true;
        if (socket.Outstanding == 0)
            Close(socket);
        else
            _retired.Add(socket);
    }

    private void Close(ServerSocket socket)
    {
        _forget(socket.Descriptor);
        _ = Libc.close(socket.Descriptor);
    }

    /// <summary>The answer did not fit. Seldom, so it is no business of the loop; the server is given its usual time.</summary>
    private void AskOverTcp(AddressQuery query)
    {
        var server = _configuration.Servers[(query.FirstServer + query.Tries - 1) % _configuration.Servers.Count];
        Remove(query);
        if (_overTcp >= MostOverTcp)
        {
            _failed.Enqueue(query);
            return;
        }

        _overTcp++;
        _ = AskOverTcpAsync(query, server, _configuration.Timeout, _end.Token);
    }

    private async Task AskOverTcpAsync(AddressQuery query, IPEndPoint server, TimeSpan timeout, CancellationToken end)
    {
        byte[]? message = null;
        try
        {
            using var patience = new CancellationTokenSource(timeout, _clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, end);
            message = await DnsExchange.AskOverTcpAsync(server, query.Message.AsMemory(0, query.Length), either.Token).ConfigureAwait(false);
        }
        catch (Exception problem) when (problem is System.Net.Sockets.SocketException or OperationCanceledException)
        {
            // No answer; the next server is asked.
        }

        if (!end.IsCancellationRequested)
            _post(() => TakeFromTcp(query, message));
    }

    private void TakeFromTcp(AddressQuery query, byte[]? message)
    {
        _overTcp--;
        if (message is not null && AddressReply.Answers(message, query.Query)
            && query.Read(message, _addresses, out var reply, out var records) is Reading.Final)
        {
            End(query, reply, records);
        }
        else
        {
            Send(query);
        }
    }

    private void RefreshServers()
    {
        var now = Now;
        if (now - _lastRefresh < RefreshInterval)
            return;
        _lastRefresh = now;
        if (!_file.Refresh())
            return;
        for (var i = 0; i < _sockets.Length; i++)
        {
            if (_sockets[i] is not null)
                Retire(ref _sockets[i]);
        }

        _configuration = _file.Configuration;
        _sockets = new ServerSocket?[_configuration.Servers.Count * SocketsOfServer];
    }

    private static uint KeyOf(ServerSocket socket, ushort id) => (uint)socket.Number << 16 | id;
}
