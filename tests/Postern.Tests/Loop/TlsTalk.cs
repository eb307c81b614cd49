using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Postern.Tests.Tls;

namespace Postern.Tests.Loop;

/// <summary>A client that has read the greeting.</summary>
internal sealed class TlsTalk : IDisposable
{
    private readonly NetworkStream _network;
    private Stream _stream;
    private SslStream? _tls;

    public TlsTalk(LoopHarness harness)
    {
        Socket = harness.Connect();
        Port = ((System.Net.IPEndPoint)Socket.LocalEndPoint!).Port;
        _stream = _network = new NetworkStream(Socket);
        Assert.Equal("220 mx ESMTP\r\n", ReadReply());
    }

    public Socket Socket { get; }

    public int Port { get; }

    public List<string> ServerCertificates { get; } = [];

    public void Say(string command) => Send(command + "\r\n");

    public void Send(string text)
    {
        try
        {
            _stream.Write(Encoding.Latin1.GetBytes(text));
        }
        catch (IOException)
        {
            // the server has hung up in the middle; what it said is there to be read
        }
    }

    public void AskForTls(string injected = "")
    {
        Send("STARTTLS\r\n" + injected);
        Assert.Equal("220 2.0.0 Ready to start TLS\r\n", ReadReply());
    }

    public void StartTls(SslProtocols version = SslProtocols.None, string injected = "", TestCertificates? certificate = null)
    {
        AskForTls(injected);
        var tls = new SslStream(_network, leaveInnerStreamOpen: true);
        _stream = _tls = tls;
        tls.AuthenticateAsClient(new SslClientAuthenticationOptions
        {
            TargetHost = "mx.example.com",
            EnabledSslProtocols = version,
            ClientCertificates = certificate is null ? null : [X509Certificate2.CreateFromPem(certificate.Leaf, certificate.Key)],
            RemoteCertificateValidationCallback = (_, leaf, chain, _) =>
            {
                ServerCertificates.Add(leaf!.Subject);
                ServerCertificates.AddRange(chain!.ChainPolicy.ExtraStore.Select(static one => one.Subject).Where(one => one != leaf.Subject));
                return true;
            },
        });
    }

    public void SayGoodbye() => _tls!.ShutdownAsync().Wait(20_000);

    /// <summary>All lines of a reply; empty at the end.</summary>
    public string ReadReply()
    {
        var reply = new StringBuilder();
        for (var start = 0; ; start = reply.Length)
        {
            for (var next = _stream.ReadByte(); next >= 0; next = _stream.ReadByte())
            {
                reply.Append((char)next);
                if (next == '\n')
                    break;
            }

            if (reply.Length < start + 4 || reply[start + 3] == ' ')
                return reply.ToString();
        }
    }

    public void Dispose()
    {
        _tls?.Dispose();
        _network.Dispose();
        Socket.Dispose();
    }
}
