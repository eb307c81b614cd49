using System.Buffers.Binary;
using System.Net.Security;
using System.Runtime.InteropServices;
using Postern.Core.Config;

namespace Postern.Tls;

/// <summary>
/// What a client can do, read from its first TLS message (RFC 8446 section 4.1.2). What is missing or broken reads as
/// nothing offered: the library judges the message.
/// </summary>
internal readonly ref struct ClientHello
{
    private const int RecordHeader = 5;
    private const int MessageHeader = 4;
    private const byte HandshakeRecord = 22;
    private const byte ClientHelloMessage = 1;
    private const ushort SignatureAlgorithms = 13;
    private const ushort SupportedVersions = 43;
    private const ushort Tls13 = 0x0304;

    private readonly ReadOnlySpan<byte> _ciphers;
    private readonly ReadOnlySpan<byte> _algorithms;
    private readonly ReadOnlySpan<byte> _versions;

    /// <param name="received">What the client has sent in the handshake so far: TLS records.</param>
    public ClientHello(ReadOnlySpan<byte> received)
    {
        var hello = new Reader(Message(received));
        hello.Skip(2 + 32); // version, random
        hello.Vector(1); // session
        _ciphers = hello.Vector(2);
        hello.Vector(1); // compression
        var extensions = new Reader(hello.Vector(2));
        while (!extensions.IsEmpty)
        {
            var type = extensions.Number();
            var body = new Reader(extensions.Vector(2));
            if (type == SignatureAlgorithms)
                _algorithms = body.Vector(2);
            else if (type == SupportedVersions)
                _versions = body.Vector(1);
        }
    }

    /// <summary>Whether TLS 1.3 comes of it with a server that has it.</summary>
    public bool IsOfTls13
    {
        get
        {
            var offers = false;
            for (var each = new Reader(_versions); !each.IsEmpty && !offers;)
                offers = each.Number() == Tls13;
            for (var each = new Reader(_ciphers); !each.IsEmpty && offers;)
            {
                if (TlsCipher.Find((TlsCipherSuite)each.Number()) is { IsOfTls13: true })
                    return true;
            }

            return false;
        }
    }

    /// <summary>
    /// Chooses among several certificates as OpenSSL does: by the client's order of signature algorithms with TLS 1.3, by
    /// its order of ciphers before.
    /// </summary>
    /// <param name="identities">The first one is what a client gets that says nothing of use.</param>
    /// <param name="suites">The server's; null: it is TLS 1.3 that is spoken.</param>
    /// <returns>An index of <paramref name="identities"/>.</returns>
    public int Choose(IReadOnlyList<ServerIdentity> identities, IReadOnlyList<TlsCipherSuite>? suites)
    {
        for (var each = new Reader(suites is null ? _algorithms : _ciphers); !each.IsEmpty;)
        {
            var number = each.Number();
            for (var i = 0; i < identities.Count; i++)
            {
                if (suites is null ? Signs(identities[i], number) : suites.Contains((TlsCipherSuite)number) && Serves(identities[i], (TlsCipherSuite)number))
                    return i;
            }
        }

        return 0;
    }

    // RFC 8446 section 4.2.3: an algorithm of ECDSA names the curve of the key, too.
    private static bool Signs(ServerIdentity identity, ushort algorithm) => algorithm switch
    {
        0x0403 => identity.EcdsaBits == 256,
        0x0503 => identity.EcdsaBits == 384,
        0x0603 => identity.EcdsaBits == 521,
        0x0804 or 0x0805 or 0x0806 => identity.EcdsaBits == 0,
        _ => false,
    };

    private static bool Serves(ServerIdentity identity, TlsCipherSuite suite) =>
        TlsCipher.Find(suite) is { IsOfTls13: false } cipher && cipher.IsForEcdsa == identity.EcdsaBits > 0;

    /// <returns>The body of the first message, put together from its records; shorter than announced when more is to come.</returns>
    private static ReadOnlySpan<byte> Message(ReadOnlySpan<byte> records)
    {
        var message = new List<byte>();
        while (records.Length > RecordHeader && records[0] == HandshakeRecord)
        {
            var length = Math.Min(BinaryPrimitives.ReadUInt16BigEndian(records[3..]), records.Length - RecordHeader);
            message.AddRange(records.Slice(RecordHeader, length));
            records = records[(RecordHeader + length)..];
        }

        return message.Count > MessageHeader && message[0] == ClientHelloMessage
            ? CollectionsMarshal.AsSpan(message)[MessageHeader..]
            : default;
    }

    /// <summary>Reads forwards; what is missing at the end reads as nothing.</summary>
    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _rest = bytes;

        public readonly bool IsEmpty => _rest.IsEmpty;

        public void Skip(int count) => _rest = _rest[Math.Min(count, _rest.Length)..];

        public ushort Number()
        {
            var number = _rest.Length >= 2 ? BinaryPrimitives.ReadUInt16BigEndian(_rest) : (ushort)0;
            Skip(2);
            return number;
        }

        /// <param name="lengthSize">1 or 2 bytes that say how long the vector is (RFC 8446 section 3.4).</param>
        public ReadOnlySpan<byte> Vector(int lengthSize)
        {
            var length = lengthSize == 2 ? Number() : _rest.IsEmpty ? 0 : _rest[0];
            if (lengthSize == 1)
                Skip(1);
            var vector = _rest[..Math.Min(length, _rest.Length)];
            Skip(length);
            return vector;
        }
    }
}
