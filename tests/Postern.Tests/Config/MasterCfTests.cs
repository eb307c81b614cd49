using Postern.Core.Config;

namespace Postern.Tests.Config;

public sealed class MasterCfTests
{
    private const string Main = "compatibility_level = 3.6\n";

    [Theory]
    [InlineData("smtp inet", "missing \"private\" field")]
    [InlineData("smtp", "missing \"transport type\" field")]
    [InlineData("smtp -", "field \"transport type\" has no default value")]
    [InlineData("smtp tcp n - n - 1 x", "bad transport type: tcp")]
    [InlineData("smtp inet - - n - 1 x", "inet service cannot be private")]
    [InlineData("smtp inet n - x - 1 x", "field \"chroot\": bad value: \"x\"")]
    [InlineData("smtp inet n q n - 1 x", "field \"unprivileged\": bad value: \"q\"")]
    [InlineData("smtp inet n - n x 1 x", "field \"wakeup_time\": bad value: \"x\"")]
    [InlineData("smtp inet n - n - x1 x", "field \"max_proc\": bad value: \"x1\"")]
    [InlineData("smtp inet n - n - 1", "missing \"command\" field")]
    [InlineData("[::1 inet n - n - 1 x", "missing \"]\" in \"[::1\"")]
    [InlineData("127.0.0.1: inet n - n - 1 x", "missing service information in \"127.0.0.1:\"")]
    [InlineData("a unix - - n - 0 x {-o", "missing '}' in \"{-o\"")]
    [InlineData("a unix - - n - 0 x {-o}y", "syntax error after '}' in \"{-o}y\"")]
    [InlineData("10025 inet n - n - 2 postscreen", "service 10025 requires a process limit of 1")]
    [InlineData("10025 inet n - n - - postscreen", "service 10025 requires a process limit of 1")]
    [InlineData("10025 inet n - n - 1 postscreen -o x", "invalid \"-o x\" option value: missing '=' after attribute name")]
    [InlineData("10025 inet n - n - 1 postscreen -o{ soft_bounce = yes }", "invalid \"-o { soft_bounce = yes }\" option value: missing '=' after attribute name")]
    [InlineData("10025 inet n - n - 1 postscreen -o soft_bounce = yes", "invalid \"-o soft_bounce\" option value: missing '=' after attribute name")]
    [InlineData("10025 inet n - n - 1 postscreen -o", "invalid option: o")]
    [InlineData("10025 inet n - n - 1 postscreen -x", "invalid option: x")]
    [InlineData("10025 inet n - n - 1 postscreen --o soft_bounce=yes", "invalid option: -")]
    [InlineData("far.invalid:10025 inet n - n - 1 postscreen", "no valid IP address found: far.invalid")]
    [InlineData("nosuchport inet n - n - 1 postscreen", "unknown port or service name: nosuchport")]
    [InlineData("65536 inet n - n - 1 postscreen", "unknown port or service name: 65536")]
    [InlineData("10025 inet n - n - 1 postscreen -o postscreen_greet_wait=5x", "parameter postscreen_greet_wait: bad time value or unit: 5x")]
    [InlineData("10025 inet n - n - 1 postscreen -o mynetworks_style=foo", "unknown mynetworks mask style value \"foo\" in \"foo\"")]
    [InlineData("0.0.0.0:25 inet n - n - 1 postscreen", "service 0.0.0.0:25 listens on [0.0.0.0]:25, as does service smtp")]
    public void Fatal_texts(string line, string expected)
    {
        var configuration = new ConfigDirectory(Main, $"{ConfigDirectory.Master}\n{line}\n").Load();

        var problem = Assert.Single(configuration.Problems);
        Assert.Equal(
            (ProblemSeverity.Error, "/etc/postfix/master.cf", 4, expected),
            (problem.Severity, problem.File, problem.Line, problem.Text));
    }

    [Theory]
    [InlineData("smtp inet n - n - 1 postern\n", "duplicate master.cf entry for service \"smtp\" (25) -- using the last entry")]
    [InlineData("025 inet n - n - 1 postern\n", "duplicate master.cf entry for service \"smtp\" (25) -- using the last entry")]
    [InlineData("a unix - - n - 1 postscreen\n", "service a of type unix: postscreen serves type inet only")]
    [InlineData("10025 inet n - n - 1 postscreen -o postscreen_gret_wait=5s\n", "unused parameter: postscreen_gret_wait=5s")]
    [InlineData("10025 inet n - n - 1 postscreen -o mail_owner=nobody\n", "-o mail_owner=nobody has no effect: all services have one process")]
    [InlineData("10025 inet n - n - 1 postscreen junk\n", "unexpected argument of postscreen: junk")]
    [InlineData("10025 inet n - n - 1 postscreen # the -o x=y\n", "unexpected argument of postscreen: # -- it ends the options, so these have no effect: -o x=y")]
    [InlineData("10025 inet n - n - 1 postscreen -i 5 -o x=y\n", "-i 5 has no effect")]
    public void Warnings(string line, string expected)
    {
        var configuration = new ConfigDirectory(
            Main, $"10024 inet n - n - 1 postscreen\n{ConfigDirectory.Master}{line}").Load();

        var problem = Assert.Single(configuration.Problems);
        Assert.Equal((ProblemSeverity.Warning, 4, expected), (problem.Severity, problem.Line, problem.Text));
    }

    // As the real master(8) has it: smtp and 25 are one service, which the last line has; 0.0.0.0:25 is another, and clients fall to either.
    [Theory]
    [InlineData("smtp inet n - n - - smtpd", "duplicate master.cf entry for service \"smtp\" (25) -- using the last entry")]
    [InlineData("25\tinet\tn\t-\tn\t-\t-\tsmtpd", "duplicate master.cf entry for service \"smtp\" (25) -- using the last entry")]
    [InlineData("0.0.0.0:25 inet n - n - - smtpd", "service 0.0.0.0:25 (smtpd) listens on [0.0.0.0]:25, as does service smtp, so not every client is screened")]
    [InlineData("[::]:smtp inet n - n - - smtpd", "service [::]:smtp (smtpd) listens on [::]:25, as does service smtp, so not every client is screened")]
    public void A_port_whose_clients_others_would_get_is_an_error_that_does_not_keep_from_starting(string line, string expected)
    {
        var configuration = new ConfigDirectory(Main, $"10024 inet n - n - 1 postscreen\n{ConfigDirectory.Master}{line}\n").Load();

        var problem = Assert.Single(configuration.Problems);
        Assert.Equal((ProblemSeverity.Degraded, "/etc/postfix/master.cf", 4, expected), (problem.Severity, problem.File, problem.Line, problem.Text));
        Assert.False(configuration.HasErrors);
    }

    [Theory]
    [InlineData("127.0.0.1:25 inet n - n - - smtpd")] // clients of that address are its own, as the administrator wants it
    [InlineData("submission inet n - n - - smtpd")]
    [InlineData("nosuchport inet n - n - - smtpd")]
    [InlineData("nosuchhost:25 inet n - n - - smtpd")]
    public void Other_services_may_listen_elsewhere(string line) =>
        Assert.Empty(new ConfigDirectory(Main, $"{ConfigDirectory.Master}{line}\n").Load().Problems);

    [Theory]
    [InlineData("postscreen unix - - n - 1 postscreen", "the first field of a service of type inet is a port: write smtp inet n - n - 1 postscreen, or remove the line")]
    [InlineData("smtp unix - - n - 1 postscreen", "write inet as the second field, or remove the line")]
    public void The_remedy_for_a_service_that_is_not_inet_works(string line, string remedy)
    {
        var problems = new ConfigDirectory(Main, line + "\n").Load().Problems;

        Assert.Equal(
            [$"{line.Split(' ')[0]} of type unix: postscreen serves type inet only", "no service of type inet has the command postscreen"],
            problems.Select(problem => problem.Text.Replace("service ", "", StringComparison.Ordinal).Replace("no of", "no service of", StringComparison.Ordinal)));
        Assert.Equal(remedy, problems[0].Remedy);
    }

    [Fact]
    public void File_without_screening_is_an_error()
    {
        var problem = Assert.Single(new ConfigDirectory(Main, "smtp inet n - n - - smtpd\n").Load().Problems);

        Assert.Equal("no service of type inet has the command postscreen", problem.Text);
    }

    [Fact]
    public void Overrides_in_all_forms()
    {
        const string Master = """
            smtp inet n - n - 1 postscreen -v
              -o smtpd_banner=$service_name/$process_name/$process_id
              -o { postscreen_greet_banner = soon, $myhostname }
              -omyhostname=mx2.example.net {-o} soft_bounce=yes
              -o smtpd_service_name=smtpd2 -o syslog_name=postfix/$service_name
            smtpd2 pass n - n - - smtpd
            2525 inet n - n - 1 postscreen
            smtpd pass - - n - - smtpd
            """;

        var configuration = new ConfigDirectory(Main, Master).Load();

        Assert.Empty(configuration.Problems);
        var service = configuration.Services[0];
        Assert.Equal("smtp/postscreen/4711", service.Settings.Banner);
        Assert.Equal("soon, mx2.example.net", service.Settings.GreetBanner);
        Assert.Equal("mx2.example.net", service.Settings.MyHostname);
        Assert.True(service.Settings.SoftBounce);
        Assert.Equal("postfix/smtp", service.SyslogName);
        Assert.Equal(new HandoffTarget.Pass("/var/spool/postfix/public/smtpd2"), service.Handoff);
        var other = configuration.Services[1];
        Assert.Equal("mx.example.com", other.Settings.MyHostname);
        Assert.Equal(new HandoffTarget.Pass("/var/spool/postfix/private/smtpd"), other.Handoff);
    }

    // As Postfix 3.7.11 greets with each of these on its line (tests/Lab/cases/master-option-forms).
    [Theory]
    [InlineData("-osmtpd_banner=x", "x")]
    [InlineData("-o { smtpd_banner = x y }", "x y")]
    [InlineData("{-o} smtpd_banner=x", "x")]
    [InlineData("{-o smtpd_banner=x}", "x")]
    [InlineData("-vo smtpd_banner=x", "x")]
    [InlineData("-zvosmtpd_banner=x", "x")]
    [InlineData("-i 5 -V -m7 -o smtpd_banner=x", "x")]
    [InlineData("-o smtpd_banner=x -- -o smtpd_banner=y", "x")]
    [InlineData("-o smtpd_banner=x - -o smtpd_banner=y", "x")]
    [InlineData("-o smtpd_banner=x {} -o smtpd_banner=y", "x")]
    [InlineData("-o smtpd_banner=x word -o smtpd_banner=y", "x")]
    [InlineData("-o smtpd_banner=x -o smtpd_banner=y word", "y")]
    public void Options_are_read_as_Postfix_reads_them(string options, string banner)
    {
        var configuration = new ConfigDirectory(Main, $"smtp inet n - n - 1 postscreen {options}\nsmtpd pass - - n - - smtpd\n").Load();

        Assert.Equal(banner, Assert.Single(configuration.Services).Settings.Banner);
    }

    [Fact]
    public void A_problem_of_an_option_has_the_line_of_the_option()
    {
        const string Master = """
            smtp inet n - n - 1 postscreen -o soft_bounce=yes
            # a comment in between

              -o postscreen_greet_wait=2s -o { postscreen_gret_wait
                 = 3s } -o postscreen_greet_action=enforced
              word
            smtpd pass - - n - - smtpd
            """;

        Assert.Equal(
            [
                (4, "unused parameter: postscreen_gret_wait=3s"),
                (5, "bad postscreen_greet_action value: enforced"),
                (6, "unexpected argument of postscreen: word"),
            ],
            new ConfigDirectory(Main, Master).Load().Problems.Select(static problem => (problem.Line, problem.Text)).Order());
    }

    [Fact]
    public void Last_of_two_services_with_one_name_counts()
    {
        const string Master = """
            smtp inet n - n - 1 postscreen
            smtp inet n - n - 1 postscreen -o smtpd_banner=second
            """;

        Assert.Equal("second", Assert.Single(new ConfigDirectory(Main, Master).Load().Services).Settings.Banner);
    }

    [Theory]
    [InlineData("smtp", "all", "all", "[0.0.0.0]:25 [::]:25")]
    [InlineData("submission", "all", "ipv6", "[::]:587")]
    [InlineData("submissions", "loopback-only", "all", "[127.0.0.1]:465 [::1]:465")]
    [InlineData("qmtp", "localhost, mx.example.com", "ipv4", "[127.0.0.1]:209 [192.0.2.5]:209")]
    [InlineData(":2525", "192.0.2.5", "all", "[192.0.2.5]:2525")]
    [InlineData("localhost:smtps", "all", "all", "[127.0.0.1]:465 [::1]:465")]
    [InlineData("[fd00::5]:25", "all", "all", "[fd00::5]:25")]
    [InlineData("127.0.0.9:25", "192.0.2.5", "all", "[127.0.0.9]:25")]
    public void Endpoints(string name, string interfaces, string protocols, string expected)
    {
        var configuration = new ConfigDirectory(
            $"{Main}inet_interfaces = {interfaces}\ninet_protocols = {protocols}\n", $"{name} inet n - n - 1 postscreen\n").Load();

        Assert.Empty(configuration.Problems);
        Assert.Equal(expected, string.Join(' ', Assert.Single(configuration.Services).Endpoints));
    }

    [Fact]
    public void Known_ports_come_before_those_of_the_system()
    {
        var configuration = new ConfigDirectory(
            $"{Main}known_tcp_ports = smtp=2525, bad=x, qmtp=other=26\n", "smtp inet n - n - 1 postscreen\nother inet n - n - 1 postscreen\n").Load();

        Assert.Empty(configuration.Problems);
        Assert.Equal([2525, 26], configuration.Services.Select(static service => service.Endpoints[0].Port));
    }

    [Fact]
    public void No_own_address_is_an_error()
    {
        var problem = Assert.Single(new ConfigDirectory(Main + "inet_interfaces =\n").Load().Problems);

        Assert.Equal("service definition requires valid host name or address, or non-empty inet_interfaces setting", problem.Text);
    }
}
