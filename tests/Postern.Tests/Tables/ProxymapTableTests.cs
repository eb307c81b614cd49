using System.Net.Sockets;
using System.Text;
using Postern.Core.Tables;

namespace Postern.Tests.Tables;

/// <summary>The proxymap client against a service that answers what the test says.</summary>
public sealed class ProxymapTableTests : IDisposable
{
    private const string Greeting = "protocol\0proxymap_protocol\0\0";
    private readonly DirectoryInfo _queue = Directory.CreateTempSubdirectory("postern-proxymap-");
    private readonly WarningList _warnings = new();

    private string SocketPath => Path.Combine(_queue.FullName, "private", "proxymap");

    public void Dispose() => _queue.Delete(recursive: true);

    [Fact]
    public void A_table_is_opened_and_asked()
    {
        using var service = new Service(SocketPath, Greeting, "status\00\0flags\064\0\0", "status\00\0value\0two words\0\0", "status\01\0value\0\0\0");
        var tables = Catalog();

        var table = tables.Open("proxy:hash:/x", foldCase: true, _warnings);

        Assert.Empty(tables.OpenErrors);
        Assert.Equal(LookupResult.Found("two words"), table.Lookup("beta", _warnings));
        Assert.Equal(LookupResult.NotFound, table.Lookup("gamma", _warnings));
        Assert.Empty(_warnings.Texts);
        Assert.Equal(
            [
                "request\0open\0table\0hash:/x\0flags\00\0\0",
                "request\0lookup\0table\0hash:/x\0flags\064\0key\0beta\0\0",
                "request\0lookup\0table\0hash:/x\0flags\064\0key\0gamma\0\0",
            ],
            service.Requests);
    }

    [Theory]
    [InlineData("sqlite:/x")]
    [InlineData("ldap:/x")]
    [InlineData("pgsql:/x")]
    public void Types_that_only_Postfix_has_are_asked_for_by_their_own_name(string spec)
    {
        using var service = new Service(SocketPath, Greeting, "status\00\0flags\064\0\0");

        Catalog().Open(spec, foldCase: true, _warnings);

        Assert.Equal([$"request\0open\0table\0{spec}\0flags\00\0\0"], service.Requests);
    }

    [Fact]
    public void A_table_that_may_not_be_read_says_what_to_add()
    {
        using var service = new Service(SocketPath, Greeting, "status\04\0flags\00\0\0", "status\04\0value\0\0\0");
        var tables = Catalog();

        var table = tables.Open("proxy:hash:/x", foldCase: true, _warnings);

        const string Error = "the proxymap service is not configured for table \"hash:/x\": add proxy:hash:/x to proxy_read_maps";
        Assert.Equal([Error], tables.OpenErrors);
        Assert.Equal(LookupResult.Error, table.Lookup("beta", _warnings));
        Assert.Equal([Error], _warnings.Texts);
    }

    [Theory]
    [InlineData("status\02\0value\0\0\0", "proxymap: table \"hash:/x\" lookup error")]
    [InlineData("status\05\0value\0\0\0", "proxymap: table \"hash:/x\" is not configured properly")]
    [InlineData("status\0six\0value\0\0\0", "does not answer: connect to PATH: unexpected answer")]
    [InlineData("status\0-1\0value\0\0\0", "does not answer: connect to PATH: unexpected answer")]
    [InlineData("\0", "does not answer: connect to PATH: unexpected answer")]
    public void Trouble_is_an_error(string answer, string warning)
    {
        using var service = new Service(SocketPath, Greeting, "status\00\0flags\064\0\0", answer, Greeting, answer);
        var table = Catalog().Open("proxy:hash:/x", foldCase: true, _warnings);

        Assert.Equal(LookupResult.Error, table.Lookup("beta", _warnings));

        Assert.EndsWith(warning.Replace("PATH", SocketPath, StringComparison.Ordinal), Assert.Single(_warnings.Texts), StringComparison.Ordinal);
    }

    // Both forms as the real ones took and refused them: 3.7.11 and 3.10.13, and 3.11.7.
    private const string OldOpen = "request\0open\0table\0hash:/x\0flags\00\0\0", NewOpen = "request\0open\0table\0hash:/x\0instance_flags\00\0\0";
    private const string OldLookup = "request\0lookup\0table\0hash:/x\0flags\064\0key\0beta\0\0", NewLookup = "request\0lookup\0table\0hash:/x\0instance_flags\00\0flags\092\0key\0beta\0\0";

    [Theory]
    [InlineData("3.10", false, OldOpen, OldLookup)]
    [InlineData("3.11", false, NewOpen, NewLookup)]
    [InlineData("3.10", true, OldOpen, NewOpen, NewLookup)]
    [InlineData("3.11", true, NewOpen, OldOpen, OldLookup)]
    public void The_form_that_the_service_understands_is_found_by_its_answers(string version, bool isRefused, params string[] requests)
    {
        string[] refusal = isRefused ? ["status\03\0\0", Greeting] : [];
        using var service = new Service(SocketPath, [Greeting, .. refusal, "status\00\0flags\028\0\0", "status\00\0value\0x\0\0"]);
        var tables = HostTables.Catalog(new FakeTextFiles(), $"queue_directory = {_queue.FullName}\npostern_postfix_version = {version}\n");

        var table = tables.Open("proxy:hash:/x", foldCase: true, _warnings);

        Assert.Empty(tables.OpenErrors);
        Assert.Equal(LookupResult.Found("x"), table.Lookup("beta", _warnings));
        Assert.Equal(requests, service.Requests);
    }

    [Fact]
    public void A_service_that_was_replaced_by_another_release_is_asked_in_its_form()
    {
        ILookupTable table;
        using (new Service(SocketPath, Greeting, "status\00\0flags\064\0\0"))
            table = Catalog().Open("proxy:hash:/x", foldCase: true, _warnings);

        using var service = new Service(SocketPath, Greeting, "status\03\0\0", Greeting, "status\00\0flags\028\0\0", "status\00\0value\0y\0flags\00\0\0");

        Assert.Equal(LookupResult.Found("y"), table.Lookup("beta", _warnings));
        Assert.Equal([OldLookup, NewOpen, NewLookup], service.Requests);
        Assert.Empty(_warnings.Texts);
    }

    [Fact]
    public void A_service_that_understands_neither_form_is_an_error()
    {
        using var service = new Service(SocketPath, Greeting, "status\03\0\0", Greeting, "status\03\0\0");
        var tables = Catalog();

        tables.Open("proxy:hash:/x", foldCase: true, _warnings);

        Assert.Equal(["proxymap: the service does not understand the request"], tables.OpenErrors);
    }

    [Fact]
    public void Without_the_service_there_is_an_error_and_with_it_an_answer()
    {
        var tables = Catalog();
        var table = tables.Open("proxy:hash:/x", foldCase: true, _warnings);
        Assert.Equal(
            [$"proxy:hash:/x: Postfix's proxymap service, which is to look it up, does not answer: connect to {SocketPath}: No such file or directory"],
            tables.OpenErrors);
        Assert.Equal(LookupResult.Error, table.Lookup("beta", _warnings));

        using var service = new Service(SocketPath, Greeting, "status\00\0value\0x\0\0");

        Assert.Equal(LookupResult.Found("x"), table.Lookup("beta", _warnings));
    }

    [Fact]
    public void A_service_that_went_away_is_called_again()
    {
        LookupResult first;
        ILookupTable table;
        using (new Service(SocketPath, Greeting, "status\00\0flags\064\0\0", "status\00\0value\0x\0\0"))
        {
            table = Catalog().Open("proxy:hash:/x", foldCase: true, _warnings);
            first = table.Lookup("beta", _warnings);
        }

        using var service = new Service(SocketPath, Greeting, "status\00\0value\0y\0\0");

        Assert.Equal(LookupResult.Found("x"), first);
        Assert.Equal(LookupResult.Found("y"), table.Lookup("beta", _warnings));
        Assert.Empty(_warnings.Texts);
    }

    [Fact]
    public void A_service_that_keeps_silent_is_waited_for_once_and_then_left_alone()
    {
        using var service = new Service(SocketPath, Greeting, "status\00\0flags\064\0\0");
        var table = Catalog().Open("proxy:hash:/x", foldCase: true, _warnings);

        for (var i = 0; i < 20; i++)
            Assert.Equal(LookupResult.Error, table.Lookup("beta", _warnings));

        // Had it been asked twenty times, there would be twenty requests.
        Assert.Equal(2, service.Requests.Count);
        Assert.Contains(_warnings.Texts, text => text.EndsWith($"connect to {SocketPath}: Connection timed out", StringComparison.Ordinal));
        Assert.StartsWith("proxy:hash:/x is unavailable. ", _warnings.Texts[^1], StringComparison.Ordinal);
    }

    private TableCatalog Catalog() => HostTables.Catalog(new FakeTextFiles(), $"queue_directory = {_queue.FullName}\n");

    /// <summary>Says its texts in turn: one that begins with a greeting at once to a new connection, others after a request.</summary>
    private sealed class Service : IDisposable
    {
        private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly Queue<string> _texts;
        private readonly List<string> _requests = [];
        private readonly Thread _thread;
        private Socket? _client;

        public Service(string path, params IEnumerable<string> texts)
        {
            _texts = new Queue<string>(texts);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.Delete(path);
            _listener.Bind(new UnixDomainSocketEndPoint(path));
            _listener.Listen();
            _thread = new Thread(Serve) { IsBackground = true };
            _thread.Start();
        }

        public IReadOnlyList<string> Requests
        {
            get
            {
                lock (_requests)
                    return [.. _requests];
            }
        }

        public void Dispose()
        {
            _client?.Dispose();
            _listener.Dispose();
            _thread.Join(TimeSpan.FromSeconds(10));
        }

        private void Serve()
        {
            try
            {
                while (true)
                {
                    using var client = _client = _listener.Accept();
                    if (_texts.TryPeek(out var text) && text.StartsWith("protocol", StringComparison.Ordinal))
                        client.Send(Encoding.Latin1.GetBytes(_texts.Dequeue()));
                    var buffer = new byte[4096];
                    while (client.Receive(buffer) is > 0 and var count)
                    {
                        lock (_requests)
                            _requests.Add(Encoding.Latin1.GetString(buffer, 0, count));
                        if (_texts.TryPeek(out text) && !text.StartsWith("protocol", StringComparison.Ordinal))
                            client.Send(Encoding.Latin1.GetBytes(_texts.Dequeue()));
                    }
                }
            }
            catch (SocketException)
            {
                // The test is over.
            }
            catch (ObjectDisposedException)
            {
                // The same.
            }
        }
    }
}
