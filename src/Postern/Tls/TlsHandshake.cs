using System.Net.Security;
using System.Security.Authentication;
using Postern.Core.Config;

namespace Postern.Tls;

/// <summary>What came of a handshake, in the log's words.</summary>
/// <param name="Trust">By the client's certificate.</param>
/// <param name="Version">Such as <c>TLSv1.3</c>.</param>
/// <param name="Cipher">OpenSSL's name.</param>
/// <param name="Bits">Of the key.</param>
internal readonly record struct TlsHandshake(string Trust, string Version, string Cipher, int Bits)
{
    public static TlsHandshake Of(SslStream stream, bool trusted)
    {
        var suite = stream.NegotiatedCipherSuite;
        var cipher = TlsCipher.Find(suite);
        return new TlsHandshake(
            stream.RemoteCertificate is null ? "Anonymous" : trusted ? "Trusted" : "Untrusted",
            stream.SslProtocol switch { SslProtocols.Tls13 => "TLSv1.3", SslProtocols.Tls12 => "TLSv1.2", (SslProtocols)0x300 => "TLSv1.1", _ => "TLSv1" },
            cipher?.Name ?? suite.ToString(),
            cipher?.Bits ?? 0);
    }
}
