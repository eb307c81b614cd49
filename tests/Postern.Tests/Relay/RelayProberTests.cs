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

        using var there = server.Accept();
        StubServer.Say(there, "220 mx");
        StubServer.Say(there, "250 mx");

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
            using var there = server.Accept();
            StubServer.Say(there, "220 mx");
            StubServer.Say(there, "250 mx");
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

        using var there = server.Accept();
        StubServer.Say(there, "220 mx");
        StubServer.Say(there, "250 mx");

        prober.WaitForFirstRound(TimeSpan.FromSeconds(20));
        Assert.NotNull(pool.Servers[0].NextAddress());
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
