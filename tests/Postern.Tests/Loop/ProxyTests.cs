using System.Net;
using System.Net.Sockets;
using System.Text;
using Postern.Core.Config;
using Postern.Core.Screening;
using Postern.Core.Tables;
using Postern.Tests.Tables;

namespace Postern.Tests.Loop;

/// <summary>Clients behind a proxy that speaks the PROXY protocol, on real sockets.</summary>
public sealed class ProxyTests
{
    private const string Header = "PROXY TCP4 192.0.2.1 192.0.2.25 40000 25\r\n";

    private static readonly Settings Proxied = new()
    {
        UpstreamProxy = true,
        UpstreamProxyTimeout = TimeSpan.FromMinutes(1),
        GreetBanner = "mx ESMTP",
        GreetWait = TimeSpan.FromMilliseconds(50),
        GreetAction = FailAction.Drop,
    };

    [Theory]
    [InlineData(Header)]
    [InlineData("\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0f\xc0\0\x02\x01\xc0\0\x02\x19\x9c\x40\0\x19\x04\0\0")]
    public void The_server_is_given_the_client_that_the_proxy_named(string header)
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Proxied, server.Path);
        using var client = harness.Connect();

        client.Send(Encoding.Latin1.GetBytes(header));

        Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(client));
        Assert.Equal("client_address|192.0.2.1|client_port|40000|server_address|192.0.2.25|server_port|25||", server.Next().Attributes);
        harness.WaitForLog("PASS NEW [192.0.2.1]:40000\n");
        LoopHarness.Until(() => harness.Loop.ClientCount == 0 && harness.Service.Load.CheckQueue == 0, "the client is left");
    }

    [Theory]
    [InlineData(64, "421 4.7.0 Error: too many connections\r\n")]
    [InlineData(128, "220-mx ESMTP\r\n")]
    public void Addresses_of_one_IPv6_network_count_as_one_client(int prefixLength, string answerToTheThird)
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(
            Proxied with { ClientConnectionCountLimit = 2, ClientIPv6PrefixLength = prefixLength, GreetWait = TimeSpan.FromMinutes(1) }, server.Path);
        var clients = new List<Socket>();

        Assert.Equal("220-mx ESMTP\r\n", AnswerTo("2001:db8:0:1::1"));
        Assert.Equal("220-mx ESMTP\r\n", AnswerTo("2001:db8:0:1:ffff::1"));
        Assert.Equal(answerToTheThird, AnswerTo("2001:db8:0:1::3"));
        Assert.Equal("220-mx ESMTP\r\n", AnswerTo("2001:db8:0:2::1"));
        clients[0].Dispose();
        LoopHarness.Until(() => harness.LogText.Contains("HANGUP", StringComparison.Ordinal), "the first leaves");
        Assert.Equal("220-mx ESMTP\r\n", AnswerTo("2001:db8:0:1::4"));
        clients.ForEach(static client => client.Dispose());

        string AnswerTo(string address)
        {
            clients.Add(harness.Connect());
            clients[^1].Send(Encoding.ASCII.GetBytes($"PROXY TCP6 {address} 2001:db8::25 40000 25\r\n"));
            return LoopHarness.ReadLine(clients[^1]);
        }
    }

    [Fact]
    public void What_stands_behind_the_header_reaches_the_server_untouched()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Proxied with { GreetBanner = "" }, server.Path);
        using var client = harness.Connect();

        client.Send(Encoding.ASCII.GetBytes(Header + "EHLO early\r\n"));

        var buffer = new byte[100];
        Assert.Equal("EHLO early\r\n", Encoding.ASCII.GetString(buffer, 0, server.Next().Client.Receive(buffer)));
    }

    [Fact]
    public void What_stands_behind_the_header_is_early_talk()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Proxied with { GreetWait = TimeSpan.FromMinutes(1) }, server.Path);
        using var client = harness.Connect();

        client.Send(Encoding.ASCII.GetBytes(Header + "EHLO early\r\n"));

        Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(client));
        Assert.Equal("521 5.5.1 Protocol error\r\n", LoopHarness.ReadLine(client));
        harness.WaitForLog("PREGREET 12 after 0 from [192.0.2.1]:40000: EHLO early\\r\\n\n");
    }

    [Fact]
    public void A_header_in_two_packets_is_refused_wherever_it_is_cut()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Proxied, server.Path);

        for (var cut = 1; cut < Header.Length; cut++)
        {
            using var client = harness.Connect();
            client.Send(Encoding.ASCII.GetBytes(Header[..cut]));
            Assert.Equal("421 4.3.2 No system resources\r\n", LoopHarness.ReadLine(client));
        }

        Assert.DoesNotContain("CONNECT", harness.LogText, StringComparison.Ordinal);
    }

    [Fact]
    public void A_health_check_is_a_client_with_the_addresses_of_its_socket()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Proxied, server.Path);
        using var client = harness.Connect();

        client.Send("\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"u8);

        Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(client));
        harness.WaitForLog($"CONNECT from [127.0.0.1]:{((IPEndPoint)client.LocalEndPoint!).Port} to [127.0.0.1]:{harness.Port}\n");
    }

    [Fact]
    public void A_proxy_that_says_nothing_is_turned_away_and_so_is_one_that_hangs_up()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Proxied with { UpstreamProxyTimeout = TimeSpan.FromMilliseconds(20) }, server.Path);
        using var silent = harness.Connect();

        Assert.Equal("421 4.3.2 No system resources\r\n", LoopHarness.ReadLine(silent));
        harness.WaitForLog("warning: haproxy read: time limit exceeded\n");

        using (harness.Connect())
        {
        }

        LoopHarness.Until(() => harness.Loop.ClientCount == 0, "somebody is left");
        Assert.Equal(0, harness.Service.Load.CheckQueue);
    }

    [Fact]
    public void Who_has_not_been_named_is_in_no_queue_and_has_a_bound_of_its_own()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Proxied with { PreQueueLimit = 10, GreetWait = TimeSpan.FromMinutes(1) }, server.Path, maxClients: 40);
        var waiting = Enumerable.Range(0, 20).Select(_ => harness.Connect()).ToArray();
        LoopHarness.Until(() => harness.Loop.ClientCount == 20, "not all were accepted");
        Assert.Equal(0, harness.Service.Load.CheckQueue);

        using var oneMore = harness.Connect();
        Assert.Equal("421 4.3.2 No system resources\r\n", LoopHarness.ReadLine(waiting[0])); // it had its time
        harness.WaitForLog("wait for their PROXY header -- turning away the oldest with 421");

        oneMore.Send(Encoding.ASCII.GetBytes(Header));
        Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(oneMore));
        Assert.Equal(1, harness.Service.Load.CheckQueue);
        using var next = harness.Connect();
        next.Send(Encoding.ASCII.GetBytes(Header));
        Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(next)); // in the place of the one that is named
        Assert.Equal(21, harness.Loop.ClientCount);
        foreach (var client in waiting)
            client.Dispose();
    }

    [Fact]
    public void The_client_limit_counts_the_clients_that_are_named()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Proxied with { ClientConnectionCountLimit = 1, GreetWait = TimeSpan.FromMinutes(1) }, server.Path);
        using var first = harness.Connect();
        using var second = harness.Connect();
        using var other = harness.Connect();

        first.Send(Encoding.ASCII.GetBytes(Header));
        Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(first));
        second.Send(Encoding.ASCII.GetBytes(Header));
        Assert.Equal("421 4.7.0 Error: too many connections\r\n", LoopHarness.ReadLine(second));
        other.Send(Encoding.ASCII.GetBytes(Header.Replace("192.0.2.1", "192.0.2.2", StringComparison.Ordinal)));
        Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(other));
    }

    [Fact]
    public void One_port_serves_proxies_and_direct_clients()
    {
        using var server = new PassServer();
        var networks = MatchList.Parse("postern_proxy_networks", "127.0.0.2", new TableCatalog(new FakeTextFiles()), new SessionActions(), out _);
        using var harness = new LoopHarness(Proxied with { ProxyNetworks = networks, GreetWait = TimeSpan.FromMinutes(1) }, server.Path);
        using var direct = harness.Connect();
        using var proxy = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 20_000 };
        proxy.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
        proxy.Connect(IPAddress.Loopback, harness.Port);

        Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(direct));
        direct.Send(Encoding.ASCII.GetBytes(Header)); // no proxy, so this is talk
        Assert.Equal("521 5.5.1 Protocol error\r\n", LoopHarness.ReadLine(direct));
        proxy.Send(Encoding.ASCII.GetBytes(Header));
        Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(proxy));
        harness.WaitForLog("CONNECT from [192.0.2.1]:40000 to [192.0.2.25]:25\n");
    }

    [Fact]
    public void Who_waits_at_the_end_is_told()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Proxied, server.Path);
        using var waiting = harness.Connect();
        LoopHarness.Until(() => harness.Loop.ClientCount == 1, "not accepted");

        harness.Stop(TimeSpan.Zero);

        Assert.Equal("421 4.3.2 No system resources\r\n", LoopHarness.ReadLine(waiting));
    }
}
