using System.Net.Sockets;
using Postern.Core.Config;
using Postern.Tests.Loop;

namespace Postern.Tests.Relay;

/// <summary>Clients and servers that send anything, in any pieces, and end or break off at any moment.</summary>
public sealed class HostileRelayTests
{
    private static readonly Settings Untested = new() { GreetBanner = "", Banner = "mx real", ClientConnectionCountLimit = 0 };

    [Fact]
    public void Nothing_is_left_of_any_session_and_the_next_client_is_served()
    {
        using var server = new StubServer();
        using var harness = new LoopHarness(Untested, new RelayRules { Announcement = RelayAnnouncement.None, ReplyTimeout = TimeSpan.FromMilliseconds(200) }, server.Target);
        var random = new Random(7);
        for (var round = 0; round < 300; round++)
        {
            using var client = harness.Connect();
            using var there = server.Accept();
            if (random.Next(4) > 0)
                there.Send("220 there\r\n"u8);
            for (var turns = random.Next(8); turns > 0; turns--)
            {
                var bytes = new byte[random.Next(1, 20_000)];
                random.NextBytes(bytes);
                var one = random.Next(2) == 0 ? client : there;
                one.Blocking = false;
                _ = Record.Exception(() => one.Send(bytes)); // it may have been hung up on, or be full
                if (random.Next(6) == 0)
                    _ = Record.Exception(() => one.Shutdown(SocketShutdown.Send));
            }

            foreach (var one in random.Next(2) == 0 ? (Socket[])[client, there] : [there, client])
            {
                if (random.Next(2) == 0)
                    one.LingerState = new LingerOption(true, 0);
                one.Dispose();
            }
        }

        LoopHarness.Until(() => harness.Loop.ClientCount == 0, "sessions are left");
        Assert.Equal(0, harness.Pool!.Servers[0].Sessions);
        Assert.DoesNotContain("internal error", harness.LogText, StringComparison.Ordinal);
        using var last = harness.Connect();
        server.Accept().Send("220 still there\r\n"u8);
        Assert.Equal("220 still there\r\n", LoopHarness.ReadLine(last));
    }
}
