using Postern.Core.Config;
using Postern.Dns;
using Postern.Tests.Dns;
using Postern.Tests.Dnsbl;

namespace Postern.Tests.Loop;

/// <summary>Clients, the loop, the resolver and a name server, all of them real.</summary>
public sealed class DnsblLoopTests
{
    private static readonly Settings Listing = new()
    {
        GreetBanner = "",
        GreetWait = TimeSpan.FromSeconds(60),
        DnsblSites = Sites.Of("bl.example other.example"),
        DnsblAction = FailAction.Drop,
    };

    [Fact]
    public void A_listed_client_is_dropped_as_soon_as_all_lists_have_answered()
    {
        using var dns = Server(static name => name == "1.0.0.127.bl.example");
        using var harness = new LoopHarness(Listing, "/nonexistent", nameServer: dns.Address);
        using var client = harness.Connect();

        Assert.Equal("521 5.7.1 Service unavailable; client [127.0.0.1] blocked using bl.example\r\n", LoopHarness.ReadLine(client));

        harness.WaitForLog("DISCONNECT [127.0.0.1]");
        Assert.Matches(
            @"(?s)CONNECT from .*postfix/dnsblog\[\d+\]: addr 127\.0\.0\.1 listed by domain bl\.example as 127\.0\.0\.2\n.*postscreen\[\d+\]: DNSBL rank 1 for \[127\.0\.0\.1\]",
            harness.LogText);
    }

    [Fact]
    public void A_client_that_is_not_listed_is_handed_off_as_soon_as_all_lists_have_answered()
    {
        using var dns = Server(static _ => false);
        using var server = new PassServer();
        using var harness = new LoopHarness(Listing, server.Path, nameServer: dns.Address);
        using var client = harness.Connect();

        Assert.Contains("client_address|127.0.0.1|", server.Next().Attributes, StringComparison.Ordinal);

        harness.WaitForLog("PASS NEW");
        Assert.Equal(2, dns.Queries);
    }

    [Fact]
    public void Clients_of_one_address_are_asked_about_once_and_told_together()
    {
        using var gate = new ManualResetEventSlim();
        using var dns = Server(_ => gate.Wait(TimeSpan.FromSeconds(20)));
        using var harness = new LoopHarness(Listing, "/nonexistent", nameServer: dns.Address);
        using var first = harness.Connect();
        harness.WaitForLog("CONNECT from");
        using var second = harness.Connect();
        LoopHarness.Until(() => harness.Loop.ClientCount == 2, "two clients");

        gate.Set();

        Assert.StartsWith("521 5.7.1", LoopHarness.ReadLine(first));
        Assert.StartsWith("521 5.7.1", LoopHarness.ReadLine(second));
        Assert.Equal(2, dns.Queries);
    }

    [Fact]
    public void A_client_that_has_left_is_not_told()
    {
        using var gate = new ManualResetEventSlim();
        using var dns = Server(_ => gate.Wait(TimeSpan.FromSeconds(20)));
        using var harness = new LoopHarness(Listing with { GreetBanner = "mx ESMTP" }, "/nonexistent", nameServer: dns.Address);
        using (var gone = harness.Connect())
            LoopHarness.ReadLine(gone);
        harness.WaitForLog("DISCONNECT");
        using var client = harness.Connect();
        Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(client));

        gate.Set();

        LoopHarness.Until(() => dns.Queries == 4, "the second client is asked about anew");
        harness.WaitForLog("listed by domain other.example");
        Assert.Equal(1, harness.Loop.ClientCount);
    }

    [Fact]
    public void A_list_that_does_not_answer_costs_the_greet_wait_and_no_more()
    {
        using var silent = new LoopbackServer(static (_, _, _) => []);
        using var server = new PassServer();
        var settings = Listing with { GreetWait = TimeSpan.FromSeconds(5), DnsblTimeout = TimeSpan.FromSeconds(1) };
        using var harness = new LoopHarness(settings, server.Path, nameServer: silent.Address);
        using var client = harness.Connect();

        server.Next();

        Assert.Matches(@"(?s)postscreen\[\d+\]: warning: dnsblog reply timeout 1s for bl\.example\n.*PASS NEW", harness.LogText);
    }

    private static LoopbackServer Server(Func<string, bool> isListed) => new((id, question, _) => isListed(question.Name)
        ? [new DnsMessageBuilder(id, question).Answer(question.Name, DnsType.A, 60, 127, 0, 0, 2).ToArray()]
        : [new DnsMessageBuilder(id, question, flags: 0x8183).ToArray()]);
}
