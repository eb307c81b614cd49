using Postern.Core.Versions;

namespace Postern.Core.Config;

/// <summary>What holds for the whole process: read from main.cf and postern.cf, without the overrides of master.cf.</summary>
public sealed record ProcessSettings
{
    /// <summary><c>queue_directory</c>.</summary>
    public required string QueueDirectory { get; init; }

    /// <summary><c>command_directory</c>: where postmap is, if it is.</summary>
    public required string CommandDirectory { get; init; }

    /// <summary><c>daemon_directory</c>: where Postfix's master(8) finds the programs that master.cf names.</summary>
    public required string DaemonDirectory { get; init; }

    /// <summary><c>data_directory</c>.</summary>
    public required string DataDirectory { get; init; }

    /// <summary><c>default_database_type</c>: of a <c>postscreen_cache_map</c> that names no type.</summary>
    public required string DefaultDatabaseType { get; init; }

    /// <summary><c>lmdb_map_size</c>, in bytes.</summary>
    public required long LmdbMapSize { get; init; }

    /// <summary>The Postfix whose configuration it is.</summary>
    public required PostfixVersion Postfix { get; init; }

    /// <summary><c>default_cache_db_type</c>.</summary>
    public required string DefaultCacheType { get; init; }

    /// <summary><c>non_bdb_migration_level</c>, in force with the versions that have it.</summary>
    public required string NonBdbMigrationLevel { get; init; }

    /// <summary><c>non_bdb_custom_mapping</c>; empty: none.</summary>
    public required string NonBdbCustomMapping { get; init; }

    /// <summary><c>non_bdb_migration_log_redirect</c>.</summary>
    public required bool LogsRedirections { get; init; }

    /// <summary><c>proxymap_service_name</c>: a socket in the queue directory's folder <c>private</c>.</summary>
    public required string ProxymapServiceName { get; init; }

    /// <summary><c>mail_owner</c>: a user that exists.</summary>
    public required string MailOwner { get; init; }

    /// <summary><c>setgid_group</c>; null when it has its default and this machine has no such group.</summary>
    public required string? SetgidGroup { get; init; }

    /// <summary><c>maillog_file</c>; null: syslog.</summary>
    public required string? MaillogFile { get; init; }

    /// <summary><c>maillog_file_permissions</c>: the mode bits of a new log file.</summary>
    public required int MaillogFilePermissions { get; init; }

    /// <summary><c>postlog_service_name</c>.</summary>
    public required string PostlogServiceName { get; init; }

    /// <summary><c>syslog_name</c>.</summary>
    public required string SyslogName { get; init; }

    /// <summary><c>syslog_facility</c>: its number, 2 for mail (RFC 5424 section 6.2.1).</summary>
    public required int SyslogFacility { get; init; }

    /// <summary><c>myhostname</c>.</summary>
    public required string MyHostname { get; init; }

    /// <summary><c>mydomain</c>.</summary>
    public required string MyDomain { get; init; }

    /// <summary><c>mail_name</c>.</summary>
    public required string MailName { get; init; }

    /// <summary><c>inet_protocols</c>, without what the kernel lacks.</summary>
    public required InetProtocols InetProtocols { get; init; }

    /// <summary><c>smtputf8_enable</c>, for the log of the process.</summary>
    public required bool SmtpUtf8 { get; init; }

    /// <summary><c>message_size_limit</c>, in bytes, for the built-in SMTP server; 0 or less: none.</summary>
    public required long MessageSizeLimit { get; init; }

    /// <summary><c>postern_receiver_maildir</c>.</summary>
    public required string ReceiverMaildir { get; init; }

    /// <summary><c>postern_receiver_domains</c>, lower case.</summary>
    public required IReadOnlyList<string> ReceiverDomains { get; init; }

    /// <summary><c>postern_receiver_session_limit</c>.</summary>
    public required int ReceiverSessionLimit { get; init; }

    /// <summary><c>postern_receiver_unknown_sender_domain_reject</c>.</summary>
    public required bool ReceiverRejectsUnknownSenderDomains { get; init; }

    /// <summary><c>postern_listen_backlog</c>.</summary>
    public required int ListenBacklog { get; init; }

    /// <summary><c>postern_control_socket</c>: an absolute path; null: none.</summary>
    public required string? ControlSocket { get; init; }

    /// <summary><c>postern_http</c>; null: none.</summary>
    public required ListenEndpoint? Http { get; init; }

    /// <summary><c>postern_http_token_file</c>: an absolute path; null: none.</summary>
    public required string? HttpTokenFile { get; init; }

    /// <summary><c>postern_http_access_file</c>: an absolute path; null: what was written is none, which is an error.</summary>
    public required string? HttpAccessFile { get; init; }

    /// <summary><c>postern_event_log</c>: an absolute path; null: none.</summary>
    public required string? EventLog { get; init; }

    /// <summary><c>postern_stop_grace_time</c>.</summary>
    public required TimeSpan StopGraceTime { get; init; }

    /// <summary><c>max_idle</c>, which counts under Postfix's master(8) only.</summary>
    public required TimeSpan MaxIdle { get; init; }
}
