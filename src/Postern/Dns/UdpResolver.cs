using System.Buffers.Binary;
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
    private readonly byte[] _buffer = new byte[4096]; // an honest server stays below what EDNS announces, 1232
    private readonly uint[] _addresses = new uint[AddressReply.MostAddresses];
    private readonly RandomBytes _random = new();
    private readonly long _origin;
    private ServerSocket?[] _sockets = [];
    private NameServer[] _servers = [];
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
        Use(_configuration);
    }

    /// <summary>Milliseconds until <see cref="Tick"/> has something to do; -1: nothing until an answer comes.</summary>
    public int UntilNext => _failed.Count + _refused.Count > 0 ? 0 : _byDeadline.First is not { } first ? -1 : (int)Math.Max(0, first.Deadline - Now);

    /// <summary>Questions on their way.</summary>
    public int Outstanding => _outstanding.Count + _failed.Count + _overTcp;

    private long Now => (long)_clock.GetElapsedTime(_origin).TotalMilliseconds;

    private int MostTries => _configuration.Attempts * _servers.Length;

    /// <summary>Asks for the addresses of <paramref name="prefix"/> and <paramref name="domain"/>, wire names put together.</summary>
    /// <param name="domain">With the final zero.</param>
    /// <param name="taker">Told later, never from within this call.</param>
    public void Ask(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> domain, IAnswerTaker taker, int tag)
    {
        var query = NewQuery();
        (query.Taker, query.Tag) = (taker, tag);
        query.Begin(prefix, domain);
        Begin(query);
    }

    /// <summary>Asks for records of any type.</summary>
    /// <param name="taker">Told later, never from within this call.</param>
    public void Ask(DnsQuestion question, Action<DnsAnswer> taker)
    {
        var query = NewQuery();
        (query.Question, query.RecordTaker) = (question, taker);
        query.Begin(question);
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
        {
            if (query.HasEdns)
                query.AvoidsEdns |= query.Socket!.Server.OnEdnsSilence(now);
            Retry(query, LookupProblem.Silent);
        }

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
                && TryTake(query, message))
            {
                if (socket.IsRetired && socket.Outstanding == 0)
                    return; // closed
            }
        }
    }

    private AddressQuery NewQuery()
    {
        RefreshServers();
        var query = _kept.TryPop(out var used) ? used : new AddressQuery();
        query.FirstServer = _configuration.Rotate ? _rotation++ & 0xff : 0;
        return query;
    }

    private void Begin(AddressQuery query)
    {
        if (!query.IsValid || Outstanding >= MostOutstanding)
            _failed.Enqueue(query);
        else
            Send(query);
    }

    /// <returns>False: it is no answer to this question.</returns>
    private bool TryTake(AddressQuery query, ReadOnlySpan<byte> message)
    {
        var server = query.Socket!.Server;
        if (query.HasEdns && DnsCodec.RefusesEdns(message, BinaryPrimitives.ReadUInt16BigEndian(query.Asked)))
        {
            // The same server is asked once more without; that is no further try.
            server.OnEdnsRefused(Now);
            query.Tries--;
            Retry(query, message[3] & 0x0f);
            return true;
        }

        if (!AddressReply.Answers(message, query.Asked))
            return false;
        if (query.HasEdns)
            server.OnEdnsAnswer();
        switch (query.Read(message, _addresses, out var reply, out var records))
        {
            case Reading.Malformed:
                Retry(query, LookupProblem.Malformed);
                break;
            case Reading.Error:
                Retry(query, reply.ResponseCode, AddressReply.ExplanationIn(message, query.Asked.Length));
                break;
            case Reading.Truncated:
                AskOverTcp(query);
                break;
            default:
                Remove(query);
                End(query, reply, records, server);
                break;
        }

        return true;
    }

    private void End(AddressQuery query, in AddressReply reply, DnsAnswer? records, NameServer server)
    {
        if (records is null)
            End(query, new AddressAnswer(reply, _addresses.AsSpan(0, reply.Count), server.Address));
        else
            End(query, records);
    }

    private void Fail(AddressQuery query)
    {
        if (query.RecordTaker is null)
            End(query, new AddressAnswer(query.Problem));
        else
            End(query, DnsAnswer.Failure(query.Problem.ToString()));
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

    private void Retry(AddressQuery query, int code, string? explanation = null)
    {
        query.Note(new LookupProblem(query.Socket!.Server.Address, code, explanation));
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
            Retry(query, LookupProblem.Unreachable);
    }

    private void Send(AddressQuery query)
    {
        while (query.Tries < MostTries)
        {
            var server = (query.FirstServer + query.Tries++) % _servers.Length;

            // A refusal that came for an earlier query is told to this one: hence a second time.
            if (TrySend(query, server) || TrySend(query, server))
                return;
            query.Note(new LookupProblem(_servers[server].Address, LookupProblem.Unreachable));
        }

        _failed.Enqueue(query);
    }

    private bool TrySend(AddressQuery query, int server)
    {
        var now = Now;
        ref var slot = ref _sockets[server * SocketsOfServer + (_random.Next() & SocketsOfServer - 1)];
        if (slot is not null && (slot.Uses >= MostUses || now - slot.Born >= MostMilliseconds) && _retired.Count < MostRetired)
            Retire(ref slot);
        slot ??= Open(_servers[server], now);
        if (slot is null)
            return false;

        uint key;
        do
            key = KeyOf(slot, (ushort)(_random.Next() << 8 | _random.Next()));
        while (_outstanding.ContainsKey(key));
        query.Prepare((ushort)key, !query.AvoidsEdns && slot.Server.TakesEdns(now));
        if (!slot.Send(query.Message.Span))
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

    private ServerSocket? Open(NameServer server, long now)
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
        var server = query.Socket!.Server;
        Remove(query);
        if (_overTcp >= MostOverTcp)
        {
            query.Note(new LookupProblem(server.Address, LookupProblem.NotAsked));
            _failed.Enqueue(query);
            return;
        }

        _overTcp++;
        _ = AskOverTcpAsync(query, server, _configuration.Timeout, _end.Token);
    }

    private async Task AskOverTcpAsync(AddressQuery query, NameServer server, TimeSpan timeout, CancellationToken end)
    {
        byte[]? message = null;
        var code = LookupProblem.Malformed;
        try
        {
            using var patience = new CancellationTokenSource(timeout, _clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, end);
            message = await DnsExchange.AskOverTcpAsync(server.Address, query.Message, either.Token).ConfigureAwait(false);
        }
        catch (Exception problem) when (problem is System.Net.Sockets.SocketException or OperationCanceledException)
        {
            // No answer; the next server is asked.
            code = problem is OperationCanceledException ? LookupProblem.Silent : LookupProblem.Unreachable;
        }

        if (!end.IsCancellationRequested)
            _post(() => TakeFromTcp(query, server, message, code));
    }

    private void TakeFromTcp(AddressQuery query, NameServer server, byte[]? message, int code)
    {
        _overTcp--;
        if (message is not null && AddressReply.Answers(message, query.Asked)
            && query.Read(message, _addresses, out var reply, out var records) is Reading.Final)
        {
            End(query, reply, records, server);
        }
        else
        {
            query.Note(new LookupProblem(server.Address, code));
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

        Use(_file.Configuration);
    }

    private void Use(ResolverConfiguration configuration)
    {
        _configuration = configuration;
        _servers = [.. configuration.Servers.Select(static server => new NameServer(server))];
        _sockets = new ServerSocket?[_servers.Length * SocketsOfServer];
    }

    private static uint KeyOf(ServerSocket socket, ushort id) => (uint)socket.Number << 16 | id;
}
