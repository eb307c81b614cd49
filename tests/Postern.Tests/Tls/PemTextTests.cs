using Postern.Tls;

namespace Postern.Tests.Tls;

public sealed class PemTextTests
{
    private static readonly TestCertificates Mine = TestCertificates.Create("mx.example.com");
    private static readonly TestCertificates Elliptic = TestCertificates.Create("ec.example.com", elliptic: true);

    [Fact]
    public void A_chain_and_its_key_in_two_files()
    {
        var identity = PemText.ReadPair("c", "some words\n" + Mine.Chain, "k", Mine.Key, out var problem);

        Assert.Null(problem);
        Assert.Equal("CN=mx.example.com", identity!.Certificate.Subject);
        Assert.True(identity.Certificate.HasPrivateKey);
        Assert.Equal("CN=Between", Assert.Single(identity.Others).Subject);
    }

    [Fact]
    public void Everything_in_one_file() =>
        Assert.NotNull(PemText.ReadPair("f", Mine.Key + "\n" + Mine.Chain, "f", Mine.Key + "\n" + Mine.Chain, out _));

    [Fact]
    public void Several_keys_each_before_its_certificates()
    {
        var identities = PemText.ReadChains([("a", Mine.Key + "\n" + Mine.Leaf), ("b", Mine.Intermediate + "\n" + Elliptic.Key + "\n" + Elliptic.Chain)], out var problem);

        Assert.Null(problem);
        Assert.Equal(["CN=mx.example.com", "CN=ec.example.com"], identities.Select(static one => one.Certificate.Subject));
        Assert.All(identities, static one => Assert.Single(one.Others));
    }

    public static TheoryData<string, string, string> Flaws() => new()
    {
        { "", Mine.Key, "no certificate in /c" },
        { Mine.Chain, "", "no private key in /k" },
        { Mine.Chain, Mine.Chain, "no private key in /k" },
        { Mine.Chain, Elliptic.Key, "the key in /k does not belong to the first certificate in /c" },
        { Mine.Intermediate + "\n" + Mine.Leaf, Mine.Key, "the key in /k does not belong to the first certificate in /c" },
        { Mine.Chain, Mine.Key[..40] + "AAAA" + Mine.Key[44..], "the key in /k is damaged, or of a kind that is not RSA or ECDSA" },
        { Mine.Leaf + "\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", Mine.Key, "a certificate in /c is damaged" },
        { Mine.Chain, Mine.Key.Replace("PRIVATE", "ENCRYPTED PRIVATE", StringComparison.Ordinal), "the key in /k has a passphrase, and nobody is there to type it" },
        { Mine.Chain, "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n", "the key in /k has a passphrase, and nobody is there to type it" },
        { "\0\xff not PEM at all", Mine.Key, "no certificate in /c" },
    };

    [Theory]
    [MemberData(nameof(Flaws))]
    public void Flaws_are_told_in_words(string certificates, string keys, string expected)
    {
        Assert.Null(PemText.ReadPair("/c", certificates, "/k", keys, out var problem));

        Assert.Equal(expected, problem);
    }

    [Fact]
    public void Flaws_of_chain_files()
    {
        Assert.Empty(PemText.ReadChains([("/a", Mine.Chain)], out var noKey));
        Assert.Empty(PemText.ReadChains([("/a", Mine.Key)], out var noCertificate));
        Assert.Empty(PemText.ReadChains([("/a", Mine.Key + "\n" + Elliptic.Chain)], out var mismatch));

        Assert.Equal("a certificate without a key before it in /a", noKey);
        Assert.Equal("no certificate after the key in /a", noCertificate);
        Assert.Equal("the key in /a does not belong to the first certificate in /a", mismatch);
    }
}
