namespace Postern.Core.Versions;

/// <summary>
/// Where versions of Postfix differ in what postscreen, or Postern in its place, reads, does or says: a row each. The code
/// asks <see cref="PostfixVersion.Has"/> at the place in question; docs/compatibility.md has a column for each version, made
/// of the rows; <c>postern config --origin</c> names those that are in force. Who adds a version adds its rows here.
/// </summary>
public static class PostfixDifferences
{
    private const string Manual = "postconf(5)";

    private static readonly PostfixVersion V38 = new(3, 8), V39 = new(3, 9), V310 = new(3, 10), V311 = new(3, 11), V312 = new(3, 12);
    private static readonly string[] MatchLists = ["mynetworks", "postscreen_allowlist_interfaces", "postscreen_forbidden_commands", "postern_proxy_networks"];
    private static readonly string[] Grades = ["smtpd_tls_ciphers", "smtpd_tls_mandatory_ciphers", "tlsproxy_tls_ciphers", "tlsproxy_tls_mandatory_ciphers"];

    /// <summary>The default of <c>proxy_read_maps</c> before <see cref="ProxyReadMaps"/>.</summary>
    internal const string ProxyReadMapsBefore =
        "$local_recipient_maps $mydestination $virtual_alias_maps $virtual_alias_domains $virtual_mailbox_maps $virtual_mailbox_domains $relay_recipient_maps $relay_domains $canonical_maps "
        + "$sender_canonical_maps $recipient_canonical_maps $relocated_maps $transport_maps $mynetworks $smtpd_sender_login_maps $sender_bcc_maps $recipient_bcc_maps $smtp_generic_maps "
        + "$lmtp_generic_maps $alias_maps $smtpd_client_restrictions $smtpd_helo_restrictions $smtpd_sender_restrictions $smtpd_relay_restrictions $smtpd_recipient_restrictions "
        + "$address_verify_sender_dependent_default_transport_maps $address_verify_sender_dependent_relayhost_maps $address_verify_transport_maps $fallback_transport_maps "
        + "$lmtp_discard_lhlo_keyword_address_maps $lmtp_pix_workaround_maps $lmtp_sasl_password_maps $lmtp_tls_policy_maps $mailbox_command_maps $mailbox_transport_maps "
        + "$postscreen_discard_ehlo_keyword_address_maps $rbl_reply_maps $sender_dependent_default_transport_maps $sender_dependent_relayhost_maps $smtp_discard_ehlo_keyword_address_maps "
        + "$smtp_pix_workaround_maps $smtp_sasl_password_maps $smtp_tls_policy_maps $smtpd_discard_ehlo_keyword_address_maps $smtpd_milter_maps $virtual_gid_maps $virtual_uid_maps "
        + "$local_login_sender_maps $postscreen_reject_footer_maps $smtpd_reject_footer_maps $tls_server_sni_maps $tlsproxy_client_policy_maps $default_delivery_status_filter "
        + "$lmtp_delivery_status_filter $lmtp_dns_reply_filter $lmtp_reply_filter $local_delivery_status_filter $pipe_delivery_status_filter $postscreen_command_filter $smtp_delivery_status_filter "
        + "$smtp_dns_reply_filter $smtp_reply_filter $smtpd_command_filter $smtpd_dns_reply_filter $virtual_delivery_status_filter $body_checks $header_checks $lmtp_body_checks $lmtp_header_checks "
        + "$lmtp_mime_header_checks $lmtp_nested_header_checks $milter_header_checks $mime_header_checks $nested_header_checks $smtp_body_checks $smtp_header_checks $smtp_mime_header_checks "
        + "$smtp_nested_header_checks";

#pragma warning disable CS1591 // the rows say it
    // How configuration is read.
    public static readonly PostfixDifference ListFileLines = new(
        "list-file-lines", V310, "A line that begins with white space, in a file that a list names (`mynetworks = /file`)",
        "a line like any other", "continues the line before it, and so the comment that line may end with; as the first line it is left out, with a warning",
        "list-file-lines, list-file-indented-first, v-list-file2")
    { Parameters = MatchLists };

    public static readonly PostfixDifference RawNameInBraces = new(
        "raw-name-in-braces", V311, "A footer or filter that is another parameter's: `postscreen_reject_footer = ${smtpd_reject_footer}`",
        "the name means nothing; the footer is empty, with a warning each time", "that parameter's text, as `$smtpd_reject_footer` always was",
        "footer-forms, footer-paren, v-footer-braces")
    { Parameters = ["postscreen_reject_footer", "postscreen_expansion_filter"] };

    public static readonly PostfixDifference Functions = new(
        "functions", V311, "`${domain_to_ascii{name}}` and `${domain_to_utf8{name}}`", "a syntax error", "the name in the other form, in main.cf and in footers",
        "footer-function");

    public static readonly PostfixDifference DebugTables = new(
        "debug-tables", V311, "Tables of type `debug`", "unsupported", "each look-up in the table behind is logged",
        "debug-tables, debug-errors, debug-odd, debug-mynetworks, v-debug-table");

    public static readonly PostfixDifference RedirectedTables = new(
        "non-bdb-redirect", V311, "`non_bdb_migration_level = enable-redirect`, `enable-reindex`", "there is no such parameter",
        "`hash:` stands for `$default_database_type:`, `btree:` for `$default_cache_db_type:`, or what `non_bdb_custom_mapping` says",
        "redirect-tables, redirect-silent, redirect-names, redirect-missing, redirect-mapping-odd, redirect-reindex, v-redirect")
    { Parameters = ["non_bdb_migration_level", "non_bdb_custom_mapping", "non_bdb_migration_log_redirect"] };

    public static readonly PostfixDifference MemcacheKeyDigest = new(
        "memcache-key-digest", V311, "`key_digest` in the file of a `memcache:` table", "there is no such name", "the digest of a key stands for the key",
        "memcache_table(5)");

    public static readonly PostfixDifference CipherGrades = new(
        "cipher-grades", V38, "The cipher grades `low` and `export`", "as `tls_low_cipherlist` and `tls_export_cipherlist` say", "the same as `medium`",
        Manual)
    { Parameters = Grades };

    // Defaults.
    public static readonly PostfixDifference CacheMap = Default(
        V311, "postscreen_cache_map", "btree:$data_directory/postscreen_cache", "$default_cache_db_type:$data_directory/postscreen_cache");

    public static readonly PostfixDifference CacheType = new(
        "default_cache_db_type", V311, "`default_cache_db_type`, default", "there is no such parameter; `$default_cache_db_type` is empty", "as it was built: Debian `lmdb`, else `btree`",
        "postconf -d, v-cache-default")
    { Parameters = ["default_cache_db_type"], Policy = VersionPolicy.ForAll, Reason = "with every version, `$default_cache_db_type` has a value: what the machine's Postfix says, else `btree`" };

    public static readonly PostfixDifference DatabaseType = new(
        "default_database_type", V311, "`default_database_type`, default", "as it was built: `hash`", "as it was built: Debian `cdb`, else `hash`",
        "postconf -d")
    { Parameters = ["default_database_type"], Reason = "what the machine's Postfix says, else `hash`" };

    public static readonly PostfixDifference HighCiphers = Default(
        V38, "tls_high_cipherlist", "aNULL:-aNULL:HIGH:@STRENGTH", "aNULL:-aNULL:HIGH:!SEED:!IDEA:!3DES:!RC2:!RC4:!RC5:!kDH:!kECDH:!aDSS:!MD5:@STRENGTH");

    public static readonly PostfixDifference MediumCiphers = Default(
        V38, "tls_medium_cipherlist", "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH", "aNULL:-aNULL:HIGH:MEDIUM:!SEED:!IDEA:!3DES:!RC2:!RC4:!RC5:!kDH:!kECDH:!aDSS:!MD5:+RC4:@STRENGTH");

    public static readonly PostfixDifference LowCiphers = Default(V38, "tls_low_cipherlist", "aNULL:-aNULL:HIGH:MEDIUM:LOW:+RC4:@STRENGTH", "");

    public static readonly PostfixDifference ExportCiphers = Default(V38, "tls_export_cipherlist", "aNULL:-aNULL:HIGH:MEDIUM:LOW:EXPORT:+RC4:@STRENGTH", "");

    public static readonly PostfixDifference Environment = Default(
        V311, "import_environment", EnvironmentBefore, EnvironmentBefore + " XDG_RUNTIME_DIR");

    public static readonly PostfixDifference ProxyReadMaps = Default(V311, "proxy_read_maps", ProxyReadMapsBefore, ProxyReadMapsBefore
        + " $smtpd_reject_filter_maps $debug_peer_list $smtpd_etrn_restrictions $fast_flush_domains $authorized_flush_users $lmtp_connection_cache_destinations $local_header_rewrite_clients "
        + "$masquerade_exceptions $postscreen_access_list $postscreen_allowlist_interfaces $postscreen_forbidden_commands $qmqpd_authorized_clients $authorized_mailq_users "
        + "$smtp_connection_cache_destinations $smtpd_log_access_permit_actions $smtpd_forbidden_commands $smtpd_client_event_limit_exceptions $smtpd_sasl_exceptions_networks "
        + "$smtpd_sasl_mechanism_filter $smtp_requiretls_policy $smtp_sasl_mechanism_filter $authorized_submit_users $smtpd_authorized_verp_clients $smtpd_authorized_xclient_hosts "
        + "$smtpd_authorized_xforward_hosts") with
    { Before = "a long list", After = "longer: `$postscreen_access_list`, `$postscreen_allowlist_interfaces`, `$postscreen_forbidden_commands` and others are in it, too" };

    public static readonly PostfixDifference LogFilePermissions = new(
        "maillog_file_permissions", V39, "`maillog_file_permissions`", "there is no such parameter; a new log file is readable by all", "0600 by default", Manual)
    { Parameters = ["maillog_file_permissions"], Policy = VersionPolicy.ForAll, Reason = "0600 with every version: logs are nobody else's business" };

    public static readonly PostfixDifference ClientPrefix = new(
        "smtpd_client_ipv6_prefix_length", V38, "`smtpd_client_ipv6_prefix_length`, default", "there is no such parameter", "`84`, for smtpd alone", "postconf -d")
    { Parameters = ["smtpd_client_ipv6_prefix_length"], Policy = VersionPolicy.ForAll, Reason = "`64` with every version, and it counts for postscreen's limit" };

    // What clients meet.
    public static readonly PostfixDifference StrictLineLimit = new(
        "strict-line-limit", V310, "A command of `line_length_limit` - 1 bytes and CR LF", "a command", "`421`, COMMAND LENGTH LIMIT: the CR counts",
        "line-limit, line-limit-small")
    { Parameters = ["line_length_limit"], Backports = [new(3, 7, 22)] };

    public static readonly PostfixDifference BoundedCarriageReturns = new(
        "bounded-cr", V310, "A row of CRs without LF", "ends by time alone", "`421`, COMMAND LENGTH LIMIT", "v-long-cr")
    { Parameters = ["line_length_limit"], Policy = VersionPolicy.ForAll, Reason = "bounded with every version" };

    public static readonly PostfixDifference StartTlsSyntax = new(
        "starttls-syntax", V310, "STARTTLS with an argument", "`501 Syntax: EHLO hostname`", "`501 5.5.4 Syntax: STARTTLS`", "starttls-argument, starttls-argument-no-tls");

    public static readonly PostfixDifference FilterBeforeNul = new(
        "filter-before-nul", V310, "A command with a NUL and, behind it, bad UTF-8, where there is a `postscreen_command_filter`",
        "is not filtered", "is: what stands before the NUL counts", "v-nul-after-filter")
    { Parameters = ["postscreen_command_filter"] };

    public static readonly PostfixDifference StartTlsThoughDiscarded = new(
        "starttls-though-discarded", V312, "STARTTLS while that keyword is discarded", "`502`", "`220`, and TLS begins", "v-starttls-discarded")
    { Parameters = ["postscreen_discard_ehlo_keywords"] };

    public static readonly PostfixDifference NoTlsWithoutCertificate = new(
        "no-tls-without-certificate", V312, "TLS without a certificate", "STARTTLS is offered, and answered with `454`", "STARTTLS is not offered", "v-tls-nocert")
    { Parameters = ["postscreen_tls_security_level"] };

    public static readonly PostfixDifference EmptyTlsLevelIsFatal = new(
        "empty-tls-level", V312, "`postscreen_tls_security_level` set to nothing", "TLS as `postscreen_use_tls` says", "`fatal: Invalid TLS level \"\"`", "v-tls-level-empty")
    { Parameters = ["postscreen_tls_security_level"] };

    public static readonly PostfixDifference OwnTlsParameters = new(
        "postscreen-tls", V312, "`postscreen_tls_*`", "only the security level", "all that `tlsproxy_tls_*` has", Manual)
    { Policy = VersionPolicy.ForAll, Reason = "honoured with every version: who sets them means them" };

    // What the log says.
    public static readonly PostfixDifference ListCommentWords = new(
        "list-comment-words", V310, "A comment behind other words of a list", "`comment at end of line is not supported: # text`", "`#comment after other text is not allowed: # text...`, cut after 20 characters",
        "list-comment-short, v-list-comment")
    { Parameters = MatchLists };

    public static readonly PostfixDifference PackageHint = new(
        "package-hint", V310, "A table of an unknown type", "`unsupported dictionary type: x`", "before it, in Debian's build, `unsupported dictionary type: x. Is the postfix-x package installed?`",
        "unknown-type");

    public static readonly PostfixDifference AccessTableNames = new(
        "access-table-names", V311, "A table's name in warnings about its answer to `postscreen_access_list`", "`cidr:/file`",
        "`cidr:/file(0,lock\\|fold_fix\\|utf8_request)`", "access-unknown-word, access-proxy-name, access-table-fails")
    { Parameters = ["postscreen_access_list"] };

    public static readonly PostfixDifference DiscardedKeywordWords = new(
        "discarded-keyword-words", V311, "Discarded EHLO keywords", "`DSN EHLO_MASK_SMTPUTF8`", "`DSN, SMTPUTF8`; `REQUIRETLS` is one, too",
        "discard-words, v-discard-map")
    { Parameters = ["postscreen_discard_ehlo_keywords", "postscreen_discard_ehlo_keyword_address_maps"] };

    public static readonly PostfixDifference IllFormedUtf8 = new(
        "ill-formed-utf8", V310, "Ill-formed UTF-8 with `smtputf8_enable = yes`", "partly kept", "`?` for each sequence", "v-nul-after-filter")
    { Parameters = ["smtputf8_enable"], Policy = VersionPolicy.ForAll, Reason = "`?` with every version: a log is text" };

    public static readonly PostfixDifference TlsRoleWords = new(
        "tls-role-words", V311, "tlsproxy's line where its own level is `none`", "`TLS server role is disabled with tlsproxy_tls_security_level or tlsproxy_use_tls`", "`TLS server role is disabled by configuration`",
        "tls-role-disabled")
    { Parameters = ["tlsproxy_tls_security_level", "tlsproxy_use_tls"] };

    public static readonly PostfixDifference TlsproxyServiceWord = new(
        "tlsproxy-service-word", V312, "tlsproxy's line about a handshake", "`service=smtpd`", "`service=smtp`", "v-starttls-discarded")
    { Policy = VersionPolicy.NotFollowed, Reason = "`service=smtpd` with every version, for who reads logs" };

    public static readonly PostfixDifference BerkeleyDeprecation = new(
        "berkeley-deprecation", V311, "Tables and caches of type `hash` and `btree`", "nothing is said", "Debian's build says twice that they are deprecated", "redirect-silent")
    { Policy = VersionPolicy.NotFollowed, Reason = "Postern reads such tables without Berkeley DB, also when Postfix does not any more" };

    // Between Postfix's programs.
    public static readonly PostfixDifference ProxymapProtocol = new(
        "proxymap-protocol", V311, "What proxymap(8) is asked", "`table`, `flags`", "`table`, `instance_flags`, and for a look-up the `flags` of its answer to `open`", "access-proxy-name, redirect-tables")
    { Policy = VersionPolicy.ForAll, Reason = "both are spoken: which one, its answers tell" };

    public static readonly PostfixDifference UnwritableCache = new(
        "unwritable-cache", V311, "`postscreen_cache_map` of type `cdb`, as Debian's default for a map without a type", "postscreen ends at start", "nothing is remembered, with five warnings a client",
        "cache-cdb, v-cache-no-type")
    { Parameters = ["postscreen_cache_map"], Policy = VersionPolicy.ForAll, Reason = "passes are kept beside it, in `.postern.db`: a client that passed need not wait again" };
#pragma warning restore CS1591

    private const string EnvironmentBefore = "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME";

    /// <summary>Every row, in the order of the documentation.</summary>
    public static readonly IReadOnlyList<PostfixDifference> All =
    [
        ListFileLines, RawNameInBraces, Functions, DebugTables, RedirectedTables, MemcacheKeyDigest, CipherGrades,
        CacheMap, CacheType, DatabaseType, HighCiphers, MediumCiphers, LowCiphers, ExportCiphers, Environment, ProxyReadMaps, LogFilePermissions, ClientPrefix,
        StrictLineLimit, BoundedCarriageReturns, StartTlsSyntax, FilterBeforeNul, StartTlsThoughDiscarded, NoTlsWithoutCertificate, EmptyTlsLevelIsFatal, OwnTlsParameters,
        ListCommentWords, PackageHint, AccessTableNames, DiscardedKeywordWords, IllFormedUtf8, TlsRoleWords, TlsproxyServiceWord, BerkeleyDeprecation,
        ProxymapProtocol, UnwritableCache,
    ];

    /// <summary>The text that stands for an absent entry, where it is not the registry of parameters that has it; null: that does.</summary>
    public static string? DefaultOf(string parameter, PostfixVersion version)
    {
        string? text = null;
        foreach (var row in All)
        {
            if (row.Default is not null && row.Parameters[0] == parameter && version.Has(row))
                text = row.Default;
        }

        return text;
    }

    private static PostfixDifference Default(PostfixVersion since, string parameter, string before, string after) =>
        new(parameter, since, $"`{parameter}`, default", Code(before), Code(after), "postconf -d") { Parameters = [parameter], Default = after };

    private static string Code(string text) => text.Length == 0 ? "empty" : $"`{text}`";
}
