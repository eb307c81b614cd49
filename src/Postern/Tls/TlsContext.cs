using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Postern.Core.Config;

namespace Postern.Tls;

/// <summary>Everything that a handshake needs: settings and the certificates in force. Immutable; a renewal makes another one.</summary>
internal sealed class TlsContext
{
    private readonly TlsSettings _settings;
    private readonly IReadOnlyList<ServerIdentity> _identities;
    private readonly SslStreamCertificateContext[] _certificates;
    private readonly X509Certificate2Collection _authorities;

    /// <param name="settings">Versions, ciphers, and what is asked of clients.</param>
    /// <param name="identities">The server's certificates, at least one; of several, the client's wishes choose.</param>
    /// <param name="authorities">Whom to believe about clients' certificates.</param>
    public TlsContext(TlsSettings settings, IReadOnlyList<ServerIdentity> identities, X509Certificate2Collection authorities)
    {
        _settings = settings;
        _identities = identities;
        _certificates = [.. identities.Select(static one => SslStreamCertificateContext.Create(one.Certificate, one.Others, offline: true))];
        _authorities = authorities;
    }

    /// <summary>Whether a handshake is worth a log line.</summary>
    public bool LogsHandshakes => _settings.LogsHandshakes;

    /// <summary>The options of one handshake.</summary>
    /// <param name="received">What the client has sent in it: its first message.</param>
    /// <param name="judge">Is told whether the client's certificate is trusted, if it shows one.</param>
    public SslServerAuthenticationOptions NewOptions(ReadOnlySpan<byte> received, Action<bool> judge)
    {
        var hello = new ClientHello(received);
        var isTls13 = _settings.Versions.HasFlag(TlsVersions.Tls13) && hello.IsOfTls13;
#pragma warning disable CA1416 // not on Windows, like all of this program
        var options = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = _certificates[hello.Choose(_identities, isTls13 ? null : _settings.CipherSuites)],
            EnabledSslProtocols = ToSslProtocols(_settings.Versions),

            // With a policy the runtime makes OpenSSL's context anew for each client, which costs a third of a handshake and
            // leaves nothing to resume. TLS 1.3 has no ciphers to choose from. A certificate that was asked for is seen each time.
            CipherSuitesPolicy = isTls13 && !_settings.AsksForCertificate ? null : new CipherSuitesPolicy(_settings.CipherSuites),
            AllowRenegotiation = false, // a client could keep us busy with it
            EncryptionPolicy = EncryptionPolicy.RequireEncryption,
        };
#pragma warning restore CA1416
        if (!_settings.AsksForCertificate)
            return options;
        options.ClientCertificateRequired = true;
        options.CertificateChainPolicy = TrustPolicy.Of(_authorities);
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
