using Postern.Checks;
using Postern.Cli;
using Postern.Tests.Config;
using Postern.Tests.Tls;

namespace Postern.Tests.Cli;

public sealed class CheckVerbTests
{
    [Fact]
    public void Good_configuration_is_described_in_one_line()
    {
        var (status, output) = Check(new ConfigDirectory("compatibility_level = 3.6\n"));

        Assert.Equal(0, status);
        Assert.Equal(
            "main.cf and master.cf are fine: service smtp listens on [0.0.0.0]:25 and [::]:25; clients that pass go to "
            + "/var/spool/postfix/private/smtpd and are remembered in btree:/var/lib/postfix/postscreen_cache\n",
            output);
    }

    [Theory]
    [InlineData("postern_handoff = receiver", "the built-in SMTP server", "")]
    [InlineData("postern_handoff = relay:tcp:10.0.0.5:25*2, unix:/run/smtp=xclient", "the relay targets tcp:10.0.0.5:25 (proxy-v2), unix:/run/smtp (xclient)", "")]
    [InlineData("postern_live_target = relay:unix:private/live", "/var/spool/postfix/private/smtpd", "; in the middle of their session they go to the relay target unix:private/live (proxy-v2)")]
    public void Where_clients_go_is_said(string line, string target, string live)
    {
        var (status, output) = Check(new ConfigDirectory("compatibility_level = 3.6\npostscreen_cache_map =\n" + line + "\n"));

        Assert.Equal(0, status);
        Assert.EndsWith($"; clients that pass go to {target} and are not remembered{live}\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_problem_has_place_and_remedy_and_they_are_counted()
    {
        var (status, output) = Check(new ConfigDirectory(
            "compatibility_level = 3.6\npostscreen_gret_wait = \xc3\xa9\x1b[1m\nmail_owner = nobodyx\nmynetworks = cidr:/none\n"));

        Assert.Equal(1, status);
        Assert.Equal(
            """
            /etc/postfix/main.cf:3: error: file /etc/postfix/main.cf: parameter mail_owner: unknown user name value: nobodyx
                create it, or name another
            /etc/postfix/main.cf:4: error: open /none: No such file or directory
                make the table or mend its name in mynetworks; until then each look-up in it fails
                at a client: cidr:/none is unavailable. open /none: No such file or directory
                at a client: postscreen_access_list: cidr:/none: table lookup problem
                at a client: postscreen_access_list: permit_mynetworks: mynetworks lookup error -- ignoring the remainder of this access list
            /etc/postfix/main.cf:2: warning: unused parameter: postscreen_gret_wait=ZZ\033[1m
                did you mean postscreen_greet_wait?
            2 errors, 1 warning

            """.ReplaceLineEndings("\n").Replace("ZZ", "\xc3\xa9", StringComparison.Ordinal),
            output);
    }

    [Fact]
    public void Warnings_alone_leave_the_status_at_0()
    {
        var (status, output) = Check(new ConfigDirectory("compatibility_level = 3.6\npostscreen_gret_wait = 1s\n"));

        Assert.Equal(0, status);
        Assert.Contains("\n0 errors, 1 warning\npostern serve would start: ", output, StringComparison.Ordinal);
    }

    [Fact]
    public void Certificates_are_made_trial_of()
    {
        var pki = TestCertificates.Create("mx.example.com");
        var directory = new ConfigDirectory(
            "compatibility_level = 3.6\nsmtpd_tls_security_level = may\nsmtpd_tls_cert_file = /tls/cert.pem\nsmtpd_tls_key_file = /tls/key.pem\n")
            .Add("/tls/cert.pem", pki.Chain).Add("/tls/key.pem", TestCertificates.Create("other.example.com").Key);

        var (status, output) = Check(directory);
        var (fine, _) = Check(directory.Add("/tls/key.pem", pki.Key));

        Assert.Equal((1, 0), (status, fine));
        Assert.StartsWith(
            "/etc/postfix/main.cf:3: error: the key in /tls/key.pem does not belong to the first certificate in /tls/cert.pem\n"
            + "    mend the file, or name another in tlsproxy_tls_cert_file; until then STARTTLS is answered with 454\n",
            output,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Directory_that_is_not_there()
    {
        using var output = new StringWriter { NewLine = "\n" };

        Assert.Equal(1, CheckVerb.Run("/nonexistent", saysLists: false, output));
        Assert.StartsWith(
            "/nonexistent/main.cf: error: open /nonexistent/main.cf: No such file or directory\n",
            output.ToString(),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Facts_of_this_machine()
    {
        var host = HostFactsReader.Read();

        Assert.NotEmpty(host.HostName);
        Assert.Contains(ConfigDirectory.Own("127.0.0.1", 8), host.Addresses);
        Assert.Equal(0u, host.FindUser("root"));
        Assert.Null(host.FindUser("no-such-user"));
        Assert.Equal(0u, host.FindGroup("root"));
        Assert.Null(host.FindGroup("no-such-group"));
        Assert.Contains(ConfigDirectory.Address("127.0.0.1"), host.ResolveHost("localhost"));
        Assert.Empty(host.ResolveHost("no-such-host.invalid"));
        Assert.Null(host.FindPort("no-such-port"));
    }

    private static (int Status, string Output) Check(ConfigDirectory directory)
    {
        using var output = new StringWriter { NewLine = "\n" };
        var status = CheckVerb.Run("/etc/postfix", directory, directory.Host, configuration => CertificateCheck.Find(configuration, directory), output);
        return (status, output.ToString());
    }
}
