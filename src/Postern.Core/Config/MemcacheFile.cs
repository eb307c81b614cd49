using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Postern.Core.Versions;

namespace Postern.Core.Config;

/// <summary>What the file behind <c>memcache:FILE</c> says (memcache_table(5)): lines of <c>name = value</c>.</summary>
public sealed record MemcacheFile
{
    /// <summary>Most bytes of a key that a memcached takes.</summary>
    public const int MaxKeyLength = 250;

    /// <summary><c>memcache</c>: the path of a UNIX socket; null: <see cref="Server"/> says where it is.</summary>
    public string? SocketPath { get; private init; }

    /// <summary><c>memcache</c>: host and numeric port.</summary>
    public HostPort Server { get; private init; }

    /// <summary><c>backup</c>: a second table, <c>type:name</c>, that forgets nothing; empty: none.</summary>
    public string Backup { get; private init; } = "";

    /// <summary><c>flags</c>: stored with each value.</summary>
    public int Flags { get; private init; }

    /// <summary><c>ttl</c>: seconds that the server keeps a value; above 30 days: Unix time.</summary>
    public int Ttl { get; private init; }

    /// <summary><c>timeout</c>, of one exchange.</summary>
    public TimeSpan Timeout { get; private init; }

    /// <summary><c>max_try</c>.</summary>
    public int MaxTry { get; private init; }

    /// <summary><c>retry_pause</c>.</summary>
    public TimeSpan RetryPause { get; private init; }

    /// <summary><c>line_size_limit</c>: bytes of a reply's line.</summary>
    public int LineSizeLimit { get; private init; }

    /// <summary><c>data_size_limit</c>: bytes of a value.</summary>
    public int DataSizeLimit { get; private init; }

    private string KeyFormat { get; init; } = "%s";

    private Func<byte[], byte[]>? KeyDigest { get; init; }

    private bool HasDomains { get; init; }

    /// <summary>Reads the file. Unknown names are passed over, as in Postfix.</summary>
    /// <param name="text">The file, one character for each byte.</param>
    /// <param name="path">How messages name the file.</param>
    /// <param name="postfix">Which names there are.</param>
    /// <param name="problem">Postfix's words.</param>
    public static bool TryParse(
        string text, string path, PostfixVersion postfix, IWarningSink warnings, [NotNullWhen(true)] out MemcacheFile? file, [NotNullWhen(false)] out string? problem)
    {
        file = null;
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in LogicalLines.Read(text, path, warnings))
        {
            if (!NameValue.TrySplit(line.Text, out var name, out var value, out var reason))
            {
                problem = $"{path}, line {line.LineNumber}: {reason}: \"{line.Text}\"";
                return false;
            }

            values[name] = value;
        }

        problem = null;
        var server = values.GetValueOrDefault("memcache", "inet:localhost:11211");
        var result = new MemcacheFile
        {
            Backup = values.GetValueOrDefault("backup", ""),
            KeyFormat = values.GetValueOrDefault("key_format", "%s"),
            HasDomains = values.GetValueOrDefault("domain", "").Length > 0,
            Flags = Number("flags", 0, 0, ref problem),
            Ttl = Number("ttl", 3600, 0, ref problem),
            Timeout = TimeSpan.FromSeconds(Number("timeout", 2, 1, ref problem)),
            MaxTry = Number("max_try", 2, 1, ref problem),
            RetryPause = TimeSpan.FromSeconds(Number("retry_pause", 1, 1, ref problem)),
            LineSizeLimit = Number("line_size_limit", 1024, 1, ref problem),
            DataSizeLimit = Number("data_size_limit", 10240, 1, ref problem),
        };
        if (postfix.Has(PostfixDifferences.MemcacheKeyDigest) && values.GetValueOrDefault("key_digest", "") is { Length: > 0 } digest)
        {
            if (FindDigest(digest) is { } function)
                result = result with { KeyDigest = function };
            else
                problem ??= $"{path}: unsupported digest: key_digest = {digest}";
        }

        if (result.KeyProblem() is { } bad)
            problem ??= $"db_common_parse: {path}: Invalid query template: {bad}";
        const string Unix = "unix:", Inet = "inet:";
        if (server.StartsWith(Unix, StringComparison.Ordinal))
            result = result with { SocketPath = server[Unix.Length..] };
        else if (!server.StartsWith(Inet, StringComparison.Ordinal))
            problem ??= $"invalid transport name: {server.Split(':')[0]} in service: {server}";
        else if (!HostPort.TryParse(server[Inet.Length..], defaultHost: "", defaultPort: null, out var endpoint, out var reason))
            problem ??= $"{server[Inet.Length..]}: {reason}";
        else if (!ushort.TryParse(endpoint.Port, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            problem ??= $"{server[Inet.Length..]}: the port is not a number";
        else
            result = result with { Server = endpoint with { Host = endpoint.Host.Length == 0 ? "localhost" : endpoint.Host } };
        file = problem is null ? result : null;
        return problem is null;

        int Number(string name, int ordinary, int least, ref string? problem)
        {
            if (!values.TryGetValue(name, out var value))
                return ordinary;
            if (!int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
                problem ??= $"{path}: bad numerical configuration: {name} = {value}";
            else if (number < least)
                problem ??= $"{path}: invalid {name} parameter value {value} < {least}";
            return number;
        }
    }

    /// <summary>The key by which the server knows a row (<c>key_format</c>).</summary>
    /// <returns>Null: the server is not asked about such a row; also where its protocol has no word for the key.</returns>
    public string? KeyFor(string key)
    {
        var at = key.LastIndexOf('@');
        if (HasDomains && at <= 0)
            return null;
        var domain = at < 0 ? "" : key[(at + 1)..];
        var result = new StringBuilder();
        for (var i = 0; i < KeyFormat.Length; i++)
        {
            if (KeyFormat[i] != '%')
            {
                result.Append(KeyFormat[i]);
                continue;
            }

            var part = KeyFormat[++i] switch
            {
                '%' => "%",
                's' or 'S' => key,
                'u' or 'U' => at < 0 ? key : key[..at],
                'd' or 'D' => domain,
                var digit => domain.Split('.') is var labels && digit - '0' <= labels.Length ? labels[^(digit - '0')] : "",
            };
            if (part.Length == 0)
                return null;
            result.Append(part);
        }

        if (KeyDigest is not null)
            return Convert.ToHexStringLower(KeyDigest(Encoding.Latin1.GetBytes(result.ToString())));
        return result.Length is > 0 and <= MaxKeyLength && !result.ToString().Any(static one => one is <= ' ' or '\x7f') ? result.ToString() : null;
    }

    // memcache_table(5): any that OpenSSL knows; these are what .NET knows of them.
    private static Func<byte[], byte[]>? FindDigest(string name) => name.ToLowerInvariant() switch
    {
        "sha256" or "sha-256" or "sha2-256" => SHA256.HashData,
        "sha384" or "sha-384" or "sha2-384" => SHA384.HashData,
        "sha512" or "sha-512" or "sha2-512" => SHA512.HashData,
#pragma warning disable CA5350, CA5351 // a short name for a key, not a secret
        "sha1" or "sha-1" => SHA1.HashData,
        "md5" => MD5.HashData,
#pragma warning restore CA5350, CA5351
        _ => null,
    };

    private string? KeyProblem()
    {
        for (var i = 0; i < KeyFormat.Length; i++)
        {
            if (KeyFormat[i] == '%' && (++i == KeyFormat.Length || !"%sSuUdD123456789".Contains(KeyFormat[i])))
                return KeyFormat[(i - 1)..];
        }

        return null;
    }
}
