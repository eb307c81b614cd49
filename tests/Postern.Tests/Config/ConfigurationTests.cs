using CsCheck;
using Postern.Core.Config;
using Postern.Core.Tables;

namespace Postern.Tests.Config;

public sealed class ConfigurationTests
{
    private const string Level = "compatibility_level = 3.6\n";

    [Fact]
    public void Published_configuration_loads_without_a_word()
    {
        const string Main = Level + """
            postscreen_access_list = permit_mynetworks,
                cidr:/etc/postfix/postscreen_access.cidr
            postscreen_greet_wait = 15s
            postscreen_greet_action = enforce
            """;
        var directory = new ConfigDirectory(Main)
            .Add("/etc/postfix/postscreen_access.cidr", "198.51.100.0/24 reject\n2001:db8::/32 permit\n");

        var configuration = directory.Load();

        Assert.Empty(configuration.Problems);
        var service = Assert.Single(configuration.Services);
        Assert.Equal("[0.0.0.0]:25 [::]:25", string.Join(' ', service.Endpoints));
        Assert.Equal(new HandoffTarget.Pass("/var/spool/postfix/private/smtpd"), service.Handoff);
        var settings = service.Settings;
        Assert.Equal(TimeSpan.FromSeconds(15), settings.GreetWait);
        Assert.Equal(TimeSpan.FromSeconds(15), settings.GreetWaitUnderStress);
        Assert.Equal(FailAction.Enforce, settings.GreetAction);
        Assert.Equal("mx.example.com ESMTP Postfix", settings.GreetBanner);
        Assert.Equal("btree:/var/lib/postfix/postscreen_cache", settings.CacheMap);
        Assert.Equal(AccessVerdict.Reject, Ask(settings, "198.51.100.7"));
        Assert.Equal(AccessVerdict.Permit, Ask(settings, "2001:db8::7"));
        Assert.Equal(AccessVerdict.Permit, Ask(settings, "192.0.2.5")); // own address: mynetworks_style = host
        Assert.Equal(AccessVerdict.Undecided, Ask(settings, "192.0.2.6"));
    }

    [Fact]
    public void Defaults_are_those_of_the_settings_record()
    {
        var settings = Only(new ConfigDirectory(Level).Load()).Settings;

        var expected = new Settings
        {
            AccessList = settings.AccessList,
            AllowlistInterfaces = settings.AllowlistInterfaces,
            GreetBanner = "mx.example.com ESMTP Postfix",
            Banner = "mx.example.com ESMTP Postfix",
            MyHostname = "mx.example.com",
            CacheMap = "btree:/var/lib/postfix/postscreen_cache",
            CacheStore = "btree:/var/lib/postfix/postscreen_cache",
        };
        Assert.Equal(expected, settings);
    }

    [Fact]
    public void Process_wide_values()
    {
        const string Main = Level + """
            maillog_file = /var/log/postfix.log
            maillog_file_permissions = 0640
            syslog_facility = local3
            inet_protocols = ipv4
            postern_receiver_domains = Example.ORG, $mydomain
            postern_stop_grace_time = 1m
            """;

        var configuration = new ConfigDirectory(Main).Load();

        Assert.Empty(configuration.Problems);
        var process = configuration.Process!;
        Assert.Equal("/var/log/postfix.log", process.MaillogFile);
        Assert.Equal(Convert.ToInt32("640", 8), process.MaillogFilePermissions);
        Assert.Equal(19, process.SyslogFacility);
        Assert.Equal(new InetProtocols(IPv4: true, IPv6: false), process.InetProtocols);
        Assert.Equal(["example.org", "example.com"], process.ReceiverDomains);
        Assert.Equal("/var/lib/postfix/maildir", process.ReceiverMaildir);
        Assert.Equal(TimeSpan.FromMinutes(1), process.StopGraceTime);
        Assert.Equal("[0.0.0.0]:25", string.Join(' ', Only(configuration).Endpoints));
    }

    [Fact]
    public void Relay_targets_have_weights_and_take_sessions_over()
    {
        var service = Only(new ConfigDirectory(Level + "postern_handoff = relay:tcp:10.0.0.5:25*2, tcp:[2001:db8::1]:2525=proxy-v1*3 relay:unix:public/in*0\npostern_relay_announce = xclient\n").Load());

        RelayTarget[] expected =
        [
            new("tcp:10.0.0.5:25", null, "10.0.0.5", 25, 2),
            new("tcp:[2001:db8::1]:2525", null, "2001:db8::1", 2525, 3) { Announcement = RelayAnnouncement.ProxyV1 },
            new("unix:public/in", "/var/spool/postfix/public/in", "", 0, 0),
        ];
        Assert.Equal(expected, Assert.IsType<HandoffTarget.Relay>(service.Handoff).Targets);
        Assert.Equal(expected, service.LiveTarget!.Targets);
        Assert.True(service.Settings.LiveHandover);
        Assert.Equal(RelayAnnouncement.Xclient, service.Relay.Announcement);
    }

    [Fact]
    public void Descriptor_passing_and_a_live_target_go_together()
    {
        var service = Only(new ConfigDirectory(Level + "postern_live_target = relay:unix:private/smtpd-live\n").Load());

        Assert.Equal(new HandoffTarget.Pass("/var/spool/postfix/private/smtpd"), service.Handoff);
        Assert.Equal("/var/spool/postfix/private/smtpd-live", Assert.Single(service.LiveTarget!.Targets).SocketPath);
        Assert.True(service.Settings.LiveHandover);
    }

    [Fact]
    public void Without_a_relay_target_nobody_is_handed_over()
    {
        var service = Only(new ConfigDirectory(Level).Load());

        Assert.Null(service.LiveTarget);
        Assert.False(service.Settings.LiveHandover);
    }

    [Theory]
    [InlineData("postern_handoff = relay:tcp:10.0.0.5:25\npostern_relay_announce = none\n", 3)]
    [InlineData("postern_handoff = relay:tcp:10.0.0.6:25 tcp:10.0.0.5:25=none\n", 2)]
    public void Relaying_without_an_announcement_is_warned_of(string lines, int line)
    {
        var configuration = new ConfigDirectory(Level + lines).Load();

        var warning = Assert.Single(configuration.Problems);
        Assert.Equal((ProblemSeverity.Warning, line), (warning.Severity, warning.Line));
        Assert.Contains("open relay", warning.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("postern_relay_tls_CAfile = /none", 4, "open /none: No such file or directory")]
    [InlineData("postern_relay_tls_CAfile = /empty", 4, "no certificate in /empty")]
    public void Authorities_that_cannot_be_read_are_an_error_where_they_are_needed(string line, int at, string expected)
    {
        const string Relayed = Level + "postern_handoff = relay:tcp:mail.test:25\n";
        var error = Assert.Single(new ConfigDirectory(Relayed + "postern_relay_tls = verify\n" + line + "\n").Add("/empty", "").Load().Problems);

        Assert.Equal((ProblemSeverity.Error, at, expected), (error.Severity, error.Line, error.Text));
        Assert.Empty(new ConfigDirectory(Relayed + "postern_relay_tls = encrypt\n" + line + "\n").Load().Problems);
    }

    // Texts of Postfix 3.7.11; each is an error at line 2 of main.cf.
    [Theory]
    [InlineData("postscreen_greet_wait = 5x", "parameter postscreen_greet_wait: bad time value or unit: 5x")]
    [InlineData("postscreen_greet_wait = 1.5s", "parameter postscreen_greet_wait: bad time value or unit: 1.5s")]
    [InlineData("postscreen_greet_wait =", "parameter postscreen_greet_wait: bad time value or unit: ")]
    [InlineData("postscreen_greet_wait = 0", "invalid postscreen_greet_wait: 0 (min 1)")]
    [InlineData("postscreen_greet_wait = ${stress?{0}:{6}}", "invalid postscreen_greet_wait: 0 (min 1)")]
    [InlineData("postscreen_watchdog_timeout = 9", "invalid postscreen_watchdog_timeout: 9 (min 10)")]
    [InlineData("ipc_timeout = -1", "parameter ipc_timeout: bad time value or unit: -1")]
    [InlineData("postscreen_greet_action = boo", "bad postscreen_greet_action value: boo")]
    [InlineData("postscreen_greet_action =", "bad string length 0 < 1: postscreen_greet_action = ")]
    [InlineData("postscreen_blacklist_action = boo", "bad postscreen_denylist_action value: boo")]
    [InlineData("postscreen_expansion_filter =", "bad string length (0 < 1): postscreen_expansion_filter = ")]
    [InlineData("line_length_limit = 1", "invalid line_length_limit parameter value 1 < 512")]
    [InlineData("line_length_limit = 5x", "bad numerical configuration: line_length_limit = 5x")]
    [InlineData("line_length_limit = 5000000000", "bad numerical configuration: line_length_limit = 5000000000")]
    [InlineData("delay_logging_resolution_limit = 7", "invalid delay_logging_resolution_limit parameter value 7 > 6")]
    [InlineData("postscreen_pre_queue_limit = 9", "invalid postscreen_pre_queue_limit parameter value 9 < 10")]
    [InlineData("smtpd_client_ipv6_prefix_length = 129", "invalid smtpd_client_ipv6_prefix_length parameter value 129 > 128")]
    [InlineData("smtpd_client_ipv4_prefix_length = 0", "invalid smtpd_client_ipv4_prefix_length parameter value 0 < 1")]
    [InlineData("lmdb_map_size = 0", "invalid lmdb_map_size parameter value 0 < 1")]
    [InlineData("soft_bounce = maybe", "bad boolean configuration: soft_bounce = maybe")]
    [InlineData("mail_name = $(bar", "dictionary mail_dict: macro processing error: truncated macro reference: \"$(bar\"")]
    [InlineData("mail_name = $mail_name", "dictionary mail_dict: macro processing error: unreasonable macro call nesting: \"mail_name\"")]
    [InlineData("myhostname = a_b!", "file /etc/postfix/main.cf: parameter myhostname: bad parameter value: a_b!")]
    [InlineData("mydomain = -", "file /etc/postfix/main.cf: parameter mydomain: bad parameter value: -")]
    [InlineData("syslog_facility = foo", "file /etc/postfix/main.cf: parameter syslog_facility: unrecognized value: foo")]
    [InlineData("mail_owner = nobodyx", "file /etc/postfix/main.cf: parameter mail_owner: unknown user name value: nobodyx")]
    [InlineData("mail_owner = root", "file /etc/postfix/main.cf: parameter mail_owner: user root has privileged user ID")]
    [InlineData("setgid_group = foo", "file /etc/postfix/main.cf: parameter setgid_group: unknown group name: foo")]
    [InlineData("setgid_group = root", "file /etc/postfix/main.cf: parameter setgid_group: group root has privileged group ID")]
    [InlineData("default_privs = zzz", "file /etc/postfix/main.cf: parameter default_privs: unknown user name value: zzz")]
    [InlineData("default_privs = root", "file /etc/postfix/main.cf: parameter default_privs: user root has privileged user ID")]
    [InlineData("default_privs = postfix", "file /etc/postfix/main.cf: parameters default_privs and mail_owner specify the same user postfix")]
    [InlineData("maillog_file = relative", "maillog_file value 'relative' does not match any prefix in maillog_file_prefixes")]
    [InlineData("mynetworks_style = foo", "unknown mynetworks mask style value \"foo\" in \"foo\"")]
    [InlineData("mynetworks_style = host subnet", "bad mynetworks_style value: host subnet; specify exactly one value")]
    [InlineData("inet_interfaces = nohost.invalid", "config variable inet_interfaces: host not found: nohost.invalid")]
    [InlineData("inet_interfaces = 203.0.113.77", "parameter inet_interfaces: no local interface found for 203.0.113.77")]
    [InlineData("inet_protocols = ipv4,foo", "unknown inet_protocols value \"foo\" in \"ipv4,foo\"")]
    [InlineData("inet_protocols =", "all network protocols are disabled (inet_protocols = )")]
    [InlineData("info_log_address_format = x", "invalid parameter setting \"info_log_address_format = x\"")]
    [InlineData("postscreen_tls_security_level = dane", "Invalid TLS level \"dane\"")]
    [InlineData("postscreen_upstream_proxy_protocol = HAProxy", "unsupported postscreen_upstream_proxy_protocol value: HAProxy")]
    [InlineData("postscreen_allowlist_interfaces = !", "postscreen_allowlist_interfaces: no pattern after '!'")]
    [InlineData("mynetworks = !", "postscreen_access_list: no pattern after '!'")]
    [InlineData("= x", "missing attribute name: \"= x\"")]
    [InlineData("x y = z", "missing '=' after attribute name: \"x y = z\"")]
    [InlineData("postern_listen_backlog = 0", "invalid postern_listen_backlog parameter value 0 < 1")]
    [InlineData("postern_handoff = relay:inet:127.0.0.1:2525", "bad relay target: relay:inet:127.0.0.1:2525: a relay target is tcp:HOST:PORT or unix:PATH")]
    [InlineData("postern_handoff = relay:tcp:127.0.0.1", "bad relay target: relay:tcp:127.0.0.1: missing service information")]
    [InlineData("postern_handoff = relay:tcp:127.0.0.1:x", "bad relay target: relay:tcp:127.0.0.1:x: the port is a number from 1 to 65535")]
    [InlineData("postern_handoff = relay:tcp:127.0.0.1:25*101", "bad relay target: relay:tcp:127.0.0.1:25*101: the weight is a number from 0 to 100")]
    [InlineData("postern_handoff = relay:tcp:127.0.0.1:25=haproxy*2", "bad relay target: relay:tcp:127.0.0.1:25=haproxy*2: behind = stands proxy-v1, proxy-v2, xclient or none")]
    [InlineData("postern_handoff = relay:unix:a unix:a*2", "relay target unix:a is named twice")]
    [InlineData("postern_live_target = pass:private/other", "bad postern_live_target value: pass:private/other: only relay targets take a session over")]
    [InlineData("postern_live_handover = yes", "postern_live_handover = yes, but the clients go to pass:private/smtpd, which takes new sessions only")]
    [InlineData("postern_auth_passthrough = yes", "postern_auth_passthrough = yes, but the clients go to pass:private/smtpd, which takes new sessions only")]
    [InlineData("postern_relay_announce = haproxy", "bad postern_relay_announce value: haproxy")]
    [InlineData("postern_relay_tls = yes", "bad postern_relay_tls value: yes")]
    [InlineData("postern_relay_reply_timeout = 5m", "invalid postern_relay_reply_timeout: 300 (max 240)")]
    [InlineData("postern_handoff = pass:", "bad postern_handoff value: pass:")]
    public void Fatal_texts(string line, string expected)
    {
        var configuration = new ConfigDirectory(Level + line + "\n").Load();

        var error = Assert.Single(configuration.Problems, static one => one.Severity == ProblemSeverity.Error);
        Assert.Equal(("/etc/postfix/main.cf", 2, expected), (error.File, error.Line, error.Text));
        Assert.NotEmpty(error.Remedy);
        Assert.True(configuration.HasErrors);
        Assert.Null(configuration.Process);
        Assert.Empty(configuration.Services);
    }

    [Theory]
    [InlineData("x")]
    [InlineData("3.9999")]
    [InlineData("")]
    public void Malformed_compatibility_level_is_one_error(string level)
    {
        var problem = Assert.Single(new ConfigDirectory($"compatibility_level = {level}\n").Load().Problems);

        Assert.Equal($"malformed compatibility level syntax: \"{level}\"", problem.Text);
    }

    [Fact]
    public void The_deep_tests_can_be_asked_for()
    {
        var settings = Only(new ConfigDirectory(
            Level + "postscreen_pipelining_enable = yes\npostscreen_non_smtp_command_enable = yes\npostscreen_bare_newline_enable = yes\n"
            + "postscreen_forbidden_commands = static:all\n").Load()).Settings;

        Assert.True(settings.PipeliningEnable && settings.NonSmtpCommandEnable && settings.BareNewlineEnable);
        Assert.NotNull(settings.ForbiddenCommands);
        Assert.Null(Only(new ConfigDirectory(Level).Load()).Settings.ForbiddenCommands);
    }

    [Theory]
    [InlineData("postscreen_cache_map =\npostscreen_bare_newline_enable = yes\n", 1)]
    [InlineData("postscreen_cache_map =\n", 0)]
    [InlineData("postscreen_bare_newline_enable = yes\n", 0)]
    [InlineData("postscreen_cache_map =\npostscreen_bare_newline_enable = yes\npostern_handoff = relay:tcp:127.0.0.1:2525\n", 0)]
    public void Who_has_to_come_back_must_be_remembered(string lines, int warnings)
    {
        var problems = new ConfigDirectory(Level + lines).Load().Problems;

        Assert.Equal(warnings, problems.Count);
        Assert.All(problems, static problem => Assert.Equal(
            (ProblemSeverity.Warning, 2, "postscreen_cache_map is empty, but postscreen_bare_newline_enable = yes: who passes that test is told to come back, and is not known then; no new client can ever deliver mail"),
            (problem.Severity, problem.Line, problem.Text)));
    }

    [Fact]
    public void The_proxy_protocol_can_be_asked_for_by_service()
    {
        const string Master = """
            smtp inet n - n - 1 postscreen
            10025 inet n - n - 1 postscreen -o postscreen_upstream_proxy_protocol=haproxy -o postern_proxy_networks=127.0.0.2
            smtpd pass - - n - - smtpd

            """;
        var configuration = new ConfigDirectory(Level + "postscreen_upstream_proxy_timeout = 9s\ninet_protocols = ipv4\n", Master).Load();

        Assert.Empty(configuration.Problems);
        var (direct, proxied) = (configuration.Services[0].Settings, configuration.Services[1].Settings);
        Assert.False(direct.UpstreamProxy);
        Assert.True(proxied.UpstreamProxy);
        Assert.Equal(TimeSpan.FromSeconds(9), proxied.UpstreamProxyTimeout);
        Assert.Equal(new InetProtocols(IPv4: true, IPv6: false), proxied.Protocols);
        Assert.Equal(MatchOutcome.Yes, proxied.ProxyNetworks!.Match(ConfigDirectory.Address("127.0.0.2"), new Postern.Core.Screening.SessionActions()));
    }

    [Fact]
    public void Networks_of_proxies_without_a_protocol_are_a_mistake()
    {
        var problem = Assert.Single(new ConfigDirectory(Level + "postern_proxy_networks = 127.0.0.2").Load().Problems);

        Assert.Equal((ProblemSeverity.Warning, 2, "postern_proxy_networks has no effect without a protocol"), (problem.Severity, problem.Line, problem.Text));
    }

    [Theory]
    [InlineData("smtpd_reject_footer = \\c. Help: $client_address", "\\c. Help: $client_address")]
    [InlineData("smtpd_reject_footer = by $name\npostscreen_reject_footer = $smtpd_reject_footer", "by $name")]
    [InlineData("postscreen_reject_footer = $client_address", "$client_address")] // nothing in main.cf has that name
    [InlineData("smtpd_reject_footer = x\npostscreen_reject_footer = ${smtpd_reject_footer}", "${smtpd_reject_footer}")] // Postfix 3.12 expands it, 3.7 does not
    [InlineData("own_text = $x\npostscreen_reject_footer = $own_text", "$x")] // one level
    public void A_raw_text_that_is_a_name_stands_for_that_names_text(string lines, string expected) =>
        Assert.Equal(expected, Only(new ConfigDirectory(Level + lines).Load()).Settings.RejectFooter);

    [Theory]
    [InlineData("postscreen_expansion_filter = \\61\\062\\t.\\\\\\7\\x", "12\t.\\\ax")]
    [InlineData("smtpd_expansion_filter = abc", "abc")]
    public void The_expansion_filter_has_Cs_escapes(string line, string expected)
    {
        var filter = Only(new ConfigDirectory(Level + line).Load()).Settings.ExpansionFilter;

        for (var value = '\0'; value < 256; value++)
            Assert.Equal(expected.Contains(value), filter.Contains(value));
    }

    [Fact]
    public void The_tables_of_the_engine()
    {
        var settings = Only(new ConfigDirectory(
            Level + "postscreen_command_filter = inline:{ A=b }\nsmtpd_discard_ehlo_keyword_address_maps = static:dsn\nsmtpd_reject_footer_maps = static:{x y}\n").Load()).Settings;
        var warnings = new Postern.Core.Screening.SessionActions();

        Assert.Equal("b", settings.CommandFilter!.Lookup("a", warnings).Value);
        Assert.Equal("dsn", settings.DiscardEhloKeywordAddressMaps!.Lookup("192.0.2.1", warnings).Value);
        Assert.Equal("x y", settings.RejectFooterMaps!.Lookup("550 x", warnings).Value);
        Assert.Null(Only(new ConfigDirectory(Level).Load()).Settings.RejectFooterMaps);
    }

    [Fact]
    public void DNS_lists_come_with_their_bounds_and_actions()
    {
        var settings = Only(new ConfigDirectory(
            Level + "postscreen_dnsbl_sites = secret.example*2 w.example=127.0.[0..255].[1..3]*-3\n"
            + "postscreen_dnsbl_reply_map = inline:{secret.example=public.example}\npostscreen_dnsbl_action = enforce\npostscreen_dnsbl_threshold = 2\n"
            + "postscreen_dnsbl_whitelist_threshold = -1\npostscreen_dnsbl_ttl = 2\npostscreen_dnsbl_timeout = 3s\n"
            + "postern_dnsbl_check_interval = 0\npostern_dnsbl_ignore_error_answers = no\n").Load()).Settings;

        Assert.Equal(["secret.example", "w.example"], settings.DnsblSites!.Lists.Select(list => list.Domain));
        Assert.Equal("public.example", settings.DnsblSites.Lists[0].PublicName(new RecordedWarnings()));
        Assert.True(settings.DnsblSites.CountsErrorAnswers);
        Assert.Equal((FailAction.Enforce, 2, -1), (settings.DnsblAction, settings.DnsblThreshold, settings.DnsblAllowlistThreshold));
        Assert.Equal((TimeSpan.FromSeconds(60), TimeSpan.FromHours(2), TimeSpan.FromSeconds(3)), (settings.DnsblMinTtl, settings.DnsblMaxTtl, settings.DnsblTimeout));
        Assert.Equal(TimeSpan.Zero, settings.DnsblCheckInterval);
        Assert.Null(Only(new ConfigDirectory(Level).Load()).Settings.DnsblSites);
    }

    [Theory]
    [InlineData("postscreen_dnsbl_sites = a.example*x", "bad DNSBL weight factor \"x\" in \"a.example*x\"")]
    [InlineData("postscreen_dnsbl_sites = a.example=1.2.3", "bad DNSBL filter syntax: need \".\" at \"1.2.3><\"")]
    [InlineData("postscreen_dnsbl_sites = a.example.", "bad DNSBL domain name \"a.example.\" in \"a.example.\"")]
    public void A_bad_DNS_list_is_an_error_with_file_and_line(string line, string expected)
    {
        var problem = new ConfigDirectory(Level + line + "\n").Load().Problems.Single(p => p.Severity is ProblemSeverity.Error);

        Assert.Equal(("/etc/postfix/main.cf", 2, expected), (problem.File, problem.Line, problem.Text));
    }

    [Theory]
    [InlineData("fail:broken")]
    [InlineData("texthash:/nonexistent")]
    [InlineData("nosuch:x")]
    public void A_reply_map_that_cannot_answer_is_an_error_if_there_are_lists(string map)
    {
        var problems = new ConfigDirectory(Level + $"postscreen_dnsbl_reply_map = {map}\npostscreen_dnsbl_sites = a.example\n").Load().Problems;
        var problem = problems.Single(p => p.Severity is ProblemSeverity.Error);

        Assert.Equal(("/etc/postfix/main.cf", 2, $"{map} lookup error"), (problem.File, problem.Line, problem.Text));
        Assert.False(new ConfigDirectory(Level + $"postscreen_dnsbl_reply_map = {map}\n").Load().HasErrors);
    }

    [Fact]
    public void The_directory_of_the_configuration_has_a_name()
    {
        var directory = new ConfigDirectory(Level + "queue_directory = $config_directory/queue\n").Load();

        Assert.Equal(directory.Directory + "/queue", directory.Process!.QueueDirectory);
    }

    [Theory]
    [InlineData("postscreen_cache_map = foo:/x", "unsupported dictionary type: foo")]
    [InlineData("postscreen_cache_map = proxy:/x", "open dictionary: expecting \"type:name\" form instead of \"/x\"")]
    [InlineData("postscreen_cache_map = static:x", "table static:x: sequence operation is not supported")]
    [InlineData("postscreen_cache_map = memcache:/no/such", "open /no/such: No such file or directory")]
    public void Allowlists_that_cannot_be_had_are_errors(string line, string expected)
    {
        var error = Assert.Single(new ConfigDirectory(Level + line).Load().Problems);

        Assert.Equal((ProblemSeverity.Error, 2, expected), (error.Severity, error.Line, error.Text));
    }

    [Theory]
    [InlineData("lmdb:/x")]
    [InlineData("proxy:btree:/x")]
    [InlineData("proxy:lmdb:/x")]
    [InlineData("memcache:/etc/mc")]
    public void Allowlists_can_be_in_maps_that_several_processes_use(string map)
    {
        var configuration = new ConfigDirectory(Level + "postscreen_cache_map = " + map).Add("/etc/mc", "backup = proxy:lmdb:/x\n").Load();

        Assert.Empty(configuration.Problems);
        Assert.Equal(map, Only(configuration).Settings.CacheMap);
        Assert.Equal(map == "memcache:/etc/mc" ? "proxy:lmdb:/x" : null, Only(configuration).Settings.CacheMemcache?.Backup);
    }

    [Theory]
    [InlineData("lmdb:/x", "lmdb:/x")]
    [InlineData("memcache:/etc/mc", "proxy:lmdb:/x")]
    public void Without_its_library_a_map_of_type_lmdb_is_an_error_that_names_the_package(string map, string lacking)
    {
        var directory = new ConfigDirectory(Level + "postscreen_cache_map = " + map);
        var without = new ConfigDirectory(Level + "postscreen_cache_map = " + map) { Host = directory.Host with { HasLmdb = false } };

        var error = Assert.Single(without.Add("/etc/mc", "backup = proxy:lmdb:/x\n").Load().Problems);

        Assert.Equal((ProblemSeverity.Error, $"{lacking}: tables of type lmdb need the library liblmdb.so.0, which is not installed"), (error.Severity, error.Text));
        Assert.Contains("apt install liblmdb0", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void With_a_map_that_is_never_written_the_daemon_starts_as_postscreen_does()
    {
        var configuration = new ConfigDirectory(Level + "postscreen_cache_map = pcre:/x").Load();

        var problem = Assert.Single(configuration.Problems);
        Assert.Equal((ProblemSeverity.Degraded, 2, "pcre:/x map requires O_RDONLY access mode"), (problem.Severity, problem.Line, problem.Text));
        Assert.Contains(problem.Text, configuration.Tables.OpenErrors); // so that it is logged as an error
    }

    [Fact]
    public void What_is_wrong_with_the_file_of_memcached_is_an_error()
    {
        var configuration = new ConfigDirectory(Level + "postscreen_cache_map = memcache:/etc/mc").Add("/etc/mc", "max_try = 0\n").Load();

        Assert.Equal("/etc/mc: invalid max_try parameter value 0 < 1", Assert.Single(configuration.Problems).Text);
    }

    [Theory]
    [InlineData("postscreen_gret_wait = 15s", "unused parameter: postscreen_gret_wait=15s")]
    [InlineData("maillog_file_permissions = 0777", "ignoring bad permissions: maillog_file_permissions = 0777")]
    [InlineData("compatibility_level = 3.7", "overriding earlier entry: compatibility_level=3.6")]
    [InlineData("postern_handoff = pass:private/$smtpd_service_name\nsmtpd_service_name = other", "master.cf has no service other of type pass, which would listen on /var/spool/postfix/private/other")]
    public void Warnings_do_not_keep_the_daemon_from_starting(string line, string expected)
    {
        var configuration = new ConfigDirectory(Level + line).Load();

        var warning = Assert.Single(configuration.Problems);
        Assert.Equal((ProblemSeverity.Warning, 2, expected), (warning.Severity, warning.Line, warning.Text));
        Assert.NotNull(configuration.Process);
        Assert.Single(configuration.Services);
    }

    [Fact]
    public void Misspelt_name_is_answered_with_the_nearest_one()
    {
        var problem = Assert.Single(new ConfigDirectory(Level + "postscreen_gret_action = drop").Load().Problems);

        Assert.Equal("did you mean postscreen_greet_action?", problem.Remedy);
    }

    [Fact]
    public void Name_that_another_value_refers_to_is_no_misspelling()
    {
        const string Main = Level + "postscreen_my_wait = 7s\npostscreen_greet_wait = ${postscreen_my_wait}\n";

        var configuration = new ConfigDirectory(Main).Load();

        Assert.Empty(configuration.Problems);
        Assert.Equal(TimeSpan.FromSeconds(7), Only(configuration).Settings.GreetWait);
    }

    [Fact]
    public void Stress_depends_on_the_stress_branch_only()
    {
        var settings = Only(new ConfigDirectory(Level + "stress = yes\npostscreen_greet_wait = ${stress?{3}:{9}}").Load()).Settings;

        Assert.Equal((9, 3), (settings.GreetWait.TotalSeconds, settings.GreetWaitUnderStress.TotalSeconds));
        Assert.Equal((300, 10), (settings.CommandTimeLimit.TotalSeconds, settings.CommandTimeLimitUnderStress.TotalSeconds));
    }

    [Theory]
    [InlineData("postscreen_blacklist_action = drop", FailAction.Drop)]
    [InlineData("postscreen_blacklist_action =", FailAction.Ignore)]
    [InlineData("postscreen_blacklist_action = drop\npostscreen_denylist_action = Enforce", FailAction.Enforce)]
    [InlineData("postscreen_denylist_action = CONTINUE", FailAction.Ignore)]
    public void Old_names_count_when_the_new_one_is_absent(string lines, FailAction expected)
    {
        var configuration = new ConfigDirectory(Level + lines).Load();

        Assert.Empty(configuration.Problems);
        Assert.Equal(expected, Only(configuration).Settings.DenylistAction);
    }

    [Fact]
    public void Reference_to_a_parameter_that_comes_later_is_empty()
    {
        // smtpd_banner comes before postscreen_greet_banner, not the other way round.
        const string Main = Level + "postscreen_greet_banner = <$smtpd_banner>\nsmtpd_banner = <$postscreen_greet_ttl>\n";

        var settings = Only(new ConfigDirectory(Main).Load()).Settings;

        Assert.Equal(("<>", "<<>>"), (settings.Banner, settings.GreetBanner));
    }

    [Fact]
    public void Own_file_overrides_main_cf_without_a_word_and_is_named_in_problems()
    {
        var directory = new ConfigDirectory(
            Level + "postscreen_greet_wait = 5s\npostscreen_dnsbl_sites = -.example\n",
            own: "postscreen_greet_wait = 4s\npostscreen_dnsbl_sites =\n\npostscreen_greet_ttl = soon\n");

        var configuration = directory.Load();

        var problem = Assert.Single(configuration.Problems);
        Assert.Equal(("/etc/postfix/postern.cf", 4), (problem.File, problem.Line));
        Assert.Equal(new ConfigOrigin("/etc/postfix/postern.cf", 1), configuration.Entries["postscreen_greet_wait"].Origin);
        Assert.Equal(new ConfigOrigin("/etc/postfix/main.cf", 1), configuration.Entries["compatibility_level"].Origin);
    }

    [Fact]
    public void Missing_files_are_named_with_the_reason()
    {
        var directory = new ConfigDirectory("").Remove("/etc/postfix/main.cf").Remove("/etc/postfix/master.cf");

        Assert.Equal(
            [
                "open /etc/postfix/main.cf: No such file or directory",
                "open /etc/postfix/master.cf: No such file or directory",
            ],
            directory.Load().Problems.Select(static one => one.Text));
    }

    [Theory]
    [InlineData("no", ProblemSeverity.Degraded)]
    [InlineData("yes", ProblemSeverity.Error)]
    public void Table_that_cannot_be_opened_degrades_or_is_fatal(string isFatal, ProblemSeverity expected)
    {
        var configuration = new ConfigDirectory(
            $"{Level}daemon_table_open_error_is_fatal = {isFatal}\npostscreen_access_list = cidr:/nowhere\n").Load();

        var problem = Assert.Single(configuration.Problems);
        Assert.Equal((expected, 3, "open /nowhere: No such file or directory"), (problem.Severity, problem.Line, problem.Text));
        Assert.Equal(isFatal == "yes", configuration.HasErrors);
    }

    [Fact]
    public void Bad_rule_of_a_table_is_never_fatal()
    {
        var directory = new ConfigDirectory(
            $"{Level}daemon_table_open_error_is_fatal = yes\npostscreen_access_list = cidr:/access\n");

        var problem = Assert.Single(directory.Add("/access", "1.2.3.4/24 reject\n").Load().Problems);

        Assert.Equal(ProblemSeverity.Degraded, problem.Severity);
        Assert.StartsWith("cidr map /access, line 1: ", problem.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("subnet", "127.0.0.0/8 192.0.2.0/24 [::1]/128 [fd00::]/64 [fe80::]/64")]
    [InlineData("host", "127.0.0.1/32 192.0.2.5/32 [::1]/128 [fd00::5]/128 [fe80::1234]/128")]
    [InlineData("class", "127.0.0.0/8 192.0.2.0/24 [::1]/128 [fd00::]/64 [fe80::]/64")]
    public void Own_networks_by_style(string style, string expected)
    {
        // The banner is evaluated after mynetworks and can show it.
        var configuration = new ConfigDirectory($"{Level}mynetworks_style = {style}\nsmtpd_banner = $mynetworks\n").Load();

        Assert.Equal(expected, Only(configuration).Settings.Banner);
    }

    [Fact]
    public void Low_compatibility_level_changes_defaults()
    {
        var settings = Only(new ConfigDirectory("").Load()).Settings;

        Assert.False(settings.SmtpUtf8);
        Assert.False(settings.RespectfulLogging);
        Assert.True(settings.RespectfulLoggingIsCompatibilityDefault);

        var log = new RecordedWarnings(); // mynetworks_style = subnet
        Assert.Equal(AccessVerdict.Permit, settings.AccessList.Evaluate(ConfigDirectory.Address("192.0.2.5"), log));
        Assert.Empty(log.Texts);
        Assert.Equal(AccessVerdict.Permit, settings.AccessList.Evaluate(ConfigDirectory.Address("192.0.2.6"), log));
        Assert.Equal(["using backwards-compatible default setting mynetworks_style=subnet to permit request from client \"192.0.2.6\""], log.Texts);
    }

    [Fact]
    public void Host_name_without_domain_gets_one()
    {
        var directory = new ConfigDirectory(Level);
        var short_ = new ConfigDirectory(Level) { Host = directory.Host with { HostName = "mx" } };

        Assert.Equal("mx.localdomain", short_.Load().Process!.MyHostname);
        Assert.Equal("localdomain", short_.Load().Process!.MyDomain);
    }

    [Fact]
    public void Kernel_without_IPv6_is_a_warning_and_no_listener()
    {
        var host = new ConfigDirectory(Level).Host with { NoIPv6Reason = "Address family not supported by protocol" };

        var configuration = new ConfigDirectory(Level) { Host = host }.Load();

        Assert.Equal(
            "inet_protocols: disabling IPv6 name/address support: Address family not supported by protocol",
            Assert.Single(configuration.Problems).Text);
        Assert.Equal("[0.0.0.0]:25", string.Join(' ', Only(configuration).Endpoints));
    }

    [Fact]
    public void Machine_without_Postfix_needs_no_postdrop()
    {
        var host = new ConfigDirectory(Level).Host with { FindGroup = static _ => null };

        var configuration = new ConfigDirectory(Level, "smtp inet n - n - 1 postern\n") { Host = host }.Load();

        Assert.Empty(configuration.Problems);
        Assert.Null(configuration.Process!.SetgidGroup);
        Assert.Equal(new HandoffTarget.Receiver(), Only(configuration).Handoff);
    }

    // A Postfix keeps its mail: without a server behind, clients are told to come back, and nobody refuses for it.
    [Theory]
    [InlineData("smtp inet n - n - 1 postscreen\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n", "pass:private/smtpd", 1)]
    [InlineData("smtp inet n - n - 1 postscreen\ncleanup\tunix\tn - n - 0 cleanup\nqmgr unix n - n 300 1 oqmgr\n", "pass:private/smtpd", 1)]
    [InlineData("smtp inet n - n - 1 postscreen\nother pass - - n - - smtpd\n", "pass:private/smtpd", 1)]
    [InlineData("smtp inet n - n - 1 postscreen\nsmtpd pass n - n - - smtpd\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n", "pass:public/smtpd", 0)]
    [InlineData("smtp inet n - n - 1 postscreen\ncleanup unix n - n - 0 cleanup\n", "receiver", 0)]
    [InlineData("smtp inet n - n - 1 postscreen\n", "receiver", 0)]
    public void The_built_in_receiver_is_the_default_only_where_there_is_no_Postfix(string master, string handoff, int problems)
    {
        var configuration = new ConfigDirectory(Level, master).Load();

        AssertHandoff(configuration, handoff, problems);
        if (problems > 0)
            Assert.Equal(("/etc/postfix/master.cf", 1), (configuration.Problems[0].File, configuration.Problems[0].Line));
    }

    // The layout of docs/moving-from-postscreen.md: Postern's folder has a master.cf of its own, and Postfix's main.cf.
    [Theory]
    [InlineData("smtpd pass - - n - - smtpd\n", "pass:private/smtpd", 0)]
    [InlineData("#smtpd pass - - n - - smtpd\n", "pass:private/smtpd", 1)]
    public void The_Postfix_behind_is_found_by_the_link_to_its_main_cf(string pass, string handoff, int problems)
    {
        var directory = new ConfigDirectory(Level, "smtp inet n - n - 1 postscreen\n")
            .Add("/srv/postfix/master.cf", pass + "cleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n")
            .Link("/etc/postfix/main.cf", "/srv/postfix/main.cf");

        AssertHandoff(directory.Load(), handoff, problems);
    }

    private static void AssertHandoff(Configuration configuration, string handoff, int problems)
    {
        Assert.Equal(
            handoff is "receiver" ? new HandoffTarget.Receiver() : new HandoffTarget.Pass("/var/spool/postfix/" + handoff[5..]), Only(configuration).Handoff);
        Assert.Equal(problems, configuration.Problems.Count);
        Assert.All(configuration.Problems, static problem =>
        {
            Assert.Equal(ProblemSeverity.Degraded, problem.Severity);
            Assert.Equal("master.cf has no service smtpd of type pass, which would listen on /var/spool/postfix/private/smtpd: clients that pass get 421", problem.Text);
        });
    }

    [Fact]
    public void No_files_break_the_reader() =>
        Gen.Select(
            Gen.OneOf(Gen.String[Gen.Char["ab$={}?: \n#\t\0,"], 0, 80], Gen.Const("mail_name = $a\na = ${b?{$a}}\n")),
            Gen.String[Gen.Char["smtp inet-n1{}o=$ \n#"], 0, 80]).Sample((main, master) =>
        {
            foreach (var name in (string[])["", "postscreen_access_list = ", "mynetworks = ", "postscreen_greet_wait = "])
            {
                var configuration = new ConfigDirectory(name + main, master + "\n" + ConfigDirectory.Master).Load();
                Assert.Equal(configuration.HasErrors, configuration.Services.Count == 0);
                Assert.All(configuration.Problems, static one => Assert.NotEmpty(one.Text));
            }
        }, iter: 300);

    private static ScreeningService Only(Configuration configuration) => Assert.Single(configuration.Services);

    private static AccessVerdict Ask(Settings settings, string client) =>
        settings.AccessList.Evaluate(ConfigDirectory.Address(client), new RecordedWarnings());

    [Theory]
    [InlineData("192.0.2.5:8025", "", "cidr:/data/access.cidr", "drop", 2, "postern_http is open to whoever can reach 192.0.2.5: its page shows clients, senders and recipients")]
    [InlineData("[::1]:8025", "postern_http_token_file = /tokens", "permit_mynetworks", "drop", 3, "postscreen_access_list does not read /data/access.cidr: who is allowed or denied on the page at ::1 is not")]
    [InlineData("127.0.0.1:8025", "postern_http_token_file = /tokens", "cidr:/data/access.cidr", "ignore", 3, "postscreen_denylist_action is ignore: who is denied on the page at 127.0.0.1 is logged, and let in all the same")]
    public void What_the_page_cannot_keep_is_said(string http, string tokens, string access, string action, int line, string expected)
    {
        var problem = Assert.Single(new ConfigDirectory(Level + $"postern_http = {http}\n{tokens}\ndata_directory = /data\npostscreen_access_list = {access}\npostscreen_denylist_action = {action}\n").Load().Problems);

        Assert.Equal((ProblemSeverity.Warning, line, expected), (problem.Severity, problem.Line, problem.Text));
    }

    [Fact]
    public void The_file_that_the_page_writes_need_not_exist_and_is_seen_when_it_does()
    {
        var directory = new ConfigDirectory(Level + "postern_http_access_file = /access\npostscreen_access_list = cidr:/access\n");
        var configuration = directory.Load();
        Assert.Empty(configuration.Problems);
        Assert.Empty(configuration.Tables.OpenErrors);
        Assert.Equal(AccessVerdict.Undecided, Ask());

        directory.Add("/access", "192.0.2.7 permit\n");
        configuration.Tables.Refresh(new RecordedWarnings());
        configuration.Tables.Refresh(new RecordedWarnings());

        Assert.Equal(AccessVerdict.Permit, Ask());

        AccessVerdict Ask() => configuration.Services[0].Settings.AccessList.Evaluate(Ip.Of("192.0.2.7"), new RecordedWarnings());
    }
}
