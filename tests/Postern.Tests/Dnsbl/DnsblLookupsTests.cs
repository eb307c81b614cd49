using Postern.Core.Config;
using Postern.Core.Dnsbl;
using Postern.Core.Screening;
using Postern.Dns;
using Postern.Dnsbl;
using Postern.Logging;
using Postern.Tests.Dns;
using Postern.Tests.Logging;
using Postern.Tests.Tables;

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
        Assert.Equal(0, _lookups.UntilNext);

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
        Until(() => _lookups.Lists.All(static list => list.State is ListState.Healthy));
        _answer = static name => name.EndsWith("bl.example", StringComparison.Ordinal) ? [0] : [];

        for (var i = 0; i < 12; i++)
        {
            var score = Ask(settings);
            Assert.Equal(2, score.Pending);
            Until(() => score.IsComplete);
            _loop.Clock.Advance(TimeSpan.FromSeconds(29));
        }

        Assert.Matches(
            $@"warning: DNS list bl\.example has answered with nothing but errors for 5 minutes: it does not count until it is healthy \({_server.Address} answered SERVFAIL\)\n", Log);
        Assert.Single(System.Text.RegularExpressions.Regex.Matches(Log, $@"warning: DNS list bl\.example could not be asked about a client: {_server.Address} answered SERVFAIL\n"));
        Assert.Equal(1, Ask(settings).Pending);

        _answer = static _ => [];
        for (var i = 0; i < 21; i++)
        {
            _loop.Clock.Advance(TimeSpan.FromSeconds(30));
            _lookups.Tick();
        }

        Until(() => Log.Contains("]: DNS list bl.example answers again: it counts again\n", StringComparison.Ordinal)); // that is no warning
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
        Until(() => Log.Contains("DNS list bl.example lists 127.0.0.1", StringComparison.Ordinal));

        var reloaded = new Settings { DnsblSites = Tests.Dnsbl.Sites.Of("bl.example other.example") };
        _lookups.Configure([reloaded]);
        Assert.Equal(1, Ask(reloaded).Pending);
        _lookups.Configure([]);
        _lookups.Configure([reloaded]);
        Assert.Equal(2, Ask(reloaded).Pending);
    }

    /// <summary>What comes before the first check waits for it.</summary>
    [Theory]
    [InlineData("", 2)] // 127.0.0.1 is not listed
    [InlineData("listed", 0)]
    [InlineData("failed", 0)]
    public void An_answer_about_a_client_counts_when_the_list_was_found_healthy(string loopback, int expected)
    {
        using var gate = new ManualResetEventSlim();
        var settings = new Settings { DnsblSites = Tests.Dnsbl.Sites.Of("bl.example*2"), DnsblMinTtl = TimeSpan.FromSeconds(9) };
        _answer = name => name.StartsWith("1.0.0.127.", StringComparison.Ordinal)
            ? !gate.Wait(TimeSpan.FromSeconds(20)) || loopback.Length == 0 ? [] : loopback == "listed" ? [127, 0, 0, 2] : [0]
            : [127, 0, 0, 2];
        _lookups.Configure([settings]);
        var score = Ask(settings);
        if (expected > 0)
            gate.Set(); // the server answers one question after the other
        else
            _answer = loopback == "listed" ? static _ => [127, 0, 0, 2] : static name => name.Contains(".0.0.127.", StringComparison.Ordinal) ? [0] : [127, 0, 0, 2];

        Until(() => score.IsComplete);

        Assert.Equal(expected, score.Score);
        Assert.Equal(expected == 0 ? settings.DnsblMinTtl : TimeSpan.FromSeconds(60), score.TimeToLive(settings.DnsblMinTtl, settings.DnsblMaxTtl));
        Assert.Matches(@"postfix/dnsblog\[\d+\]: addr 192\.0\.2\.7 listed by domain bl\.example as 127\.0\.0\.2\n", Log);
        gate.Set();
    }

    [Fact]
    public void A_list_that_cannot_be_checked_is_waited_for_counts_nothing_and_is_checked_again_soon()
    {
        var settings = new Settings { DnsblSites = Tests.Dnsbl.Sites.Of("bl.example") };
        _answer = static name => name.Contains(".0.0.127.", StringComparison.Ordinal) ? [0] : [127, 0, 0, 2];
        _lookups.Configure([settings]);

        var score = Ask(settings);
        Assert.Equal(1, score.Pending);
        Until(() => score.IsComplete);

        Assert.Equal(0, score.Score);
        Assert.Contains(
            $"warning: DNS list bl.example could not be checked yet: it does not count until it has been ({_server.Address} answered SERVFAIL)\n", Log, StringComparison.Ordinal);
        Assert.Equal(ListState.Unchecked, Assert.Single(_lookups.Lists).State);
        Assert.InRange(_lookups.UntilNext, 1, 1000);
        _answer = static name => name.StartsWith("1.0.0.127.", StringComparison.Ordinal) ? [] : [127, 0, 0, 2];
        _loop.Clock.Advance(TimeSpan.FromSeconds(1));
        Until(() => Log.Contains("]: DNS list bl.example answers, and does not list everybody: it counts\n", StringComparison.Ordinal));
        var later = Ask(settings);
        Until(() => later.IsComplete);
        Assert.Equal(1, later.Score);
    }

    [Theory]
    [InlineData("empty", "with no address: it seems to protect against DNS rebinding, so that")]
    [InlineData("refused", "with an error: it seems to protect against DNS rebinding, so that")]
    [InlineData("explained", "with an error: it seems to protect against DNS rebinding, and says so (blocked by DNS rebinding protection), so that")]
    public void A_resolver_that_hides_listings_is_named_within_two_checks_with_what_to_do(string how, string text)
    {
        using var hiding = new LoopbackServer((id, question, _) => !question.Name.StartsWith("2.0.0.127.", StringComparison.Ordinal)
            ? [new DnsMessageBuilder(id, question, flags: 0x8183).ToArray()]
            : [how switch
            {
                "empty" => new DnsMessageBuilder(id, question).ToArray(),
                "refused" => new DnsMessageBuilder(id, question, flags: 0x8185).ToArray(),
                _ => new DnsMessageBuilder(id, question, flags: 0x8185).Additional("explanation.invalid", "blocked by DNS rebinding protection").ToArray(),
            }]);
        _loop.Configure(hiding.Address);
        _loop.Clock.Advance(TimeSpan.FromSeconds(2)); // resolv.conf is looked at once a second
        _lookups.Configure([new Settings { DnsblSites = Tests.Dnsbl.Sites.Of("bl.example") }]);

        Until(() => _loop.Resolver.Outstanding == 0 && hiding.Queries >= 2);
        if (how == "refused")
        {
            Assert.DoesNotContain("rebinding", Log, StringComparison.Ordinal);
            _loop.Clock.Advance(TimeSpan.FromSeconds(10));
        }

        Until(() => Log.Contains("rebinding", StringComparison.Ordinal));
        Assert.Contains(
            $"warning: DNS list bl.example: {hiding.Address} answers 127.0.0.1 as not listed, and its test entry 127.0.0.2 {text} listings do not get here and refuse nobody; "
            + "have the resolver let this domain's answers through -- unbound: private-domain: \"bl.example\"; dnsmasq: rebind-domain-ok=/bl.example/; "
            + "bind9: deny-answer-addresses { ... } except-from { \"bl.example\"; }; knot-resolver: leave out modules.load('rebinding < iterate')\n", Log, StringComparison.Ordinal);
        var list = Assert.Single(_lookups.Lists);
        Assert.Equal((ListState.Hidden, hiding.Address.ToString(), true), (list.State, list.Resolver, list.IsAsked));
        Assert.StartsWith($"{hiding.Address} answers 127.0.0.1 as not listed", list.Trouble);
    }

    [Fact]
    public void What_one_process_has_found_the_next_believes_at_once()
    {
        var folder = Directory.CreateTempSubdirectory("postern-lists-");
        var path = folder.FullName + "/lists";
        var memory = new KnownLists(path, _loop.Clock, Assert.Fail);
        var first = new DnsblLookups(_loop.Resolver, _log, LogTags.For("postfix"), _loop.Clock, memory, memory.Read(new Postern.Storage.TextFiles()));
        _answer = static name => name == "1.0.0.127.bad.example" || name.StartsWith("2.0.0.127.bl", StringComparison.Ordinal) ? [127, 0, 0, 2] : [];
        first.Configure([new Settings { DnsblSites = Tests.Dnsbl.Sites.Of("bl.example wl.example bad.example") }]);
        _loop.Until(() =>
        {
            first.Tick();
            return first.Lists.All(static list => list.State is not ListState.Unchecked) && File.Exists(path) && File.ReadAllLines(path).Length == 2;
        });

        Assert.Equal([$"bl.example {_loop.Clock.GetUtcNow().ToUnixTimeSeconds()} test-entry", $"wl.example {_loop.Clock.GetUtcNow().ToUnixTimeSeconds()} no-test-entry"], File.ReadAllLines(path));
        if (OperatingSystem.IsLinux())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
        var settings = new Settings { DnsblSites = Tests.Dnsbl.Sites.Of("bl.example bad.example") };
        var second = new DnsblLookups(_loop.Resolver, _log, LogTags.For("postfix"), _loop.Clock, memory, memory.Read(new Postern.Storage.TextFiles()));
        second.Configure([settings]);
        Assert.Equal([ListState.Healthy, ListState.Unchecked], second.Lists.Select(static list => list.State));
        _loop.Clock.Advance(TimeSpan.FromDays(8));
        Assert.Empty(memory.Read(new Postern.Storage.TextFiles()));
        folder.Delete(recursive: true);
    }

    [Theory]
    [InlineData("bl.example 0 test-entry extra\n")]
    [InlineData("bl.example x test-entry\n")]
    [InlineData("bl.example -1 test-entry\n")]
    [InlineData("bl.example 99999999999 test-entry\n")] // from the future
    [InlineData("bl.example 99999999999999999999999 test-entry\n")]
    [InlineData("bl.example 0 healthy\n\n \0\n")]
    public void A_file_that_is_not_ours_says_nothing(string text)
    {
        var files = new FakeTextFiles { ["lists"] = text };

        Assert.Empty(new KnownLists("lists", _loop.Clock, Assert.Fail).Read(files));
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
