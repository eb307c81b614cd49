using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography.X509Certificates;
using Postern.Core;
using Postern.Core.Config;

namespace Postern.Tls;

/// <summary>
/// The certificates of one service's settings. Nothing is made of the files before the first client asks for TLS, since
/// the cryptographic library costs memory; from then on they are looked at again at most once a second, and a new version
/// is used when it is flawless. Any thread may ask.
/// </summary>
internal sealed class TlsCredentials(TlsSettings settings, PemFiles files, TimeProvider clock, Action<LogSeverity, string> log)
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private TlsContext? _context;
    private string? _state; // of the files, when they were last made something of
    private long _looked;

    /// <summary>What was found within the last second; does not wait.</summary>
    /// <param name="context">Null: no certificate can be used.</param>
    /// <returns>False: <see cref="Refresh"/> has to look.</returns>
    public bool TryGet(out TlsContext? context)
    {
        context = Volatile.Read(ref _context);
        return Volatile.Read(ref _looked) is var looked and not 0 && clock.GetElapsedTime(looked) < LookInterval;
    }

    /// <summary>Looks at the files. Reads, and may compute for some milliseconds: not on the loop's thread.</summary>
    /// <returns>Null: no certificate can be used.</returns>
    public TlsContext? Refresh()
    {
        lock (_lock)
        {
            if (TryGet(out var recent))
                return recent;
            Consider();
            Volatile.Write(ref _looked, clock.GetTimestamp());
            return _context;
        }
    }

    /// <summary>Reads the files, as the user that we are at the moment, and makes nothing of them.</summary>
    public void Preload()
    {
        foreach (var path in Paths(settings))
        {
            if (files.Read(path, out var reason) is null || reason is not null)
                log(LogSeverity.Warning, CannotOpen(path, reason));
        }
    }

    /// <summary>What is wrong with the files, each with the parameter that names them.</summary>
    public static IEnumerable<(ConfigOrigin? Origin, string Parameter, string Problem)> Check(TlsSettings settings, PemFiles files, DateTimeOffset now)
    {
        foreach (var certificate in settings.Certificates)
        {
            var identities = Read(certificate, files, out var problem);
            if (problem is not null)
                yield return (certificate.Origin, certificate.Parameter, problem);
            foreach (var identity in identities)
            {
                if (identity.Certificate.NotAfter.ToUniversalTime() < now.UtcDateTime)
                    yield return (certificate.Origin, certificate.Parameter, $"the certificate in {certificate.CertificateFiles[0]} is out of date since {identity.Certificate.NotAfter.ToUniversalTime():yyyy-MM-dd}");
            }
        }

        if (settings.AuthoritiesFile is { } authorities && files.Read(authorities, out var reason) is null)
            yield return (null, "smtpd_tls_CAfile", CannotOpen(authorities, reason));
    }

    /// <summary>Every file that the settings name.</summary>
    public static IEnumerable<string> Paths(TlsSettings settings)
    {
        foreach (var certificate in settings.Certificates)
        {
            foreach (var file in certificate.CertificateFiles)
                yield return file;
            if (certificate.KeyFile is { } key)
                yield return key;
        }

        if (settings.AuthoritiesFile is { } authorities)
            yield return authorities;
    }

    private void Consider()
    {
        var state = string.Concat(Paths(settings).Distinct().Select(path => $"{files.Read(path, out var reason)?.Stamp} {reason}\n"));
        if (state == _state)
            return;
        var before = _context;
        _state = state;
        if (TryMake(out var context, out var problem))
        {
            Volatile.Write(ref _context, context);
            if (before is not null)
                log(LogSeverity.Info, "certificates have been read again");
        }
        else
        {
            log(LogSeverity.Warning, before is null ? problem : problem + " -- the certificate read before stays in force");
        }
    }

    private bool TryMake([NotNullWhen(true)] out TlsContext? context, [NotNullWhen(false)] out string? problem)
    {
        (context, problem) = (null, null);
        var all = new List<ServerIdentity>();
        foreach (var certificate in settings.Certificates)
        {
            all.AddRange(Read(certificate, files, out var flaw));
            problem ??= flaw;
        }

        X509Certificate2Collection authorities = [];
        if (settings.AuthoritiesFile is { } path)
        {
            if (files.Read(path, out var reason) is { } file)
                authorities = PemText.ReadCertificates(file.Text);
            else
                problem ??= CannotOpen(path, reason);
        }

        if (problem is not null)
            return false;
        context = new TlsContext(settings, all, authorities);
        return true;
    }

    private static IReadOnlyList<ServerIdentity> Read(TlsCertificateFiles certificate, PemFiles files, out string? problem)
    {
        problem = null;
        var texts = new List<(string Path, string Text)>();
        foreach (var path in certificate.KeyFile is null ? certificate.CertificateFiles : [.. certificate.CertificateFiles, certificate.KeyFile])
        {
            if (files.Read(path, out var reason) is { } file)
                texts.Add((path, file.Text));
            else
                problem ??= CannotOpen(path, reason);
        }

        if (problem is not null)
            return [];
        if (certificate.KeyFile is null)
            return PemText.ReadChains(texts, out problem);
        return PemText.ReadPair(texts[0].Path, texts[0].Text, texts[^1].Path, texts[^1].Text, out problem) is { } identity ? [identity] : [];
    }

    private static string CannotOpen(string path, string? reason) => $"error opening chain file: {path}: {reason}";
}
