using System.Text;
using Postern.Core;
using Postern.Core.Config;
using Postern.Core.Screening;
using Postern.Core.Tables;
using Postern.Tests.Tables;

namespace Postern.Tests.Screening;

public sealed class ProxyWaitTests
{
    private static readonly InetProtocols Both = new(IPv4: true, IPv6: true);
    private readonly SessionActions _actions = new();

    [Fact]
    public void Without_the_protocol_everybody_is_a_client()
    {
        Assert.True(ProxyWait.IsClient(new Settings(), Ip.Of("192.0.2.1"), _actions));
        Assert.Empty(_actions.All);
    }

    [Theory]
    [InlineData("192.0.2.1", true)]
    [InlineData("192.0.2.99", true)]
    [InlineData("10.9.9.9", true)]
    [InlineData("192.0.2.77", false)]
    [InlineData("198.51.100.1", false)]
    [InlineData("2001:db8::1", false)]
    public void Only_those_in_the_networks_are_proxies(string peer, bool isProxy)
    {
        var settings = new Settings { UpstreamProxy = true, ProxyNetworks = List("!192.0.2.77 192.0.2.0/24 cidr:{{10.0.0.0/8 yes}}"), UpstreamProxyTimeout = TimeSpan.FromSeconds(3) };

        Assert.Equal(!isProxy, ProxyWait.IsClient(settings, Ip.Of(peer), _actions));

        if (isProxy)
            Assert.Equal((WatchMode.Peek, TimeSpan.FromSeconds(3)), (_actions[0].Watch, _actions[1].Delay));
        else
            Assert.Empty(_actions.All);
    }

    [Fact]
    public void With_no_networks_everybody_is_a_proxy() =>
        Assert.False(ProxyWait.IsClient(new Settings { UpstreamProxy = true }, Ip.Of("192.0.2.1"), _actions));

    [Fact]
    public void When_the_networks_cannot_be_read_nobody_is_believed_or_tested()
    {
        Assert.False(ProxyWait.IsClient(new Settings { UpstreamProxy = true, ProxyNetworks = List("fail:x") }, Ip.Of("192.0.2.1"), _actions));

        Assert.Equal(["= postern_proxy_networks: fail:x: table lookup problem", "S 421 4.3.2 No system resources\r\n", "close"], Done());
    }

    [Theory]
    [InlineData("", "haproxy read: EOF")]
    [InlineData("EHLO \x01\xe9\\\r\n", "haproxy read: short protocol header: EHLO \\001\\351\\\\\\r\\n")]
    [InlineData("PROXY TCP4 192.0.2.1 ", "haproxy read: missing protocol header terminator: PROXY TCP4 192.0.2.1 ")]
    public void What_is_no_header_is_logged_and_turned_away(string text, string expected)
    {
        Assert.False(ProxyWait.TryRead(Encoding.Latin1.GetBytes(text), Both, _actions, out _));

        Assert.Equal(["= " + expected, "S 421 4.3.2 No system resources\r\n", "close"], Done());
        Assert.Equal(LogSeverity.Warning, _actions[0].Severity);
    }

    [Fact]
    public void Who_is_silent_too_long_is_turned_away()
    {
        ProxyWait.OnTimeLimit(_actions);

        Assert.Equal(["= haproxy read: time limit exceeded", "S 421 4.3.2 No system resources\r\n", "close"], Done());
    }

    private static MatchList List(string text) =>
        MatchList.Parse("postern_proxy_networks", text, new TableCatalog(new FakeTextFiles()), new SessionActions(), out _)!;

    private IEnumerable<string> Done() => _actions.All.Select(action => action.Kind switch
    {
        ActionKind.Log => "= " + Encoding.Latin1.GetString(_actions.BytesOf(action)),
        ActionKind.Send => "S " + Encoding.Latin1.GetString(_actions.BytesOf(action)),
        ActionKind.Close => "close",
        var other => other.ToString(),
    });
}
