namespace Postern.Core.Replay;

/// <summary>Which parameters a replay of recorded clients can be asked about.</summary>
public static class ReplayableParameters
{
    private static readonly HashSet<string> Names = new(StringComparer.Ordinal)
    {
        "postscreen_greet_wait", "postscreen_greet_action", "postscreen_greet_ttl",
        "postscreen_dnsbl_sites", "postscreen_dnsbl_action", "postscreen_dnsbl_threshold", "postscreen_dnsbl_allowlist_threshold",
        "postscreen_dnsbl_whitelist_threshold", "postscreen_dnsbl_min_ttl", "postscreen_dnsbl_max_ttl", "postscreen_dnsbl_ttl",
        "postern_dnsbl_ignore_error_answers",
        "postscreen_access_list", "mynetworks", "mynetworks_style", "postscreen_denylist_action", "postscreen_blacklist_action",
        "postscreen_allowlist_interfaces", "postscreen_whitelist_interfaces",
        "postscreen_pipelining_enable", "postscreen_pipelining_action", "postscreen_pipelining_ttl",
        "postscreen_non_smtp_command_enable", "postscreen_non_smtp_command_action", "postscreen_non_smtp_command_ttl",
        "postscreen_bare_newline_enable", "postscreen_bare_newline_action", "postscreen_bare_newline_ttl",
        "postscreen_client_connection_count_limit", "smtpd_client_connection_count_limit", "postern_live_handover",
        "postern_greet_wait_generic", "postern_greet_wait_unconfirmed", "postern_greet_wait_none", "postern_starpit",
        "postern_rdns_generic_maps", "postern_rdns_server_maps", "postern_rdns_big_senders",
        "postern_targrey", "postern_targrey_delay", "postern_targrey_retry_count", "postern_targrey_retry_window",
    };

    /// <summary>Why a parameter cannot be answered for; null: it can.</summary>
    public static string? Obstacle(string name) =>
        Names.Contains(name) ? null
        : name is "postscreen_pre_queue_limit" or "postscreen_post_queue_limit" or "default_process_limit" or "postern_slow_lane_limit"
            ? "the event log does not say how full the queues were"
        : name is "smtpd_client_ipv4_prefix_length" or "smtpd_client_ipv6_prefix_length"
            ? "recorded clients are replayed by address, not by network"
        : name is "postscreen_greet_banner" or "smtpd_banner"
            ? "nobody knows what clients would have done after another text"
        : name.StartsWith("postscreen_command_", StringComparison.Ordinal) || name == "postscreen_forbidden_commands"
            ? "the event log does not have the commands that clients sent"
        : "the event log has nothing that this would change";
}
