using static Postern.Core.Config.ParameterGroup;
using static Postern.Core.Config.ParameterKind;
using static Postern.Core.Config.ParameterUse;

namespace Postern.Core.Config;

/// <summary>
/// What postscreen itself reads, in the order in which it does: strings, numbers, times, booleans, raw texts, and the
/// booleans with a text for default. Since a default is entered into the dictionary when it is used, a row may refer to
/// those above it.
/// </summary>
internal static class ScreeningParameters
{
    public static readonly Parameter[] Rows =
    [
        // Strings.
        new("smtpd_service_name", Text, "smtpd", Connections, "The service of master.cf, type pass, that gets the clients who pass.") { MinimumLength = 1 },
        new("smtpd_banner", Text, "$myhostname ESMTP $mail_name", Engine, "The text after 220 in the greeting of the dummy engine.") { MinimumLength = 1 },
        new("smtpd_forbidden_commands", Text, "CONNECT GET POST regexp:{{/^[^A-Z]/ Bogus}}", DeepTests, "Default of postscreen_forbidden_commands.") { Use = Default },
        new("smtpd_discard_ehlo_keywords", Text, "", Engine, "Default of postscreen_discard_ehlo_keywords.") { Use = Default },
        new("smtpd_discard_ehlo_keyword_address_maps", Text, "", Engine, "Default of postscreen_discard_ehlo_keyword_address_maps.") { Use = Default },
        new("smtpd_command_filter", Text, "", Engine, "Filters commands of the real SMTP server; postscreen loads it and never uses it.") { Use = Unused },
        new("smtpd_tls_security_level", Text, "", Tls, "Default of postscreen_tls_security_level.") { Use = Default },
        new("dnsblog_service_name", Text, "dnsblog", Dnsblog, "The helper that asks DNS lists for postscreen; Postern asks them itself.") { MinimumLength = 1, Use = Unused },
        new("tlsproxy_service_name", Text, "tlsproxy", Tls, "The service of master.cf that speaks TLS for postscreen; Postern speaks it itself, with the overrides on that line.") { MinimumLength = 1 },
        new("postscreen_cache_map", Text, "btree:$data_directory/postscreen_cache", ParameterGroup.Allowlist, "Where the results of tests are remembered (type:name); empty: nowhere."),
        new("postscreen_greet_banner", Text, "$smtpd_banner", EarlyTests, "The text of the teaser, the first half of the greeting, that makes impatient clients talk; empty: no pregreet test."),
        new("postscreen_dnsbl_sites", Text, "", EarlyTests, "DNS lists to ask about a client, each with an optional filter and weight; empty: no such test."),
        new("postscreen_dnsbl_reply_map", Text, "", EarlyTests, "A table that replaces secret DNS list names in replies."),
        new("postscreen_access_list", Text, "permit_mynetworks", Connections, "The permanent access list: permit_mynetworks, permit, reject, dunno and tables, asked in this order."),
        new("postscreen_denylist_action", Text, "${postscreen_blacklist_action?{$postscreen_blacklist_action}:{ignore}}", Connections, "What to do with clients that the access list rejects: ignore, enforce or drop.") { MinimumLength = 1 },
        new("postscreen_allowlist_interfaces", Text, "${postscreen_whitelist_interfaces?{$postscreen_whitelist_interfaces}:{static:all}}", Connections, "The own addresses on which clients may earn a place on the temporary allowlist; the others are for backup MX service."),
        new("postscreen_dnsbl_action", Text, "ignore", EarlyTests, "What to do with clients whose DNS list score is too high: ignore, enforce or drop.") { MinimumLength = 1 },
        new("postscreen_greet_action", Text, "ignore", EarlyTests, "What to do with clients that talk before their turn: ignore, enforce or drop.") { MinimumLength = 1 },
        new("postscreen_pipelining_action", Text, "enforce", DeepTests, "What to do with clients that send commands before the reply to the last one: ignore, enforce or drop.") { MinimumLength = 1 },
        new("postscreen_non_smtp_command_action", Text, "drop", DeepTests, "What to do with clients that send commands of another protocol: ignore, enforce or drop.") { MinimumLength = 1 },
        new("postscreen_bare_newline_action", Text, "ignore", DeepTests, "What to do with clients that end a line with LF instead of CR LF: ignore, enforce or drop.") { MinimumLength = 1 },
        new("postscreen_forbidden_commands", Text, "$smtpd_forbidden_commands", DeepTests, "The words that count as commands of another protocol."),
        new("postscreen_discard_ehlo_keywords", Text, "$smtpd_discard_ehlo_keywords", Engine, "Keywords that the EHLO reply leaves out."),
        new("postscreen_discard_ehlo_keyword_address_maps", Text, "$smtpd_discard_ehlo_keyword_address_maps", Engine, "Tables of keywords that the EHLO reply leaves out, by client address."),
        new("postscreen_command_filter", Text, "", Engine, "A table that rewrites commands before they are read."),
        new("postscreen_reject_footer_maps", Text, "$smtpd_reject_footer_maps", Engine, "Tables of text to append to rejections, by reply."),
        new("postscreen_upstream_proxy_protocol", Text, "", Connections, "The protocol of a proxy before Postern: empty or haproxy."),
        new("postscreen_tls_security_level", Text, "$smtpd_tls_security_level", Tls, "Whether STARTTLS is offered (may) or demanded (encrypt)."),
        new("postern_proxy_networks", Text, "", ParameterGroup.Postern, "The addresses of proxies, for postscreen_upstream_proxy_protocol: these must name their clients, all others are clients themselves; empty: everybody must."),
        new("postern_provider_passes", Text, "", ParameterGroup.Postern, "Domains of mail providers, such as gmail.com: a client that the SPF policy of one of them passes needs no tests after the greeting, and with DOMAIN=permit none at all."),
        new("postern_handoff", Text, "", ParameterGroup.Postern, "Where clients go that pass: pass:PATH, a socket of Postfix's below queue_directory; receiver, the built-in SMTP server; or relay:TARGET, any SMTP server. A target is tcp:HOST:PORT or unix:PATH; there may be several, as in relay:tcp:10.0.0.5:25*2, tcp:10.0.0.6:25=xclient, where *2 is a weight (1 unless it is written; 0: only when no other is well), and =xclient takes the place of postern_relay_announce.")
        {
            DefaultNote = "`pass:private/$smtpd_service_name` if there is a Postfix: master.cf has a service of type pass, or cleanup and qmgr; else `receiver`",
        },
        new("postern_relay_announce", Text, "proxy-v2", ParameterGroup.Postern, "How a relay target learns whose client it is given: proxy-v1 or proxy-v2 (the PROXY protocol), xclient, or none; with none the target sees Postern's own address, which it must not trust.") { MinimumLength = 1 },
        new("postern_relay_tls", Text, "none", ParameterGroup.Postern, "Whether a TCP relay target is talked to inside TLS when it takes a session over: none; may, if it offers STARTTLS and that works; encrypt, or it gets no client; verify, and its certificate has to be valid for its name in postern_handoff. With may and encrypt its certificate does not matter. A client that is relayed from its first byte may say STARTTLS to the target itself.") { MinimumLength = 1 },
        new("postern_relay_tls_CAfile", Text, "/etc/ssl/certs/ca-certificates.crt", ParameterGroup.Postern, "Whose certificates postern_relay_tls = verify believes; a PEM file, read at start and reload."),
        new("postern_live_target", Text, "$postern_handoff", ParameterGroup.Postern, "The relay targets, written as in postern_handoff, for clients that pass the tests after the greeting: they go on there in the same session.") { MinimumLength = 1 },

        // Numbers.
        new("smtpd_client_connection_count_limit", WholeNumber, "50", Connections, "Default of postscreen_client_connection_count_limit.") { Use = Default },
        new("postscreen_dnsbl_threshold", WholeNumber, "1", EarlyTests, "The DNS list score from which on a client fails.") { Minimum = 1 },
        new("postscreen_command_count_limit", WholeNumber, "20", Engine, "How many commands the dummy engine takes in a session.") { Minimum = 1 },
        new("postscreen_dnsbl_allowlist_threshold", WholeNumber, "${postscreen_dnsbl_whitelist_threshold?{$postscreen_dnsbl_whitelist_threshold}:{0}}", EarlyTests, "A negative DNS list score up to which a client skips the other tests; 0: none does."),
        new("postscreen_pre_queue_limit", WholeNumber, "$default_process_limit", Connections, "How many clients may be under test at a time.") { Minimum = 10 },
        new("postscreen_post_queue_limit", WholeNumber, "$default_process_limit", Connections, "How many clients may wait for the real SMTP server at a time.") { Minimum = 5 },
        new("postscreen_client_connection_count_limit", WholeNumber, "$smtpd_client_connection_count_limit", Connections, "How many sessions a client may have at a time, those that a relay target or the built-in SMTP server has included; 0: any number. Clients of one network count as one, see smtpd_client_ipv6_prefix_length."),
        new("smtpd_client_ipv4_prefix_length", WholeNumber, "32", Connections, "How many bits of an IPv4 address make the network whose clients count as one for postscreen_client_connection_count_limit; 32: each address counts alone.") { Minimum = 1, Maximum = 32 },
        new("smtpd_client_ipv6_prefix_length", WholeNumber, "64", Connections, "The same for IPv6. Whoever has one address usually has the /64 around it; where a provider puts its customers' hosts into one /64, a longer prefix keeps them apart: 128 counts each address alone, as postscreen does.") { Minimum = 1, Maximum = 128 },

        // Times.
        new("postern_relay_connect_timeout", Time, "5s", ParameterGroup.Postern, "How long a relay target may take to accept a connection.") { Minimum = 1, Maximum = 60 },
        new("postern_relay_reply_timeout", Time, "60s", ParameterGroup.Postern, "How long a relay target may take for its greeting, and for each reply before the client is handed over.") { Minimum = 1, Maximum = 240 },
        new("postern_relay_idle_timeout", Time, "900s", ParameterGroup.Postern, "How long nothing may move in a relayed session.") { Minimum = 1 },
        new("postern_relay_probe_interval", Time, "300s", ParameterGroup.Postern, "How often each relay target is asked how it is and what it offers in its EHLO reply.") { Minimum = 1 },
        new("postscreen_dnsbl_min_ttl", Time, "60s", EarlyTests, "How long a pass of the DNS list test is remembered at least.") { Minimum = 1 },
        new("postscreen_dnsbl_max_ttl", Time, "${postscreen_dnsbl_ttl?{$postscreen_dnsbl_ttl}:{1}}h", EarlyTests, "How long a pass of the DNS list test is remembered at most.") { Minimum = 1 },
        new("postscreen_dnsbl_timeout", Time, "10s", EarlyTests, "How long a DNS list may take to answer.") { Minimum = 1 },
        new("postscreen_greet_ttl", Time, "1d", EarlyTests, "How long a pass of the pregreet test is remembered.") { Minimum = 1 },
        new("postscreen_pipelining_ttl", Time, "30d", DeepTests, "How long a pass of the pipelining test is remembered.") { Minimum = 1 },
        new("postscreen_non_smtp_command_ttl", Time, "30d", DeepTests, "How long a pass of the non-SMTP command test is remembered.") { Minimum = 1 },
        new("postscreen_bare_newline_ttl", Time, "30d", DeepTests, "How long a pass of the bare newline test is remembered.") { Minimum = 1 },
        new("postscreen_cache_retention_time", Time, "7d", ParameterGroup.Allowlist, "How long a result is kept after it has expired.") { Minimum = 1 },
        new("postscreen_cache_cleanup_interval", Time, "12h", ParameterGroup.Allowlist, "Time between removals of old results; 0: none."),
        new("postscreen_greet_wait", Time, "${stress?{2}:{6}}s", EarlyTests, "How long a new client must stay silent after the teaser; evaluated with and without stress.") { Minimum = 1 },
        new("postscreen_command_time_limit", Time, "${stress?{10}:{300}}s", Engine, "How long a client may take for a command; evaluated with and without stress.") { Minimum = 1 },
        new("postscreen_watchdog_timeout", Time, "10s", ParameterGroup.Process, "How long the event loop may be stuck before the process ends itself.") { Minimum = 10 },
        new("dnsblog_reply_delay", Time, "0s", Dnsblog, "A delay before each answer of a DNS list takes effect, to test with."),
        new("postern_dnsbl_check_interval", Time, "10m", ParameterGroup.Postern, "Time between checks whether each DNS list is healthy. A list counts once it was found not to list 127.0.0.1; one that does, or answers with errors only, does not count until it is healthy again; 0: every list counts, as with postscreen."),
        new("postscreen_upstream_proxy_timeout", Time, "5s", Connections, "How long a proxy before Postern may take to name the client.") { Minimum = 1 },

        // Booleans.
        new("smtpd_use_tls", YesNo, "no", Tls, "Default of postscreen_use_tls.") { Use = Default },
        new("smtpd_enforce_tls", YesNo, "no", Tls, "Default of postscreen_enforce_tls.") { Use = Default },
        new("smtpd_helo_required", YesNo, "no", Engine, "Default of postscreen_helo_required.") { Use = Default },
        new("disable_vrfy_command", YesNo, "no", Engine, "Whether the EHLO reply is silent about VRFY; default of postscreen_disable_vrfy_command."),
        new("postern_dnsbl_ignore_error_answers", YesNo, "yes", ParameterGroup.Postern, "Whether a DNS list's answers outside 127.0.0.0/8, in 127.255.255.0/24 and, for negative weights, 127.0.0.255 are errors that do not count, unless a filter names them."),
        new("postscreen_pipelining_enable", YesNo, "no", DeepTests, "Whether clients are tested for sending commands before the reply to the last one."),
        new("postscreen_non_smtp_command_enable", YesNo, "no", DeepTests, "Whether clients are tested for commands of another protocol."),
        new("postscreen_bare_newline_enable", YesNo, "no", DeepTests, "Whether clients are tested for lines that end with LF instead of CR LF."),

        // Raw texts.
        new("smtpd_reject_footer", Raw, "", Engine, "Default of postscreen_reject_footer.") { Use = Default },
        new("smtpd_expansion_filter", Raw, """\t\40!"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~""", Engine, "Default of postscreen_expansion_filter.") { MinimumLength = 1, Use = Default },
        new("postscreen_reject_footer", Raw, "$smtpd_reject_footer", Engine, "Text to append to rejections."),
        new("postscreen_expansion_filter", Raw, "$smtpd_expansion_filter", Engine, "The bytes that may come into a reject footer from outside.") { MinimumLength = 1 },

        // Booleans with a text for default.
        new("postern_live_handover", YesNo, "no", ParameterGroup.Postern, "Whether a client that passes the tests after the greeting goes on to postern_live_target in the same session, instead of being told to come back.") { DefaultNote = "`yes` if postern_live_target is a relay target, else `no`" },
        new("postern_auth_passthrough", YesNo, "no", ParameterGroup.Postern, "Whether a client that passed the tests before the greeting may say AUTH to postern_live_target: the mechanisms that it offers are announced, inside TLS where Postern offers STARTTLS, and it decides. Its refusals are logged."),
        new("postscreen_use_tls", YesNo, "$smtpd_use_tls", Tls, "Former way to offer STARTTLS; counts when postscreen_tls_security_level is empty."),
        new("postscreen_enforce_tls", YesNo, "$smtpd_enforce_tls", Tls, "Former way to demand STARTTLS; counts when postscreen_tls_security_level is empty."),
        new("postscreen_helo_required", YesNo, "$smtpd_helo_required", Engine, "Whether MAIL needs a HELO or EHLO before it."),
        new("postscreen_disable_vrfy_command", YesNo, "$disable_vrfy_command", Engine, "Whether VRFY is refused."),
    ];
}
