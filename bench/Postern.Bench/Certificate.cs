using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Postern.Bench;

/// <summary>Certificates that sign themselves, each with its key before it in one PEM text.</summary>
internal static class Certificate
{
    private const string Subject = "CN=mail.bench.example";
    private static readonly DateTimeOffset Now = DateTimeOffset.UtcNow;

    /// <summary>ECDSA on P-256.</summary>
    public static string Ecdsa()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Sign(key, new CertificateRequest(Subject, key, HashAlgorithmName.SHA256));
    }

    /// <summary>RSA of 2048 bits.</summary>
    public static string Rsa()
    {
        using var key = RSA.Create(2048);
        return Sign(key, new CertificateRequest(Subject, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    private static string Sign(AsymmetricAlgorithm key, CertificateRequest request)
    {
        using var certificate = request.CreateSelfSigned(Now.AddDays(-1), Now.AddDays(30));
        return $"{key.ExportPkcs8PrivateKeyPem()}\n{certificate.ExportCertificatePem()}\n";
    }
}
