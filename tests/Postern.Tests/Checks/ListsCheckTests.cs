using System.Net;
using Postern.Checks;
using Postern.Core.Config;
using Postern.Dns;
using Postern.Tests.Config;

namespace Postern.Tests.Checks;

/// <summary>postern check --lists, with a resolver that answers as real ones do.</summary>
public sealed class ListsCheckTests
{
    private const string RebindRemedy = "    have the resolver let this domain's answers through -- unbound: private-domain: \"bl.example\"; dnsmasq: rebind-domain-ok=/bl.example/; "
        + "bind9: deny-answer-addresses { ... } except-from { \"bl.example\"; }; knot-resolver: leave out modules.load('rebinding < iterate')\n";

    private readonly Dictionary<string, DnsAnswer> _answers = [];

    [Theory]
    [InlineData("bl.example", "", "127.0.0.2 127.0.0.4", true, "healthy: it lists 127.0.0.2, its test entry (127.0.0.2, 127.0.0.4), and not 127.0.0.1; 192.0.2.53 answers\n")]
    [InlineData("bl.example=127.0.0.9", "127.0.0.8", "127.0.0.2", true, "healthy: it lists 127.0.0.2, its test entry (127.0.0.2), and not 127.0.0.1; 192.0.2.53 answers\n")] // what a filter leaves out is no listing
    [InlineData("bl.example", "", "", true, "answers; it does not list 127.0.0.2, the test entry, as lists of good senders and private ones often do not; 192.0.2.53 answers\n")]
    [InlineData("zen.dq.spamhaus.net", "", "", false, "lists nothing, not even 127.0.0.2, its test entry; 192.0.2.53 answers. Lists of this family answer their customers only, by the key in the name\n    write KEY.zen.dq.spamhaus.net, with the key that the list has given you\n")]
    [InlineData("key1.zen.dq.spamhaus.net", "", "", true, "answers; it does not list 127.0.0.2, the test entry, as lists of good senders and private ones often do not; 192.0.2.53 answers\n")]
    [InlineData("bl.example", "127.0.0.2", "127.0.0.2", false, "lists 127.0.0.1 (127.0.0.2), as no list may, and so perhaps everybody: it does not count; 192.0.2.53 answers\n    see whether the list still exists; else remove it from postscreen_dnsbl_sites\n")]
    [InlineData("bl.example", "127.255.255.254", "127.255.255.254", false, "does not serve us: 192.0.2.53 answers 127.255.255.254, asked through a public or open resolver, which the list does not serve: use a resolver of your own\n    ask it through a resolver of your own, as many lists demand; see the list's terms of use\n")]
    [InlineData("bl.example", "", "empty", false, "192.0.2.53 answers 127.0.0.1 as not listed, and its test entry 127.0.0.2 with no address: it seems to protect against DNS rebinding, so that listings do not get here and refuse nobody\n" + RebindRemedy)]
    [InlineData("bl.example", "", "SERVFAIL", false, "192.0.2.53 answers 127.0.0.1 as not listed, and its test entry 127.0.0.2 with SERVFAIL: if that is no passing trouble, it protects against DNS rebinding, so that listings do not get here and refuse nobody\n" + RebindRemedy)]
    [InlineData("bl.example", "", "REFUSED blocked by DNS rebinding protection", false, "192.0.2.53 answers 127.0.0.1 as not listed, and its test entry 127.0.0.2 with REFUSED (blocked by DNS rebinding protection): it seems to protect against DNS rebinding, so that listings do not get here and refuse nobody\n" + RebindRemedy)]
    [InlineData("bl.example", "REFUSED", "REFUSED", false, "no answer: 192.0.2.53:53: server answered REFUSED, the resolver or the list: some lists serve only who has registered the resolver's address, or has a key in the name\n")]
    [InlineData("combined.mail.abusix.zone", "REFUSED", "REFUSED", false, "no answer: 192.0.2.53:53: server answered REFUSED, the resolver or the list: some lists serve only who has registered the resolver's address, or has a key in the name\n    write KEY.combined.mail.abusix.zone, with the key that the list has given you\n")]
    [InlineData("bl.example", "silent", "silent", false, "no answer: 192.0.2.53:53: timeout\n")]
    public void Each_list_is_asked_once_and_it_is_said_what_it_answers_and_why(string site, string loopback, string testEntry, bool isWell, string text)
    {
        var domain = site.Split('=')[0];
        (_answers["1.0.0.127." + domain], _answers["2.0.0.127." + domain]) = (Answer(loopback), Answer(testEntry));

        var (status, output) = Print($"postscreen_dnsbl_sites = {site}");

        Assert.Equal($"DNS list {domain}: {text}", output);
        Assert.Equal(isWell, status);
        Assert.Empty(_answers);
    }

    [Fact]
    public void Without_lists_there_is_nothing_to_ask() => Assert.Equal((true, "postscreen_dnsbl_sites is empty: no DNS list is asked\n"), Print(""));

    /// <summary>Without --lists: what serve would warn of, with its line; not what may be a moment's trouble of a resolver.</summary>
    [Theory]
    [InlineData("", "empty", 1)]
    [InlineData("127.0.0.2", "127.0.0.2", 1)]
    [InlineData("silent", "silent", 0)]
    [InlineData("REFUSED", "REFUSED", 0)]
    [InlineData("", "127.0.0.2", 0)]
    public void What_lists_answer_belongs_to_the_problems_of_a_configuration(string loopback, string testEntry, int warnings)
    {
        (_answers["1.0.0.127.bl.example"], _answers["2.0.0.127.bl.example"]) = (Answer(loopback), Answer(testEntry));

        var problems = ListsCheck.Find(Load("postscreen_dnsbl_sites = bl.example"), new Resolver(_answers)).ToList();

        Assert.Equal(warnings, problems.Count);
        Assert.All(problems, static problem => Assert.Equal((ProblemSeverity.Warning, 2, true), (problem.Severity, problem.Line, problem.Text.StartsWith("DNS list bl.example: ", StringComparison.Ordinal))));
        Assert.Empty(ListsCheck.Find(Load("postscreen_dnsbl_sites = bl.example\npostern_dnsbl_check_interval = 0"), new Resolver([])));
    }

    private static Configuration Load(string lines) => new ConfigDirectory($"compatibility_level = 3.6\n{lines}\n").Load();

    private (bool, string) Print(string lines)
    {
        var output = new StringWriter { NewLine = "\n" };
        var isWell = ListsCheck.Print(Load(lines), new Resolver(_answers), output);
        return (isWell, output.ToString());
    }

    private static DnsAnswer Answer(string text)
    {
        var server = IPEndPoint.Parse("192.0.2.53:53");
        var words = text.Split(' ', 2);
        var code = words[0] switch { "SERVFAIL" => 2, "REFUSED" => 5, _ => 0 };
        return text switch
        {
            "silent" => DnsAnswer.Failure($"{server}: timeout") with { Server = server },
            "empty" => new DnsAnswer(DnsOutcome.NoData, [], TimeSpan.Zero, null) { Server = server },
            "" => new DnsAnswer(DnsOutcome.NoSuchName, [], TimeSpan.Zero, null) { Server = server },
            _ when code > 0 => DnsAnswer.Failure($"{server}: server answered {words[0]}") with { Server = server, ErrorCode = code, Explanation = words.ElementAtOrDefault(1) },
            _ => new DnsAnswer(DnsOutcome.Found, [.. text.Split(' ').Select(static address => new DnsRecord("", DnsType.A, 60) { Address = Ip.Of(address) })], TimeSpan.Zero, null) { Server = server },
        };
    }

    private sealed class Resolver(Dictionary<string, DnsAnswer> answers) : IDnsResolver
    {
        public Task<DnsAnswer> LookUpAsync(string name, DnsType type, CancellationToken cancellation)
        {
            lock (answers)
            {
                var isKnown = answers.Remove(name, out var answer);
                return Task.FromResult(isKnown ? answer! : throw new InvalidOperationException($"asked for {name}"));
            }
        }
    }
}
