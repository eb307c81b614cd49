using System.Globalization;
using Postern.Cli;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Dns;
using Postern.Storage;
using Postern.Tests.Logging;

namespace Postern.Tests.Cli;

public sealed class ExplainVerbTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly ZoneResolver _dns = new();

    public ExplainVerbTests()
    {
        File.WriteAllText(_folder["master.cf"], "127.0.0.1:2525 inet n - n - 1 postscreen\nother inet n - n - 1 postscreen -o postscreen_access_list=permit\nsmtpd pass - - n - - smtpd\n");
        Configure();
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void A_rule_is_named_with_its_line_and_so_is_what_to_write()
    {
        Rules("# comment\nif 10.0.0.0/8\n192.0.2.7 permit\nendif\n!192.0.2.0/24 dunno\n192.0.2.8\n permit\n192.0.2.0/29 reject\n");
        Configure("postscreen_denylist_action = drop");

        var said = Explain("192.0.2.7");

        Assert.Contains($"  access list   reject, by cidr:{_folder["access"]}, line 8\n", said, StringComparison.Ordinal);
        Assert.Contains("  now           is hung up on with 521 5.3.2", said, StringComparison.Ordinal);
        Assert.Contains($"  to let it in  write \"192.0.2.7 permit\" before line 8 of {_folder["access"]}\n", said, StringComparison.Ordinal);
        var permitted = Explain("192.0.2.8");
        Assert.Contains($"  access list   permit, by cidr:{_folder["access"]}, line 6\n", permitted, StringComparison.Ordinal);
        Assert.Contains("  now           goes to the mail server at once\n", permitted, StringComparison.Ordinal);
        Assert.DoesNotContain("to let it in", permitted, StringComparison.Ordinal);
        Assert.Contains("permit, by permit\n", Explain("192.0.2.7", service: "other"), StringComparison.Ordinal);
    }

    [Fact]
    public void A_lookup_that_fails_is_named_and_no_rule_behind_it_is()
    {
        Rules("192.0.2.7 permit\n");
        Configure("mynetworks = 127.0.0.1/8");

        var said = Explain("192.0.2.7");

        Assert.Contains("  access list   fails: postscreen_access_list: non-null host address bits in \"127.0.0.1/8\", perhaps you should use \"127.0.0.0/8\" instead\n", said, StringComparison.Ordinal);
        Assert.Contains("  warning       postscreen_access_list: permit_mynetworks: mynetworks lookup error -- ignoring the remainder of this access list\n", said, StringComparison.Ordinal);
        Assert.Contains($"  not reached   {_folder["access"]}:1 would let it in; first mend what fails\n", said, StringComparison.Ordinal);
        var own = _folder["postscreen_access.cidr"];
        Assert.Contains($"  to let it in  write \"192.0.2.7 permit\" to {own}, and in line 6 of {_folder["main.cf"]} postscreen_access_list = cidr:{own}, permit_mynetworks, cidr:{_folder["access"]}, and reload\n", said, StringComparison.Ordinal);
        Follow(own);
        Assert.Contains($"  access list   permit, by cidr:{own}, line 1\n", Explain("192.0.2.7"), StringComparison.Ordinal);

        void Follow(string file)
        {
            File.WriteAllText(file, "192.0.2.7 permit\n");
            Configure("mynetworks = 127.0.0.1/8", $"postscreen_access_list = cidr:{file}, permit_mynetworks, cidr:{_folder["access"]}");
        }
    }

    [Theory]
    [InlineData("reject, cidr:{0}", "192.0.2.7 permit\n", true)] // there already, and not reached
    [InlineData("dunno, cidr:{0}", "", true)]
    [InlineData("static:reject, cidr:{0}", "", true)]
    [InlineData("cidr:{0}, static:reject", "", false)]
    [InlineData("cidr:{0}", "if 192.0.2.0/24\n0.0.0.0/0 reject\nendif\n", false)]
    [InlineData("cidr:{0}", "if 10.0.0.0/8\n192.0.2.7 permit\nendif\n", false)]
    public void Advice_is_tried_and_works_when_it_is_followed(string list, string rules, bool isNewFile)
    {
        list = string.Format(CultureInfo.InvariantCulture, list, _folder["access"]);
        Rules(rules);
        Configure($"postscreen_access_list = {list}");

        var advice = Explain("192.0.2.7").Split('\n').Single(static line => line.StartsWith("  to let it in", StringComparison.Ordinal));

        var own = _folder["postscreen_access.cidr"];
        if (isNewFile)
        {
            Assert.Contains($"postscreen_access_list = cidr:{own}, {list}, and reload", advice, StringComparison.Ordinal);
            File.WriteAllText(own, "192.0.2.7 permit\n");
            Configure($"postscreen_access_list = cidr:{own}, {list}");
        }
        else
        {
            var lines = File.ReadAllLines(_folder["access"]).ToList();
            var before = System.Text.RegularExpressions.Regex.Match(advice, @"before line (\d+) of ") is { Success: true } match ? int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : 1;
            lines.Insert(before - 1, "192.0.2.7 permit");
            Rules(string.Join('\n', lines) + "\n");
        }

        Assert.Contains("  access list   permit, by ", Explain("192.0.2.7"), StringComparison.Ordinal);
    }

    [Fact]
    public void Each_list_is_asked_and_the_score_is_the_sessions()
    {
        Configure("postscreen_dnsbl_sites = bl.example=127.0.0.[2..4]*2 white.example*-1 dead.example err.example", "postscreen_dnsbl_threshold = 1", "postscreen_dnsbl_action = enforce");
        _dns["7.2.0.192.bl.example"] = [0x7f000004];
        _dns["7.2.0.192.white.example"] = [0x7f000002];
        _dns["7.2.0.192.err.example"] = [0x7fffff01];
        _dns.Names["7.2.0.192.in-addr.arpa"] = "mail.example";

        var said = Explain("192.0.2.7");

        Assert.Contains("  reverse name  mail.example\n", said, StringComparison.Ordinal);
        Assert.Contains("  DNS list      bl.example: 127.0.0.4, weight 2\n", said, StringComparison.Ordinal);
        Assert.Contains("  DNS list      white.example: 127.0.0.2, weight -1\n", said, StringComparison.Ordinal);
        Assert.Contains("  DNS list      dead.example: unknown: timeout\n", said, StringComparison.Ordinal);
        Assert.Contains("  DNS list      err.example: 127.255.255.1, weight 0\n", said, StringComparison.Ordinal);
        Assert.Contains("  score         1, threshold 1: fails\n", said, StringComparison.Ordinal);
        Assert.Contains("it fails the DNS list test: postscreen_dnsbl_action is enforce", said, StringComparison.Ordinal);
        Assert.Contains("  reverse name  no\n", Explain("2001:db8::1"), StringComparison.Ordinal);
    }

    /// <summary>As the daemon, which has checked the list.</summary>
    [Fact]
    public void A_list_that_cannot_be_believed_does_not_count_and_one_that_is_hidden_is_explained()
    {
        Configure("postscreen_dnsbl_sites = all.example hid.example", "postscreen_dnsbl_action = enforce");
        (_dns["7.2.0.192.all.example"], _dns["1.0.0.127.all.example"], _dns["2.0.0.127.all.example"]) = ([0x7f000002], [0x7f000002], [0x7f000002]);
        _dns["2.0.0.127.hid.example"] = [];

        var said = Explain("192.0.2.7");

        Assert.Contains(
            "  DNS list      all.example: 127.0.0.2, weight 0\n"
            + "                that does not count: all.example: lists 127.0.0.1 (127.0.0.2), as no list may, and so perhaps everybody: it does not count; the resolver answers\n"
            + "                see whether the list still exists; else remove it from postscreen_dnsbl_sites\n"
            + "  DNS list      hid.example: no\n"
            + "                hid.example: the resolver answers 127.0.0.1 as not listed, and its test entry 127.0.0.2 with no address: it seems to protect against DNS rebinding, so that listings do not get here and refuse nobody\n"
            + "                have the resolver let this domain's answers through -- unbound: private-domain: \"hid.example\";",
            said, StringComparison.Ordinal);
        Assert.Contains("  score         0, threshold 1: passes\n", said, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_remembered_counts_until_it_expires()
    {
        Configure($"postscreen_cache_map = btree:{_folder["cache"]}", $"data_directory = {_folder.Path}");
        Assert.Contains("there is no such file", Explain("192.0.2.7"), StringComparison.Ordinal);
        Assert.Null(AllowlistDatabase.Open(_folder["cache.postern.db"], 1 << 20, TimeSpan.FromSeconds(1), out var database));
        var soon = (uint)DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeSeconds();
        using (database)
        {
            Assert.Null(database!.Save(
                new StoreBatch(new Dictionary<IpAddress, AllowlistChange>
                {
                    [Ip.Of("192.0.2.7")] = new(new TestExpiry(soon, 1, 1, 1, 1), IsForgotten: false, Seen: null),
                    [Ip.Of("192.0.2.8")] = new(new TestExpiry(soon - 7200, 1, 1, 1, 1), IsForgotten: false, Seen: null),
                }),
                static (IpAddress _, in TestExpiry _) => { }));
        }

        var known = Explain("192.0.2.7");
        Assert.Matches(@"\n  remembered    pregreet until \d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n", known);
        Assert.Contains("  now           goes to the mail server at once: no test is due\n", known, StringComparison.Ordinal);
        var expired = Explain("192.0.2.8");
        Assert.Matches(@"\n  remembered    pregreet expired \d{4}", expired);
        Assert.Contains("tests are due: pregreet; it waits 6 s", expired, StringComparison.Ordinal);
        Assert.Contains("  remembered    no: it is not known\n", Explain("192.0.2.9"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_past_is_the_event_logs_of_this_client_and_mail()
    {
        File.WriteAllText(_folder["events"], string.Concat(
            Event("192.0.2.7", "2026-11-20", "one@a.example", "x@b.example"), "{\"event\":\"lost\",\"count\":3}\n", Event("192.0.2.70", "2026-11-21", "one@a.example", "x@b.example"),
            Event("192.0.2.7", "2026-11-22", "two@a.example\\u001b[31m", "y@b.example"), "{\"event\":\"client\",\"client\":{\"address\":\"192.0.2.7\",\"po"));
        Configure($"postern_event_log = {_folder["events"]}");

        var said = Explain("192.0.2.7").Split('\n').Where(static line => line.StartsWith("  last time", StringComparison.Ordinal)).ToList();

        Assert.Equal(
            [
                $"  last time     {Local(22)} stopped (pregreet), from <two@a.example?[31m>, to <y@b.example>: 550 no",
                $"  last time     {Local(20)} stopped (pregreet), from <one@a.example>, to <x@b.example>: 550 no",
            ],
            said);
        Assert.Contains(Local(20), Explain("192.0.2.7", from: "ONE@a.example"), StringComparison.Ordinal);
        Assert.DoesNotContain(Local(22), Explain("192.0.2.7", from: "ONE@a.example"), StringComparison.Ordinal);
        Assert.Contains("of such a mail", Explain("192.0.2.7", to: "nobody@b.example"), StringComparison.Ordinal);

        static string Local(int day) => new DateTimeOffset(2026, 11, day, 0, 0, 0, TimeSpan.Zero).ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
    }

    [Fact]
    public void What_others_wrote_into_the_event_log_does_no_harm()
    {
        File.WriteAllText(_folder["events"], "{\"event\":\"client\",\"client\":{\"address\":\"192.0.2.7\"},\"time\":7,\"reasons\":\"all\",\"sender\":[],\"recipients\":[3,\"you@b.example\"]}\n");
        Configure($"postern_event_log = {_folder["events"]}");

        Assert.Contains("  last time     once , to <you@b.example>\n", Explain("192.0.2.7"), StringComparison.Ordinal);
    }

    [Fact]
    public void What_cannot_be_answered_is_said_why()
    {
        Assert.Equal((1, "postern explain: x is no IP address\n"), Run("x", null, null, null, out _));
        Assert.Equal((1, "postern explain: no screening service y in master.cf; there are: 127.0.0.1:2525, other\n"), Run("192.0.2.7", "y", null, null, out _));
    }

    private static string Event(string address, string time, string from, string to) =>
        $"{{\"event\":\"client\",\"time\":\"{time}\",\"client\":{{\"address\":\"{address}\",\"port\":1}},\"outcome\":\"stopped\",\"reasons\":[\"pregreet\"],\"sender\":\"{from}\",\"recipients\":[\"{to}\"],\"reply\":\"550 no\"}}\n";

    private void Rules(string text) => File.WriteAllText(_folder["access"], text);

    private void Configure(params string[] lines)
    {
        if (!File.Exists(_folder["access"]))
            Rules("");
        File.WriteAllText(_folder["main.cf"], string.Concat(
            new[] { "compatibility_level = 3.6", "myhostname = mx.example", "postscreen_cache_map =", $"mail_owner = {(Environment.UserName == "root" ? "nobody" : Environment.UserName)}", "setgid_group = nogroup", $"postscreen_access_list = permit_mynetworks, cidr:{_folder["access"]}", "mynetworks = 127.0.0.9", "known_tcp_ports = other=2526", "postern_control_socket =" }
            .Where(line => !lines.Any(own => own.Split(' ')[0] == line.Split(' ')[0])).Concat(lines).Select(static line => line + "\n")));
    }

    private string Explain(string address, string? service = null, string? from = null, string? to = null)
    {
        var (status, errors) = Run(address, service, from, to, out var said);
        Assert.True(status == 0, errors + said);
        return said;
    }

    private (int Status, string Errors) Run(string address, string? service, string? from, string? to, out string said)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var errors = new StringWriter { NewLine = "\n" };
        var status = ExplainVerb.Run(new ExplainQuery(_folder.Path, address, service, from, to), _dns, output, errors);
        said = output.ToString();
        return (status, errors.ToString());
    }

    [Fact]
    public void The_class_by_reverse_name_is_told_where_there_are_slow_lanes()
    {
        _dns.Names["7.2.0.192.in-addr.arpa"] = "192-0-2-7.isp.example";
        Assert.DoesNotContain("class", Explain("192.0.2.7"), StringComparison.Ordinal);

        Configure("postern_starpit = yes");
        Assert.Contains("  class         unconfirmed (rule=0)\n", Explain("192.0.2.7"), StringComparison.Ordinal);
        Assert.Contains("  class         none (rule=0)\n", Explain("192.0.2.8"), StringComparison.Ordinal);
        _dns["192-0-2-7.isp.example"] = [0xc0000207];
        var generic = Explain("192.0.2.7");

        Assert.Contains("  class         generic (rule=1)\n", generic, StringComparison.Ordinal);
        Assert.Contains("it goes on waiting in the slow lane until 85 s have passed", generic, StringComparison.Ordinal);
    }

    private sealed class ZoneResolver : Dictionary<string, uint[]>, IDnsResolver
    {
        public Dictionary<string, string> Names { get; } = [];

        public Task<DnsAnswer> LookUpAsync(string name, DnsType type, CancellationToken cancellation)
        {
            if (name.EndsWith("dead.example", StringComparison.Ordinal))
                return Task.FromResult(DnsAnswer.Failure("timeout"));
            List<DnsRecord> records = type is DnsType.Reverse
                ? Names.TryGetValue(name, out var target) ? [new DnsRecord(name, type, 60) { Target = target }] : []
                : TryGetValue(name, out var addresses) ? [.. addresses.Select(address => new DnsRecord(name, type, 60) { Address = IpAddress.FromIPv4(address) })] : [];
            var outcome = records.Count > 0 ? DnsOutcome.Found : ContainsKey(name) ? DnsOutcome.NoData : DnsOutcome.NoSuchName;
            return Task.FromResult(new DnsAnswer(outcome, records, TimeSpan.Zero, null));
        }
    }
}
