using static Postern.Core.Config.ParameterGroup;
using static Postern.Core.Config.ParameterKind;
using static Postern.Core.Config.ParameterUse;

namespace Postern.Core.Config;

/// <summary>
/// What every Postfix daemon reads, as far as it is of any interest here, in the order in which they do: a row may refer
/// to those above it.
/// </summary>
internal static class CommonParameters
{
    public static readonly Parameter[] Rows =
    [
        new("compatibility_level", Text, "0", ParameterGroup.Process, "The Postfix release whose defaults count, as major.minor.patch; 1, 2 and 3.6 make a difference."),
        new("mail_version", Text, "3.7.11", Identity, "The Postfix release whose behaviour Postern follows, for $mail_version.") { MinimumLength = 1, Use = Default, DefaultNote = "that of the Postfix on this machine; without one, 3.7.11" },
        new("syslog_facility", Text, "mail", ParameterGroup.Log, "The syslog facility.") { MinimumLength = 1 },
        new("inet_protocols", Text, "all", Identity, "The internet protocols in use: all, or a list of ipv4 and ipv6."),
        new("multi_instance_wrapper", Text, "", ParameterGroup.Process, "The program that starts several Postfix instances.") { Use = Unused },
        new("multi_instance_directories", Text, "", ParameterGroup.Process, "Configuration directories of other Postfix instances.") { Use = Unused },
        new("multi_instance_group", Text, "", ParameterGroup.Process, "The group of this Postfix instance.") { Use = Unused },
        new("multi_instance_name", Text, "", ParameterGroup.Process, "The name of this instance; default of syslog_name.") { Use = Default },
        new("multi_instance_enable", YesNo, "no", ParameterGroup.Process, "Whether this instance can be started by the wrapper.") { Use = Unused },
        new("maillog_file", Text, "", ParameterGroup.Log, "The log file, or /dev/stdout; empty: syslog."),
        new("maillog_file_prefixes", Text, "/var, /dev/stdout", ParameterGroup.Log, "How the name of a log file must begin.") { MinimumLength = 1 },
        new("maillog_file_compressor", Text, "gzip", ParameterGroup.Log, "The program that packs old log files of Postfix.") { MinimumLength = 1, Use = Unused },
        new("maillog_file_rotate_suffix", Text, "%Y%m%d-%H%M%S", ParameterGroup.Log, "What is appended to the name of old log files of Postfix.") { MinimumLength = 1, Use = Unused },
        new("maillog_file_permissions", Text, "0600", ParameterGroup.Log, "The permissions of a new log file: 0600, 0640 or 0644.") { MinimumLength = 1 },
        new("postlog_service_name", Text, "postlog", ParameterGroup.Log, "The service of master.cf that writes Postfix's log file.") { MinimumLength = 1 },
        new("known_tcp_ports", Text, "lmtp=24, smtp=25, smtps=submissions=465, submission=587", Identity, "Names of ports, asked before the system's list."),
        new("daemon_table_open_error_is_fatal", YesNo, "no", ParameterGroup.Tables, "Whether a table that cannot be opened keeps the daemon from starting."),
        new("dns_ncache_ttl_fix_enable", YesNo, "no", Dnsblog, "A workaround of Postfix's for its resolver library.") { Use = Unused },
        new("smtputf8_enable", YesNo, "${{$compatibility_level} <level {1} ? {no} : {yes}}", Engine, "Whether SMTPUTF8 is offered, and UTF-8 is kept in the log."),
        new("respectful_logging", YesNo, "${{$compatibility_level} <level {3.6} ? {no} : {yes}}", ParameterGroup.Log, "Whether the log says allowlist and denylist."),
        new("myhostname", Text, "", Identity, "This mail system's name on the internet.") { MinimumLength = 1, DefaultNote = "the machine's name; if it has no dot, followed by `.$mydomain`" },
        new("mydomain", Text, "", Identity, "This mail system's domain.") { MinimumLength = 1, Use = Default, DefaultNote = "`$myhostname` after its first dot, else `localdomain`" },

        // Strings.
        new("mail_name", Text, "Postfix", Identity, "The mail system's name in the greeting.") { MinimumLength = 1 },
        new("syslog_name", Text, "${multi_instance_name?{$multi_instance_name}:{postfix}}", ParameterGroup.Log, "The name that log lines begin with, before the program's.") { MinimumLength = 1 },
        new("mail_owner", Text, "postfix", ParameterGroup.Process, "The user that the daemon runs as; owns the queue and the data directory.") { MinimumLength = 1 },
        new("setgid_group", Text, "postdrop", ParameterGroup.Process, "The group of programs that submit mail.") { MinimumLength = 1 },
        new("default_privs", Text, "nobody", ParameterGroup.Process, "The user that deliveries to commands run as; checked, not used.") { MinimumLength = 1, Use = Unused },
        new("queue_directory", Text, "/var/spool/postfix", ParameterGroup.Process, "The working directory, and the base of private/.") { MinimumLength = 1 },
        new("data_directory", Text, "/var/lib/postfix", ParameterGroup.Process, "Where the daemon may write files of its own.") { MinimumLength = 1 },
        new("command_directory", Text, "/usr/sbin", ParameterGroup.Process, "Where Postfix's commands are.") { MinimumLength = 1, Use = Unused },
        new("daemon_directory", Text, "/usr/lib/postfix/sbin", ParameterGroup.Process, "Where Postfix's daemons are, for `postern check`.") { MinimumLength = 1 },
        new("inet_interfaces", Text, "all", Identity, "The own addresses to listen on: all, loopback-only, or a list of names and addresses."),
        new("proxy_interfaces", Text, "", Identity, "Addresses at which a proxy or address translator stands for this machine.") { Use = Unused },
        new("mynetworks_style", Text, "${{$compatibility_level} <level {2} ? {subnet} : {host}}", Identity, "How mynetworks is made from the own addresses: host, subnet or class.") { MinimumLength = 1 },
        new("parent_domain_matches_subdomains", Text, "debug_peer_list,fast_flush_domains,mynetworks,permit_mx_backup_networks,qmqpd_authorized_clients,relay_domains,smtpd_access_maps", ParameterGroup.Tables, "Where a domain stands for its subdomains; no effect on addresses.") { Use = Unused },
        new("default_database_type", Text, "hash", ParameterGroup.Tables, "The type of postscreen_cache_map when it names none.") { MinimumLength = 1, DefaultNote = "as the Postfix on this machine was built; without one, `hash`" },
        new("default_cache_db_type", Text, "btree", ParameterGroup.Tables, "The type of caches in Postfix 3.11 and later, for $default_cache_db_type.") { MinimumLength = 1, DefaultNote = "as the Postfix on this machine was built; without one, `btree`" },
        new("non_bdb_migration_level", Text, "disable", ParameterGroup.Tables, "Whether tables of Berkeley DB's types are redirected to others, in Postfix 3.11 and later: disable, enable-redirect or enable-reindex."),
        new("non_bdb_custom_mapping", Text, "", ParameterGroup.Tables, "A table of types that hash and btree, or single tables of theirs, are redirected to, before default_database_type and default_cache_db_type."),
        new("proxymap_service_name", Text, "proxymap", ParameterGroup.Tables, "The service of master.cf that reads tables of type proxy and those that only Postfix can read.") { MinimumLength = 1 },
        new("proxywrite_service_name", Text, "proxywrite", ParameterGroup.Tables, "The service of master.cf that writes tables of type proxy: Postern writes its own allowlist.") { MinimumLength = 1, Use = Unused },
        new("info_log_address_format", Text, "external", ParameterGroup.Log, "How mail addresses are written in the log: external (quoted) or internal.") { MinimumLength = 1 },
        new("import_environment", Text, "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ XAUTHORITY DISPLAY LANG=C POSTLOG_SERVICE POSTLOG_HOSTNAME", ParameterGroup.Process, "What Postfix takes over from its environment.") { Use = Unused },
        new("export_environment", Text, "TZ MAIL_CONFIG LANG", ParameterGroup.Process, "What Postfix passes on to other programs.") { Use = Unused },

        // Numbers.
        new("default_process_limit", WholeNumber, "100", ParameterGroup.Process, "Default of the two queue limits, and of the process limits in master.cf.") { Minimum = 1, Use = Default },
        new("line_length_limit", WholeNumber, "2048", Engine, "The longest command line, in bytes.") { Minimum = 512 },
        new("delay_logging_resolution_limit", WholeNumber, "2", ParameterGroup.Log, "Digits after the dot in logged times.") { Maximum = 6 },
        new("berkeley_db_read_buffer_size", WholeNumber, "131072", ParameterGroup.Tables, "A buffer of Berkeley DB.") { Minimum = 1, Use = Unused },
        new("max_use", WholeNumber, "100", ParameterGroup.Process, "After how many clients a process ends; postscreen does not.") { Minimum = 1, Use = Unused },
        new("message_size_limit", LargeNumber, "10240000", Engine, "The largest message, in bytes, for the SIZE line of the EHLO reply; 0: none."),
        new("lmdb_map_size", LargeNumber, "16777216", ParameterGroup.Tables, "How many bytes an LMDB file may grow to before the limit is doubled.") { Minimum = 1 },

        // Booleans.
        new("soft_bounce", YesNo, "no", Engine, "Whether permanent rejections are turned into temporary ones."),
        new("non_bdb_migration_log_redirect", YesNo, "yes", ParameterGroup.Tables, "Whether each redirected table is logged."),
        new("helpful_warnings", YesNo, "yes", ParameterGroup.Log, "Whether Postfix warns of problematic configurations.") { Use = Unused },

        // Times.
        new("ipc_timeout", Time, "3600s", ParameterGroup.Process, "How long Postfix's daemons wait for each other.") { Minimum = 1, Use = Unused },
        new("max_idle", Time, "100s", ParameterGroup.Process, "After how much time without clients the process ends, when it was started by Postfix's master; by itself it stays.") { Minimum = 1 },
        new("daemon_timeout", Time, "18000s", ParameterGroup.Process, "How long other daemons of Postfix may work on a request.") { Minimum = 1, Use = Unused },
        new("in_flow_delay", Time, "1s", ParameterGroup.Process, "Slows down mail that comes in faster than it goes out.") { Use = Unused },

        new("mynetworks", Text, "", Identity, "The clients that permit_mynetworks lets in.") { DefaultNote = "made from the own addresses, as `mynetworks_style` says" },
    ];
}
