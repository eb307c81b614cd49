using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;

namespace Postern.Interop.Tests.Harness;

/// <summary>The real resolvers that can be between a mail server and a DNS list.</summary>
public enum ResolverKind
{
    Unbound,
    Dnsmasq,
    Knot,
    Bind,
}

/// <summary>A real resolver that asks one list server, with or without its protection against DNS rebinding.</summary>
internal sealed class RecursiveServer : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("postern-resolver-");
    private readonly ResolverKind _kind;
    private readonly string _list;
    private Process? _process;

    /// <summary>Starts none yet, or skips the test where it is not installed.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="list">The address of a server for the zone bl.lab.</param>
    public RecursiveServer(ResolverKind kind, string list)
    {
        Tool.RequireRoot();
        Tool.Require(kind switch
        {
            ResolverKind.Unbound => "unbound",
            ResolverKind.Dnsmasq => "dnsmasq",
            ResolverKind.Knot => "kresd",
            _ => "named",
        });
        (_kind, _list) = (kind, list);
        Tool.Must("chmod", "777", _folder.FullName); // some give up their rights
    }

    /// <summary>Where it is.</summary>
    public IPEndPoint Endpoint { get; } = new(IPAddress.Loopback, MailHost.FreeUdpPort());

    /// <summary>The text of a resolv.conf for who is to ask it.</summary>
    public string ResolvConf => $"nameserver [127.0.0.1]:{Endpoint.Port}\noptions timeout:5 attempts:2\n";

    /// <summary>Starts it anew; it listens when this returns.</summary>
    public void Start(bool protects)
    {
        Stop();
        foreach (var file in _folder.GetFiles())
            file.Delete(); // knot-resolver's cache outlives it
        _process = _kind switch
        {
            ResolverKind.Unbound => Tool.Start("unbound", "-d", "-p", "-c", Write($$"""
                server:
                  interface: 127.0.0.1
                  port: {{Endpoint.Port}}
                  access-control: 127.0.0.0/8 allow
                  do-not-query-localhost: no
                  module-config: "iterator"
                  username: ""
                  chroot: ""
                  directory: "{{_folder.FullName}}"
                  use-syslog: no
                  {{(protects ? "private-address: 127.0.0.0/8" : "")}}
                stub-zone:
                  name: "bl.lab"
                  stub-addr: {{_list}}
                remote-control:
                  control-enable: no
                """)),
            ResolverKind.Dnsmasq => Tool.Start(
                "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=nobody", $"--port={Endpoint.Port}", "--listen-address=127.0.0.1",
                "--bind-interfaces", "--no-resolv", "--no-hosts", $"--server=/bl.lab/{_list}", protects ? "--stop-dns-rebind" : "--no-poll"),
            ResolverKind.Knot => Tool.Start("kresd", "-n", "-q", "-c", Write($$"""
                net.listen('127.0.0.1', {{Endpoint.Port}}, { kind = 'dns' })
                modules.load('policy')
                {{(protects ? "modules.load('rebinding < iterate')" : "")}}
                policy.add(policy.suffix(policy.STUB('{{_list}}'), policy.todnames({'bl.lab.'})))
                trust_anchors.remove('.')
                cache.size = 10 * MB
                """), _folder.FullName),
            _ => Tool.Start("named", "-g", "-c", Write($$"""
                options {
                  directory "{{_folder.FullName}}";
                  listen-on port {{Endpoint.Port}} { 127.0.0.1; };
                  listen-on-v6 { none; };
                  allow-query { any; };
                  dnssec-validation no;
                  pid-file none;
                  {{(protects ? "deny-answer-addresses { 127.0.0.0/8; };" : "")}}
                };
                controls { };
                zone "bl.lab" { type forward; forward only; forwarders { {{_list}}; }; };
                """)),
        };
        var process = _process;
        var socket = $" {BinaryPrimitives.ReadUInt32LittleEndian(Endpoint.Address.GetAddressBytes()):X8}:{Endpoint.Port:X4} ";
        Wait.Until(
            () => process.HasExited || File.ReadAllText("/proc/net/udp").Contains(socket, StringComparison.Ordinal), () => $"{_kind} does not listen");
        Assert.False(process.HasExited, process.HasExited ? $"{_kind} has ended: {Tool.Finish(process).Output}" : "");
        process.BeginErrorReadLine(); // a pipe that nobody reads would hold it up
        process.BeginOutputReadLine();
    }

    public void Dispose()
    {
        Stop();
        try
        {
            _folder.Delete(recursive: true);
        }
        catch (IOException)
        {
            // It may still write; the directory is in /tmp.
        }
    }

    private string Write(string configuration)
    {
        var path = Path.Combine(_folder.FullName, "conf");
        File.WriteAllText(path, configuration + "\n");
        return path;
    }

    private void Stop()
    {
        _process?.Kill();
        _process?.WaitForExit();
        _process?.Dispose();
        _process = null;
    }
}
