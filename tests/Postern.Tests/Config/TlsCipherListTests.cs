using System.Diagnostics;
using Postern.Core.Config;

namespace Postern.Tests.Config;

/// <summary>OpenSSL's own program is the judge.</summary>
public sealed class TlsCipherListTests
{
    [Theory]
    [InlineData("aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH")]
    [InlineData("HIGH:!kRSA:!CAMELLIA")]
    [InlineData("DEFAULT:!SHA1")]
    [InlineData("ECDHE+AESGCM:DHE+AES256:!aECDSA")]
    [InlineData("EDH+CAMELLIA:EDH+aRSA:EECDH+aRSA+AESGCM:EECDH+aRSA+SHA384:EECDH+aRSA+SHA256:EECDH:!aNULL:!eNULL:!LOW:!3DES:!MD5:!EXP:!PSK:!DSS:!RC4:!SEED:!ECDSA")]
    [InlineData("ALL:-kDHE:+AES128:kDHE+ARIA:AESCCM8")]
    [InlineData("AES128-SHA:ECDHE-RSA-AES256-GCM-SHA384:-AES128-SHA:CHACHA20")]
    [InlineData("TLSv1.2:!AESCCM:!SHA256")]
    [InlineData("SSLv3:TLSv1")]
    [InlineData("HIGH:!AES256-SHA:!DES-CBC3-SHA:!NO-SUCH-CIPHER:!EXPORT")]
    public void A_string_means_what_it_means_to_openssl(string text)
    {
        var suites = TlsCipherList.Parse(text, out var unknown);

        Assert.Empty(unknown);
        Assert.Equal(AskOpenSsl(text).Order(), suites.Select(static suite => suite.ToString()).Where(static name => name.Contains("_WITH_", StringComparison.Ordinal)).Order());
    }

    [Fact]
    public void The_versions_own_ciphers_are_always_there() =>
        Assert.Equal(
            ["TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_GCM_SHA256"],
            TlsCipherList.Parse("!ALL", out _).Select(static suite => suite.ToString()));

    [Fact]
    public void Strength_sorts_and_plus_moves_to_the_end()
    {
        var suites = TlsCipherList.Parse("AES128-SHA:AES256-SHA:CAMELLIA256-SHA:+AES256-SHA:@STRENGTH", out _);

        Assert.Equal(
            ["TLS_RSA_WITH_CAMELLIA_256_CBC_SHA", "TLS_RSA_WITH_AES_256_CBC_SHA", "TLS_RSA_WITH_AES_128_CBC_SHA"],
            suites.Skip(3).Select(static suite => suite.ToString()));
    }

    [Theory]
    [InlineData("HIGH:!anull", "anull")]
    [InlineData("HIGH:kRSA+FOO", "FOO")]
    public void Words_that_mean_nothing_are_named(string text, string expected)
    {
        TlsCipherList.Parse(text, out var unknown);

        Assert.Equal([expected], unknown);
    }

    // Those with a certificate and without a shared secret: the others cannot be had in this program.
    private static List<string> AskOpenSsl(string text)
    {
        using var openssl = Process.Start(new ProcessStartInfo("openssl", ["ciphers", "-V", "-stdname", text]) { RedirectStandardOutput = true })!;
        var names = new List<string>();
        foreach (var line in openssl.StandardOutput.ReadToEnd().Split('\n'))
        {
            var fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > 6 && fields[7] is "Au=RSA" or "Au=ECDSA" && fields[6] is "Kx=ECDH" or "Kx=DH" or "Kx=RSA" && !line.Contains("Enc=None", StringComparison.Ordinal))
                names.Add(fields[2]);
        }

        openssl.WaitForExit();
        return names;
    }
}
