using Postern.Core.Versions;
using static Postern.Core.Config.ParameterGroup;
using static Postern.Core.Config.ParameterKind;
using static Postern.Core.Config.ParameterUse;

namespace Postern.Core.Config;

/// <summary>
/// Postern's own parameters, and those that are known but not evaluated: what Postfix's helper daemons read, former
/// names, and the names that the daemon sets.
/// </summary>
internal static class OtherParameters
{
    /// <summary>One value for the whole process.</summary>
    public static readonly Parameter[] Postern =
    [
        new("postern_postfix_version", Text, "", ParameterGroup.Postern, "The Postfix release whose reading of the configuration, defaults and words count: 3.7, 3.10, 3.11, 3.12; docs/compatibility.md has what differs between them.") { DefaultNote = "that of the Postfix on this machine; without one, 3.7" },
        new("postern_receiver_maildir", Text, "$data_directory/maildir", ParameterGroup.Postern, "Where the built-in SMTP server puts mail, a Maildir.") { MinimumLength = 1 },
        new("postern_receiver_domains", Text, "$myhostname, localhost.$mydomain, localhost", ParameterGroup.Postern, "The domains that the built-in SMTP server takes mail for."),
        new("postern_receiver_session_limit", WholeNumber, "100", ParameterGroup.Postern, "How many clients the built-in SMTP server serves at a time.") { Minimum = 1 },
        new("postern_listen_backlog", WholeNumber, "4096", ParameterGroup.Postern, "How many connections may wait to be accepted on each address.") { Minimum = 1 },
        new("postern_stop_grace_time", Time, "8s", ParameterGroup.Postern, "How long sessions may go on after the daemon was told to stop."),
        new("postern_receiver_unknown_sender_domain_reject", YesNo, "yes", ParameterGroup.Postern, "Whether the built-in SMTP server refuses senders whose domain has neither an MX nor an address."),
        new("postern_control_socket", Text, "$data_directory/control", ParameterGroup.Postern, "The UNIX socket through which commands talk to the daemon, for root and mail_owner; empty: none."),
        new("postern_http", Text, "", ParameterGroup.Postern, "An address and port, say 127.0.0.1:8025, that serves a page for you (docs/dashboard.md) and figures for monitoring (docs/metrics.md); empty: none."),
        new("postern_http_token_file", Text, "", ParameterGroup.Postern, "A file with a line NAME TOKEN for each person who may allow, deny and forget clients on the page of postern_http, see docs/dashboard.md; empty: nobody may."),
        new("postern_http_access_file", Text, "$data_directory/access.cidr", ParameterGroup.Postern, "The cidr table that the page of postern_http writes to; name it in postscreen_access_list. It need not exist.") { MinimumLength = 1 },
        new("postern_event_log", Text, "", ParameterGroup.Postern, "A file that gets one line of JSON for each client when it has left, see docs/event-log.md; empty: none."),
    ];

    /// <summary>Known names that nothing evaluates.</summary>
    public static readonly Parameter[] Known =
    [
        new("postscreen_whitelist_interfaces", Text, "", OldNames, "Now postscreen_allowlist_interfaces.") { Use = OldName },
        new("postscreen_blacklist_action", Text, "", OldNames, "Now postscreen_denylist_action.") { Use = OldName },
        new("postscreen_dnsbl_whitelist_threshold", Text, "", OldNames, "Now postscreen_dnsbl_allowlist_threshold.") { Use = OldName },
        new("postscreen_dnsbl_ttl", Text, "", OldNames, "Now postscreen_dnsbl_max_ttl; without a unit it counts hours.") { Use = OldName },

        new("stress", Text, "", Connections, "Set to yes while postscreen_greet_wait and postscreen_command_time_limit are evaluated for the time of an overload.") { Use = Default },
        new("config_directory", Text, "", ParameterGroup.Process, "Set by the daemon: the directory of main.cf and master.cf.") { Use = Default },
        new("process_id", Text, "", ParameterGroup.Process, "Set by the daemon: its process id.") { Use = Default },
        new("process_name", Text, "postscreen", ParameterGroup.Process, "Set by the daemon: postscreen, for $process_name.") { Use = Default },
        new("service_name", Text, "", ParameterGroup.Process, "Set by the daemon: the first field of the line in master.cf.") { Use = Default },

        new("smtpd_reject_footer_maps", Text, "", Engine, "Default of postscreen_reject_footer_maps.") { Use = Default },
        new("smtpd_upstream_proxy_protocol", Text, "", Connections, "For the real SMTP server without postscreen before it.") { Use = Unused },
        new("proxy_read_maps", Text, PostfixDifferences.ProxyReadMapsBefore, ParameterGroup.Tables, "What the proxymap service may read.") { Use = Unused, DefaultNote = "a long list that contains `$mynetworks` and the tables of postscreen's engine" },
        new("proxy_write_maps", Text, "$smtp_sasl_auth_cache_name $lmtp_sasl_auth_cache_name $address_verify_map $postscreen_cache_map", ParameterGroup.Tables, "What the proxywrite service may write.") { Use = Unused, DefaultNote = "a list that contains `$postscreen_cache_map`" },

        new("disable_dns_lookups", YesNo, "no", Dnsblog, "Switches DNS off in Postfix; dnsblog does not heed it.") { Use = Unused },
    ];
}
