using Postern.Core.Config;
using Postern.Core.Screening;
using Postern.Core.Tables;

namespace Postern.Core.Checks;

/// <summary>Reads the lists of a service word by word and their tables rule by rule: what no client will be served by, and what is a mistake.</summary>
internal sealed class ListCheck(ScreeningService service, TableCatalog tables, FindingList findings)
{
    private const string AccessListName = "postscreen_access_list", Networks = "mynetworks", Interfaces = "postscreen_allowlist_interfaces", Proxies = "postern_proxy_networks";
    private const string ListRemedy = "write permit_mynetworks, permit, reject, dunno, or a table such as cidr:/etc/postfix/postscreen_access.cidr";

    private readonly Settings _settings = service.Settings;
    private readonly WarningCollector _warnings = new();

    public void Run()
    {
        CheckAccessList();
        if (_settings.AccessList.AsksMyNetworks)
            CheckPatterns(
                _settings.AccessList.MyNetworks, Networks, AccessListName, "name the address, or the network that it is in",
                [$"{AccessListName}: permit_mynetworks: {Networks} lookup error -- ignoring the remainder of this access list"]);
        CheckPatterns(_settings.AllowlistInterfaces, Interfaces, Interfaces, "write addresses or networks of this machine, such as !192.0.2.5, static:all", []);
        if (_settings.ProxyNetworks is { } proxies)
            CheckPatterns(proxies, Proxies, Proxies, "write the addresses or networks of your proxies", []);
        CheckFooters();
        CheckTimes();
    }

    private void CheckAccessList()
    {
        var origin = service.OriginOf(AccessListName);
        foreach (var command in _settings.AccessList.Commands)
        {
            AccessList.Judge(command, origin: null, _warnings);
            foreach (var text in _warnings.Take())
                findings.Add(ProblemSeverity.Degraded, origin, text, RemedyFor(command));
        }

        foreach (var table in _settings.AccessList.Tables)
        {
            foreach (var (place, rule) in RulesOf(table, origin))
            {
                AccessList.Judge(rule.Value, table, _warnings);
                foreach (var text in _warnings.Take())
                    findings.Add(ProblemSeverity.Degraded, place, text, $"write permit, reject or dunno for {rule.Key}; until then what follows {table} does not count for it");
            }
        }
    }

    private static string RemedyFor(string command)
    {
        if (command.StartsWith('/'))
            return $"write cidr:{command}, or another type before the path";
        if (IpNetwork.TryParse(command, out _, out _))
            return $"write a line \"{command} permit\" into a cidr: table, or name the address in mynetworks";
        var isOfSmtpd = command.StartsWith("permit_", StringComparison.Ordinal) || command.StartsWith("reject_", StringComparison.Ordinal) || command.StartsWith("check_", StringComparison.Ordinal);
        return isOfSmtpd ? $"remove it: {command} is a restriction of smtpd, such as for smtpd_client_restrictions; what follows it here does not count" : ListRemedy;
    }

    private void CheckPatterns(MatchList list, string parameter, string nameInLog, string remedy, IReadOnlyList<string> consequences)
    {
        foreach (var pattern in list.Patterns)
        {
            var place = pattern.File is { } file ? new ConfigOrigin(file, 0) : service.OriginOf(parameter);
            if (pattern.Problem is { } problem && (pattern.IsIPv4 ? _settings.Protocols.IPv4 : _settings.Protocols.IPv6))
                findings.Add(ProblemSeverity.Degraded, place, $"{nameInLog}: {problem}", $"{remedy}; until then nothing that follows counts", consequences);
            else if (pattern is { Problem: null, First: null })
                findings.Add(
                    ProblemSeverity.Warning, place, $"{parameter}: \"{pattern.Text}\" matches no address",
                    IpAddress.TryParse(pattern.Text, out var address) ? $"write {address}" : remedy);
        }
    }

    private void CheckFooters()
    {
        const string Footer = "postscreen_reject_footer", Maps = "postscreen_reject_footer_maps";
        const string Remedy = "write $client_address, $client_port, $localtime or $server_name; until then rejections go without it";
        RejectFooter.Judge(_settings.RejectFooter, _warnings);
        Report(service.OriginOf(Footer), Remedy);
        foreach (var table in _settings.RejectFooterMaps?.Tables ?? [])
        {
            foreach (var (place, rule) in RulesOf(table, service.OriginOf(Maps)))
            {
                RejectFooter.Judge(rule.Value, _warnings);
                Report(place, Remedy);
            }
        }
    }

    private void CheckTimes()
    {
        (string Parameter, IEnumerable<string> Tables)[] all =
        [
            (AccessListName, _settings.AccessList.Tables), (Networks, _settings.AccessList.MyNetworks.Tables), (Interfaces, _settings.AllowlistInterfaces.Tables),
            (Proxies, _settings.ProxyNetworks?.Tables ?? []), ("postscreen_command_filter", _settings.CommandFilter is { } filter ? [filter.Name] : []),
            ("postscreen_forbidden_commands", _settings.ForbiddenCommands?.Tables ?? []), ("postscreen_reject_footer_maps", _settings.RejectFooterMaps?.Tables ?? []),
            ("postscreen_discard_ehlo_keyword_address_maps", _settings.DiscardEhloKeywordAddressMaps?.Tables ?? []),
        ];
        foreach (var (parameter, names) in all)
        {
            foreach (var (place, rule) in names.SelectMany(table => RulesOf(table, service.OriginOf(parameter))))
            {
                if (rule.MayTakeLong)
                    findings.Add(
                        ProblemSeverity.Warning, place, $"{parameter}: an expression with a back reference may take very long on some texts: {rule.Key}",
                        "write it without \\1 and the like, or in a pcre: table, whose searches have a limit; a look-up that takes too long is a table error");
            }
        }
    }

    private void Report(ConfigOrigin? place, string remedy)
    {
        foreach (var text in _warnings.Take())
            findings.Add(ProblemSeverity.Degraded, place, text, remedy);
    }

    private IEnumerable<(ConfigOrigin? Place, TableRule Rule)> RulesOf(string table, ConfigOrigin? origin)
    {
        if (tables.RulesOf(table) is not { } rules)
            yield break;
        foreach (var rule in rules.Rules)
            yield return (rules.File is { } file ? new ConfigOrigin(file, rule.Line) : origin, rule);
    }
}
