using Postern.Dns;
using Postern.Receiver;

namespace Postern.Tests.Receiver;

public sealed class SenderDomainCheckTests
{
    [Theory]
    [InlineData("mx=mail.example", "Accepted")]
    [InlineData("mx=", "NullMx")]
    [InlineData("mx=gone", "NotFound")]
    [InlineData("mx=fail", "Unknown")]
    [InlineData("mx=none a=found", "Accepted")]
    [InlineData("mx=none a=none aaaa=found", "Accepted")]
    [InlineData("mx=none a=fail aaaa=found", "Accepted")]
    [InlineData("mx=none a=none aaaa=none", "NotFound")]
    [InlineData("mx=none a=fail aaaa=none", "Unknown")]
    [InlineData("mx=none a=none aaaa=fail", "Unknown")]
    public async Task Mail_exchangers_then_addresses_decide(string zone, string verdict)
    {
        var resolver = new ZoneResolver(zone.Split(' ').ToDictionary(static entry => entry.Split('=')[0], static entry => entry.Split('=')[1]));

        Assert.Equal(verdict, (await SenderDomainCheck.AskAsync(resolver, "example.com", TestContext.Current.CancellationToken)).ToString());
    }

    private sealed class ZoneResolver(Dictionary<string, string> zone) : IDnsResolver
    {
        public Task<DnsAnswer> LookUpAsync(string name, DnsType type, CancellationToken cancellation)
        {
            Assert.Equal("example.com", name);
            return Task.FromResult(zone[type.ToString().ToLowerInvariant()] switch
            {
                "gone" => new DnsAnswer(DnsOutcome.NoSuchName, [], TimeSpan.Zero, null),
                "none" => new DnsAnswer(DnsOutcome.NoData, [], TimeSpan.Zero, null),
                "fail" => DnsAnswer.Failure("x"),
                var target => new DnsAnswer(DnsOutcome.Found, [new DnsRecord(name, type, 1) { Target = target }], TimeSpan.Zero, null),
            });
        }
    }
}
