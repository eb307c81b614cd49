using System.Net.Security;

namespace Postern.Core.Config;

/// <summary>A cipher suite with the words by which OpenSSL's cipher strings speak of it.</summary>
public sealed class TlsCipher
{
    private readonly string[] _words;

    private TlsCipher(
        TlsCipherSuite suite, string name, string since, string keyExchange, string authentication, string encryption, int bits, string mac)
    {
        (Suite, Name, Bits) = (suite, name, bits);
        IsOfTls13 = since == "TLSv1.3";
        IsForEcdsa = authentication == "ECDSA";
        IsDefault = !(encryption is "ARIAGCM" or "Camellia" or "AESCCM" or "AESCCM8");
        _words =
        [
            "ALL", "HIGH", name,
            .. since switch { "TLSv1" => (string[])["TLSv1", "TLSv1.0"], _ => [since] },
            .. keyExchange switch
            {
                "ECDH" => (string[])["kECDHE", "kEECDH", "ECDHE", "EECDH", "ECDH"],
                "DH" => ["kDHE", "kEDH", "DHE", "EDH", "DH"],
                _ => ["kRSA", "RSA"],
            },
            .. IsForEcdsa ? (string[])["aECDSA", "ECDSA"] : ["aRSA"],
            .. encryption switch
            {
                "AES" => (string[])["AES", $"AES{bits}"],
                "AESGCM" => ["AES", $"AES{bits}", "AESGCM"],
                "AESCCM" => ["AES", $"AES{bits}", "AESCCM"],
                "AESCCM8" => ["AES", $"AES{bits}", "AESCCM", "AESCCM8"],
                "ARIAGCM" => ["ARIA", "ARIAGCM", $"ARIA{bits}"],
                "Camellia" => ["CAMELLIA", $"CAMELLIA{bits}"],
                _ => ["CHACHA20"],
            },
            .. encryption is "AES" or "Camellia" ? (string[])["CBC"] : [],
            .. mac switch { "SHA1" => (string[])["SHA1", "SHA"], "AEAD" => [], _ => [mac] },
        ];
    }

    /// <summary>The ciphers that can be had: with forward secrecy or RSA key exchange, with a certificate, not broken; best first.</summary>
    public static readonly IReadOnlyList<TlsCipher> All =
    [
        // Suite, name, since, key exchange, authentication, encryption, bits, MAC: as `openssl ciphers -V -stdname ALL` says.
        new(TlsCipherSuite.TLS_AES_256_GCM_SHA384, "TLS_AES_256_GCM_SHA384", "TLSv1.3", "any", "any", "AESGCM", 256, "AEAD"),
        new(TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256, "TLS_CHACHA20_POLY1305_SHA256", "TLSv1.3", "any", "any", "CHACHA20/POLY1305", 256, "AEAD"),
        new(TlsCipherSuite.TLS_AES_128_GCM_SHA256, "TLS_AES_128_GCM_SHA256", "TLSv1.3", "any", "any", "AESGCM", 128, "AEAD"),
        new(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, "ECDHE-ECDSA-AES256-GCM-SHA384", "TLSv1.2", "ECDH", "ECDSA", "AESGCM", 256, "AEAD"),
        new(TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, "ECDHE-RSA-AES256-GCM-SHA384", "TLSv1.2", "ECDH", "RSA", "AESGCM", 256, "AEAD"),
        new(TlsCipherSuite.TLS_DHE_RSA_WITH_AES_256_GCM_SHA384, "DHE-RSA-AES256-GCM-SHA384", "TLSv1.2", "DH", "RSA", "AESGCM", 256, "AEAD"),
        new(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-ECDSA-CHACHA20-POLY1305", "TLSv1.2", "ECDH", "ECDSA", "CHACHA20/POLY1305", 256, "AEAD"),
        new(TlsCipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "ECDHE-RSA-CHACHA20-POLY1305", "TLSv1.2", "ECDH", "RSA", "CHACHA20/POLY1305", 256, "AEAD"),
        new(TlsCipherSuite.TLS_DHE_RSA_WITH_CHACHA20_POLY1305_SHA256, "DHE-RSA-CHACHA20-POLY1305", "TLSv1.2", "DH", "RSA", "CHACHA20/POLY1305", 256, "AEAD"),
        new(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_CCM_8, "ECDHE-ECDSA-AES256-CCM8", "TLSv1.2", "ECDH", "ECDSA", "AESCCM8", 256, "AEAD"),
        new(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_CCM, "ECDHE-ECDSA-AES256-CCM", "TLSv1.2", "ECDH", "ECDSA", "AESCCM", 256, "AEAD"),
        new(TlsCipherSuite.TLS_DHE_RSA_WITH_AES_256_CCM_8, "DHE-RSA-AES256-CCM8", "TLSv1.2", "DH", "RSA", "AESCCM8", 256, "AEAD"),
        new(TlsCipherSuite.TLS_DHE_RSA_WITH_AES_256_CCM, "DHE-RSA-AES256-CCM", "TLSv1.2", "DH", "RSA", "AESCCM", 256, "AEAD"),
        new(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_ARIA_256_GCM_SHA384, "ECDHE-ECDSA-ARIA256-GCM-SHA384", "TLSv1.2", "ECDH", "ECDSA", "ARIAGCM", 256, "AEAD"),
        new(TlsCipherSuite.TLS_ECDHE_RSA_WITH_ARIA_256_GCM_SHA384, "ECDHE-ARIA256-GCM-SHA384", "TLSv1.2", "ECDH", "RSA", "ARIAGCM", 256, "AEAD"),
        new(TlsCipherSuite.TLS_DHE_RSA_WITH_ARIA_256_GCM_SHA384, "DHE-RSA-ARIA256-GCM-SHA384", "TLSv1.2", "DH", "RSA", "ARIAGCM", 256, "AEAD"),
        new(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, "ECDHE-ECDSA-AES128-GCM-SHA256", "TLSv1.2", "ECDH", "ECDSA", "AESGCM", 128, "AEAD"),
        new(TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, "ECDHE-RSA-AES128-GCM-SHA256", "TLSv1.2", "ECDH", "RSA", "AESGCM", 128, "AEAD"),
        new(TlsCipherSuite.TLS_DHE_RSA_WITH_AES_128_GCM_SHA256, "DHE-RSA-AES128-GCM-SHA256", "TLSv1.2", "DH", "RSA", "AESGCM", 128, "AEAD"),
        new(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CCM_8, "ECDHE-ECDSA-AES128-CCM8", "TLSv1.2", "ECDH", "ECDSA", "AESCCM8", 128, "AEAD"),
        new(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CCM, "ECDHE-ECDSA-AES128-CCM", "TLSv1.2", "ECDH", "ECDSA", "AESCCM", 128, "AEAD"),
        new(TlsCipherSuite.TLS_DHE_RSA_WITH_AES_128_CCM_8, "DHE-RSA-AES128-CCM8", "TLSv1.2", "DH", "RSA", "AESCCM8", 128, "AEAD"),
        new(TlsCipherSuite.TLS_DHE_RSA_WITH_AES_128_CCM, "DHE-RSA-AES128-CCM", "TLSv1.2", "DH", "RSA", "AESCCM", 128, "AEAD"),
        new(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_ARIA_128_GCM_SHA256, "ECDHE-ECDSA-ARIA128-GCM-SHA256", "TLSv1.2", "ECDH", "ECDSA", "ARIAGCM", 128, "AEAD"),
        new(TlsCipherSuite.TLS_ECDHE_RSA_WITH_ARIA_128_GCM_SHA256, "ECDHE-ARIA128-GCM-SHA256", "TLSv1.2", "ECDH", "RSA", "ARIAGCM", 128, "AEAD"),
        new(TlsCipherSuite.TLS_DHE_RSA_WITH_ARIA_128_GCM_SHA256, "DHE-RSA-ARIA128-GCM-SHA256", "TLSv1.2", "DH", "RSA", "ARIAGCM", 128, "AEAD"),
        new(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384, "ECDHE-ECDSA-AES256-SHA384", "TLSv1.2", "ECDH", "ECDSA", "AES", 256, "SHA384"),
        new(TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384, "ECDHE-RSA-AES256-SHA384", "TLSv1.2", "ECDH", "RSA", "AES", 256, "SHA384"),
        new(TlsCipherSuite.TLS_DHE_RSA_WITH_AES_256_CBC_SHA256, "DHE-RSA-AES256-SHA256", "TLSv1.2", "DH", "RSA", "AES", 256, "SHA256"),
        new(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CAMELLIA_256_CBC_SHA384, "ECDHE-ECDSA-CAMELLIA256-SHA384", "TLSv1.2", "ECDH", "ECDSA", "Camellia", 256, "SHA384"),
        new(TlsCipherSuite.TLS_ECDHE_RSA_WITH_CAMELLIA_256_CBC_SHA384, "ECDHE-RSA-CAMELLIA256-SHA384", "TLSv1.2", "ECDH", "RSA", "Camellia", 256, "SHA384"),
        new(TlsCipherSuite.TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA256, "DHE-RSA-CAMELLIA256-SHA256", "TLSv1.2", "DH", "RSA", "Camellia", 256, "SHA256"),
        new(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, "ECDHE-ECDSA-AES128-SHA256", "TLSv1.2", "ECDH", "ECDSA", "AES", 128, "SHA256"),
        new(TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256, "ECDHE-RSA-AES128-SHA256", "TLSv1.2", "ECDH", "RSA", "AES", 128, "SHA256"),
        new(TlsCipherSuite.TLS_DHE_RSA_WITH_AES_128_CBC_SHA256, "DHE-RSA-AES128-SHA256", "TLSv1.2", "DH", "RSA", "AES", 128, "SHA256"),
        new(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CAMELLIA_128_CBC_SHA256, "ECDHE-ECDSA-CAMELLIA128-SHA256", "TLSv1.2", "ECDH", "ECDSA", "Camellia", 128, "SHA256"),
        new(TlsCipherSuite.TLS_ECDHE_RSA_WITH_CAMELLIA_128_CBC_SHA256, "ECDHE-RSA-CAMELLIA128-SHA256", "TLSv1.2", "ECDH", "RSA", "Camellia", 128, "SHA256"),
        new(TlsCipherSuite.TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA256, "DHE-RSA-CAMELLIA128-SHA256", "TLSv1.2", "DH", "RSA", "Camellia", 128, "SHA256"),
        new(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, "ECDHE-ECDSA-AES256-SHA", "TLSv1", "ECDH", "ECDSA", "AES", 256, "SHA1"),
        new(TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA, "ECDHE-RSA-AES256-SHA", "TLSv1", "ECDH", "RSA", "AES", 256, "SHA1"),
        new(TlsCipherSuite.TLS_DHE_RSA_WITH_AES_256_CBC_SHA, "DHE-RSA-AES256-SHA", "SSLv3", "DH", "RSA", "AES", 256, "SHA1"),
        new(TlsCipherSuite.TLS_DHE_RSA_WITH_CAMELLIA_256_CBC_SHA, "DHE-RSA-CAMELLIA256-SHA", "SSLv3", "DH", "RSA", "Camellia", 256, "SHA1"),
        new(TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, "ECDHE-ECDSA-AES128-SHA", "TLSv1", "ECDH", "ECDSA", "AES", 128, "SHA1"),
        new(TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA, "ECDHE-RSA-AES128-SHA", "TLSv1", "ECDH", "RSA", "AES", 128, "SHA1"),
        new(TlsCipherSuite.TLS_DHE_RSA_WITH_AES_128_CBC_SHA, "DHE-RSA-AES128-SHA", "SSLv3", "DH", "RSA", "AES", 128, "SHA1"),
        new(TlsCipherSuite.TLS_DHE_RSA_WITH_CAMELLIA_128_CBC_SHA, "DHE-RSA-CAMELLIA128-SHA", "SSLv3", "DH", "RSA", "Camellia", 128, "SHA1"),
        new(TlsCipherSuite.TLS_RSA_WITH_AES_256_GCM_SHA384, "AES256-GCM-SHA384", "TLSv1.2", "RSA", "RSA", "AESGCM", 256, "AEAD"),
        new(TlsCipherSuite.TLS_RSA_WITH_AES_256_CCM_8, "AES256-CCM8", "TLSv1.2", "RSA", "RSA", "AESCCM8", 256, "AEAD"),
        new(TlsCipherSuite.TLS_RSA_WITH_AES_256_CCM, "AES256-CCM", "TLSv1.2", "RSA", "RSA", "AESCCM", 256, "AEAD"),
        new(TlsCipherSuite.TLS_RSA_WITH_ARIA_256_GCM_SHA384, "ARIA256-GCM-SHA384", "TLSv1.2", "RSA", "RSA", "ARIAGCM", 256, "AEAD"),
        new(TlsCipherSuite.TLS_RSA_WITH_AES_128_GCM_SHA256, "AES128-GCM-SHA256", "TLSv1.2", "RSA", "RSA", "AESGCM", 128, "AEAD"),
        new(TlsCipherSuite.TLS_RSA_WITH_AES_128_CCM_8, "AES128-CCM8", "TLSv1.2", "RSA", "RSA", "AESCCM8", 128, "AEAD"),
        new(TlsCipherSuite.TLS_RSA_WITH_AES_128_CCM, "AES128-CCM", "TLSv1.2", "RSA", "RSA", "AESCCM", 128, "AEAD"),
        new(TlsCipherSuite.TLS_RSA_WITH_ARIA_128_GCM_SHA256, "ARIA128-GCM-SHA256", "TLSv1.2", "RSA", "RSA", "ARIAGCM", 128, "AEAD"),
        new(TlsCipherSuite.TLS_RSA_WITH_AES_256_CBC_SHA256, "AES256-SHA256", "TLSv1.2", "RSA", "RSA", "AES", 256, "SHA256"),
        new(TlsCipherSuite.TLS_RSA_WITH_CAMELLIA_256_CBC_SHA256, "CAMELLIA256-SHA256", "TLSv1.2", "RSA", "RSA", "Camellia", 256, "SHA256"),
        new(TlsCipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA256, "AES128-SHA256", "TLSv1.2", "RSA", "RSA", "AES", 128, "SHA256"),
        new(TlsCipherSuite.TLS_RSA_WITH_CAMELLIA_128_CBC_SHA256, "CAMELLIA128-SHA256", "TLSv1.2", "RSA", "RSA", "Camellia", 128, "SHA256"),
        new(TlsCipherSuite.TLS_RSA_WITH_AES_256_CBC_SHA, "AES256-SHA", "SSLv3", "RSA", "RSA", "AES", 256, "SHA1"),
        new(TlsCipherSuite.TLS_RSA_WITH_CAMELLIA_256_CBC_SHA, "CAMELLIA256-SHA", "SSLv3", "RSA", "RSA", "Camellia", 256, "SHA1"),
        new(TlsCipherSuite.TLS_RSA_WITH_AES_128_CBC_SHA, "AES128-SHA", "SSLv3", "RSA", "RSA", "AES", 128, "SHA1"),
        new(TlsCipherSuite.TLS_RSA_WITH_CAMELLIA_128_CBC_SHA, "CAMELLIA128-SHA", "SSLv3", "RSA", "RSA", "Camellia", 128, "SHA1"),
    ];

    /// <summary>IANA's number.</summary>
    public TlsCipherSuite Suite { get; }

    /// <summary>OpenSSL's name, as logged.</summary>
    public string Name { get; }

    /// <summary>Bits of the key.</summary>
    public int Bits { get; }

    /// <summary>Not subject to cipher strings.</summary>
    public bool IsOfTls13 { get; }

    /// <summary>Whether the server's certificate has to have an ECDSA key; else, before TLS 1.3, an RSA key.</summary>
    public bool IsForEcdsa { get; }

    /// <summary>Whether <c>DEFAULT</c> has it.</summary>
    internal bool IsDefault { get; }

    /// <summary>The cipher of a suite; null: it is none of ours.</summary>
    public static TlsCipher? Find(TlsCipherSuite suite)
    {
        foreach (var cipher in All)
        {
            if (cipher.Suite == suite)
                return cipher;
        }

        return null;
    }

    /// <summary>Whether a word such as <c>kRSA</c> or <c>AES128</c> means it, among others; letter case counts, as with OpenSSL.</summary>
    internal bool Is(string word) => Array.IndexOf(_words, word) >= 0;
}
