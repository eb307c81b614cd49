using System.Security.Cryptography.X509Certificates;

namespace Postern.Tls;

/// <summary>How the other side's certificate is judged: by the authorities that the administrator names, and nobody else's word.</summary>
internal static class TrustPolicy
{
    /// <param name="authorities">Whom to believe.</param>
    public static X509ChainPolicy Of(X509Certificate2Collection authorities)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true, // nobody makes us visit his web server
        };
        policy.CustomTrustStore.AddRange(authorities);
        return policy;
    }
}
