using System.Text.RegularExpressions;

namespace Postern.Interop.Tests;

/// <summary>STARTTLS with clients that other people wrote.</summary>
[Collection(nameof(InteropCollection))]
public sealed class TlsTests
{
    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public void Openssl_gets_the_whole_chain_and_a_dialogue(string version)
    {
        using var host = NewHost(out var pki);

        var output = Talk(host, "QUIT\\r\\n", version, "-CAfile", $"{pki}/root.pem", "-verify_return_error", "-verify_hostname", "mail.lab.example", "-ign_eof");

        Assert.Contains("Verify return code: 0 (ok)", output, StringComparison.Ordinal);
        Assert.Contains("221 2.0.0 Bye", output, StringComparison.Ordinal);
        host.WaitForLog("Anonymous TLS connection established from [127.0.0.1]");
        Assert.Matches(@"postfix/tlsproxy\[\d+\]: CONNECT from \[127\.0\.0\.1\]:\d+\n", host.Log);
    }

    [Fact]
    public void Renegotiation_is_refused()
    {
        using var host = NewHost(out _);

        var output = Talk(host, "R\\n", "-tls1_2");

        var (before, after) = (output[..output.IndexOf("RENEGOTIATING", StringComparison.Ordinal)], output[output.IndexOf("RENEGOTIATING", StringComparison.Ordinal)..]);
        Assert.Contains("Verify return code", before, StringComparison.Ordinal);
        Assert.DoesNotContain("verify", after, StringComparison.Ordinal); // no second certificate
        host.WaitForLog("HANGUP after");
    }

    [Fact]
    public void Swaks_is_refused_inside_TLS_and_out_of_it()
    {
        Tool.Require("swaks");
        using var host = NewHost(out _, "postscreen_tls_security_level = encrypt", "smtpd_tls_security_level = may");
        string[] mail = ["--server", "127.0.0.1", "--port", $"{host.Port}", "--helo", "swaks.example", "--from", "a@swaks.example", "--to", "b@lab.example", "--quit-after", "RCPT"];

        var (_, outside) = Tool.Run("swaks", mail);
        var (_, inside) = Tool.Run("swaks", [.. mail, "--tls"]); // and from then on it is known

        Assert.Contains("=== TLS started with cipher TLSv1.", inside, StringComparison.Ordinal);
        Assert.Contains("<~* 450 4.3.2 Service currently unavailable", inside.Replace("<~**", "<~*", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains("<** 530 5.7.0 Must issue a STARTTLS command first", outside, StringComparison.Ordinal);
        host.WaitForLog("from=<a@swaks.example>, to=<b@lab.example>, proto=ESMTP, helo=<swaks.example>");
    }

    [Fact]
    public void A_renewed_certificate_needs_no_reload_and_a_key_for_roots_eyes_survives_one()
    {
        using var host = NewHost(out var pki);
        Assert.Contains("subject=CN = mail.lab.example", Talk(host, "QUIT\\r\\n", "-ign_eof"), StringComparison.Ordinal);

        host.Reload();
        Assert.Contains("subject=CN = mail.lab.example", Talk(host, "QUIT\\r\\n", "-ign_eof"), StringComparison.Ordinal);
        MakeLeaf(pki, "renewed.lab.example");
        Tool.Must("chmod", "0644", $"{pki}/key.pem"); // so that the user who we are by now may read it

        Wait.Until(
            () => Talk(host, "QUIT\\r\\n", "-ign_eof").Contains("subject=CN = renewed.lab.example", StringComparison.Ordinal),
            () => "the old certificate is still served: " + host.Log);
    }

    private static MailHost NewHost(out string pki, params string[] parameters)
    {
        Tool.Require("openssl");
        pki = Directory.CreateTempSubdirectory("postern-tls-").FullName;
        Tool.Must("chmod", "0755", pki);
        MakeAuthorities(pki);
        MakeLeaf(pki, "mail.lab.example");
        return MailHost.Alone(null, [
            "smtpd_tls_security_level = may", "smtpd_tls_loglevel = 1", $"smtpd_tls_cert_file = {pki}/chain.pem", $"smtpd_tls_key_file = {pki}/key.pem",
            "postscreen_pipelining_enable = yes", .. parameters]);
    }

    private static void MakeAuthorities(string pki)
    {
        File.WriteAllText($"{pki}/ca.ext", "basicConstraints=critical,CA:TRUE\n");
        Tool.Must(
            "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3", "-subj", "/CN=Root", "-addext", "basicConstraints=critical,CA:TRUE",
            "-keyout", $"{pki}/root.key", "-out", $"{pki}/root.pem");
        Tool.Must("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Between", "-keyout", $"{pki}/between.key", "-out", $"{pki}/between.csr");
        Tool.Must(
            "openssl", "x509", "-req", "-days", "3", "-in", $"{pki}/between.csr", "-CA", $"{pki}/root.pem", "-CAkey", $"{pki}/root.key", "-CAcreateserial",
            "-extfile", $"{pki}/ca.ext", "-out", $"{pki}/between.pem");
    }

    private static void MakeLeaf(string pki, string name)
    {
        File.WriteAllText($"{pki}/leaf.ext", $"subjectAltName=DNS:{name}\n");
        Tool.Must("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", $"/CN={name}", "-keyout", $"{pki}/new.key", "-out", $"{pki}/leaf.csr");
        Tool.Must(
            "openssl", "x509", "-req", "-days", "3", "-in", $"{pki}/leaf.csr", "-CA", $"{pki}/between.pem", "-CAkey", $"{pki}/between.key", "-CAcreateserial",
            "-extfile", $"{pki}/leaf.ext", "-out", $"{pki}/leaf.pem");
        File.WriteAllText($"{pki}/chain.pem.new", File.ReadAllText($"{pki}/leaf.pem") + File.ReadAllText($"{pki}/between.pem"));
        File.Move($"{pki}/new.key", $"{pki}/key.pem", overwrite: true);
        File.Move($"{pki}/chain.pem.new", $"{pki}/chain.pem", overwrite: true);
    }

    /// <param name="input">What is said inside, in printf(1)'s escapes.</param>
    /// <returns>What s_client says, on both channels.</returns>
    private static string Talk(MailHost host, string input, params string[] options)
    {
        var after = options.Contains("-ign_eof") ? "true" : "sleep 5"; // the end of the input would end s_client before the answer comes
        var command = $"(printf '{input}'; {after}) | openssl s_client -connect 127.0.0.1:{host.Port} -starttls smtp {string.Join(' ', options)} 2>&1";
        var (_, output) = Tool.Run("timeout", "60", "sh", "-c", command);
        Assert.Matches(new Regex("CONNECTED"), output);
        return output;
    }
}
