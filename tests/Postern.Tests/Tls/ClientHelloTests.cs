using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Postern.Tls;

namespace Postern.Tests.Tls;

public sealed class ClientHelloTests
{
    private static readonly IReadOnlyList<ServerIdentity> Identities = [IdentityOf(elliptic: false), IdentityOf(elliptic: true)];

    [Theory]
    [InlineData(SslProtocols.Tls12 | SslProtocols.Tls13, true)]
    [InlineData(SslProtocols.Tls12, false)]
    public void A_hello_of_the_runtime_is_read_in_one_record_or_in_many(SslProtocols protocols, bool isTls13)
    {
        var record = HelloOf(protocols, TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256);

        foreach (var received in (byte[][])[record, Split(record, 1), Split(record, 50)])
        {
            var hello = new ClientHello(received);

            Assert.Equal(isTls13, hello.IsOfTls13);
            Assert.Equal(1, hello.Choose(Identities, isTls13 ? null : [TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]));
        }
    }

    [Fact]
    public void The_servers_ciphers_count_too()
    {
        var hello = new ClientHello(HelloOf(
            SslProtocols.Tls12, TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256));

        Assert.Equal(0, hello.Choose(Identities, [TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]));
    }

    [Fact]
    public void Of_a_broken_hello_the_first_certificate_comes()
    {
        var record = HelloOf(SslProtocols.Tls13, TlsCipherSuite.TLS_AES_128_GCM_SHA256);
        var random = new Random(3);
        for (var i = 0; i < 2000; i++)
        {
            var broken = record[..random.Next(record.Length)];
            if (broken.Length > 0)
                broken[random.Next(broken.Length)] = (byte)random.Next(256);
            Assert.InRange(new ClientHello(broken).Choose(Identities, null), 0, 1);
        }

        Assert.False(new ClientHello("EHLO x\r\n"u8).IsOfTls13);
        Assert.Equal(0, new ClientHello([]).Choose(Identities, null));
    }

    private static ServerIdentity IdentityOf(bool elliptic)
    {
        var made = TestCertificates.Create("mx.example.com", elliptic);
        return new ServerIdentity(X509Certificate2.CreateFromPem(made.Leaf, made.Key), []);
    }

    /// <summary>What the runtime's client sends first: one record.</summary>
    private static byte[] HelloOf(SslProtocols protocols, params TlsCipherSuite[] suites)
    {
        using var sent = new MemoryStream();
        using var client = new SslStream(new OneWay(sent));
#pragma warning disable CA1416, CA5398 // on Linux only; the versions are what is tested
        var options = new SslClientAuthenticationOptions { TargetHost = "x", EnabledSslProtocols = protocols, CipherSuitesPolicy = new CipherSuitesPolicy(suites) };
#pragma warning restore CA1416, CA5398
        Assert.ThrowsAny<IOException>(() => client.AuthenticateAsClient(options));
        return sent.ToArray();
    }

    /// <summary>The same message in records of some bytes each.</summary>
    private static byte[] Split(byte[] record, int size) =>
        [.. record[5..].Chunk(size).SelectMany(part => (byte[])[22, 3, 1, 0, (byte)part.Length, .. part])];

    /// <summary>Writes into another stream; nothing comes back.</summary>
    private sealed class OneWay(MemoryStream sent) : Stream
    {
        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override int Read(byte[] buffer, int offset, int count) => 0;

        public override void Write(byte[] buffer, int offset, int count) => sent.Write(buffer, offset, count);

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
