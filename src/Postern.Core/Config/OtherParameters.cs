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
    // Each of these exists three times: for smtpd, and, with smtpd's value as the default, for postscreen (Postfix 3.12)
    // and tlsproxy (Postfix 3.7).
    private static readonly Parameter[] TlsSettings =
    [
        new("CAfile", Text, "", Tls, "A file of certification authorities."),
        new("CApath", Text, "", Tls, "A directory of certification authorities."),
        new("always_issue_session_ids", YesNo, "yes", Tls, "Whether clients that do not ask for it get a session id."),
        new("ask_ccert", YesNo, "no", Tls, "Whether clients are asked for a certificate."),
        new("ccert_verifydepth", WholeNumber, "9", Tls, "The longest chain of a client certificate."),
        new("cert_file", Text, "", Tls, "The file of the RSA certificate; none: no certificate is wanted."),
        new("chain_files", Text, "", Tls, "Files of keys and certificates, instead of the cert_file and key_file parameters."),
        new("ciphers", Text, "medium", Tls, "The least grade of ciphers with optional TLS.") { MinimumLength = 1 },
        new("dcert_file", Text, "", Tls, "The file of the DSA certificate."),
        new("dh1024_param_file", Text, "", Tls, "A file of Diffie-Hellman parameters."),
        new("dh512_param_file", Text, "", Tls, "A file of weak Diffie-Hellman parameters."),
        new("dkey_file", Text, "$smtpd_tls_dcert_file", Tls, "The file of the DSA key."),
        new("eccert_file", Text, "", Tls, "The file of the ECDSA certificate."),
        new("eckey_file", Text, "$smtpd_tls_eccert_file", Tls, "The file of the ECDSA key."),
        new("eecdh_grade", Text, "auto", Tls, "The grade of elliptic curves.") { MinimumLength = 1 },
        new("enable_rpk", YesNo, "no", Tls, "Whether raw public keys may stand for certificates."),
        new("exclude_ciphers", Text, "", Tls, "Ciphers that are not used."),
        new("fingerprint_digest", Text, "${{$compatibility_level} <level {3.6} ? {md5} : {sha256}}", Tls, "The digest of certificate fingerprints.") { MinimumLength = 1 },
        new("key_file", Text, "$smtpd_tls_cert_file", Tls, "The file of the RSA key."),
        new("loglevel", Text, "0", Tls, "How much is logged of TLS, 0 to 4."),
        new("loglevel_maps", Text, "", Tls, "Tables of log levels, by client."),
        new("mandatory_ciphers", Text, "medium", Tls, "The least grade of ciphers with mandatory TLS.") { MinimumLength = 1 },
        new("mandatory_exclude_ciphers", Text, "", Tls, "Ciphers that are not used with mandatory TLS."),
        new("mandatory_protocols", Text, ">=TLSv1", Tls, "TLS versions with mandatory TLS."),
        new("protocols", Text, ">=TLSv1", Tls, "TLS versions with optional TLS."),
        new("req_ccert", YesNo, "no", Tls, "Whether clients must have a trusted certificate."),
        new("trace_size_limit", WholeNumber, "102400", Tls, "Limits a TLS trace in the log."),
    ];

    /// <summary>One value for the whole process.</summary>
    public static readonly Parameter[] Postern =
    [
        new("postern_receiver_maildir", Text, "$data_directory/maildir", ParameterGroup.Postern, "Where the built-in SMTP server puts mail, a Maildir.") { MinimumLength = 1 },
        new("postern_receiver_domains", Text, "$myhostname, localhost.$mydomain, localhost", ParameterGroup.Postern, "The domains that the built-in SMTP server takes mail for."),
        new("postern_receiver_session_limit", WholeNumber, "100", ParameterGroup.Postern, "How many clients the built-in SMTP server serves at a time.") { Minimum = 1 },
        new("postern_listen_backlog", WholeNumber, "4096", ParameterGroup.Postern, "How many connections may wait to be accepted on each address.") { Minimum = 1 },
        new("postern_stop_grace_time", Time, "8s", ParameterGroup.Postern, "How long sessions may go on after the daemon was told to stop."),
        new("postern_receiver_unknown_sender_domain_reject", YesNo, "yes", ParameterGroup.Postern, "Whether the built-in SMTP server refuses senders whose domain has neither an MX nor an address."),
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
        new("proxy_read_maps", Text, "$mynetworks $postscreen_discard_ehlo_keyword_address_maps $postscreen_reject_footer_maps $postscreen_command_filter", ParameterGroup.Tables, "What the proxymap service may read.") { Use = Unused, DefaultNote = "a long list that contains `$mynetworks` and the tables of postscreen's engine" },
        new("proxy_write_maps", Text, "$postscreen_cache_map", ParameterGroup.Tables, "What the proxywrite service may write.") { Use = Unused, DefaultNote = "a list that contains `$postscreen_cache_map`" },

        new("disable_dns_lookups", YesNo, "no", Dnsblog, "Switches DNS off in Postfix; dnsblog does not heed it.") { Use = Unused },

        new("smtpd_starttls_timeout", Time, "${stress?{10}:{300}}s", Tls, "Default of postscreen_starttls_timeout.") { Minimum = 1, Use = Unused },
        new("postscreen_starttls_timeout", Time, "${stress?{10}:{300}}s", Tls, "How long a client may take for the TLS handshake.") { Minimum = 1, Use = Unused, DefaultNote = "`$smtpd_starttls_timeout`" },
        new("tlsproxy_tls_security_level", Text, "$smtpd_tls_security_level", Tls, "Whether the tlsproxy daemon serves clients of postscreen.") { Use = Unused },
        new("tlsproxy_use_tls", YesNo, "$smtpd_use_tls", Tls, "Former way to say tlsproxy_tls_security_level = may.") { Use = Unused },
        new("tlsproxy_enforce_tls", YesNo, "$smtpd_enforce_tls", Tls, "Former way to say tlsproxy_tls_security_level = encrypt.") { Use = Unused },
        new("tlsproxy_watchdog_timeout", Time, "10s", Tls, "How long the tlsproxy daemon may be stuck.") { Minimum = 10, Use = Unused },
        new("smtpd_tls_session_cache_timeout", Time, "3600s", Tls, "How long TLS sessions can be resumed.") { Use = Unused },
        new("tlsmgr_service_name", Text, "tlsmgr", Tls, "The service of master.cf that keeps TLS sessions.") { MinimumLength = 1, Use = Unused },
        new("tls_trace_rate_limit", WholeNumber, "1", Tls, "Limits TLS traces in the log (Postfix 3.12).") { Use = Unused },
        .. TlsRows(),
    ];

    private static IEnumerable<Parameter> TlsRows()
    {
        foreach (var row in TlsSettings)
            yield return row with { Name = $"smtpd_tls_{row.Name}", Use = Unused };
        foreach (var program in (string[])["postscreen", "tlsproxy"])
        {
            foreach (var row in TlsSettings)
                yield return row with { Name = $"{program}_tls_{row.Name}", Default = $"$smtpd_tls_{row.Name}", Use = Unused };
        }
    }
}
