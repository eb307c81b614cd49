using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Postern.Core.Config;

namespace Postern.Tls;

/// <summary>Everything that a handshake needs: settings and the certificate in force. Immutable; a renewal makes another one.</summary>
internal sealed class TlsContext
{
    private readonly TlsSettings _settings;
    private readonly SslStreamCertificateContext _certificate;
    private readonly X509Certificate2Collection _authorities;

    /// <param name="settings">Versions, ciphers, and what is asked of clients.</param>
    /// <param name="identity">The server's certificate.</param>
    /// <param name="authorities">Whom to believe about clients' certificates.</param>
    public TlsContext(TlsSettings settings, ServerIdentity identity, X509Certificate2Collection authorities)
    {
        _settings = settings;
        _certificate = SslStreamCertificateContext.Create(identity.Certificate, identity.Others, offline: true);
        _authorities = authorities;
    }

    /// <summary>Whether a handshake is worth a log line.</summary>
    public bool LogsHandshakes => _settings.LogsHandshakes;

    /// <summary>The options of one handshake.</summary>
    /// <param name="judge">Is told whether the client's certificate is trusted, if it shows one.</param>
    public SslServerAuthenticationOptions NewOptions(Action<bool> judge)
    {
#pragma warning disable CA1416 // not on Windows, like all of this program
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = _certificate,
            EnabledSslProtocols = ToSslProtocols(_settings.Versions),
            CipherSuitesPolicy = new CipherSuitesPolicy(_settings.CipherSuites),
            AllowRenegotiation = false, // a client could keep us busy with it
            EncryptionPolicy = EncryptionPolicy.RequireEncryption,
        };
#pragma warning restore CA1416
        if (!_settings.AsksForCertificate)
            return options;
        options.ClientCertificateRequired = true;
        options.CertificateChainPolicy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true, // nobody makes us visit his web server
        };
        options.CertificateChainPolicy.CustomTrustStore.AddRange(_authorities);
        options.RemoteCertificateValidationCallback = (_, certificate, _, errors) =>
        {
            var trusted = certificate is not null && (errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None;
            judge(trusted);
            return trusted || !_settings.DemandsCertificate;
        };
        return options;
    }

    private static SslProtocols ToSslProtocols(TlsVersions versions)
    {
        var protocols = SslProtocols.None;
#pragma warning disable SYSLIB0039, CA5397 // old versions are the administrator's decision; OpenSSL has the last word
        if (versions.HasFlag(TlsVersions.Tls10))
            protocols |= SslProtocols.Tls;
        if (versions.HasFlag(TlsVersions.Tls11))
            protocols |= SslProtocols.Tls11;
#pragma warning restore SYSLIB0039, CA5397
        if (versions.HasFlag(TlsVersions.Tls12))
            protocols |= SslProtocols.Tls12;
        if (versions.HasFlag(TlsVersions.Tls13))
            protocols |= SslProtocols.Tls13;
        return protocols;
    }
}
