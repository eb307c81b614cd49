using static Postern.Core.Config.ParameterGroup;
using static Postern.Core.Config.ParameterKind;
using static Postern.Core.Config.ParameterUse;

namespace Postern.Core.Config;

/// <summary>
/// How TLS is spoken with clients of the dummy engine. In Postfix 3.7 the helper tlsproxy decides that, by its own
/// parameters; Postfix 3.12 has names of postscreen's for the same things, which win here when they are set.
/// </summary>
internal static class TlsParameters
{
    /// <summary>The two who may say it, in the order in which they are asked; both default to smtpd's value.</summary>
    public static readonly string[] Speakers = ["postscreen_tls_", "tlsproxy_tls_"];

    // Each of these exists three times.
    private static readonly Parameter[] Settings =
    [
        new("CAfile", Text, "", Tls, "A file of certification authorities, for certificates of clients."),
        new("CApath", Text, "", Tls, "A directory of certification authorities.") { Use = Unused },
        new("always_issue_session_ids", YesNo, "yes", Tls, "Whether clients that do not ask for it get a session id.") { Use = Unused },
        new("ask_ccert", YesNo, "no", Tls, "Whether clients are asked for a certificate."),
        new("ccert_verifydepth", WholeNumber, "9", Tls, "The longest chain of a client certificate.") { Use = Unused },
        new("cert_file", Text, "", Tls, "The file of the RSA certificate, with the intermediate ones after it; none: no certificate is wanted."),
        new("chain_files", Text, "", Tls, "Files of keys and certificates, each key before its certificates, instead of the cert_file and key_file parameters."),
        new("ciphers", Text, "medium", Tls, "The least grade of ciphers with optional TLS: export, low, medium or high.") { MinimumLength = 1 },
        new("dcert_file", Text, "", Tls, "The file of the DSA certificate.") { Use = Unused },
        new("dh1024_param_file", Text, "", Tls, "A file of Diffie-Hellman parameters.") { Use = Unused },
        new("dh512_param_file", Text, "", Tls, "A file of weak Diffie-Hellman parameters.") { Use = Unused },
        new("dkey_file", Text, "$smtpd_tls_dcert_file", Tls, "The file of the DSA key.") { Use = Unused },
        new("eccert_file", Text, "", Tls, "The file of the ECDSA certificate."),
        new("eckey_file", Text, "$smtpd_tls_eccert_file", Tls, "The file of the ECDSA key."),
        new("eecdh_grade", Text, "auto", Tls, "The grade of elliptic curves.") { MinimumLength = 1, Use = Unused },
        new("enable_rpk", YesNo, "no", Tls, "Whether raw public keys may stand for certificates.") { Use = Unused },
        new("exclude_ciphers", Text, "", Tls, "Ciphers that are not used."),
        new("fingerprint_digest", Text, "${{$compatibility_level} <level {3.6} ? {md5} : {sha256}}", Tls, "The digest of certificate fingerprints.") { MinimumLength = 1, Use = Unused },
        new("key_file", Text, "$smtpd_tls_cert_file", Tls, "The file of the RSA key, without passphrase."),
        new("loglevel", Text, "0", Tls, "How much is logged of TLS: 0 only failures, 1 and above also each handshake."),
        new("loglevel_maps", Text, "", Tls, "Tables of log levels, by client.") { Use = Unused },
        new("mandatory_ciphers", Text, "medium", Tls, "The least grade of ciphers with mandatory TLS: export, low, medium or high.") { MinimumLength = 1 },
        new("mandatory_exclude_ciphers", Text, "", Tls, "Ciphers that are not used with mandatory TLS, besides those of exclude_ciphers."),
        new("mandatory_protocols", Text, ">=TLSv1", Tls, "TLS versions with mandatory TLS."),
        new("protocols", Text, ">=TLSv1", Tls, "TLS versions with optional TLS."),
        new("req_ccert", YesNo, "no", Tls, "Whether clients must have a trusted certificate, with mandatory TLS."),
        new("trace_size_limit", WholeNumber, "102400", Tls, "Limits a TLS trace in the log.") { Use = Unused },
    ];

    /// <summary>What is evaluated, after the common rows, for the one who speaks TLS.</summary>
    public static readonly Parameter[] OfTlsproxy =
    [
        new("tls_high_cipherlist", Text, "aNULL:-aNULL:HIGH:@STRENGTH", Tls, "The ciphers of grade high, as OpenSSL writes them.") { MinimumLength = 1 },
        new("tls_medium_cipherlist", Text, "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH", Tls, "The ciphers of grade medium.") { MinimumLength = 1 },
        new("tls_low_cipherlist", Text, "aNULL:-aNULL:HIGH:MEDIUM:LOW:+RC4:@STRENGTH", Tls, "The ciphers of grade low."),
        new("tls_export_cipherlist", Text, "aNULL:-aNULL:HIGH:MEDIUM:LOW:EXPORT:+RC4:@STRENGTH", Tls, "The ciphers of grade export."),
        .. Rows("smtpd_tls_", isSpeaker: false),
        .. Rows("tlsproxy_tls_", isSpeaker: true),
        new("tlsproxy_tls_security_level", Text, "$smtpd_tls_security_level", Tls, "Whether clients of postscreen are served TLS (may, encrypt), and whose protocols and ciphers count."),
        new("tlsproxy_use_tls", YesNo, "$smtpd_use_tls", Tls, "Former way to say tlsproxy_tls_security_level = may."),
        new("tlsproxy_enforce_tls", YesNo, "$smtpd_enforce_tls", Tls, "Former way to say tlsproxy_tls_security_level = encrypt."),
    ];

    /// <summary>The names of Postfix 3.12; evaluated for a service that sets them.</summary>
    public static readonly Parameter[] OfPostscreen = [.. Rows("postscreen_tls_", isSpeaker: true)];

    /// <summary>What nothing evaluates.</summary>
    public static readonly Parameter[] Known =
    [
        new("smtpd_starttls_timeout", Time, "${stress?{10}:{300}}s", Tls, "Default of postscreen_starttls_timeout.") { Minimum = 1, Use = Unused },
        new("postscreen_starttls_timeout", Time, "${stress?{10}:{300}}s", Tls, "How long a client may take for the TLS handshake; as in Postfix 3.7, postscreen_command_time_limit says that.") { Minimum = 1, Use = Unused, DefaultNote = "`$smtpd_starttls_timeout`" },
        new("tlsproxy_watchdog_timeout", Time, "10s", Tls, "How long the tlsproxy daemon may be stuck.") { Minimum = 10, Use = Unused },
        new("smtpd_tls_session_cache_timeout", Time, "3600s", Tls, "How long TLS sessions can be resumed.") { Use = Unused },
        new("tlsmgr_service_name", Text, "tlsmgr", Tls, "The service of master.cf that keeps TLS sessions.") { MinimumLength = 1, Use = Unused },
        new("tls_trace_rate_limit", WholeNumber, "1", Tls, "Limits TLS traces in the log (Postfix 3.12).") { Use = Unused },
        new("tls_preempt_cipherlist", YesNo, "no", Tls, "Whether the server's order of ciphers counts; here it always does.") { Use = Unused },
    ];

    private static IEnumerable<Parameter> Rows(string prefix, bool isSpeaker)
    {
        foreach (var row in Settings)
        {
            yield return isSpeaker
                ? row with { Name = prefix + row.Name, Default = $"$smtpd_tls_{row.Name}" }
                : row with { Name = prefix + row.Name, Use = row.Use is Used ? Default : row.Use };
        }
    }
}
