using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Postern.Core.Tables;
using Postern.Tables;

namespace Postern.Tests.Tables;

/// <summary>Tables whose server does what the test says.</summary>
public sealed class ServerTableTests : IDisposable
{
    private static readonly LookupLimits Short = new(Tries: 2, Pause: TimeSpan.FromMilliseconds(1), Silence: TimeSpan.FromMilliseconds(100), Total: TimeSpan.FromSeconds(20));

    private readonly Server _server = new();
    private readonly WarningList _warnings = new();

    public void Dispose() => _server.Dispose();

    [Fact]
    public void A_connection_is_used_again()
    {
        var table = Tcp();

        Assert.Equal(LookupResult.Found("permit"), table.Lookup("a", _warnings));
        Assert.Equal(LookupResult.NotFound, table.Lookup("b", _warnings));

        Assert.Empty(_warnings.Texts);
        Assert.Equal(1, _server.Connections);
        Assert.Equal(["get a\n", "get b\n"], _server.Requests);
    }

    [Fact]
    public void A_connection_that_was_ended_meanwhile_costs_nothing()
    {
        _server.EndsAfterReply = true;
        var table = Tcp();

        for (var i = 0; i < 3; i++)
            Assert.Equal(LookupResult.Found("permit"), table.Lookup("a", _warnings));

        Assert.Empty(_warnings.Texts);
        Assert.Equal(3, _server.Connections);
    }

    [Fact]
    public void A_reply_too_many_is_never_taken_for_another_key()
    {
        _server.Replies["get a\n"] = "200 permit\n200 reject\n";
        var table = Tcp();

        Assert.Equal(LookupResult.Found("permit"), table.Lookup("a", _warnings));
        Assert.Equal(LookupResult.NotFound, table.Lookup("b", _warnings));

        Assert.Equal(2, _server.Connections);
    }

    [Fact]
    public void A_server_that_was_started_meanwhile_is_found()
    {
        _server.EndsAtOnce = 1;

        Assert.Equal(LookupResult.Found("permit"), Tcp().Lookup("a", _warnings));

        Assert.StartsWith($"read TCP map reply from 127.0.0.1:{_server.Port}: unexpected EOF (", Assert.Single(_warnings.Texts), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("get quiet\n", "", "unexpected EOF (Connection timed out)", 2)]
    [InlineData("get half\n", "200 ha", "unexpected EOF (Connection timed out)", 2)]
    [InlineData("get odd\n", "hello\n", "malformed reply: hello", 1)]
    public void What_goes_wrong_with_tcp_is_said_for_each_attempt(string request, string reply, string problem, int attempts)
    {
        _server.Replies[request] = reply;

        Assert.Equal(LookupResult.Error, Tcp().Lookup(request[4..^1], _warnings));

        Assert.Equal(Enumerable.Repeat($"read TCP map reply from 127.0.0.1:{_server.Port}: {problem}", attempts), _warnings.Texts);
    }

    [Fact]
    public void A_server_that_refuses_is_tried_again_and_then_an_error()
    {
        _server.Dispose();

        Assert.Equal(LookupResult.Error, Tcp().Lookup("a", _warnings));

        Assert.Equal(Enumerable.Repeat($"connect to TCP map 127.0.0.1:{_server.Port}: Connection refused", 2), _warnings.Texts);
    }

    [Fact]
    public void A_server_may_take_its_time_for_each_byte()
    {
        _server.Replies["get a\n"] = "200 slow\n";
        _server.BetweenBytes = TimeSpan.FromMilliseconds(30); // nine of them are more than the longest silence

        Assert.Equal(LookupResult.Found("slow"), Tcp().Lookup("a", _warnings));
    }

    [Fact]
    public void A_socketmap_is_asked_and_asked_again_after_a_disconnect()
    {
        _server.Replies["5:map a,"] = "9:OK permit,";
        _server.EndsAtOnce = 1;

        Assert.Equal(LookupResult.Found("permit"), Socketmap().Lookup("a", _warnings));

        Assert.Empty(_warnings.Texts);
    }

    [Theory]
    [InlineData("", "table NAME lookup error: time limit exceeded")]
    [InlineData("9:OK permit;", "table NAME lookup error: input format error")]
    [InlineData("9:TEMP down,", "NAME socketmap server temporary error: down")]
    public void What_goes_wrong_with_a_socketmap_is_said_once(string reply, string warning)
    {
        _server.Replies["5:map a,"] = reply;
        var table = Socketmap();

        Assert.Equal(LookupResult.Error, table.Lookup("a", _warnings));

        Assert.Equal([warning.Replace("NAME", table.Name, StringComparison.Ordinal)], _warnings.Texts);
    }

    [Fact]
    public void A_socketmap_whose_server_refuses_is_an_error_at_once()
    {
        _server.Dispose();
        var table = Socketmap();

        Assert.Equal(LookupResult.Error, table.Lookup("a", _warnings));

        Assert.Equal([$"connect to 127.0.0.1:{_server.Port}: Connection refused", $"table {table.Name} lookup error: Connection refused"], _warnings.Texts);
    }

    [Fact]
    public void Eight_may_ask_at_a_time()
    {
        var table = Tcp();

        Parallel.For(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
            Assert.Equal(i % 2 == 0 ? LookupResult.Found("permit") : LookupResult.NotFound, table.Lookup(i % 2 == 0 ? "a" : "b", _warnings)));

        Assert.InRange(_server.Connections, 1, 8);
    }

    [Theory]
    [InlineData("tcp:127.0.0.1", "127.0.0.1: garbage after numerical service")]
    [InlineData("tcp:127.0.0.1:1:x", "127.0.0.1:1:x: valid hostname or network address required")]
    [InlineData("socketmap:inet:127.0.0.1:1", "127.0.0.1: garbage after numerical service")]
    [InlineData("socketmap:127.0.0.1:1:map", "invalid transport name: 127.0.0.1 in service: 127.0.0.1:1")]
    [InlineData("socketmap:unix:/x", "need service transport:endpoint instead of \"unix\"")]
    [InlineData("socketmap:unix::map", "need service transport:endpoint instead of \"unix:\"")]
    [InlineData("socketmap:foo:bar:baz", "invalid transport name: foo in service: foo:bar")]
    [InlineData("socketmap:x", "socketmap requires server:socketmap argument")]
    [InlineData("unix:passwd.byuid", "unknown table: unix:passwd.byuid")]
    public void A_name_that_says_no_server_is_an_error_at_the_start(string spec, string error)
    {
        var tables = HostTables.Catalog(new FakeTextFiles());

        tables.Open(spec, foldCase: true, _warnings);

        Assert.Equal([error], tables.OpenErrors);
    }

    [Fact]
    public void A_trial_asks_once_and_is_an_open_error_where_it_fails()
    {
        _server.Replies["get 192.0.2.1\n"] = "400 down\n";
        var table = new ServerTable("tcp:x", TableServer.AtHost($"127.0.0.1:{_server.Port}", out _)!, new TcpProtocol(), patience: null);

        Assert.Equal("tcp:x: its server cannot tell whether it has \"192.0.2.1\"", table.OpenError);
        Assert.Equal(LookupResult.Error, table.Lookup("a", _warnings));
        Assert.Equal(["get 192.0.2.1\n"], _server.Requests);
    }

    [Fact]
    public void A_unix_socket_is_named_by_its_path()
    {
        var folder = Directory.CreateTempSubdirectory("postern-socketmap-");
        using var server = new Server(Path.Combine(folder.FullName, "map"));
        server.Replies["5:map a,"] = "9:OK permit,";

        Assert.Equal(LookupResult.Found("permit"), HostTables.Catalog(new FakeTextFiles()).Open($"socketmap:unix:{folder}/map:map", foldCase: true, _warnings).Lookup("a", _warnings));

        folder.Delete(recursive: true);
    }

    private ServerTable Tcp() => Make("tcp:x", $"127.0.0.1:{_server.Port}", new TcpProtocol());

    private ServerTable Socketmap() => Make("socketmap:x", $"127.0.0.1:{_server.Port}", new NetstringProtocol("socketmap:x", "map"));

    private static ServerTable Make(string name, string server, ITableProtocol protocol) =>
        new(name, TableServer.AtHost(server, out _)!, protocol, new ServerPatience(Short, TimeProvider.System));

    /// <summary>Answers requests by its list: "a" is permitted, others are unknown.</summary>
    private sealed class Server : IDisposable
    {
        private readonly Socket _listener;
        private int _connections;

        public Server(string? path = null)
        {
            _listener = path is null ? new Socket(SocketType.Stream, ProtocolType.Tcp) : new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            _listener.Bind(path is null ? new IPEndPoint(IPAddress.Loopback, 0) : new UnixDomainSocketEndPoint(path));
            _listener.Listen();
            Port = (_listener.LocalEndPoint as IPEndPoint)?.Port ?? 0;
            new Thread(Accept) { IsBackground = true }.Start();
        }

        public int Port { get; }

        public int Connections => Volatile.Read(ref _connections);

        public ConcurrentDictionary<string, string> Replies { get; } = new() { ["get a\n"] = "200 permit\n" };

        public ConcurrentQueue<string> Requests { get; } = [];

        public bool EndsAfterReply { get; set; }

        public int EndsAtOnce { get; set; }

        public TimeSpan BetweenBytes { get; set; }

        public void Dispose() => _listener.Dispose();

        private void Accept()
        {
            try
            {
                while (true)
                {
                    var socket = _listener.Accept();
                    Interlocked.Increment(ref _connections);
                    new Thread(() => Serve(socket)) { IsBackground = true }.Start();
                }
            }
            catch (Exception end) when (end is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }

        private void Serve(Socket socket)
        {
            using (socket)
            {
                if (EndsAtOnce > 0)
                {
                    EndsAtOnce--;
                    return;
                }

                var buffer = new byte[1000];
                while (socket.Receive(buffer) is > 0 and var count)
                {
                    var request = Encoding.Latin1.GetString(buffer, 0, count);
                    Requests.Enqueue(request);
                    var reply = Encoding.Latin1.GetBytes(Replies.GetValueOrDefault(request, "500 no\n"));
                    if (BetweenBytes == TimeSpan.Zero && reply.Length > 0)
                        socket.Send(reply);
                    foreach (var one in BetweenBytes == TimeSpan.Zero ? [] : reply)
                    {
                        socket.Send([one]);
                        Thread.Sleep(BetweenBytes);
                    }

                    if (EndsAfterReply)
                        return;
                }
            }
        }
    }
}
