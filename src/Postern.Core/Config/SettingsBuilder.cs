using Postern.Core.Tables;

namespace Postern.Core.Config;

/// <summary>Makes the settings of one screening service from its evaluated parameters.</summary>
internal sealed class SettingsBuilder(ParameterValues values, TableCatalog tables, ProblemList problems)
{
    // Where an allowlist of this version can be.
    private static readonly string[] StoreTypes = ["btree", "hash", "sqlite"];

    /// <summary>Problems go to the list; the result is of use only when it has no errors.</summary>
    public Settings Build()
    {
        CheckAbsentFeatures();
        CheckTls();
        var (greetWait, greetWaitUnderStress) = values.TimeByStress("postscreen_greet_wait");
        var (commandTime, commandTimeUnderStress) = values.TimeByStress("postscreen_command_time_limit");
        var mynetworks = ReadMatchList("mynetworks", "postscreen_access_list");
        return new Settings
        {
            AccessList = ReadAccessList(mynetworks),
            DenylistAction = ReadAction("postscreen_denylist_action"),
            AllowlistInterfaces = ReadMatchList("postscreen_allowlist_interfaces", "postscreen_allowlist_interfaces"),
            ClientConnectionCountLimit = values.Integer("postscreen_client_connection_count_limit"),
            PreQueueLimit = values.Integer("postscreen_pre_queue_limit"),
            PostQueueLimit = values.Integer("postscreen_post_queue_limit"),

            GreetWait = greetWait,
            GreetWaitUnderStress = greetWaitUnderStress,
            GreetBanner = values.Text("postscreen_greet_banner"),
            GreetAction = ReadAction("postscreen_greet_action"),
            GreetTtl = values.Time("postscreen_greet_ttl"),
            DnsblMinTtl = values.Time("postscreen_dnsbl_min_ttl"),
            PipeliningTtl = values.Time("postscreen_pipelining_ttl"),
            NonSmtpCommandTtl = values.Time("postscreen_non_smtp_command_ttl"),
            BareNewlineTtl = values.Time("postscreen_bare_newline_ttl"),
            PipeliningAction = ReadAction("postscreen_pipelining_action"),
            NonSmtpCommandAction = ReadAction("postscreen_non_smtp_command_action"),
            BareNewlineAction = ReadAction("postscreen_bare_newline_action"),

            ForbiddenCommands = ReadForbiddenCommands(),
            PipeliningEnable = values.YesNo("postscreen_pipelining_enable"),
            NonSmtpCommandEnable = values.YesNo("postscreen_non_smtp_command_enable"),
            BareNewlineEnable = values.YesNo("postscreen_bare_newline_enable"),

            Banner = values.Text("smtpd_banner"),
            MyHostname = values.Text("myhostname"),
            CommandCountLimit = values.Integer("postscreen_command_count_limit"),
            CommandTimeLimit = commandTime,
            CommandTimeLimitUnderStress = commandTimeUnderStress,
            LineLengthLimit = values.Integer("line_length_limit"),
            MessageSizeLimit = values.Long("message_size_limit"),
            HeloRequired = values.YesNo("postscreen_helo_required"),
            HideVrfy = values.YesNo("disable_vrfy_command"),
            DisableVrfyCommand = values.YesNo("postscreen_disable_vrfy_command"),
            DiscardEhloKeywords = values.Text("postscreen_discard_ehlo_keywords"),
            SmtpUtf8 = values.YesNo("smtputf8_enable"),
            SoftBounce = values.YesNo("soft_bounce"),
            WatchdogTimeout = values.Time("postscreen_watchdog_timeout"),

            LiveHandover = values.YesNo("postern_live_handover"),
            CacheMap = ReadCacheMap(),
            CacheRetentionTime = values.Time("postscreen_cache_retention_time"),
            CacheCleanupInterval = values.Time("postscreen_cache_cleanup_interval"),

            RespectfulLogging = values.YesNo("respectful_logging"),
            RespectfulLoggingIsCompatibilityDefault =
                !values.IsSet("respectful_logging") && !values.YesNo("respectful_logging"),
            DelayLoggingResolutionLimit = values.Integer("delay_logging_resolution_limit"),
            LogAddressesQuoted = ReadAddressFormat(),
        };
    }

    private FailAction ReadAction(string name)
    {
        var text = values.Text(name);
        switch (ListText.FoldCase(text))
        {
            case "ignore" or "continue": return FailAction.Ignore;
            case "enforce": return FailAction.Enforce;
            case "drop": return FailAction.Drop;
        }

        if (text.Length > 0) // else its length was a problem already
            problems.Error(values.OriginOf(name), $"bad {name} value: {text}", "write ignore, enforce or drop");
        return FailAction.Ignore;
    }

    private AccessList ReadAccessList(MatchList mynetworks)
    {
        const string Name = "postscreen_access_list";
        var known = tables.OpenErrors.Count;
        var list = AccessList.Parse(values.Text(Name), mynetworks, tables, TableSink(Name));
        ReportOpenErrors(Name, known);
        return list;
    }

    // The default asks a regexp: table, whose one rule the session knows by heart.
    private MatchList? ReadForbiddenCommands() =>
        values.Text("postscreen_forbidden_commands") == Parameters.Find("smtpd_forbidden_commands")!.Default
            ? null
            : ReadMatchList("postscreen_forbidden_commands", "postscreen_forbidden_commands");

    private MatchList ReadMatchList(string parameter, string nameInMessages)
    {
        var known = tables.OpenErrors.Count;
        var list = MatchList.Parse(nameInMessages, values.Text(parameter), tables, TableSink(parameter), out var fatal);
        ReportOpenErrors(parameter, known);
        if (fatal is not null)
            problems.Error(values.OriginOf(parameter), fatal, $"mend the pattern in {parameter}");
        return list ?? MatchList.Everything;
    }

    private IWarningSink TableSink(string parameter) => problems.Sink(
        values.OriginOf(parameter), "mend the line; until then it is left out", static _ => ProblemSeverity.Degraded);

    // A table that cannot be opened is answered for by a stand-in, as in Postfix; but a type that we lack is not silently less.
    private void ReportOpenErrors(string parameter, int known)
    {
        var severity = values.YesNo("daemon_table_open_error_is_fatal") ? ProblemSeverity.Error : ProblemSeverity.Degraded;
        for (var i = known; i < tables.OpenErrors.Count; i++)
        {
            var (text, origin) = (tables.OpenErrors[i], values.OriginOf(parameter));
            if (TableCatalog.IsOfLaterVersion(text))
                problems.Error(origin, text, $"write the table as cidr:, texthash: or inline: in {parameter}, or keep postscreen for this service until then");
            else
                problems.Add(severity, origin, text, $"make the table or mend its name in {parameter}; until then each look-up in it fails");
        }
    }

    private bool ReadAddressFormat()
    {
        var text = values.Text("info_log_address_format");
        if (text is not ("external" or "internal"))
            problems.Error(
                values.OriginOf("info_log_address_format"),
                $"invalid parameter setting \"info_log_address_format = {text}\"",
                "write external or internal");
        return text != "internal";
    }

    private string? ReadCacheMap()
    {
        const string Name = "postscreen_cache_map";
        var text = values.Text(Name);
        if (text.Length == 0)
            return null;
        if (!text.Contains(':'))
            text = $"{values.Text("default_database_type")}:{text}";
        var type = text[..text.IndexOf(':')];
        if (text.Length == type.Length + 1)
            problems.Error(
                values.OriginOf(Name),
                $"open dictionary: expecting \"type:name\" form instead of \"{text}\"",
                "write sqlite:$data_directory/postscreen_cache, or leave the parameter away");
        else if (type is "lmdb" or "memcache" or "proxy")
            problems.Error(
                values.OriginOf(Name),
                $"{Name} = {text}: allowlists of type {type} come in a later version of Postern",
                "write sqlite:$data_directory/postscreen_cache, or leave the parameter away");
        else if (Array.IndexOf(StoreTypes, type) < 0)
            problems.Error(
                values.OriginOf(Name),
                $"unsupported dictionary type: {type}",
                "write sqlite:$data_directory/postscreen_cache, or leave the parameter away");
        return text;
    }

    private void CheckAbsentFeatures()
    {
        Absent("postscreen_dnsbl_sites", HasWords("postscreen_dnsbl_sites"), "DNS lists come");
        Absent("postscreen_command_filter", values.Text("postscreen_command_filter").Length > 0, "command filters come");
        Absent("postscreen_reject_footer", values.RawText("postscreen_reject_footer").Length > 0, "reject footers come");
        Absent("postscreen_reject_footer_maps", HasWords("postscreen_reject_footer_maps"), "reject footers come");
        Absent(
            "postscreen_discard_ehlo_keyword_address_maps",
            HasWords("postscreen_discard_ehlo_keyword_address_maps"),
            "EHLO keywords by client address come");

        const string Proxy = "postscreen_upstream_proxy_protocol";
        var proxy = values.Text(Proxy);
        if (proxy is not ("" or "haproxy"))
            problems.Error(
                values.OriginOf(Proxy), $"unsupported {Proxy} value: {proxy}", "leave the parameter away");
        else
            Absent(Proxy, proxy.Length > 0, "the PROXY protocol comes");
    }

    private bool HasWords(string name) => Networks.Words(values.Text(name)).Length > 0;

    private void Absent(string name, bool isAsked, string feature)
    {
        if (!isAsked)
            return;
        var remedy = values.IsSet(name)
            ? $"remove {name}, or keep postscreen for this service until then"
            : $"write \"{name} =\" in postern.cf, or keep postscreen for this service until then";
        problems.Error(
            values.OriginOf(name), $"{name} is set, but {feature} in a later version of Postern", remedy);
    }

    // Nearly every main.cf offers TLS, and mail flows without it too; a demand for TLS cannot be met.
    private void CheckTls()
    {
        const string Level = "postscreen_tls_security_level";
        var level = values.Text(Level);
        var origin = values.OriginOf(Level);
        var cause = $"{Level} = {level}";
        var (offered, demanded) = (false, false);
        switch (ListText.FoldCase(level))
        {
            case "":
                demanded = values.YesNo("postscreen_enforce_tls");
                offered = values.YesNo("postscreen_use_tls");
                var name = demanded ? "postscreen_enforce_tls" : "postscreen_use_tls";
                (origin, cause) = (values.OriginOf(name), $"{name} = yes");
                break;
            case "none":
                break;
            case "may":
                offered = true;
                break;
            case "encrypt":
                demanded = true;
                break;
            case "verify" or "secure" or "fingerprint":
                demanded = true;
                problems.Warning(
                    origin, $"{Level}: unsupported TLS level \"{level}\", using \"encrypt\"", "write none, may or encrypt");
                break;
            default:
                problems.Error(origin, $"Invalid TLS level \"{level}\"", "write none, may or encrypt");
                break;
        }

        if (demanded)
            problems.Error(
                origin,
                $"{cause}, but TLS comes in a later version of Postern",
                $"write {Level} = none in postern.cf, or keep postscreen for this service until then");
        else if (offered)
            problems.Warning(
                origin,
                $"{cause}: STARTTLS is not offered by this version of Postern to clients that it tests",
                $"clients that pass may use TLS with the real SMTP server; {Level} = none in postern.cf silences this");
    }
}
