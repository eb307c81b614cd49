using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Postern.Core.Config;

namespace Postern.Tls;

/// <summary>How TLS is spoken with one relay target. Any thread may ask.</summary>
/// <param name="host">Its name or address, which its certificate has to name where that is wanted.</param>
/// <param name="rules">What is wanted of its certificate.</param>
internal sealed class ServerTls(string host, RelayRules rules)
{
    private readonly Lazy<X509Certificate2Collection> _authorities = new(() => PemText.ReadCertificates(rules.TlsAuthorities));

    /// <summary>The options of one handshake.</summary>
    /// <param name="complain">Is told what is wrong with a certificate that is not taken.</param>
    public SslClientAuthenticationOptions NewOptions(Action<string> complain) => new()
    {
        TargetHost = host,
        CertificateChainPolicy = TrustPolicy.Of(_authorities.Value),
        RemoteCertificateValidationCallback = (_, _, _, errors) =>
        {
            if (rules.Tls is not RelayTls.Verify || errors is SslPolicyErrors.None)
                return true;
            complain(errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable) ? "it has no certificate"
                : errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) ? $"its certificate is not for {host}"
                : "no authority in postern_relay_tls_CAfile vouches for its certificate, or it is out of date");
            return false;
        },
    };
}
