using Postern.Core.Config;
using Postern.Core.Relay;
using Postern.Core.Smtp;
using Postern.Relay;

namespace Postern.Tests.Relay;

public sealed class RelayPoolTests
{
    private readonly List<string> _log = [];

    [Fact]
    public void Servers_take_turns_by_weight()
    {
        var pool = NewPool(3, 1);

        var turns = string.Concat(Enumerable.Range(0, 8).Select(_ => pool.Choose([])!.Target.Port));

        Assert.Equal("11211121", turns);
    }

    [Fact]
    public void A_server_of_weight_0_serves_when_no_other_is_well()
    {
        var pool = NewPool(1, 0);

        Assert.Equal(1, pool.Choose([])!.Target.Port);
        pool.CannotConnect(pool.Servers[0], "Connection refused", 0);
        Assert.Equal(2, pool.Choose([])!.Target.Port);
    }

    [Fact]
    public void Servers_that_are_out_are_the_last_resort()
    {
        var pool = NewPool(1, 1);
        foreach (var server in pool.Servers)
            pool.CannotConnect(server, "Connection refused", 0);

        var first = pool.Choose([])!;
        var second = pool.Choose([first])!;

        Assert.NotSame(first, second);
        Assert.Null(pool.Choose([first, second]));
    }

    [Fact]
    public void Going_and_coming_back_is_logged_once()
    {
        var pool = NewPool(1, 1);
        var suspected = new List<RelayServer>();
        pool.Suspect = suspected.Add;
        var server = pool.Servers[0];

        pool.CannotConnect(server, "Connection refused", 1000);
        pool.CannotConnect(server, "Connection refused", 2000);
        pool.OnProbed(server, new ProbeResult(server.Addresses, null, "Connection refused"), 3000);
        pool.OnProbed(server, new ProbeResult(server.Addresses, EhloOffer.Nothing, null), 9000);
        pool.OnProbed(server, new ProbeResult(server.Addresses, EhloOffer.Nothing, null), 10_000);

        Assert.Equal(
            [
                "Warning relay target tcp:127.0.0.1:1 is out: Connection refused -- it gets no clients while another is well, and is asked again until it is",
                "Info relay target tcp:127.0.0.1:1 is well again after 8 s",
            ],
            _log);
        Assert.Equal([server, server], suspected);
        Assert.False(server.IsOut);
    }

    [Theory]
    [InlineData(RelayAnnouncement.ProxyV1, false)]
    [InlineData(RelayAnnouncement.ProxyV2, false)]
    [InlineData(RelayAnnouncement.Xclient, false)]
    [InlineData(RelayAnnouncement.None, true)]
    public void A_server_that_was_not_well_yet_is_no_last_resort_if_it_has_to_know_what_it_is_told(RelayAnnouncement announcement, bool gets)
    {
        var pool = new RelayPool([StubServer.TargetAt(1)], new RelayRules { Announcement = announcement }, static (_, _) => { });
        var suspected = new List<RelayServer>();
        pool.Suspect = suspected.Add;

        Assert.Equal(gets, pool.Choose([]) is not null);
        Assert.Contains("may be told of clients", pool.WhyNone(), StringComparison.Ordinal);
        Assert.Equal(gets ? [] : [pool.Servers[0]], suspected);
    }

    [Fact]
    public void A_server_that_was_found_not_to_know_what_it_is_told_gets_nobody_until_it_was_well()
    {
        var pool = NewPool(1);
        var server = pool.Servers[0];

        pool.CannotConnect(server, "Connection refused", 0);
        pool.OnProbed(server, new ProbeResult(server.Addresses, null, "it answers") { MayBeTold = false }, 1000);
        pool.OnProbed(server, new ProbeResult(server.Addresses, null, "it answers") { MayBeTold = false }, 2000);
        pool.OnProbed(server, new ProbeResult(server.Addresses, null, "Connection refused"), 3000);
        Assert.Null(pool.Choose([]));
        pool.OnProbed(server, new ProbeResult(server.Addresses, EhloOffer.Nothing, null) { MayBeTold = true }, 9000);
        Assert.Same(server, pool.Choose([]));
        pool.OnMisunderstood(server, "it answers", 10_000);
        Assert.Null(pool.Choose([]));

        Assert.Equal(
            [
                "Warning relay target tcp:127.0.0.1:1 is out: Connection refused -- it gets no clients while another is well, and is asked again until it is",
                "Warning relay target tcp:127.0.0.1:1 is out: it answers -- it gets no clients, and is asked again until it is well",
                "Info relay target tcp:127.0.0.1:1 is well again after 9 s",
                "Warning relay target tcp:127.0.0.1:1 is out: it answers -- it gets no clients, and is asked again until it is well",
            ],
            _log);
    }

    [Fact]
    public void Clients_are_promised_what_every_server_in_use_keeps()
    {
        var pool = NewPool(1, 1);
        Assert.Equal(EhloOffer.Nothing, pool.Offer.Current);

        Probed(0, EhloKeywords.Dsn | EhloKeywords.Chunking);
        Assert.Equal(EhloKeywords.None, pool.Offer.Current.Keywords); // of the other nothing is known
        Probed(1, EhloKeywords.Dsn);
        Assert.Equal(EhloKeywords.Dsn, pool.Offer.Current.Keywords);
        pool.CannotConnect(pool.Servers[1], "Connection refused", 0);
        Assert.Equal(EhloKeywords.Dsn | EhloKeywords.Chunking, pool.Offer.Current.Keywords);
        pool.OnLearned(pool.Servers[0], new EhloOffer(EhloKeywords.Chunking, 0, null));
        Assert.Equal(EhloKeywords.Chunking, pool.Offer.Current.Keywords);

        void Probed(int index, EhloKeywords keywords) =>
            pool.OnProbed(pool.Servers[index], new ProbeResult(pool.Servers[index].Addresses, new EhloOffer(keywords, 0, null), null), 0);
    }

    private RelayPool NewPool(params int[] weights)
    {
        var pool = new RelayPool(
            weights.Select((weight, index) => StubServer.TargetAt(index + 1, weight)), new RelayRules(), (severity, text) => _log.Add($"{severity} {text}"));
        foreach (var server in pool.Servers)
            server.MayBeTold = true;
        return pool;
    }
}
