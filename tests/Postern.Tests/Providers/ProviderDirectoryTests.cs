using System.Collections.Concurrent;
using Postern.Core;
using Postern.Core.Spf;
using Postern.Dns;
using Postern.Providers;

namespace Postern.Tests.Providers;

public sealed class ProviderDirectoryTests : IDisposable
{
    private static readonly Provider Big = new("big.example", IsPermit: false), Trusted = new("trusted.example", IsPermit: true);

    private readonly ScriptedResolver _dns = new();
    private readonly ConcurrentQueue<string> _log = new();
    private readonly ProviderDirectory _directory;

    public ProviderDirectoryTests()
    {
        _directory = new ProviderDirectory(_dns, TimeProvider.System, (_, text) => _log.Enqueue(text));
        _dns.Texts["big.example"] = "v=spf1 ip4:192.0.2.0/24 -all";
        _dns.Texts["trusted.example"] = "v=spf1 ip4:198.51.100.1 -all";
        _dns.Texts["asks.example"] = "v=spf1 exists:%{i}._spf.asks.example -all";
        _dns.Addresses["203.0.113.1._spf.asks.example"] = Ip.Of("127.0.0.2");
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task Each_service_has_providers_of_its_own()
    {
        _directory.Configure(["big.example", "trusted.example"]);
        await UntilAsync(() => _directory.States.All(static state => state.Answered is not null));

        var view = _directory.Of([Big, Trusted]);
        Assert.Equal(Big, view.Find(Ip.Of("192.0.2.9"), permitOnly: false));
        Assert.Null(view.Find(Ip.Of("192.0.2.9"), permitOnly: true));
        Assert.Equal(Trusted, view.Find(Ip.Of("198.51.100.1"), permitOnly: true));
        Assert.Null(_directory.Of([Trusted]).Find(Ip.Of("192.0.2.9"), permitOnly: false));
    }

    [Fact]
    public async Task The_last_good_policy_counts_while_DNS_fails_and_that_is_said_once()
    {
        _directory.Configure(["big.example"]);
        await UntilAsync(() => _directory.States[0].Answered is not null);

        _dns.IsDown = true;
        for (var tries = 0; tries < 3; tries++)
            await _directory.RefreshAsync("big.example");

        Assert.True(_directory.Passes("big.example", Ip.Of("192.0.2.9")));
        Assert.Equal("DNS does not answer for big.example", _directory.States[0].Problem);
        Assert.Single(_log, "provider big.example: DNS does not answer for big.example -- using the policy read before");
    }

    [Fact]
    public async Task A_policy_that_has_changed_is_in_force_when_it_was_read_again()
    {
        _directory.Configure(["big.example"]);
        await UntilAsync(() => _directory.States[0].Answered is not null);
        _dns.Texts["big.example"] = "v=spf1 ip4:203.0.113.0/24 -all";

        await _directory.RefreshAsync("big.example");

        Assert.True(_directory.Passes("big.example", Ip.Of("203.0.113.7")));
        Assert.False(_directory.Passes("big.example", Ip.Of("192.0.2.9")));
    }

    [Fact]
    public async Task What_depends_on_the_client_is_asked_for_and_known_afterwards()
    {
        _directory.Configure(["asks.example"]);
        await UntilAsync(() => _directory.States[0].Answered is not null);

        Assert.False(_directory.Passes("asks.example", Ip.Of("203.0.113.1")));
        await UntilAsync(() => _directory.Passes("asks.example", Ip.Of("203.0.113.1")));
        Assert.False(_directory.Passes("asks.example", Ip.Of("203.0.113.2")));
    }

    [Fact]
    public void Before_the_first_answer_nobody_passes()
    {
        _dns.IsDown = true;
        _directory.Configure(["big.example"]);

        Assert.False(_directory.Passes("big.example", Ip.Of("192.0.2.9")));
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        for (var deadline = DateTime.UtcNow.AddSeconds(60); !condition(); await Task.Delay(5, TestContext.Current.CancellationToken))
            Assert.True(DateTime.UtcNow < deadline, "it did not come about within a minute");
    }

    private sealed class ScriptedResolver : IDnsResolver
    {
        public ConcurrentDictionary<string, string> Texts { get; } = new();

        public ConcurrentDictionary<string, IpAddress> Addresses { get; } = new();

        public volatile bool IsDown;

        public Task<DnsAnswer> LookUpAsync(string name, DnsType type, CancellationToken cancellation)
        {
            if (IsDown)
                return Task.FromResult(DnsAnswer.Failure("down"));

            DnsRecord? record = type switch
            {
                DnsType.Text when Texts.TryGetValue(name, out var text) => new DnsRecord(name, type, 3600) { Text = text },
                DnsType.A when Addresses.TryGetValue(name, out var address) => new DnsRecord(name, type, 3600) { Address = address },
                _ => null,
            };
            var life = TimeSpan.FromHours(1);
            return Task.FromResult(record is null ? new DnsAnswer(DnsOutcome.NoSuchName, [], life, null) : new DnsAnswer(DnsOutcome.Found, [record], life, null));
        }
    }
}
