using Postern.Core.Config;
using Postern.Core.Lanes;
using Postern.Dns;
using Postern.Tests.Dns;

namespace Postern.Tests.Loop;

/// <summary>Slow lanes with clients, the loop, the resolver and a name server, all of them real.</summary>
public sealed class LaneLoopTests
{
    private static readonly Settings Slow = new()
    {
        GreetBanner = "mx ESMTP",
        GreetWait = TimeSpan.FromSeconds(1),
        GreetAction = FailAction.Drop,
        Lanes = new LaneSettings { Waits = new(TimeSpan.FromSeconds(2), default, default), Keepalive = TimeSpan.FromSeconds(1) },
    };

    [Fact]
    public void A_client_with_an_end_users_name_waits_longer_and_is_let_in()
    {
        using var dns = Server("ppp-a1.isp.example");
        using var server = new PassServer();
        using var harness = new LoopHarness(Slow, server.Path, nameServer: dns.Address);
        using var client = harness.Connect();

        Assert.Contains("client_address|127.0.0.1|", server.Next().Attributes, StringComparison.Ordinal);

        harness.WaitForLog("PASS NEW");
        Assert.Matches(
            @"(?s)postfix/postern\[\d+\]: LANE CLASS \[127\.0\.0\.1\]:\d+ generic rule=6 name=ppp-a1\.isp\.example\n.*LANE ENTER .* wait=2\n.*LANE WAITED .* wait=2 after=2",
            harness.LogText);
        Assert.Equal(0, harness.Service.Load.Lanes.Standing);
    }

    [Fact]
    public void A_client_with_a_servers_name_is_handed_off_without_a_word_about_lanes()
    {
        using var dns = Server("mail.example.org");
        using var server = new PassServer();
        using var harness = new LoopHarness(Slow, server.Path, nameServer: dns.Address);
        using var client = harness.Connect();

        server.Next();

        harness.WaitForLog("PASS NEW");
        Assert.DoesNotContain("LANE", harness.LogText, StringComparison.Ordinal);
        Assert.Equal(2, dns.Queries);
    }

    [Fact]
    public void A_client_that_talks_in_the_lane_is_an_early_talker()
    {
        using var dns = Server("ppp-a1.isp.example");
        var settings = Slow with { Lanes = Slow.Lanes! with { Waits = new(TimeSpan.FromSeconds(200), default, default), Keepalive = default } };
        using var harness = new LoopHarness(settings, "/nonexistent", nameServer: dns.Address);
        using var client = harness.Connect();
        Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(client));
        harness.WaitForLog("LANE ENTER");

        client.Send("EHLO x\r\n"u8);

        Assert.Equal("521 5.5.1 Protocol error\r\n", LoopHarness.ReadLine(client));
        LoopHarness.Until(() => harness.Loop.ClientCount == 0, "no client left");
        Assert.Equal(0, harness.Service.Load.Lanes.Standing);
    }

    [Fact]
    public void A_name_server_that_does_not_answer_costs_nothing()
    {
        using var silent = new LoopbackServer(static (_, _, _) => []);
        using var server = new PassServer();
        using var harness = new LoopHarness(Slow, server.Path, nameServer: silent.Address);
        using var client = harness.Connect();

        server.Next();

        harness.WaitForLog("PASS NEW");
        Assert.Contains("undecided by=time", harness.LogText, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stop_empties_the_lane()
    {
        using var dns = Server("ppp-a1.isp.example");
        var settings = Slow with { Lanes = Slow.Lanes! with { Waits = new(TimeSpan.FromSeconds(200), default, default) } };
        using var harness = new LoopHarness(settings, "/nonexistent", nameServer: dns.Address);
        using var client = harness.Connect();
        LoopHarness.ReadLine(client);
        harness.WaitForLog("LANE ENTER");

        harness.Stop(TimeSpan.Zero);

        Assert.Equal(0, harness.Service.Load.Lanes.Standing);
        Assert.Equal(1, harness.Service.Load.Lanes.Count(RdnsKind.Generic, LaneEvent.Stopped));
    }

    private static LoopbackServer Server(string name) => new((id, question, _) => [question.Type is DnsType.Reverse
        ? new DnsMessageBuilder(id, question).Answer(question.Name, DnsType.Reverse, 60, DnsMessageBuilder.Encode(name)).ToArray()
        : new DnsMessageBuilder(id, question).Answer(question.Name, DnsType.A, 60, 127, 0, 0, 1).ToArray()]);
}
