using DnsClient;

namespace Postern.Tests.Dns;

/// <summary>The event loop's resolver and the package DnsClient, asking the same rbldnsd.</summary>
public sealed class AgreementTests
{
    [Fact]
    public async Task Both_find_the_same()
    {
        const string Zone = """
            $SOA 3000 ns.example admin.example 0 600 300 86400 77
            $NS 3000 ns.example
            1.0.0.127 A 127.0.0.2
            $TTL 1234
            2.0.0.127 A 127.0.0.2
            2.0.0.127 A 127.0.0.9
            2.0.0.127 TXT "listed"
            3.0.0.127 TXT "no address"
            """;
        using var server = new Rbldnsd("bl.example:generic", Zone + "\n");
        using var loop = new ResolverLoop(server.Address);
        var other = new LookupClient(new LookupClientOptions(server.Address) { UseCache = false, Timeout = TimeSpan.FromSeconds(10) });
        loop.Until(() => loop.Answer("2.0.0.127.bl.example") != "failed"); // it is up

        foreach (var name in (string[])["1.0.0.127.bl.example", "2.0.0.127.bl.example", "2.0.0.127.BL.Example", "3.0.0.127.bl.example", "4.0.0.127.bl.example", "bl.example"])
        {
            var theirs = await other.QueryAsync(name, QueryType.A, cancellationToken: TestContext.Current.CancellationToken);

            var records = theirs.Answers.ARecords().ToList();
            var timeToLive = records.Count > 0 ? records.Min(record => record.InitialTimeToLive) : theirs.Authorities.SoaRecords().Min(record => record.InitialTimeToLive);
            var ours = loop.Answer(name).Split(' ');
            Assert.Equal(records.Select(record => record.Address.ToString()).Order(), ours[..^2].Order());
            Assert.Equal($"{timeToLive}", ours[^1]);
        }
    }

    /// <summary>Without EDNS rbldnsd sends the first 29, and does not say that there are more.</summary>
    [Fact]
    public void Forty_addresses_arrive()
    {
        var zone = string.Concat(Enumerable.Range(1, 40).Select(static last => $"2.0.0.127 A 127.0.0.{last}\n"));
        using var server = new Rbldnsd("bl.example:generic", "$NS 3000 ns.example\n" + zone);
        using var loop = new ResolverLoop(server.Address);
        loop.Until(() => loop.Answer("2.0.0.127.bl.example") != "failed");

        Assert.Contains("127.0.0.40 ", loop.Answer("2.0.0.127.bl.example"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_zone_that_rbldnsd_does_not_have_is_a_failure()
    {
        using var server = new Rbldnsd("bl.example:generic", "$NS 3000 ns.example\n1.0.0.127 A 127.0.0.2\n");
        using var loop = new ResolverLoop(server.Address);
        loop.Until(() => loop.Answer("1.0.0.127.bl.example") != "failed");

        Assert.Equal("failed", loop.Answer("1.0.0.127.other.example"));
    }
}
