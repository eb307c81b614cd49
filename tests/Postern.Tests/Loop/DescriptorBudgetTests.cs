using System.Net.Sockets;
using System.Text;
using Postern.Core.Allowlist;
using Postern.Core.Config;
using Postern.Core.Tables;
using Postern.Tests.Relay;
using Postern.Tests.Tables;
using Postern.Tests.Tls;

namespace Postern.Tests.Loop;

/// <summary>Slow clients take all descriptors that they can get, and those that access list or allowlist let in get in all the same.</summary>
[Collection(nameof(AloneCollection))]
public sealed class DescriptorBudgetTests
{
    private const int Limit = 40, Kept = 4;
    private const string Permitted = "127.0.0.2", Known = "127.0.0.3", Stranger = "127.0.0.4";

    private static readonly Settings Patient = new()
    {
        AccessList = AccessList.Parse(
            "inline:{127.0.0.2=permit,192.0.2.2=permit}", MatchList.Everything, null, new TableCatalog(new FakeTextFiles()), new RecordedWarnings()),
        GreetBanner = "mx ESMTP",
        Banner = "mx ESMTP",
        GreetWait = TimeSpan.FromMinutes(5),
        CommandTimeLimit = TimeSpan.FromMinutes(5),
        UpstreamProxyTimeout = TimeSpan.FromMinutes(5),
        ClientConnectionCountLimit = 0,
        PreQueueLimit = 1000,
    };

    [Theory]
    [InlineData("wait")]
    [InlineData("dialogue")]
    [InlineData("handshake")]
    public void Those_that_are_let_in_find_room_whatever_the_others_are_at(string phase)
    {
        using var server = new PassServer();
        var allowlist = new MemoryAllowlist();
        var soon = (uint)DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds();
        allowlist.Records[Ip.Of(Known)] = new TestExpiry(soon, soon, soon, soon, soon);
        using var harness = new LoopHarness(SettingsOf(phase), server.Path, Limit, allowlist, phase == "handshake" ? TestCertificates.Create("mx.example.com").Files() : null);
        var slow = Enumerable.Range(0, Limit - Kept).Select(_ => Stall(harness, phase)).ToArray();

        for (var i = 0; i < 20; i++)
        {
            using (var stranger = harness.Connect(Stranger))
                Assert.Equal("421 4.3.2 No system resources\r\n", LoopHarness.ReadLine(stranger));
            using (var permitted = harness.Connect(Permitted))
                Assert.StartsWith($"client_address|{Permitted}|", server.Next().Attributes, StringComparison.Ordinal);
            using (var known = harness.Connect(Known))
                Assert.StartsWith($"client_address|{Known}|", server.Next().Attributes, StringComparison.Ordinal);
        }

        harness.WaitForLog("what is left is for those that access list and allowlist let in -- turning away others with 421");
        slow[0].Dispose();
        LoopHarness.Until(() => harness.Loop.ClientCount < Limit - Kept, "it has not left");
        LoopHarness.Until(IsThereRoomForAStranger, "nobody gets the free place");
        foreach (var client in slow)
            client.Dispose();

        bool IsThereRoomForAStranger()
        {
            using var stranger = harness.Connect(Stranger);
            return LoopHarness.ReadLine(stranger).StartsWith("220", StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Behind_a_proxy_they_do_too_while_others_do_not_say_who_they_are()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Patient with { UpstreamProxy = true }, server.Path, Limit);
        var named = Enumerable.Range(0, Limit - Kept - Limit / 2).Select(number =>
        {
            var client = Name(harness.Connect(), $"192.0.2.{100 + number}");
            Assert.Equal("220-mx ESMTP\r\n", LoopHarness.ReadLine(client));
            return client;
        }).ToList();
        var silent = Enumerable.Range(0, Limit / 2).Select(_ => harness.Connect()).ToList();
        LoopHarness.Until(() => harness.Loop.ClientCount == Limit - Kept, "not all are there");

        for (var i = 0; i < 10; i++)
        {
            silent.Add(harness.Connect());
            LetIn();
        }

        // Others who name themselves take the places of those who do not, and no more.
        for (var answer = ""; !answer.StartsWith("421", StringComparison.Ordinal); answer = LoopHarness.ReadLine(named[^1]))
        {
            Assert.True(named.Count <= Limit - Kept, "they are let into what is kept");
            named.Add(Name(harness.Connect(), $"192.0.2.{100 + named.Count}"));
        }

        for (var i = 0; i < 10; i++)
            LetIn();
        named.ForEach(static client => client.Dispose());
        silent.ForEach(static client => client.Dispose());

        void LetIn()
        {
            using var permitted = Name(harness.Connect(), "192.0.2.2");
            Assert.StartsWith("client_address|192.0.2.2|", server.Next().Attributes, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_connection_to_a_relay_target_is_not_made_out_of_what_is_kept()
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(
            Patient with { GreetBanner = "", BareNewlineEnable = true, LiveHandover = true, MyHostname = "mx" }, new RelayRules { Announcement = RelayAnnouncement.None }, server.Target);
        using var stranger = harness.Connect(Stranger);
        Assert.Equal("220 mx ESMTP\r\n", LoopHarness.ReadLine(stranger));
        foreach (var command in (string[])["HELO x", "MAIL FROM:<a@b>"])
        {
            stranger.Send(Encoding.ASCII.GetBytes(command + "\r\n"));
            Assert.StartsWith("250", LoopHarness.ReadLine(stranger), StringComparison.Ordinal);
        }

        harness.Loop.DescriptorsElsewhere = static () => 9_500; // of 10,000
        stranger.Send("RCPT TO:<c@d>\r\n"u8);
        Assert.Equal("451 4.3.2 Service currently unavailable\r\n", LoopHarness.ReadLine(stranger));
        harness.WaitForLog("the limit of open files is near");

        using var permitted = harness.Connect(Permitted);
        server.Accept().Send("220 there\r\n"u8);
        Assert.Equal("220 there\r\n", LoopHarness.ReadLine(permitted));
    }

    private static Settings SettingsOf(string phase) => phase == "wait" ? Patient : Patient with
    {
        GreetBanner = "", // no wait
        BareNewlineEnable = true, // but a dialogue
        TlsLevel = phase == "handshake" ? TlsLevel.May : TlsLevel.None,
        Tls = TestCertificates.Settings,
    };

    private static Socket Stall(LoopHarness harness, string phase)
    {
        var client = harness.Connect();
        Assert.Equal(phase == "wait" ? "220-mx ESMTP\r\n" : "220 mx ESMTP\r\n", LoopHarness.ReadLine(client));
        if (phase == "wait")
            return client;
        client.Send(phase == "dialogue" ? "HELO x\r\n"u8 : "STARTTLS\r\n"u8);
        Assert.Matches("^2[25]0 ", LoopHarness.ReadLine(client));
        return client;
    }

    private static Socket Name(Socket proxy, string client)
    {
        proxy.Send(Encoding.ASCII.GetBytes($"PROXY TCP4 {client} 192.0.2.25 40000 25\r\n"));
        return proxy;
    }
}
