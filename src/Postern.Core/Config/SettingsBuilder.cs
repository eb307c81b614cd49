using Postern.Core.Dnsbl;
using Postern.Core.Spf;
using Postern.Core.Tables;

namespace Postern.Core.Config;

/// <summary>Makes the settings of one screening service from its evaluated parameters.</summary>
/// <param name="tls">Reads the service's TLS.</param>
/// <param name="ownAddresses">Those of <c>inet_interfaces</c>.</param>
internal sealed class SettingsBuilder(ParameterValues values, TlsReader tls, TableCatalog tables, HostFacts host, IReadOnlyList<IpAddress> ownAddresses, ProblemList problems)
{
    // Where an allowlist can be, and what Postfix knows but does not write.
    private static readonly string[] StoreTypes = ["btree", "cdb", "hash", "lmdb", "sqlite"];
    private static readonly string[] ReadOnlyTypes = ["cidr", "inline", "pcre", "pipemap", "regexp", "texthash", "unionmap"];

    /// <summary>Problems go to the list; the result is of use only when it has no errors.</summary>
    public Settings Build()
    {
        var (tlsLevel, tlsSettings) = tls.Read();
        var (greetWait, greetWaitUnderStress) = values.TimeByStress("postscreen_greet_wait");
        var (commandTime, commandTimeUnderStress) = values.TimeByStress("postscreen_command_time_limit");
        var mynetworks = ReadMatchList("mynetworks", "postscreen_access_list");
        var accessList = ReadAccessList(mynetworks); // in postscreen's order, which is that of its log lines
        var forbiddenCommands = ReadForbiddenCommands();
        var cacheMap = ReadCacheMap(out var cacheStore, out var cacheMemcache);
        var settings = new Settings
        {
            Postfix = tables.Postfix,
            AccessList = accessList,
            DenylistAction = ReadAction("postscreen_denylist_action"),
            AllowlistInterfaces = ReadMatchList("postscreen_allowlist_interfaces", "postscreen_allowlist_interfaces"),
            ClientConnectionCountLimit = values.Integer("postscreen_client_connection_count_limit"),
            ClientIPv4PrefixLength = values.Integer("smtpd_client_ipv4_prefix_length"),
            ClientIPv6PrefixLength = values.Integer("smtpd_client_ipv6_prefix_length"),
            PreQueueLimit = values.Integer("postscreen_pre_queue_limit"),
            PostQueueLimit = values.Integer("postscreen_post_queue_limit"),
            UpstreamProxy = ReadUpstreamProxy(),
            UpstreamProxyTimeout = values.Time("postscreen_upstream_proxy_timeout"),
            ProxyNetworks = ReadProxyNetworks(),
            Providers = ReadProviders(),

            GreetWait = greetWait,
            GreetWaitUnderStress = greetWaitUnderStress,
            GreetBanner = values.Text("postscreen_greet_banner"),
            GreetAction = ReadAction("postscreen_greet_action"),
            GreetTtl = values.Time("postscreen_greet_ttl"),
            DnsblSites = ReadDnsblSites(),
            DnsblAction = ReadAction("postscreen_dnsbl_action"),
            DnsblThreshold = values.Integer("postscreen_dnsbl_threshold"),
            DnsblAllowlistThreshold = values.Integer("postscreen_dnsbl_allowlist_threshold"),
            DnsblMinTtl = values.Time("postscreen_dnsbl_min_ttl"),
            DnsblMaxTtl = values.Time("postscreen_dnsbl_max_ttl"),
            DnsblTimeout = values.Time("postscreen_dnsbl_timeout"),
            DnsblReplyDelay = values.Time("dnsblog_reply_delay"),
            DnsblCheckInterval = values.Time("postern_dnsbl_check_interval"),
            PipeliningTtl = values.Time("postscreen_pipelining_ttl"),
            NonSmtpCommandTtl = values.Time("postscreen_non_smtp_command_ttl"),
            BareNewlineTtl = values.Time("postscreen_bare_newline_ttl"),
            PipeliningAction = ReadAction("postscreen_pipelining_action"),
            NonSmtpCommandAction = ReadAction("postscreen_non_smtp_command_action"),
            BareNewlineAction = ReadAction("postscreen_bare_newline_action"),

            ForbiddenCommands = forbiddenCommands,
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
            DiscardEhloKeywordAddressMaps = ReadTables("postscreen_discard_ehlo_keyword_address_maps", "postscreen_discard_ehlo_keyword_address_maps"),
            CommandFilter = ReadCommandFilter(),
            RejectFooter = values.RawText("postscreen_reject_footer"),
            RejectFooterMaps = ReadTables("postscreen_reject_footer_maps", "smtpd_reject_footer_maps"), // Postfix's name for it in the log
            ExpansionFilter = ParameterText.Unescape(values.RawText("postscreen_expansion_filter")),
            SmtpUtf8 = values.YesNo("smtputf8_enable"),
            SoftBounce = values.YesNo("soft_bounce"),
            TlsLevel = tlsLevel,
            Tls = tlsSettings,
            TlsproxyServiceName = values.Text("tlsproxy_service_name"),
            WatchdogTimeout = values.Time("postscreen_watchdog_timeout"),

            LiveHandover = values.YesNo("postern_live_handover"),
            AuthPassthrough = values.YesNo("postern_auth_passthrough"),
            CacheMap = cacheMap,
            CacheStore = cacheStore,
            CacheMemcache = cacheMemcache,
            CacheRetentionTime = values.Time("postscreen_cache_retention_time"),
            CacheCleanupInterval = values.Time("postscreen_cache_cleanup_interval"),

            RespectfulLogging = values.YesNo("respectful_logging"),
            RespectfulLoggingIsCompatibilityDefault =
                !values.IsSet("respectful_logging") && !values.YesNo("respectful_logging"),
            DelayLoggingResolutionLimit = values.Integer("delay_logging_resolution_limit"),
            LogAddressesQuoted = ReadAddressFormat(),
        };
        return settings with { Lanes = new LaneReader(values, parameter => ReadTables(parameter, parameter, foldCase: true), problems).Read(settings) };
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
        var mayReadLater = !values.YesNo("daemon_table_open_error_is_fatal"); // else it must be known now whether there is one
        var list = AccessList.Parse(values.Text(Name), mynetworks, ReadOwnHosts(), tables, TableSink(Name), mayReadLater);
        ReportOpenErrors(Name, known);
        return list;
    }

    private MatchList? ReadOwnHosts() =>
        values.IsSet("mynetworks") || values.IsSet("mynetworks_style") || values.Text("mynetworks_style") != "subnet"
            ? null
            : MatchList.Parse("mynetworks", Networks.HostStyle(ownAddresses), tables, TableSink("mynetworks"), out _);

    // The default asks a regexp: table, whose one rule the session knows by heart.
    private MatchList? ReadForbiddenCommands() =>
        values.Text("postscreen_forbidden_commands") == Parameters.Find("smtpd_forbidden_commands")!.Default
            ? null
            : ReadMatchList("postscreen_forbidden_commands", "postscreen_forbidden_commands");

    private MatchList ReadMatchList(string parameter, string nameInMessages)
    {
        var known = tables.OpenErrors.Count;
        var list = MatchList.Parse(nameInMessages, values.Text(parameter), tables, TableSink(parameter), out var fatal, mayWait: parameter == "mynetworks");
        ReportOpenErrors(parameter, known);
        if (fatal is not null)
            problems.Error(values.OriginOf(parameter), fatal, $"mend the pattern in {parameter}");
        return list ?? MatchList.Everything;
    }

    private TableList? ReadTables(string parameter, string nameInMessages, bool foldCase = false)
    {
        var known = tables.OpenErrors.Count;
        var list = TableList.Parse(nameInMessages, values.Text(parameter), tables, TableSink(parameter), foldCase);
        ReportOpenErrors(parameter, known);
        return list;
    }

    private ILookupTable? ReadCommandFilter()
    {
        const string Name = "postscreen_command_filter";
        var text = values.Text(Name);
        if (text.Length == 0)
            return null;
        var known = tables.OpenErrors.Count;
        var table = tables.OpenBrief(text, foldCase: true, TableSink(Name));
        ReportOpenErrors(Name, known);
        return table;
    }

    private bool ReadUpstreamProxy()
    {
        const string Name = "postscreen_upstream_proxy_protocol";
        var text = values.Text(Name);
        if (text is not ("" or "haproxy"))
            problems.Error(values.OriginOf(Name), $"unsupported {Name} value: {text}", "write haproxy, or leave the parameter away");
        return text == "haproxy";
    }

    private MatchList? ReadProxyNetworks()
    {
        const string Name = "postern_proxy_networks";
        if (!HasWords(Name))
            return null;
        if (values.Text("postscreen_upstream_proxy_protocol").Length == 0)
            problems.Warning(
                values.OriginOf(Name), $"{Name} has no effect without a protocol", "write postscreen_upstream_proxy_protocol = haproxy, or remove it");
        return ReadMatchList(Name, Name);
    }

    private Provider[] ReadProviders()
    {
        const string Name = "postern_provider_passes";
        List<Provider> providers = [];
        foreach (var word in Networks.Words(values.Text(Name)))
        {
            if (!Provider.TryParse(word, out var provider, out var problem))
                problems.Error(values.OriginOf(Name), $"{Name}: {problem}", "write DOMAIN or DOMAIN=permit, as in gmail.com, example.com=permit");
            else if (!providers.Exists(other => other.Domain == provider.Domain))
                providers.Add(provider);
        }

        return providers.Count == 0 ? [] : [.. providers];
    }

    private IWarningSink TableSink(string parameter) => problems.Sink(
        values.OriginOf(parameter), "mend the line; until then it is left out", static _ => ProblemSeverity.Degraded);

    // A table that cannot be opened is answered for by a stand-in, as in Postfix.
    private void ReportOpenErrors(string parameter, int known, string? remedy = null)
    {
        var severity = values.YesNo("daemon_table_open_error_is_fatal") ? ProblemSeverity.Error : ProblemSeverity.Degraded;
        for (var i = known; i < tables.OpenErrors.Count; i++)
        {
            var error = tables.OpenErrors[i];
            problems.Add(
                severity, values.OriginOf(parameter), error,
                remedy ?? $"{tables.RemedyOf(error) ?? $"make the table or mend its name in {parameter}"}; until then each look-up in it fails");
        }
    }

    private DnsblSites? ReadDnsblSites()
    {
        const string Name = "postscreen_dnsbl_sites", MapName = "postscreen_dnsbl_reply_map";
        var (text, map) = (values.Text(Name), values.Text(MapName));
        var known = tables.OpenErrors.Count;
        var replyMap = map.Length == 0 ? null : tables.OpenBrief(map, foldCase: false, TableSink(MapName));
        ReportOpenErrors(MapName, known);
        if (text.Length == 0)
            return null;
        const string Remedy = "write domain=filter*weight, as in zen.example.org=127.0.0.[2..11]*3";
        var origin = values.OriginOf(Name);
        var sites = DnsblSites.Parse(
            text, replyMap, !values.YesNo("postern_dnsbl_ignore_error_answers"),
            problems.Sink(origin, Remedy, static _ => ProblemSeverity.Error), problems.Sink(origin, Remedy, static _ => ProblemSeverity.Warning));
        foreach (var list in sites.Lists)
        {
            if (!list.TryRefreshName(TableSink(MapName)))
                problems.Error(values.OriginOf(MapName), $"{map} lookup error", "mend the table: without it the secret names of lists would be shown");
        }

        return sites;
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

    private string? ReadCacheMap(out string? store, out MemcacheFile? memcache)
    {
        const string Name = "postscreen_cache_map";
        (store, memcache) = (null, null);
        var text = values.Text(Name);
        if (text.Length == 0)
        {
            ReportNoMemory(Name);
            return null;
        }

        if (!text.Contains(':'))
            text = $"{values.Text("default_database_type")}:{text}";
        const string Memcache = "memcache:";
        if (!text.StartsWith(Memcache, StringComparison.Ordinal))
        {
            store = ReadStore(Name, text);
            return text;
        }

        var path = text[Memcache.Length..];
        var sink = problems.Sink(values.OriginOf(Name), $"mend the line in {path}", static _ => ProblemSeverity.Warning);
        if (!tables.Files.TryRead(path, out var file, out var reason))
            problems.Error(values.OriginOf(Name), $"open {path}: {reason}", "make the file, or mend its name");
        else if (!MemcacheFile.TryParse(file.Text, path, tables.Postfix, sink, out memcache, out var problem))
            problems.Error(values.OriginOf(Name), problem, $"mend {path}");
        else if (memcache.Backup.Length > 0)
            store = ReadStore(Name, memcache.Backup);
        return text;
    }

    // As with postscreen; there is no sense in it.
    private void ReportNoMemory(string parameter)
    {
        var test = Array.Find(["postscreen_pipelining_enable", "postscreen_non_smtp_command_enable", "postscreen_bare_newline_enable"], values.YesNo);
        if (test is null || values.YesNo("postern_live_handover"))
            return;
        problems.Advise(
            values.OriginOf(parameter) ?? values.OriginOf(test),
            $"{parameter} is empty, but {test} = yes: who passes that test is told to come back, and is not known then; no new client can ever deliver mail",
            $"name a map in {parameter}, or write {test} = no");
    }

    /// <param name="map">A map that is to hold an allowlist: <c>type:path</c> or <c>proxy:type:path</c>.</param>
    /// <returns>The map that stands for it, where tables are redirected.</returns>
    private string ReadStore(string parameter, string map)
    {
        const string Proxy = "proxy:", Remedy = "write sqlite:$data_directory/postscreen_cache, or leave the parameter away";
        var isProxied = map.StartsWith(Proxy, StringComparison.Ordinal);
        var inner = tables.Redirect(isProxied ? map[Proxy.Length..] : map, isLogged: !isProxied, TableSink(parameter), out var mapping); // proxymap tells for itself
        map = isProxied ? Proxy + inner : inner;
        var type = inner[..Math.Max(0, inner.IndexOf(':'))];
        var problem = mapping
            ?? (type.Length == 0 || inner.Length == type.Length + 1 ? $"open dictionary: expecting \"type:name\" form instead of \"{inner}\""
            : type == "static" ? $"table {inner}: sequence operation is not supported"
            : !StoreTypes.Contains(type) && !ReadOnlyTypes.Contains(type) ? $"unsupported dictionary type: {type}"
            : null);
        if (problem is not null)
            problems.Error(values.OriginOf(parameter), problem, Remedy);
        else if (ReadOnlyTypes.Contains(type))
            ReportReadOnlyStore(parameter, inner, Remedy);
        else if (type == "lmdb" && !host.HasLmdb)
            problems.Error(
                values.OriginOf(parameter),
                $"{map}: tables of type lmdb need the library liblmdb.so.0, which is not installed",
                "install it (package liblmdb0 on Debian and Ubuntu: apt install liblmdb0), or " + Remedy);
        else if (type == "cdb")
            problems.Warning(values.OriginOf(parameter), $"{map}: Postfix cannot add to a file of type cdb, and remembers nobody", $"write lmdb:{inner[(type.Length + 1)..]}; until then Postern keeps its passes in {inner[(type.Length + 1)..]}.postern.sqlite");
        return map;
    }

    // Postfix goes on without a cache, and so do we, with one in memory.
    private void ReportReadOnlyStore(string parameter, string map, string remedy)
    {
        var known = tables.OpenErrors.Count;
        tables.ReportOpenError($"{map} map requires O_RDONLY access mode", TableSink(parameter));
        ReportOpenErrors(parameter, known, remedy);
    }

    private bool HasWords(string name) => Networks.Words(values.Text(name)).Length > 0;
}
