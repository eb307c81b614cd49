using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Postern.Interop.Tests.Harness;

/// <summary>Two certificates for mail.lab.example at 127.0.0.1, RSA and ECDSA, with the chain behind them: a root, an authority between, the server.</summary>
internal sealed class Certificates : IDisposable
{
    private const string Name = "CN=mail.lab.example";

    private readonly string _directory = Directory.CreateTempSubdirectory("postern-certificates-").FullName;

    public Certificates()
    {
        var now = DateTimeOffset.UtcNow;
        using var rootKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var root = Authority("CN=Lab Root", rootKey).CreateSelfSigned(now.AddDays(-3), now.AddDays(30));
        using var middleKey = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var middle = Authority("CN=Lab Authority", middleKey).Create(root, now.AddDays(-2), now.AddDays(29), [1]);
        using var rsa = RSA.Create(2048);
        using var elliptic = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var chains = new[]
        {
            Chain(rsa, new CertificateRequest(Name, rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1), 2),
            Chain(elliptic, new CertificateRequest(Name, elliptic, HashAlgorithmName.SHA256), 3),
        };

        File.WriteAllText(RootFile, root.ExportCertificatePem() + "\n");
        File.WriteAllText(ChainFile, string.Concat(chains));
        Tool.Must("chmod", "0600", ChainFile); // a key is for root alone

        string Chain(AsymmetricAlgorithm key, CertificateRequest request, byte number)
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName("mail.lab.example");
            names.AddIpAddress(System.Net.IPAddress.Loopback);
            request.CertificateExtensions.Add(names.Build());
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
            using var server = request.Create(middle.SubjectName, X509SignatureGenerator.CreateForECDsa(middleKey), now.AddDays(-1), now.AddDays(28), [number]);
            return $"{key.ExportPkcs8PrivateKeyPem()}\n{server.ExportCertificatePem()}\n{middle.ExportCertificatePem()}\n";
        }
    }

    /// <summary>What clients trust.</summary>
    public string RootFile => Path.Combine(_directory, "root.pem");

    /// <summary>Lines of main.cf: TLS with smtpd, and with whoever screens.</summary>
    public string[] Settings => ["smtpd_tls_security_level = may", $"smtpd_tls_chain_files = {ChainFile}", "smtpd_tls_loglevel = 1"];

    /// <summary>The key and its certificates in a file that another user may read.</summary>
    /// <returns>Its path.</returns>
    public string CopyFor(string user, string directory)
    {
        var path = Path.Combine(directory, "chain.pem");
        File.Copy(ChainFile, path, overwrite: true);
        Tool.Must("chown", user, path);
        return path;
    }

    public string ChainFile => Path.Combine(_directory, "chain.pem");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static CertificateRequest Authority(string name, ECDsa key)
    {
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, true));
        return request;
    }
}
