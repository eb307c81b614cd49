using System.Text.RegularExpressions;

namespace Postern.Interop.Tests;

/// <summary>swaks and openssl as clients of STARTTLS, in the dummy engine and with smtpd behind.</summary>
[Collection(nameof(InteropCollection))]
public sealed class StartTlsTests
{
    [Theory]
    [InlineData(Front.Postscreen)]
    [InlineData(Front.Postern)]
    public void Swaks_is_told_to_come_back_over_TLS_and_then_delivers_over_TLS(Front front)
    {
        Tool.Require("swaks");
        using var certificates = new Certificates();
        using var host = NewHost(front, certificates);

        var (_, first) = Swaks(host, certificates);
        host.WaitForLog("PASS NEW [127.0.5.61]:");
        var (status, second) = Swaks(host, certificates);

        Assert.Contains("TLS started with cipher TLSv1.3:", first, StringComparison.Ordinal);
        Assert.Contains("<~* 450 4.3.2 Service currently unavailable", first, StringComparison.Ordinal);
        Assert.True(status == 0, second);
        Assert.Contains("TLS started with cipher TLSv1.3:", second, StringComparison.Ordinal);
        host.WaitForMails(1);
        Assert.Contains("PASS OLD [127.0.5.61]:", host.Log, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Front.Postscreen, "-tls1_2", "TLSv1.2")]
    [InlineData(Front.Postscreen, "-tls1_3", "TLSv1.3")]
    [InlineData(Front.Postern, "-tls1_2", "TLSv1.2")]
    [InlineData(Front.Postern, "-tls1_3", "TLSv1.3")]
    public void The_certificate_chain_verifies_and_the_dialogue_goes_on(Front front, string option, string version)
    {
        Tool.Require("openssl");
        using var certificates = new Certificates();
        using var host = NewHost(front, certificates);

        var (status, output) = Tool.Run(
            "sh", "-c", "echo QUIT | timeout 30 openssl s_client -starttls smtp -name client.example -connect \"$1\" -CAfile \"$2\" -verify_return_error -verify_hostname mail.lab.example -crlf -ign_eof \"$3\"",
            "sh", $"127.0.0.1:{host.Port}", certificates.RootFile, option);

        Assert.True(status == 0, output);
        Assert.Contains("Verify return code: 0 (ok)", output, StringComparison.Ordinal);
        Assert.Contains("Verification: OK", output, StringComparison.Ordinal);
        Assert.Contains($"New, {version}, Cipher is ", output, StringComparison.Ordinal);
        Assert.Contains("221 2.0.0 Bye", output, StringComparison.Ordinal);
        host.WaitForLog("DISCONNECT [127.0.0.1]:");
        Assert.DoesNotContain("connect from", WithoutOwn(host.Log), StringComparison.Ordinal); // it was not smtpd's TLS
    }

    [Theory]
    [InlineData(Front.Postscreen)]
    [InlineData(Front.Postern)]
    public void Of_two_certificates_a_client_gets_the_one_it_asks_for(Front front)
    {
        Tool.Require("openssl");
        using var certificates = new Certificates();
        using var host = NewHost(front, certificates);
        string[] wishes =
        [
            "-tls1_3", "-tls1_3 -sigalgs rsa_pss_rsae_sha256", "-tls1_3 -sigalgs rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256",
            "-tls1_3 -sigalgs ecdsa_secp384r1_sha384:rsa_pss_rsae_sha384:ecdsa_secp256r1_sha256", "-tls1_2",
            "-tls1_2 -cipher ECDHE-RSA-AES256-GCM-SHA384", "-tls1_2 -cipher ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES128-GCM-SHA256",
            "-tls1_2 -cipher ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256",
        ];

        var got = wishes.Select(wish => Tool.Run(
            "sh", "-c", "echo QUIT | timeout 30 openssl s_client -starttls smtp -connect \"$1\" $2 -crlf -ign_eof", "sh", $"127.0.0.1:{host.Port}", wish).Output);

        Assert.Equal(
            ["ECDSA", "RSA-PSS", "RSA-PSS", "RSA-PSS", "ECDSA", "RSA-PSS", "RSA-PSS", "ECDSA"],
            got.Select(static output => Regex.Match(output, "^Peer signature type: (.*)$", RegexOptions.Multiline).Groups[1].Value));
    }

    [Theory]
    [InlineData(Front.Postscreen)]
    [InlineData(Front.Postern)]
    public void A_session_can_be_resumed(Front front)
    {
        Tool.Require("openssl");
        using var certificates = new Certificates();
        using var host = NewHost(front, certificates);

        var (_, output) = Tool.Run(
            "sh", "-c", "for option in -sess_out -sess_in; do echo QUIT | timeout 30 openssl s_client -starttls smtp -connect \"$1\" -tls1_3 $option \"$2\" -crlf -ign_eof; done",
            "sh", $"127.0.0.1:{host.Port}", Path.Combine(host.Directory, "session.pem"));

        Assert.Matches("(?s)New, TLSv1.3, .*221 2.0.0 Bye.*Reused, TLSv1.3, .*221 2.0.0 Bye", output);
    }

    private static MailHost NewHost(Front front, Certificates certificates) => MailHost.Behind(front, [.. certificates.Settings, "postscreen_bare_newline_enable = yes"]);

    private static (int Status, string Output) Swaks(MailHost host, Certificates certificates) => Tool.Run(
        "swaks", "--server", "127.0.0.1", "--port", $"{host.Port}", "--local-interface", "127.0.5.61", "--ehlo", "good.example", "--tls",
        "--tls-verify", "--tls-ca-path", certificates.RootFile, "--from", "a@good.example", "--to", "b@lab.example", "--timeout", "30");

    /// <summary>The log without the screening lines, whose CONNECT is another's.</summary>
    private static string WithoutOwn(string log) =>
        string.Join('\n', log.Split('\n').Where(static line => line.Contains("postfix/smtpd[", StringComparison.Ordinal)));
}
