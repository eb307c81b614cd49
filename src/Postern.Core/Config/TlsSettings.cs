using System.Net.Security;

namespace Postern.Core.Config;

/// <summary>What clients that the dummy engine talks to are told about TLS.</summary>
public enum TlsLevel
{
    /// <summary>STARTTLS is neither announced nor taken.</summary>
    None,

    /// <summary>STARTTLS is announced.</summary>
    May,

    /// <summary>STARTTLS is announced, and must come before everything that concerns mail.</summary>
    Encrypt,
}

/// <summary>Versions of the protocol.</summary>
[Flags]
public enum TlsVersions
{
#pragma warning disable CS1591 // the names are the versions
    None = 0,
    Tls10 = 1 << 0,
    Tls11 = 1 << 1,
    Tls12 = 1 << 2,
    Tls13 = 1 << 3,
#pragma warning restore CS1591
}

/// <summary>Where a certificate and its key are.</summary>
/// <param name="Parameter">The parameter that names them, for messages.</param>
/// <param name="Origin">Where that parameter is set.</param>
/// <param name="CertificateFiles">
/// PEM files, to be read as one: the server's certificate, then the ones between it and its authority. Without
/// <paramref name="KeyFile"/> each key stands before its certificates, and there may be several.
/// </param>
/// <param name="KeyFile">PEM file of the key; null: the keys are in <paramref name="CertificateFiles"/>.</param>
public sealed record TlsCertificateFiles(string Parameter, ConfigOrigin? Origin, IReadOnlyList<string> CertificateFiles, string? KeyFile);

/// <summary>How TLS is spoken: an immutable part of <see cref="Settings"/>.</summary>
public sealed record TlsSettings
{
    /// <summary>At least one.</summary>
    public required IReadOnlyList<TlsCertificateFiles> Certificates { get; init; }

    /// <summary>At least one.</summary>
    public required TlsVersions Versions { get; init; }

    /// <summary>Best first; those of TLS 1.3 are among them whatever the administrator excludes, as with OpenSSL.</summary>
    public required IReadOnlyList<TlsCipherSuite> CipherSuites { get; init; }

    /// <summary>Whether each handshake is logged (<c>loglevel</c> of 1 and above).</summary>
    public bool LogsHandshakes { get; init; }

    /// <summary>Whether clients are asked for a certificate.</summary>
    public bool AsksForCertificate { get; init; }

    /// <summary>Whether a client without a trusted certificate is sent away.</summary>
    public bool DemandsCertificate { get; init; }

    /// <summary>PEM file of the authorities that clients' certificates are checked against; null: none.</summary>
    public string? AuthoritiesFile { get; init; }
}
