using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Postern.Tls;

/// <summary>A certificate with its key, and the certificates that lead from it to its authority.</summary>
internal sealed record ServerIdentity(X509Certificate2 Certificate, X509Certificate2Collection Others)
{
    /// <summary>The size of its ECDSA key; 0: it is an RSA key.</summary>
    public int EcdsaBits { get; } = BitsOf(Certificate);

    private static int BitsOf(X509Certificate2 certificate)
    {
        using var key = certificate.GetECDsaPublicKey();
        return key?.KeySize ?? 0;
    }
}

/// <summary>Makes certificates of PEM texts. What is wrong with them is told in the administrator's words.</summary>
internal static class PemText
{
    private const int MostBlocks = 1000;

    /// <summary>Reads a certificate file and its key file.</summary>
    public static ServerIdentity? ReadPair(string certificateFile, string certificates, string keyFile, string keys, out string? problem)
    {
        if (FindKey(keyFile, keys, out problem) is not { } key)
            return null;
        var identity = new Pieces { Key = key, KeyFile = keyFile };
        foreach (var (label, pem) in Blocks(certificates))
        {
            if (label == "CERTIFICATE")
                identity.Certificates.Add((certificateFile, pem));
        }

        if (identity.Certificates.Count > 0)
            return Join(identity, out problem);
        problem = $"no certificate in {certificateFile}";
        return null;
    }

    /// <summary>Reads files that hold keys, each before its certificates.</summary>
    /// <param name="files">Paths and texts.</param>
    /// <param name="problem">Of the first that cannot be used; then nothing is.</param>
    public static IReadOnlyList<ServerIdentity> ReadChains(IEnumerable<(string Path, string Text)> files, out string? problem)
    {
        var found = new List<Pieces>();
        problem = null;
        foreach (var (path, text) in files)
        {
            if (HasPassphrase(text))
                problem ??= Passphrase(path);
            foreach (var (label, pem) in Blocks(text))
            {
                if (IsKey(label))
                    found.Add(new Pieces { Key = pem, KeyFile = path });
                else if (label == "CERTIFICATE" && found.Count > 0)
                    found[^1].Certificates.Add((path, pem));
                else if (label == "CERTIFICATE")
                    problem ??= $"a certificate without a key before it in {path}";
            }
        }

        if (found.Count == 0)
            problem ??= "no private key in " + string.Join(", ", files.Select(static file => file.Path));
        var identities = new List<ServerIdentity>();
        foreach (var pieces in found)
        {
            if (problem is null && pieces.Certificates.Count == 0)
                problem = $"no certificate after the key in {pieces.KeyFile}";
            if (problem is null && Join(pieces, out problem) is { } identity)
                identities.Add(identity);
        }

        return problem is null ? identities : [];
    }

    /// <summary>Reads every certificate of a text, such as a list of authorities.</summary>
    public static X509Certificate2Collection ReadCertificates(string text)
    {
        var all = new X509Certificate2Collection();
        foreach (var (label, pem) in Blocks(text))
        {
            if (label is "CERTIFICATE" && TryRead(pem) is { } certificate)
                all.Add(certificate);
        }

        return all;
    }

    private static ServerIdentity? Join(Pieces pieces, out string? problem)
    {
        problem = null;
        var (path, leaf) = pieces.Certificates[0];
        foreach (var (file, pem) in pieces.Certificates)
        {
            if (TryRead(pem) is null)
                problem ??= $"a certificate in {file} is damaged";
        }

        if (problem is not null)
            return null;
        X509Certificate2 certificate;
        try
        {
            certificate = X509Certificate2.CreateFromPem(leaf, pieces.Key);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            // The runtime's messages are for programmers, and left out of this build.
            problem = CanRead(pieces.Key)
                ? $"the key in {pieces.KeyFile} does not belong to the first certificate in {path}"
                : $"the key in {pieces.KeyFile} is damaged, or of a kind that is not RSA or ECDSA";
            return null;
        }

        return new ServerIdentity(certificate, [.. pieces.Certificates.Skip(1).Select(static one => TryRead(one.Pem)!)]);
    }

    private static string? FindKey(string path, string text, out string? problem)
    {
        problem = null;
        foreach (var (label, pem) in Blocks(text))
        {
            if (IsKey(label))
                return pem;
        }

        problem = HasPassphrase(text) ? Passphrase(path) : $"no private key in {path}";
        return null;
    }

    private static bool IsKey(string label) => label is "PRIVATE KEY" or "RSA PRIVATE KEY" or "EC PRIVATE KEY";

    private static bool HasPassphrase(string text) =>
        text.Contains("-----BEGIN ENCRYPTED PRIVATE KEY-----", StringComparison.Ordinal) || text.Contains("Proc-Type: 4,ENCRYPTED", StringComparison.Ordinal);

    private static string Passphrase(string path) => $"the key in {path} has a passphrase, and nobody is there to type it";

    private static X509Certificate2? TryRead(string pem)
    {
        try
        {
            return X509Certificate2.CreateFromPem(pem);
        }
        catch (CryptographicException)
        {
            return null; // the caller says which
        }
    }

    private static bool CanRead(string pem)
    {
        using var rsa = RSA.Create();
        using var elliptic = ECDsa.Create();
        foreach (var algorithm in (AsymmetricAlgorithm[])[rsa, elliptic])
        {
            try
            {
                algorithm.ImportFromPem(pem);
                return true;
            }
            catch (Exception error) when (error is CryptographicException or ArgumentException)
            {
                continue; // perhaps it is of the other kind
            }
        }

        return false;
    }

    private static List<(string Label, string Pem)> Blocks(string text)
    {
        var blocks = new List<(string, string)>();
        for (var rest = text.AsSpan(); blocks.Count < MostBlocks && PemEncoding.TryFind(rest, out var fields);)
        {
            blocks.Add((rest[fields.Label].ToString(), rest[fields.Location].ToString()));
            rest = rest[fields.Location.End..];
        }

        return blocks;
    }

    private sealed class Pieces
    {
        public required string Key { get; init; }

        public required string KeyFile { get; init; }

        public List<(string File, string Pem)> Certificates { get; } = [];
    }
}
