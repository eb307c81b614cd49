using Postern.Core.Dnsbl;
using Postern.Core.Lanes;
using Postern.Core.Spf;
using Postern.Core.Tables;
using Postern.Core.Versions;

namespace Postern.Core.Config;

/// <summary>
/// What one screening service (a master.cf line whose command is <c>postscreen</c>) works with: an immutable snapshot.
/// A reload makes a new one; a client keeps the snapshot it started with. The property defaults are Postfix's.
/// </summary>
public sealed record Settings
{
    /// <summary>The Postfix whose postscreen clients and readers of the log are to meet.</summary>
    public PostfixVersion Postfix { get; init; } = PostfixVersion.Base;

    // What a client meets first.

    /// <summary><c>postscreen_access_list</c>.</summary>
    public AccessList AccessList { get; init; } = AccessList.Empty;

    /// <summary><c>postscreen_denylist_action</c>.</summary>
    public FailAction DenylistAction { get; init; } = FailAction.Ignore;

    /// <summary><c>postscreen_allowlist_interfaces</c>; matched against the server address.</summary>
    public MatchList AllowlistInterfaces { get; init; } = MatchList.Everything;

    /// <summary><c>postscreen_client_connection_count_limit</c>; 0 or less: no limit.</summary>
    public int ClientConnectionCountLimit { get; init; } = 50;

    /// <summary><c>smtpd_client_ipv4_prefix_length</c>, in bits.</summary>
    public int ClientIPv4PrefixLength { get; init; } = 32;

    /// <summary><c>smtpd_client_ipv6_prefix_length</c>, in bits.</summary>
    public int ClientIPv6PrefixLength { get; init; } = 64;

    /// <summary><c>postscreen_pre_queue_limit</c>: clients under test.</summary>
    public int PreQueueLimit { get; init; } = 100;

    /// <summary><c>postscreen_post_queue_limit</c>: handed-off clients that the server has not taken yet.</summary>
    public int PostQueueLimit { get; init; } = 100;

    /// <summary><c>postscreen_upstream_proxy_protocol = haproxy</c>: clients come through a proxy that names them.</summary>
    public bool UpstreamProxy { get; init; }

    /// <summary><c>postscreen_upstream_proxy_timeout</c>.</summary>
    public TimeSpan UpstreamProxyTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary><c>postern_proxy_networks</c>: who is a proxy, all others being clients; null: everybody is.</summary>
    public MatchList? ProxyNetworks { get; init; }

    /// <summary><c>inet_protocols</c>: the families that a proxy may name addresses of.</summary>
    public InetProtocols Protocols { get; init; } = new(IPv4: true, IPv6: true);

    /// <summary><c>postern_provider_passes</c>.</summary>
    public IReadOnlyList<Provider> Providers { get; init; } = [];

    // Tests before the greeting.

    /// <summary><c>postscreen_greet_wait</c> without stress.</summary>
    public TimeSpan GreetWait { get; init; } = TimeSpan.FromSeconds(6);

    /// <summary><c>postscreen_greet_wait</c> under stress.</summary>
    public TimeSpan GreetWaitUnderStress { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A longer wait for clients whose reverse name looks like an end user's line; null: all wait alike.</summary>
    public LaneSettings? Lanes { get; init; }

    /// <summary><c>postscreen_greet_banner</c>: the teaser's text; empty: no pregreet test.</summary>
    public string GreetBanner { get; init; } = "localhost ESMTP Postfix";

    /// <summary><c>postscreen_greet_action</c>.</summary>
    public FailAction GreetAction { get; init; } = FailAction.Ignore;

    /// <summary><c>postscreen_greet_ttl</c>.</summary>
    public TimeSpan GreetTtl { get; init; } = TimeSpan.FromDays(1);

    /// <summary><c>postscreen_dnsbl_sites</c> with <c>postscreen_dnsbl_reply_map</c>; null: no DNS list test.</summary>
    public DnsblSites? DnsblSites { get; init; }

    /// <summary><c>postscreen_dnsbl_action</c>.</summary>
    public FailAction DnsblAction { get; init; } = FailAction.Ignore;

    /// <summary><c>postscreen_dnsbl_threshold</c>: this score fails.</summary>
    public int DnsblThreshold { get; init; } = 1;

    /// <summary><c>postscreen_dnsbl_allowlist_threshold</c>: this score or a lower one saves the other tests; 0 or more: none does.</summary>
    public int DnsblAllowlistThreshold { get; init; }

    /// <summary><c>postscreen_dnsbl_min_ttl</c>.</summary>
    public TimeSpan DnsblMinTtl { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary><c>postscreen_dnsbl_max_ttl</c>; stronger than the minimum.</summary>
    public TimeSpan DnsblMaxTtl { get; init; } = TimeSpan.FromHours(1);

    /// <summary><c>postscreen_dnsbl_timeout</c>.</summary>
    public TimeSpan DnsblTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary><c>dnsblog_reply_delay</c>: kept between an answer's log line and its effect.</summary>
    public TimeSpan DnsblReplyDelay { get; init; }

    /// <summary><c>postern_dnsbl_check_interval</c>; zero: the lists' health is not watched.</summary>
    public TimeSpan DnsblCheckInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary><c>postscreen_pipelining_enable</c>.</summary>
    public bool PipeliningEnable { get; init; }

    /// <summary><c>postscreen_non_smtp_command_enable</c>.</summary>
    public bool NonSmtpCommandEnable { get; init; }

    /// <summary><c>postscreen_bare_newline_enable</c>.</summary>
    public bool BareNewlineEnable { get; init; }

    /// <summary><c>postscreen_pipelining_ttl</c>.</summary>
    public TimeSpan PipeliningTtl { get; init; } = TimeSpan.FromDays(30);

    /// <summary><c>postscreen_non_smtp_command_ttl</c>.</summary>
    public TimeSpan NonSmtpCommandTtl { get; init; } = TimeSpan.FromDays(30);

    /// <summary><c>postscreen_bare_newline_ttl</c>.</summary>
    public TimeSpan BareNewlineTtl { get; init; } = TimeSpan.FromDays(30);

    /// <summary><c>postscreen_pipelining_action</c>.</summary>
    public FailAction PipeliningAction { get; init; } = FailAction.Enforce;

    /// <summary><c>postscreen_non_smtp_command_action</c>.</summary>
    public FailAction NonSmtpCommandAction { get; init; } = FailAction.Drop;

    /// <summary><c>postscreen_bare_newline_action</c>.</summary>
    public FailAction BareNewlineAction { get; init; } = FailAction.Ignore;

    /// <summary><c>postscreen_forbidden_commands</c>; null: its default list, which is built in.</summary>
    public MatchList? ForbiddenCommands { get; init; }

    // The dummy SMTP engine.

    /// <summary><c>smtpd_banner</c>.</summary>
    public string Banner { get; init; } = "localhost ESMTP Postfix";

    /// <summary><c>myhostname</c>.</summary>
    public string MyHostname { get; init; } = "localhost";

    /// <summary><c>postscreen_command_count_limit</c>.</summary>
    public int CommandCountLimit { get; init; } = 20;

    /// <summary><c>postscreen_command_time_limit</c> without stress.</summary>
    public TimeSpan CommandTimeLimit { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary><c>postscreen_command_time_limit</c> under stress.</summary>
    public TimeSpan CommandTimeLimitUnderStress { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary><c>line_length_limit</c>, in bytes, CR included.</summary>
    public int LineLengthLimit { get; init; } = 2048;

    /// <summary><c>message_size_limit</c>, in bytes; 0 or less: none.</summary>
    public long MessageSizeLimit { get; init; } = 10_240_000;

    /// <summary><c>postscreen_helo_required</c>.</summary>
    public bool HeloRequired { get; init; }

    /// <summary><c>disable_vrfy_command</c>: whether EHLO keeps silent about VRFY.</summary>
    public bool HideVrfy { get; init; }

    /// <summary><c>postscreen_disable_vrfy_command</c>: whether the command is refused.</summary>
    public bool DisableVrfyCommand { get; init; }

    /// <summary><c>postscreen_discard_ehlo_keywords</c>: the raw words.</summary>
    public string DiscardEhloKeywords { get; init; } = "";

    /// <summary><c>postscreen_discard_ehlo_keyword_address_maps</c>: words by client address; null: none.</summary>
    public TableList? DiscardEhloKeywordAddressMaps { get; init; }

    /// <summary><c>postscreen_command_filter</c>: from a command line to the one to take in its place; null: none.</summary>
    public ILookupTable? CommandFilter { get; init; }

    /// <summary><c>postscreen_reject_footer</c>: a template with <c>\c</c>, <c>\n</c> and <c>$name</c>; empty: none.</summary>
    public string RejectFooter { get; init; } = "";

    /// <summary><c>postscreen_reject_footer_maps</c>: templates by reply; null: none.</summary>
    public TableList? RejectFooterMaps { get; init; }

    /// <summary><c>postscreen_expansion_filter</c>, un-escaped: what may come into a footer from outside.</summary>
    public string ExpansionFilter { get; init; } = ParameterText.Unescape(Parameters.Find("smtpd_expansion_filter")!.Default);

    /// <summary><c>smtputf8_enable</c>.</summary>
    public bool SmtpUtf8 { get; init; } = true;

    /// <summary><c>soft_bounce</c>.</summary>
    public bool SoftBounce { get; init; }

    /// <summary><c>postscreen_tls_security_level</c>, and the older names for it.</summary>
    public TlsLevel TlsLevel { get; init; }

    /// <summary>How TLS is spoken; null: it cannot be, and STARTTLS is answered with 454.</summary>
    public TlsSettings? Tls { get; init; }

    /// <summary><c>tlsproxy_service_name</c>: what the log calls the one who speaks TLS.</summary>
    public string TlsproxyServiceName { get; init; } = "tlsproxy";

    /// <summary><c>postscreen_watchdog_timeout</c>.</summary>
    public TimeSpan WatchdogTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary><c>postern_live_handover</c>.</summary>
    public bool LiveHandover { get; init; }

    /// <summary><c>postern_auth_passthrough</c>: a client that passed the early tests may authenticate itself to the live target.</summary>
    public bool AuthPassthrough { get; init; }

    // The temporary allowlist.

    /// <summary><c>postscreen_cache_map</c>: <c>type:name</c>; null: no memory.</summary>
    public string? CacheMap { get; init; }

    /// <summary>What the file of a map <c>memcache:FILE</c> says; null: it is another map.</summary>
    public MemcacheFile? CacheMemcache { get; init; }

    /// <summary>The map that stands for <see cref="CacheMap"/>, or for the backup of a memcache: one, where tables are redirected; null: none.</summary>
    public string? CacheStore { get; init; }

    /// <summary><c>postscreen_cache_retention_time</c>.</summary>
    public TimeSpan CacheRetentionTime { get; init; } = TimeSpan.FromDays(7);

    /// <summary><c>postscreen_cache_cleanup_interval</c>; zero: never.</summary>
    public TimeSpan CacheCleanupInterval { get; init; } = TimeSpan.FromHours(12);

    // The log.

    /// <summary><c>respectful_logging</c>.</summary>
    public bool RespectfulLogging { get; init; } = true;

    /// <summary>The "no" of <c>respectful_logging</c> comes from <c>compatibility_level</c>: say so once.</summary>
    public bool RespectfulLoggingIsCompatibilityDefault { get; init; }

    /// <summary><c>delay_logging_resolution_limit</c>: digits after the dot, 0 to 6.</summary>
    public int DelayLoggingResolutionLimit { get; init; } = 2;

    /// <summary><c>info_log_address_format</c>: true for <c>external</c>.</summary>
    public bool LogAddressesQuoted { get; init; } = true;

    /// <summary>The network whose clients count as one with this one; null: it counts alone.</summary>
    public IpAddress? NetworkOf(IpAddress client)
    {
        var length = client.IsIPv4 ? ClientIPv4PrefixLength : ClientIPv6PrefixLength;
        return length >= (client.IsIPv4 ? 32 : 128) ? null : client.Network(length);
    }
}
