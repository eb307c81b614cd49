using System.Globalization;
using Postern.Core.Tables;

namespace Postern.Core.Config;

/// <summary>Reads what holds for the whole process: main.cf without the overrides of any service.</summary>
internal sealed class ProcessReader(
    string directory, MainCf mainCf, HostDefaults defaults, HostFacts host, ProblemList problems)
{
    public ProcessSettings Read()
    {
        var values = new ParameterValues(mainCf.Entries, defaults, problems);
        values.Define("config_directory", directory);
        values.Define("process_name", "postscreen");
        values.Define("process_id", host.ProcessId.ToString(CultureInfo.InvariantCulture));
        values.Evaluate(Parameters.OfProcess);
        defaults.ReadNetwork(values);

        CheckHostName("myhostname", values, directory, problems);
        CheckHostName("mydomain", values, directory, problems);
        CheckUsers(values);
        var facility = SyslogFacilities.Find(values.Text("syslog_facility"));
        if (facility is null)
            problems.Error(
                values.OriginOf("syslog_facility"),
                Bad(directory, "syslog_facility", $"unrecognized value: {values.Text("syslog_facility")}"),
                "write mail, daemon, local0 or another facility of syslog(3)");

        return new ProcessSettings
        {
            QueueDirectory = values.Text("queue_directory"),
            CommandDirectory = values.Text("command_directory"),
            DaemonDirectory = values.Text("daemon_directory"),
            DataDirectory = values.Text("data_directory"),
            DefaultDatabaseType = values.Text("default_database_type"),
            Postfix = defaults.Postfix.Version,
            DefaultCacheType = values.Text("default_cache_db_type"),
            NonBdbMigrationLevel = values.Text("non_bdb_migration_level"),
            NonBdbCustomMapping = values.Text("non_bdb_custom_mapping"),
            LogsRedirections = values.YesNo("non_bdb_migration_log_redirect"),
            ProxymapServiceName = values.Text("proxymap_service_name"),
            LmdbMapSize = values.Long("lmdb_map_size"),
            MailOwner = values.Text("mail_owner"),
            SetgidGroup = host.FindGroup(values.Text("setgid_group")) is null ? null : values.Text("setgid_group"),
            MaillogFile = ReadMaillogFile(values),
            MaillogFilePermissions = ReadMaillogPermissions(values),
            PostlogServiceName = values.Text("postlog_service_name"),
            SyslogName = values.Text("syslog_name"),
            SyslogFacility = facility ?? 2,
            MyHostname = values.Text("myhostname"),
            MyDomain = values.Text("mydomain"),
            MailName = values.Text("mail_name"),
            InetProtocols = defaults.Protocols,
            SmtpUtf8 = values.YesNo("smtputf8_enable"),
            MessageSizeLimit = values.Long("message_size_limit"),
            ReceiverMaildir = values.Text("postern_receiver_maildir"),
            ReceiverDomains = Networks.Words(ListText.FoldCase(values.Text("postern_receiver_domains"))),
            ReceiverSessionLimit = values.Integer("postern_receiver_session_limit"),
            ReceiverRejectsUnknownSenderDomains = values.YesNo("postern_receiver_unknown_sender_domain_reject"),
            ListenBacklog = values.Integer("postern_listen_backlog"),
            EventLog = ReadPath(values, "postern_event_log"),
            Http = ReadHttp(values),
            HttpTokenFile = ReadPath(values, "postern_http_token_file"),
            HttpAccessFile = ReadPath(values, "postern_http_access_file"),
            ControlSocket = ReadPath(values, "postern_control_socket"),
            StopGraceTime = values.Time("postern_stop_grace_time"),
            MaxIdle = values.Time("max_idle"),
        };
    }

    /// <summary>Names that the outside world sees must be host names.</summary>
    public static void CheckHostName(string name, ParameterValues values, string directory, ProblemList problems)
    {
        var text = values.Text(name);
        if (text.Length > 0 && HostNameSyntax.Problem(text) is { } reason)
            problems.Error(
                values.OriginOf(name),
                Bad(directory, name, $"bad parameter value: {text}"),
                $"{reason}: write a host name of letters, digits, hyphens and dots, such as mail.example.com");
    }

    private void CheckUsers(ParameterValues values)
    {
        if (!host.IsRoot)
            return; // it stays the user that it is
        const string Remedy = "create it, or name another";
        var owner = values.Text("mail_owner");
        var ownerId = host.FindUser(owner);
        if (ownerId is null)
            problems.Error(values.OriginOf("mail_owner"), Bad(directory, "mail_owner", $"unknown user name value: {owner}"), Remedy);
        else if (ownerId == 0)
            problems.Error(
                values.OriginOf("mail_owner"), Bad(directory, "mail_owner", $"user {owner} has privileged user ID"), "name an ordinary user");

        // Postern does without these two, so a machine that never had Postfix may lack the defaults.
        var group = values.Text("setgid_group");
        if (host.FindGroup(group) is not { } groupId)
        {
            if (values.IsSet("setgid_group"))
                problems.Error(values.OriginOf("setgid_group"), Bad(directory, "setgid_group", $"unknown group name: {group}"), Remedy);
        }
        else if (groupId == 0)
        {
            problems.Error(
                values.OriginOf("setgid_group"),
                Bad(directory, "setgid_group", $"group {group} has privileged group ID"),
                "name an ordinary group");
        }

        if (!values.IsSet("default_privs"))
            return;
        var privileges = values.Text("default_privs");
        var origin = values.OriginOf("default_privs");
        var privilegesId = host.FindUser(privileges);
        if (privilegesId is null)
            problems.Error(origin, Bad(directory, "default_privs", $"unknown user name value: {privileges}"), Remedy);
        else if (privilegesId == 0)
            problems.Error(origin, Bad(directory, "default_privs", $"user {privileges} has privileged user ID"), "name an ordinary user");
        else if (privilegesId == ownerId)
            problems.Error(
                origin,
                $"file {directory}/main.cf: parameters default_privs and mail_owner specify the same user {privileges}",
                "name two users");
    }

    private string? ReadMaillogFile(ParameterValues values)
    {
        var file = values.Text("maillog_file");
        if (file.Length == 0)
            return null;
        foreach (var prefix in Networks.Words(values.Text("maillog_file_prefixes")))
        {
            if (file.StartsWith(prefix, StringComparison.Ordinal))
                return file;
        }

        problems.Error(
            values.OriginOf("maillog_file"),
            $"maillog_file value '{file}' does not match any prefix in maillog_file_prefixes",
            "choose a file below one of them, or add a prefix");
        return null;
    }

    private string? ReadPath(ParameterValues values, string name)
    {
        var path = values.Text(name);
        if (path.Length == 0 || path.StartsWith('/'))
            return path.Length == 0 ? null : path;
        problems.Error(values.OriginOf(name), $"{name} value '{path}' is not an absolute path", "begin it with / or $data_directory/");
        return null;
    }

    private ListenEndpoint? ReadHttp(ParameterValues values)
    {
        const string Name = "postern_http";
        var text = values.Text(Name);
        if (text.Length == 0)
            return null;
        if (!HostPort.TryParse(text, "127.0.0.1", defaultPort: null, out var place, out var problem)
            || (!IpAddress.TryParse(place.Host, out var address) && (problem = "an IP address is required") is not null)
            || ((!int.TryParse(place.Port, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is 0 or > ushort.MaxValue) && (problem = "a port number is required") is not null))
        {
            problems.Error(values.OriginOf(Name), $"{Name} value '{text}': {problem}", "write an address and a port, such as 127.0.0.1:8025");
            return null;
        }

        return new ListenEndpoint(address, port);
    }

    private int ReadMaillogPermissions(ParameterValues values)
    {
        const int Owner = 0b110_000_000, GroupReads = 0b000_100_000, OthersRead = 0b000_000_100;
        var text = values.Text("maillog_file_permissions");
        switch (text)
        {
            case "0600" or "600": return Owner;
            case "0640" or "640": return Owner | GroupReads;
            case "0644" or "644": return Owner | GroupReads | OthersRead;
        }

        if (text.Length > 0)
            problems.Warning(
                values.OriginOf("maillog_file_permissions"),
                $"ignoring bad permissions: maillog_file_permissions = {text}",
                "write 0600, 0640 or 0644");
        return Owner;
    }

    private static string Bad(string directory, string parameter, string problem) => $"file {directory}/main.cf: parameter {parameter}: {problem}";
}
