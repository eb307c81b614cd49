using Postern.Core.Config;
using Postern.Core.Dnsbl;
using Postern.Core.Screening;
using Postern.Dns;
using Postern.Dnsbl;
using Postern.Logging;
using Postern.Tests.Dns;
using Postern.Tests.Logging;

namespace Postern.Tests.Dnsbl;

/// <summary>Lookups of lists with the clock in the test's hand: health checks, time-outs, delays.</summary>
public sealed class DnsblLookupsTests : IDisposable
{
    private const string Sites = "bl.example*2 other.example";

    private readonly LoopbackServer _server;
    private readonly ResolverLoop _loop;
    private readonly MemoryDestination _memory = new();
    private readonly MailLog _log;
    private readonly DnsblLookups _lookups;
    private readonly List<DnsblScore> _completed = [];
    private Func<string, byte[]?> _answer = static _ => [];

    public DnsblLookupsTests()
    {
        _server = new LoopbackServer((id, question, _) => _answer(question.Name) switch
        {
            null => [],
            [] => [new DnsMessageBuilder(id, question, flags: 0x8183).ToArray()],
            [0] => [new DnsMessageBuilder(id, question, flags: 0x8182).ToArray()],
            var address => [new DnsMessageBuilder(id, question).Answer(question.Name, DnsType.A, 60, address).ToArray()],
        });
        _loop = new ResolverLoop(_server.Address);
        _log = new MailLog(_memory, new LogOptions(), _loop.Clock);
        _lookups = new DnsblLookups(_loop.Resolver, _log, LogTags.For("postfix"), _loop.Clock) { Completed = _completed.Add };
    }

    public void Dispose()
    {
        _loop.Dispose();
        _server.Dispose();
        _log.Dispose();
    }

    [Fact]
    public void Every_list_is_asked_once_and_the_listing_is_logged_in_dnsblogs_words()
    {
        _answer = static name => name == "7.2.0.192.bl.example" ? [127, 0, 0, 2] : [];

        var score = Ask(new Settings { DnsblSites = Tests.Dnsbl.Sites.Of(Sites) });
        Until(() => _completed.Count > 0);

        Assert.Same(score, Assert.Single(_completed));
        Assert.Equal(2, score.Score);
        Assert.Equal(2, _server.Queries);
        Assert.Matches(@"postfix/dnsblog\[\d+\]: addr 192\.0\.2\.7 listed by domain bl\.example as 127\.0\.0\.2\n", Log);
        Assert.DoesNotContain("other.example", Log, StringComparison.Ordinal);
    }

    [Fact]
    public void A_failed_lookup_is_logged_and_counts_as_not_listed()
    {
        _answer = static name => name.EndsWith("bl.example", StringComparison.Ordinal) ? [0] : [];

        var score = Ask(new Settings { DnsblSites = Tests.Dnsbl.Sites.Of(Sites) });
        Until(() => score.IsComplete);

        Assert.Equal(0, score.Score);
        Assert.Contains(
            "]: warning: dnsblog_query: lookup error for DNS query 7.2.0.192.bl.example: Host or domain name not found. "
            + "Name service error for name=7.2.0.192.bl.example type=A: Host not found, try again\n", Log, StringComparison.Ordinal);
    }

    [Fact]
    public void A_list_that_is_too_slow_is_named_once_and_holds_the_score_open()
    {
        _answer = static name => name.EndsWith("bl.example", StringComparison.Ordinal) ? null : [127, 0, 0, 2];
        var score = Ask(new Settings { DnsblSites = Tests.Dnsbl.Sites.Of(Sites), DnsblTimeout = TimeSpan.FromSeconds(1) });
        Until(() => score.Score == 1);

        _loop.Clock.Advance(TimeSpan.FromSeconds(1));
        _lookups.Tick();
        _lookups.Tick();

        Assert.Empty(_completed);
        Assert.Single(System.Text.RegularExpressions.Regex.Matches(Log, @"postfix/postscreen\[\d+\]: warning: dnsblog reply timeout 1s for bl\.example\n"));
        Assert.DoesNotContain("for other.example", Log, StringComparison.Ordinal);
    }

    [Fact]
    public void The_reply_delay_lies_between_the_log_line_and_the_effect()
    {
        _answer = static _ => [127, 0, 0, 2];
        var score = Ask(new Settings { DnsblSites = Tests.Dnsbl.Sites.Of("bl.example"), DnsblReplyDelay = TimeSpan.FromSeconds(2) });
        Until(() => Log.Contains("listed by domain", StringComparison.Ordinal));
        Assert.Empty(_completed);

        _loop.Clock.Advance(TimeSpan.FromSeconds(2));
        _lookups.Tick();

        Assert.Same(score, Assert.Single(_completed));
    }

    [Fact]
    public void An_error_answer_is_explained_once_an_hour_and_does_not_count()
    {
        _answer = static _ => [127, 255, 255, 254];
        var settings = new Settings { DnsblSites = Tests.Dnsbl.Sites.Of("bl.example") };

        for (var i = 0; i < 3; i++)
        {
            var score = Ask(settings);
            Until(() => score.IsComplete);
            Assert.Equal(0, score.Score);
        }

        const string Complaint = "warning: DNS list bl.example answers 127.255.255.254, which does not count as a listing: "
            + "asked through a public or open resolver, which the list does not serve: use a resolver of your own\n";
        Assert.Single(System.Text.RegularExpressions.Regex.Matches(Log, System.Text.RegularExpressions.Regex.Escape(Complaint)));
        Assert.Matches(@"postfix/postern\[\d+\]: warning: DNS list", Log);
        _loop.Clock.Advance(TimeSpan.FromHours(1));
        var last = Ask(settings);
        Until(() => last.IsComplete);
        Assert.Equal(2, System.Text.RegularExpressions.Regex.Count(Log, System.Text.RegularExpressions.Regex.Escape(Complaint)));
    }

    [Fact]
    public void A_list_that_lists_everybody_is_left_out_until_it_is_well()
    {
        var settings = new Settings { DnsblSites = Tests.Dnsbl.Sites.Of("bl.example") };
        _lookups.Configure([settings]);
        _answer = static _ => [127, 0, 0, 2];
        Assert.Equal(30_000, _lookups.UntilNext);

        _loop.Clock.Advance(TimeSpan.FromSeconds(30));
        Until(() => Log.Contains("DNS list bl.example lists 127.0.0.1", StringComparison.Ordinal));
        Until(() => _loop.Resolver.Outstanding == 0);
        var asked = _server.Queries;
        var without = Ask(settings);
        Assert.Equal((0, true), (without.Pending, without.IsComplete));
        _lookups.Tick();
        Assert.Equal(asked, _server.Queries);

        _answer = static name => name.StartsWith("2.0.0.127.", StringComparison.Ordinal) ? [127, 0, 0, 2] : [];
        _loop.Clock.Advance(TimeSpan.FromMinutes(1));
        Until(() => Log.Contains("DNS list bl.example does not list 127.0.0.1 any more: it counts again", StringComparison.Ordinal));
        var with = Ask(settings);
        Assert.Equal(1, with.Pending);
    }

    [Fact]
    public void A_list_that_answers_with_nothing_but_errors_is_left_out_until_it_answers()
    {
        var settings = new Settings { DnsblSites = Tests.Dnsbl.Sites.Of("bl.example other.example") };
        _lookups.Configure([settings]);
        _answer = static name => name.EndsWith("bl.example", StringComparison.Ordinal) ? [0] : [];

        for (var i = 0; i < 12; i++)
        {
            var score = Ask(settings);
            Assert.Equal(2, score.Pending);
            Until(() => score.IsComplete);
            _loop.Clock.Advance(TimeSpan.FromSeconds(29));
        }

        Assert.Contains("DNS list bl.example has answered with nothing but errors for 5 minutes", Log, StringComparison.Ordinal);
        Assert.Equal(1, Ask(settings).Pending);

        _answer = static _ => [];
        for (var i = 0; i < 21; i++)
        {
            _loop.Clock.Advance(TimeSpan.FromSeconds(30));
            _lookups.Tick();
        }

        Until(() => Log.Contains("DNS list bl.example answers again: it counts again", StringComparison.Ordinal));
        Assert.Equal(2, Ask(settings).Pending);
    }

    [Fact]
    public void With_an_interval_of_nought_no_list_is_checked_or_left_out()
    {
        var settings = new Settings { DnsblSites = Tests.Dnsbl.Sites.Of("bl.example"), DnsblCheckInterval = TimeSpan.Zero };
        _lookups.Configure([settings]);
        _answer = static _ => [0];

        for (var i = 0; i < 20; i++)
        {
            var score = Ask(settings);
            Assert.Equal(1, score.Pending);
            Until(() => score.IsComplete);
            _loop.Clock.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.DoesNotContain("DNS list", Log, StringComparison.Ordinal);
        _lookups.Tick(); // the time-outs of queries that were answered long ago
        Assert.Equal(-1, _lookups.UntilNext);
    }

    [Fact]
    public void A_list_keeps_its_health_over_a_reload_and_one_that_is_gone_is_forgotten()
    {
        _answer = static _ => [127, 0, 0, 2];
        _lookups.Configure([new Settings { DnsblSites = Tests.Dnsbl.Sites.Of("bl.example") }]);
        _loop.Clock.Advance(TimeSpan.FromSeconds(30));
        Until(() => Log.Contains("DNS list bl.example lists 127.0.0.1", StringComparison.Ordinal));

        var reloaded = new Settings { DnsblSites = Tests.Dnsbl.Sites.Of("bl.example other.example") };
        _lookups.Configure([reloaded]);
        Assert.Equal(1, Ask(reloaded).Pending);
        _lookups.Configure([]);
        _lookups.Configure([reloaded]);
        Assert.Equal(2, Ask(reloaded).Pending);
    }

    private string Log
    {
        get
        {
            _log.Flush();
            return _memory.Text;
        }
    }

    private DnsblScore Ask(Settings settings)
    {
        var client = new ClientAddressState(Ip.Of("192.0.2.7"));
        var score = client.JoinDnsbl(settings.DnsblSites!);
        _lookups.Ask(score, client.Address, settings);
        return score;
    }

    private void Until(Func<bool> condition) => _loop.Until(() =>
    {
        _lookups.Tick();
        return condition();
    });
}
