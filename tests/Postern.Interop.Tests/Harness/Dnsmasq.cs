using System.Diagnostics;

namespace Postern.Interop.Tests.Harness;

/// <summary>A real name server (dnsmasq) that knows names of addresses, and addresses of names; rbldnsd has no reverse names.</summary>
internal sealed class Dnsmasq : IDisposable
{
    private readonly Process _process;
    private bool _isEnded;

    private Dnsmasq(Process process, int port) =>
        (_process, ResolvConf) = (process, $"nameserver [127.0.0.1]:{port}\noptions timeout:5 attempts:2\n");

    /// <summary>The text of a resolv.conf for who is to ask it.</summary>
    public string ResolvConf { get; }

    /// <summary>Starts it, or skips the test where it is not installed.</summary>
    /// <param name="hosts">Names whose addresses lead back to them.</param>
    /// <param name="liars">Addresses whose names lead to 127.0.9.9.</param>
    /// <param name="more">Options of dnsmasq.</param>
    public static Dnsmasq Start((string Name, string Address)[] hosts, (string Name, string Address)[] liars, params string[] more)
    {
        Tool.RequireRoot();
        Tool.Require("dnsmasq");
        var port = MailHost.FreeUdpPort();
        string[] options =
        [
            "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file=", "--user=nobody", $"--port={port}", "--listen-address=127.0.0.1",
            "--bind-interfaces", "--no-resolv", "--no-hosts", "--local=/lab/", "--local=/127.in-addr.arpa/",
            .. hosts.Select(static host => $"--host-record={host.Name},{host.Address}"),
            .. liars.SelectMany(static liar => (string[])
                [$"--ptr-record={string.Join('.', liar.Address.Split('.').Reverse())}.in-addr.arpa,{liar.Name}", $"--address=/{liar.Name}/127.0.9.9"]),
            .. more,
        ];
        return new Dnsmasq(Tool.Start("dnsmasq", options), port);
    }

    /// <summary>Ends it; from then on nobody answers.</summary>
    public void Dispose()
    {
        if (_isEnded)
            return;
        _isEnded = true;
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
