using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Postern.Core.Config;

namespace Postern.Tests.Tls;

/// <summary>A certificate below an intermediate one below a root, made for a test; all PEM.</summary>
/// <param name="Root">The authority.</param>
/// <param name="Intermediate">The certificate between.</param>
/// <param name="Leaf">The server's.</param>
/// <param name="Key">The server's key, PKCS #8.</param>
internal sealed record TestCertificates(string Root, string Intermediate, string Leaf, string Key)
{
    /// <summary>TLS with the certificate of <see cref="Files"/>.</summary>
    public static readonly TlsSettings Settings = new()
    {
        Certificates = [new TlsCertificateFiles("smtpd_tls_cert_file", null, ["/cert"], "/key")],
        Versions = TlsVersions.Tls12 | TlsVersions.Tls13,
        CipherSuites = TlsCipherList.Parse("HIGH", out _),
    };

    /// <summary>As administrators have it: the server's certificate, then the intermediate one.</summary>
    public string Chain => Leaf + "\n" + Intermediate + "\n";

    /// <summary>The chain and the key as files.</summary>
    public ChangingFiles Files() => new() { ["/cert"] = Chain, ["/key"] = Key };

    public static TestCertificates Create(string name, bool elliptic = false, DateTimeOffset? notAfter = null)
    {
        var end = notAfter ?? DateTimeOffset.UtcNow.AddDays(30);
        var start = end.AddDays(-60);
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var intermediateKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var rootRequest = new CertificateRequest("CN=Root of the test", rootKey, HashAlgorithmName.SHA256);
        rootRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var root = rootRequest.CreateSelfSigned(start, end);
        var intermediateRequest = new CertificateRequest("CN=Between", intermediateKey, HashAlgorithmName.SHA256);
        intermediateRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var intermediate = intermediateRequest.Create(root, start, end, [1]).CopyWithPrivateKey(intermediateKey);

        using AsymmetricAlgorithm key = elliptic ? ECDsa.Create(ECCurve.NamedCurves.nistP256) : RSA.Create(2048);
        var request = key is RSA rsa
            ? new CertificateRequest("CN=" + name, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest("CN=" + name, (ECDsa)key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using var leaf = request.Create(intermediate.SubjectName, X509SignatureGenerator.CreateForECDsa(intermediateKey), start, end, [2]);
        return new TestCertificates(
            root.ExportCertificatePem(), intermediate.ExportCertificatePem(), leaf.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }
}
