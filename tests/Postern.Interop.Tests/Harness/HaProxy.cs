using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Postern.Interop.Tests.Harness;

/// <summary>A HAProxy before a <see cref="MailHost"/>, on a port of its own.</summary>
internal sealed class HaProxy : IDisposable
{
    /// <summary>Where it comes from when it connects to the mail host.</summary>
    public const string Address = "127.0.0.77";

    private readonly string _directory = Directory.CreateTempSubdirectory("postern-haproxy-").FullName;
    private readonly Process _process;

    /// <param name="port">Of the mail host.</param>
    /// <param name="options">Of HAProxy's server line, such as <c>send-proxy check</c>.</param>
    /// <param name="bindOptions">Of its bind line, such as <c>accept-proxy</c>.</param>
    public HaProxy(int port, string options, string bindOptions = "")
    {
        Port = MailHost.FreePort();
        var configuration = Path.Combine(_directory, "haproxy.cfg");
        File.WriteAllText(configuration, $"""
            global
              stats socket {Path.Combine(_directory, "stats")}
            defaults
              mode tcp
              timeout connect 10s
              timeout client 60s
              timeout server 60s
            listen smtp
              bind 127.0.0.1:{Port} {bindOptions}
              server mail 127.0.0.1:{port} source {Address} {options}

            """);
        _process = Tool.Start("haproxy", "-db", "-q", "-f", configuration);
        Wait.Until(() => _process.HasExited || File.Exists(Path.Combine(_directory, "stats")), () => "HAProxy does not start");
        Assert.False(_process.HasExited, "HAProxy has ended");
    }

    /// <summary>Where its clients connect, on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>What its health checks found of the mail host, such as <c>UP</c>, and how many it made so far that failed.</summary>
    public (string Status, int FailedChecks) Health
    {
        get
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(Path.Combine(_directory, "stats")));
            socket.Send("show stat\n"u8);
            using var reader = new StreamReader(new NetworkStream(socket), Encoding.ASCII);
            var lines = reader.ReadToEnd().Split('\n').Select(static line => line.Split(',')).ToList();
            var server = lines.Single(static fields => fields is ["smtp", "mail", ..]);
            return (server[Array.IndexOf(lines[0], "status")], int.Parse(server[Array.IndexOf(lines[0], "chkfail")], System.Globalization.CultureInfo.InvariantCulture));
        }
    }

    public SmtpTalk Connect(string from) => new(Port, from);

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
