using System.Collections.Concurrent;
using Postern.Core.Config;
using Postern.Core.Smtp;
using Postern.Relay;
using Postern.Tests.Loop;

namespace Postern.Tests.Relay;

public sealed class RelayProberTests
{
    private readonly ConcurrentQueue<string> _log = new();

    [Fact]
    public void A_server_says_what_it_offers()
    {
        using var server = new StubServer();
        var pool = NewPool(server.Target, RelayAnnouncement.ProxyV1);
        using var prober = Start(pool);

        using var there = server.Accept();
        Assert.Matches(@"^PROXY TCP4 127\.0\.0\.1 127\.0\.0\.1 \d+ \d+\r\n$", LoopHarness.ReadLine(there));
        Assert.Equal("EHLO postern.test", StubServer.Say(there, "220 mx"));
        Assert.Equal("QUIT", StubServer.Say(there, "250-mx\r\n250 DSN"));
        there.Send("221 bye\r\n"u8);

        prober.WaitForFirstRound(TimeSpan.FromSeconds(20));
        Assert.Equal(EhloKeywords.Dsn, pool.Offer.Current.Keywords);
        Assert.False(pool.Servers[0].IsOut);
    }

    [Fact]
    public void A_server_that_is_away_is_asked_again_until_it_is_there()
    {
        using var server = new StubServer();
        var pool = NewPool(server.Target, RelayAnnouncement.None);
        using var prober = Start(pool);
        server.Accept().Dispose();
        prober.WaitForFirstRound(TimeSpan.FromSeconds(20));
        Assert.True(pool.Servers[0].IsOut);

        BeWell(server);

        LoopHarness.Until(() => !pool.Servers[0].IsOut, "it stays out");
        Assert.Collection(
            _log,
            line => Assert.StartsWith($"Warning relay target {server.Target.Name} is out: it hung up instead of a greeting", line, StringComparison.Ordinal),
            line => Assert.StartsWith($"Info relay target {server.Target.Name} is well again", line, StringComparison.Ordinal));
    }

    [Fact]
    public void Trouble_with_a_server_that_was_well_brings_the_next_probe_forward()
    {
        using var server = new StubServer();
        var pool = NewPool(server.Target, RelayAnnouncement.None);
        using var prober = Start(pool);
        PlayWell();

        pool.Suspect!(pool.Servers[0]);

        PlayWell(); // though the interval is five minutes

        void PlayWell()
        {
            BeWell(server);
            prober.WaitForFirstRound(TimeSpan.FromSeconds(20));
        }
    }

    [Fact]
    public void A_name_is_looked_up()
    {
        using var server = new StubServer();
        var pool = NewPool(server.Target with { Host = "localhost" }, RelayAnnouncement.None);
        Assert.Null(pool.Servers[0].NextAddress());
        using var prober = Start(pool);

        BeWell(server);

        prober.WaitForFirstRound(TimeSpan.FromSeconds(20));
        Assert.NotNull(pool.Servers[0].NextAddress());
    }

    // Flushed one by one, at several delays, as a server does that works through its input line by line.
    [Theory]
    [InlineData(RelayAnnouncement.ProxyV1, 0)]
    [InlineData(RelayAnnouncement.ProxyV1, 50)]
    [InlineData(RelayAnnouncement.ProxyV1, 300)]
    [InlineData(RelayAnnouncement.ProxyV2, 0)]
    [InlineData(RelayAnnouncement.ProxyV2, 50)]
    public void A_server_that_does_not_know_the_PROXY_protocol_is_found_out_once_and_for_all(RelayAnnouncement announcement, int milliseconds)
    {
        using var server = new LineServer(TimeSpan.FromMilliseconds(milliseconds));
        var pool = NewPool(server.Target, announcement);
        using var prober = Start(pool);

        prober.WaitForFirstRound(TimeSpan.FromSeconds(20));
        server.WaitForSessions(3); // asked again and again

        Assert.False(pool.Servers[0].MayBeTold);
        Assert.Null(pool.Choose([]));
        Assert.Single(_log);
        Assert.Matches("^Warning relay target .* is out: it does not know the PROXY protocol: it answers its header \\((500 what|more than a greeting).*\\) -- it gets no clients, and is asked again until it is well$", _log.First());
    }

    [Fact]
    public void A_server_is_told_of_no_client_before_it_was_well_once()
    {
        using var server = new StubServer();
        var pool = NewPool(server.Target, RelayAnnouncement.ProxyV2);
        using var prober = Start(pool);
        server.Accept().Dispose();
        prober.WaitForFirstRound(TimeSpan.FromSeconds(20));
        Assert.Null(pool.Choose([]));

        BeWell(server, headerLength: 28);
        LoopHarness.Until(() => !pool.Servers[0].IsOut, "it stays out");
        Assert.Same(pool.Servers[0], pool.Choose([]));

        pool.CannotConnect(pool.Servers[0], "Connection refused", 0);
        Assert.Same(pool.Servers[0], pool.Choose([])); // what it is told it still knows
    }

    private static void BeWell(StubServer server, int headerLength = 0)
    {
        using var there = server.Accept();
        if (headerLength > 0)
            Assert.Equal(headerLength, there.Receive(new byte[headerLength]));
        StubServer.Say(there, "220 mx");
        StubServer.Say(there, "250 mx");
        there.Send("221 bye\r\n"u8);
    }

    private RelayPool NewPool(RelayTarget target, RelayAnnouncement announcement) => new(
        [target], new RelayRules { Announcement = announcement, MyHostname = "postern.test" }, (severity, text) => _log.Enqueue($"{severity} {text}"));

    private static RelayProber Start(RelayPool pool)
    {
        var prober = new RelayProber(static action => action(0));
        prober.Watch([pool]);
        return prober;
    }
}
