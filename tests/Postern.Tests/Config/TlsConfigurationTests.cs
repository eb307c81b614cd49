using Postern.Core.Config;

namespace Postern.Tests.Config;

public sealed class TlsConfigurationTests
{
    private const string Start = "compatibility_level = 3.6\n";
    private const string Certificate = "smtpd_tls_cert_file = /tls/cert.pem\nsmtpd_tls_key_file = /tls/key.pem\n";

    [Theory]
    [InlineData("", TlsLevel.None)]
    [InlineData("smtpd_tls_security_level = none\nsmtpd_use_tls = yes\n", TlsLevel.None)]
    [InlineData("smtpd_use_tls = yes\n", TlsLevel.May)]
    [InlineData("smtpd_enforce_tls = yes\n", TlsLevel.Encrypt)]
    [InlineData("smtpd_tls_security_level = May\n", TlsLevel.May)]
    [InlineData("smtpd_tls_security_level = may\npostscreen_tls_security_level = encrypt\n", TlsLevel.Encrypt)]
    [InlineData("smtpd_tls_security_level = encrypt\npostscreen_tls_security_level = none\n", TlsLevel.None)]
    [InlineData("smtpd_tls_security_level = encrypt\npostscreen_tls_security_level =\n", TlsLevel.None)]
    public void The_level(string lines, TlsLevel expected)
    {
        var (configuration, settings) = Load(lines + Certificate);

        Assert.Empty(configuration.Problems);
        Assert.Equal((expected, expected is not TlsLevel.None), (settings.TlsLevel, settings.Tls is not null));
    }

    [Fact]
    public void A_level_that_asks_for_more_than_servers_can_is_taken_for_encrypt()
    {
        var (configuration, settings) = Load("smtpd_tls_security_level = may\npostscreen_tls_security_level = verify\n" + Certificate);

        var problem = Assert.Single(configuration.Problems);
        Assert.Equal(
            (ProblemSeverity.Warning, 3, "postscreen", "postscreen_tls_security_level: unsupported TLS level \"verify\", using \"encrypt\""),
            (problem.Severity, problem.Line, problem.SaidBy, problem.Text));
        Assert.Equal(TlsLevel.Encrypt, settings.TlsLevel);
    }

    [Theory]
    [InlineData("", 2, "No server certs available. TLS can't be enabled")]
    [InlineData("smtpd_tls_cert_file = none\n", 2, "No server certs available. TLS can't be enabled")]
    [InlineData(Certificate + "tlsproxy_tls_security_level = none\n", 5, "TLS server role is disabled with tlsproxy_tls_security_level or tlsproxy_use_tls")]
    [InlineData(Certificate + "smtpd_tls_protocols = !SSLv9\n", 5, "Invalid TLS protocol list \"!SSLv9\": disabling TLS support")]
    [InlineData(Certificate + "smtpd_tls_protocols = SSLv3\n", 5, "Invalid TLS protocol list \"SSLv3\": disabling TLS support")]
    [InlineData(Certificate + "smtpd_tls_ciphers = strong\n", 5, "tlsproxy_tls_ciphers: invalid cipher grade: \"strong\"")]
    public void What_keeps_TLS_from_working_keeps_nothing_else(string lines, int line, string text)
    {
        var (configuration, settings) = Load("smtpd_tls_security_level = may\n" + lines);

        var problem = Assert.Single(configuration.Problems);
        Assert.Equal((ProblemSeverity.Degraded, line, "tlsproxy", text), (problem.Severity, problem.Line, problem.SaidBy, problem.Text));
        Assert.Equal(TlsLevel.May, settings.TlsLevel);
        Assert.Null(settings.Tls);
    }

    [Fact]
    public void Certificates_of_two_kinds()
    {
        var (_, settings) = Load("smtpd_tls_security_level = may\n" + Certificate + "smtpd_tls_eccert_file = ec.pem\n");

        Assert.Equal(
            ["/tls/cert.pem /tls/key.pem", "/var/spool/postfix/ec.pem /var/spool/postfix/ec.pem"],
            settings.Tls!.Certificates.Select(static one => string.Join(' ', [.. one.CertificateFiles, one.KeyFile!])));
    }

    [Fact]
    public void Chain_files_win()
    {
        var (_, settings) = Load("smtpd_tls_security_level = may\n" + Certificate + "smtpd_tls_chain_files = /a.pem, /b.pem\n");

        var certificate = Assert.Single(settings.Tls!.Certificates);
        Assert.Equal(["/a.pem", "/b.pem"], certificate.CertificateFiles);
        Assert.Null(certificate.KeyFile);
        Assert.Equal(5, certificate.Origin!.Value.Line);
    }

    [Fact]
    public void Names_of_postscreen_win_over_those_of_tlsproxy_and_those_over_smtpds()
    {
        var (_, settings) = Load(
            "smtpd_tls_security_level = may\n" + Certificate + "smtpd_tls_loglevel = 1\ntlsproxy_tls_loglevel = 0\n"
            + "tlsproxy_tls_protocols = >=TLSv1.3\npostscreen_tls_protocols = TLSv1.2\npostscreen_tls_cert_file = /own.pem\n");

        Assert.False(settings.Tls!.LogsHandshakes);
        Assert.Equal(TlsVersions.Tls12, settings.Tls.Versions);
        Assert.Equal("/own.pem", settings.Tls.Certificates[0].KeyFile);
    }

    [Fact]
    public void Overrides_of_postscreens_line_are_not_tlsproxys()
    {
        const string Master = "smtp inet n - n - 1 postscreen -o smtpd_tls_loglevel=1 -o smtpd_tls_protocols=TLSv1.2\n"
            + "smtpd pass - - n - - smtpd\ntlsproxy unix - - n - 0 tlsproxy -o smtpd_tls_protocols=TLSv1.3\n";

        var settings = Assert.Single(new ConfigDirectory(Start + "smtpd_tls_security_level = may\n" + Certificate, Master).Load().Services).Settings;

        Assert.False(settings.Tls!.LogsHandshakes);
        Assert.Equal(TlsVersions.Tls13, settings.Tls.Versions);
    }

    [Fact]
    public void What_is_mandatory_counts_when_TLS_is()
    {
        const string Both = "smtpd_tls_protocols = >=TLSv1.1\nsmtpd_tls_mandatory_protocols = >=TLSv1.3\nsmtpd_tls_req_ccert = yes\n";

        var may = Load("smtpd_tls_security_level = may\n" + Certificate + Both).Settings.Tls!;
        var encrypt = Load("smtpd_tls_security_level = encrypt\n" + Certificate + Both).Settings.Tls!;

        Assert.Equal((TlsVersions.Tls11 | TlsVersions.Tls12 | TlsVersions.Tls13, false, false), (may.Versions, may.AsksForCertificate, may.DemandsCertificate));
        Assert.Equal((TlsVersions.Tls13, true, true), (encrypt.Versions, encrypt.AsksForCertificate, encrypt.DemandsCertificate));
    }

    [Fact]
    public void Without_TLS_nobody_minds_what_its_parameters_say() =>
        Assert.Empty(Load("smtpd_tls_protocols = nonsense\nsmtpd_tls_ask_ccert = perhaps\n").Configuration.Problems);

    [Fact]
    public void Excluded_ciphers_that_nobody_knows_are_a_warning()
    {
        var (configuration, settings) = Load("smtpd_tls_security_level = may\n" + Certificate + "smtpd_tls_exclude_ciphers = aNULL, RC4, DES-CBC3-SHA, kRSA, Camelia\n");

        var problem = Assert.Single(configuration.Problems);
        Assert.Equal((ProblemSeverity.Warning, 5, "tlsproxy_tls_exclude_ciphers: no cipher is called Camelia"), (problem.Severity, problem.Line, problem.Text));
        Assert.DoesNotContain(System.Net.Security.TlsCipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA, settings.Tls!.CipherSuites);
        Assert.Contains(System.Net.Security.TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, settings.Tls.CipherSuites);
    }

    [Theory]
    [InlineData("", TlsVersions.Tls10 | TlsVersions.Tls11 | TlsVersions.Tls12 | TlsVersions.Tls13)]
    [InlineData("!SSLv2, !SSLv3", TlsVersions.Tls10 | TlsVersions.Tls11 | TlsVersions.Tls12 | TlsVersions.Tls13)]
    [InlineData("!SSLv2:!SSLv3 !tlsv1 !TLSv1.1", TlsVersions.Tls12 | TlsVersions.Tls13)]
    [InlineData(">=tlsV1.2", TlsVersions.Tls12 | TlsVersions.Tls13)]
    [InlineData(">=TLSv1, <=TLSv1.2", TlsVersions.Tls10 | TlsVersions.Tls11 | TlsVersions.Tls12)]
    [InlineData(">=0x0303", TlsVersions.Tls12 | TlsVersions.Tls13)]
    [InlineData("<=0 >=0303", null)]
    [InlineData("TLSv1.2, TLSv1.3, !TLSv1.3", TlsVersions.Tls12)]
    [InlineData("SSLv3", TlsVersions.None)]
    [InlineData(">= TLSv1.2", null)]
    [InlineData("TLSv1.4", null)]
    [InlineData("!", null)]
    public void Protocol_lists(string text, TlsVersions? expected)
    {
        Assert.Equal(expected is not null, TlsProtocolList.TryParse(text, out var versions));

        if (expected is not null)
            Assert.Equal(expected, versions);
    }

    private static (Configuration Configuration, Settings Settings) Load(string lines)
    {
        var configuration = new ConfigDirectory(Start + lines).Load();
        return (configuration, Assert.Single(configuration.Services).Settings);
    }
}
