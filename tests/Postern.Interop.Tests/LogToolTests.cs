using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;

namespace Postern.Interop.Tests;

/// <summary>
/// Programs that read the mail log, as Debian ships them, before a line of every kind, Postern's own included, with both kinds of
/// time stamps: what each makes of which line is in docs/log-tools.md. And the rules of contrib, with the programs that they are for.
/// </summary>
[Collection(nameof(InteropCollection))]
public sealed partial class LogToolTests : IDisposable
{
    private const string Classic = "classic", Iso = "RFC 3339";
    private const int Rejections = 9; // lines of the sample that say so: postscreen's eight and smtpd's

    // In lower case: logwatch makes its configuration so, paths included.
    private readonly string _directory = Directory.CreateDirectory(Path.Combine(Path.GetTempPath(), $"postern-log-tools-{Guid.NewGuid():N}")).FullName;
    private readonly string[] _lines = [.. File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "LogReaders/every-kind.lines")).Where(static line => line[0] != '#')];

    private static string Contrib => Path.Combine(Path.GetDirectoryName(Here())!, "..", "..", "contrib");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Theory]
    [InlineData("normal", "25 41", Classic)]
    [InlineData("normal", "25 41", Iso)]
    [InlineData("ddos", "14 15 17 18 19 20 21", Iso)]
    [InlineData("aggressive", "14 15 17 18 19 20 21 25 41", Iso)]
    [InlineData("auth", "", Iso)]
    public void Fail2ban(string mode, string clients, string stamps)
    {
        Tool.Require("fail2ban-regex");

        Assert.Equal(clients, Numbers(Tool.Must("fail2ban-regex", "--out", "row", Log(stamps), $"postfix[mode={mode}]")));
    }

    [Theory]
    [InlineData(Classic)]
    [InlineData(Iso)]
    public void Fail2ban_with_the_filter_of_contrib_finds_refused_logins_and_nothing_else(string stamps)
    {
        Tool.Require("fail2ban-regex");
        var configuration = Path.Combine(_directory, "fail2ban");
        Tool.Must("cp", "-r", "/etc/fail2ban", configuration);
        File.Copy(Path.Combine(Contrib, "fail2ban/filter.d/postern-auth.conf"), Path.Combine(configuration, "filter.d/postern-auth.conf"));

        Assert.Equal("60", Numbers(Tool.Must("fail2ban-regex", "-c", configuration, "--out", "row", Log(stamps), "postern-auth")));
    }

    [Theory]
    [InlineData(Classic)]
    [InlineData(Iso)]
    public void Pflogsumm_counts_a_450_as_a_rejected_message(string stamps)
    {
        Tool.Require("pflogsumm");

        var report = Tool.Must("pflogsumm", Log(stamps));

        Assert.Matches($@"\n +{Rejections} +rejected", report);
        Assert.Matches(@"from=<a@b\.example> \(total: \d+\)", report); // the row of 450, 451 and 550 5.3.2
        Assert.DoesNotMatch("LANE|PROVIDER|relayed", report);
    }

    [Theory]
    [InlineData(Classic)]
    [InlineData(Iso)]
    public void Logwatch_with_the_rule_of_contrib_tells_no_news_that_are_none(string stamps)
    {
        Tool.RequireRoot();
        Tool.Require("logwatch");
        var log = Log(stamps);

        var (without, with) = (Unmatched(Watch(log, null)), Unmatched(Watch(log, Path.Combine(Contrib, "logwatch/postfix.conf"))));

        Assert.All(_lines.Where(static line => IsOwnNote(line)), line => Assert.Contains(TextOf(line), without, StringComparison.Ordinal));
        Assert.Contains("ALLOWLISTED", without, StringComparison.Ordinal);
        Assert.Equal("NOQUEUE: reject: CONNECT from [192.0.2.4]:1004: all server ports busy", Assert.Single(Tagged().Matches(with)).Groups[1].Value);
        Assert.Matches($@"\n +{_lines.Count(static line => TextOf(line).StartsWith("warning: ", StringComparison.Ordinal))} +Miscellaneous warnings", Watch(log, Path.Combine(Contrib, "logwatch/postfix.conf")));
    }

    [Theory]
    [InlineData(Classic)]
    [InlineData(Iso)]
    public void Mailgraph_counts_a_450_as_a_rejected_mail(string stamps)
    {
        Tool.Require("mailgraph");
        File.AppendAllText(Log(stamps), Stamp(stamps, hour: 11, 0) + "mail postfix/smtpd[1]: NOQUEUE: reject: RCPT from x[192.0.2.9]: 550\n"); // it counts a minute when another begins

        var updates = Tool.Must("mailgraph", "--cat", "-v", "-y", "2026", "-l", Log(stamps), $"--daemon-rrd={_directory}");

        Assert.Equal((Rejections, 0), Updates().Matches(updates).Aggregate((0, 0), static (sum, update) => (sum.Item1 + int.Parse(update.Groups[2].Value, null), sum.Item2 + int.Parse(update.Groups[1].Value, null))));
    }

    [Theory]
    [InlineData(Classic)]
    [InlineData(Iso)]
    public void Lnav_takes_the_importance_of_a_line_from_its_words(string stamps)
    {
        Tool.Require("lnav");
        var warnings = _lines.Count(static line => TextOf(line).StartsWith("warning: ", StringComparison.Ordinal));

        var table = Tool.Must(
            "sh", "-c", $"HOME='{_directory}' lnav -n -c ';select log_format, log_level, count(*) as n from all_logs group by 1,2 order by 2' -c ':write-csv-to -' '{Log(stamps)}'");

        // "Protocol error" is one of the two errors, the refused reload the other.
        Assert.Equal($"log_format,log_level,n\nsyslog_log,info,{_lines.Length - warnings - 2}\nsyslog_log,warning,{warnings}\nsyslog_log,error,2\n", table);
    }

    [Theory]
    [InlineData(Classic)]
    [InlineData(Iso)]
    public void Logcheck_with_the_rules_of_contrib_mails_what_somebody_should_see(string stamps)
    {
        Tool.RequireRoot();
        Tool.Require("logcheck");
        foreach (var folder in (string[])["cracking.d", "cracking.ignore.d", "violations.d", "violations.ignore.d", "ignore.d.paranoid", "ignore.d.server", "ignore.d.workstation", "state"])
            Directory.CreateDirectory(Path.Combine(_directory, folder));
        File.Copy(Path.Combine(Contrib, "logcheck/ignore.d.server/postern"), Path.Combine(_directory, "ignore.d.server/postern"));
        File.WriteAllText(Path.Combine(_directory, "conf"), "REPORTLEVEL=server\nSENDMAILTO=root\nFQDN=0\nINTRO=0\n");
        var log = Log(stamps);
        Tool.Must("chown", "-R", "logcheck", _directory);

        var mail = Tool.Must("su", "-s", "/bin/sh", "logcheck", "-c", $"cd '{_directory}' && logcheck -o -t -c conf -r '{_directory}' -l '{log}' -S '{_directory}/state'");

        Assert.Equal(
            _lines.Where(static line => TextOf(line) is var text && (text.StartsWith("warning: ", StringComparison.Ordinal) || text.StartsWith("error: ", StringComparison.Ordinal)
                || text.Contains("ports busy", StringComparison.Ordinal) || text.Contains("STRESS mode", StringComparison.Ordinal) || line.StartsWith("smtpd: ", StringComparison.Ordinal))).Select(TextOf),
            Tagged().Matches(mail).Select(static line => line.Groups[1].Value));
    }

    [Fact]
    public void Prometheus_exporter_knows_nothing_of_postscreen()
    {
        Tool.Require("prometheus-postfix-exporter");
        var (log, port) = (Path.Combine(_directory, "mail.log"), MailHost.FreePort());
        File.WriteAllText(log, "");
        using var exporter = Tool.Start("prometheus-postfix-exporter", $"--web.listen-address=127.0.0.1:{port}", $"--postfix.logfile_path={log}");
        exporter.BeginOutputReadLine(); // it has a word to say about each request
        exporter.BeginErrorReadLine();
        try
        {
            using var web = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}"), Timeout = TimeSpan.FromSeconds(5) };
            Wait.Until(
                () =>
                {
                    File.AppendAllText(log, Stamp(Iso, 8, 0) + "mail postfix/first[1]: x\n"); // it begins at the end of the file, wherever that is then
                    return Value("service=\"first\"") > 0;
                },
                static () =>
                {
                    Assert.Skip("prometheus-postfix-exporter does not follow a file here: has the machine no inotify instances left?");
                    return "";
                });
            File.AppendAllText(log, File.ReadAllText(Log(Iso)));
            Wait.Until(() => Value("service=\"tlsproxy\"") == 3, Page);

            Wait.Until(() => Value("service=\"postern\"") == Of("postern"), Page);
            Assert.Equal((Of("postscreen"), Of("dnsblog")), (Value("service=\"postscreen\""), Value("service=\"dnsblog\"")));
            Assert.Contains("postfix_smtpd_messages_rejected_total{code=\"550\"} 1\n", Page(), StringComparison.Ordinal);

            string Page()
            {
                try
                {
                    return web.GetStringAsync("/metrics").GetAwaiter().GetResult();
                }
                catch (Exception problem) when (problem is HttpRequestException or TaskCanceledException)
                {
                    return ""; // not yet
                }
            }

            int Value(string label) => Regex.Match(Page(), $@"postfix_unsupported_log_entries_total\{{{label}\}} (\d+)") is { Success: true } match ? int.Parse(match.Groups[1].Value, null) : 0;

            int Of(string program) => _lines.Count(line => line.StartsWith(program + ": ", StringComparison.Ordinal));
        }
        finally
        {
            exporter.Kill();
            exporter.WaitForExit();
        }
    }

    [Theory]
    [InlineData(Classic)]
    [InlineData(Iso)]
    public void Crowdsec_bans_for_a_pregreet(string stamps)
    {
        const string Hub = "/usr/share/crowdsec/hub";
        Tool.Require("crowdsec", "cscli");
        Assert.SkipUnless(Directory.Exists(Hub), "needs the hub of Debian's package crowdsec, which is not installed");
        var (home, port) = (Path.Combine(_directory, "crowdsec"), MailHost.FreePort());
        foreach (var (folder, item) in ((string, string)[])
        [
            ("parsers/s00-raw", "syslog-logs"), ("parsers/s01-parse", "postfix-logs"), ("parsers/s01-parse", "postscreen-logs"), ("parsers/s02-enrich", "dateparse-enrich"), ("scenarios", "postfix-spam"),
        ])
        {
            Directory.CreateDirectory(Path.Combine(home, folder));
            File.CreateSymbolicLink(Path.Combine(home, folder, item + ".yaml"), $"{Hub}/{folder}/crowdsecurity/{item}.yaml");
        }

        foreach (var folder in (string[])["data", "dump"])
            Directory.CreateDirectory(Path.Combine(home, folder));
        Tool.Must("cp", "-r", "/etc/crowdsec/patterns", "/etc/crowdsec/profiles.yaml", "/etc/crowdsec/simulation.yaml", home);
        File.WriteAllText(Path.Combine(home, "acquis.yaml"), "filenames: []\n");
        File.WriteAllText(Path.Combine(home, "credentials.yaml"), "");
        File.WriteAllText(Path.Combine(home, "config.yaml"), $$"""
            common: { daemonize: false, log_media: stdout, log_level: info, log_dir: {{home}}/, working_dir: . }
            config_paths: { config_dir: {{home}}/, data_dir: {{home}}/data/, simulation_path: {{home}}/simulation.yaml, hub_dir: {{Hub}}/, index_path: {{Hub}}/.index.json, notification_dir: {{home}}/, plugin_dir: {{home}}/ }
            crowdsec_service: { acquisition_path: {{home}}/acquis.yaml, parser_routines: 1 }
            cscli: { output: human }
            db_config: { log_level: info, type: sqlite, db_path: {{home}}/data/crowdsec.db }
            api:
              client: { credentials_path: {{home}}/credentials.yaml }
              server: { log_level: info, listen_uri: "127.0.0.1:{{port}}", profiles_path: {{home}}/profiles.yaml }
            prometheus: { enabled: false }
            """);
        Tool.Must("cscli", "-c", $"{home}/config.yaml", "machines", "add", "tests", "--password", "of-no-importance", "-u", $"http://127.0.0.1:{port}", "--force", "-f", $"{home}/credentials.yaml");

        var output = Tool.Must("crowdsec", "-c", $"{home}/config.yaml", "-dsn", $"file://{Log(stamps)}", "-type", "syslog", "-no-capi", "-dump-data", $"{home}/dump");

        Assert.Equal(["192.0.2.14 crowdsecurity/postscreen-rbl"], Performed().Matches(output).Select(static ban => $"{ban.Groups[1].Value} {ban.Groups[2].Value}").Distinct());
    }

    private static bool IsOwnNote(string line) =>
        line.StartsWith("postern: ", StringComparison.Ordinal) && !TextOf(line).StartsWith("warning: ", StringComparison.Ordinal) && !TextOf(line).StartsWith("error: ", StringComparison.Ordinal);

    private static string TextOf(string line) => line[(line.IndexOf(": ", StringComparison.Ordinal) + 2)..];

    private static string Stamp(string stamps, int hour, int second) => stamps == Classic
        ? $"Nov 29 {hour:00}:{second / 60:00}:{second % 60:00} " : $"2026-11-29T{hour:00}:{second / 60:00}:{second % 60:00}.123456+00:00 ";

    // The last parts of the addresses found.
    private static string Numbers(string rows) =>
        string.Join(' ', Row().Matches(rows).Select(static row => int.Parse(row.Groups[1].Value, null)).Distinct().Order());

    private static string Unmatched(string report) => report.IndexOf("**Unmatched Entries**", StringComparison.Ordinal) is >= 0 and var start ? report[start..] : "";

    private string Log(string stamps)
    {
        var path = Path.Combine(_directory, stamps == Classic ? "classic.log" : "iso.log");
        if (!File.Exists(path))
            File.WriteAllText(path, string.Concat(_lines.Select((line, i) => $"{Stamp(stamps, 9, i)}mail postfix/{line[..line.IndexOf(':', StringComparison.Ordinal)]}[100]: {TextOf(line)}\n")));
        return path;
    }

    // The program itself, with another folder in place of /etc/logwatch.
    private string Watch(string log, string? rule)
    {
        var etc = Directory.CreateDirectory(Path.Combine(_directory, $"logwatch{(rule is null ? "" : "-rule")}")).FullName;
        foreach (var folder in (string[])["conf/services", "conf/logfiles"])
            Directory.CreateDirectory(Path.Combine(etc, folder));
        File.WriteAllText(Path.Combine(etc, "conf/logfiles/maillog.conf"), $"LogFile =\nLogFile = {log}\nArchive =\n");
        if (rule is not null)
            File.Copy(rule, Path.Combine(etc, "conf/services/postfix.conf"), overwrite: true);
        return Tool.Must(
            "unshare", "--mount", "sh", "-c", "mount --bind \"$0\" /etc/logwatch && exec logwatch --service postfix --range all --detail 0 --output stdout --format text", etc);
    }

    private static string Here([CallerFilePath] string path = "") => path;

    [GeneratedRegex(@"'(?:192\.0\.2\.|2001:db8::)(\d+)'")]
    private static partial Regex Row();

    [GeneratedRegex(@"postfix/\w+\[100\]: (.*)")]
    private static partial Regex Tagged();

    [GeneratedRegex(@"(?m)^update \d+:\d+:(\d+):\d+:(\d+):")]
    private static partial Regex Updates();

    [GeneratedRegex(@"Ip (\S+) performed '([^']+)'")]
    private static partial Regex Performed();
}
