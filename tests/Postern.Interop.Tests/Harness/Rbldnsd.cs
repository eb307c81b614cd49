using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;

namespace Postern.Interop.Tests.Harness;

/// <summary>rbldnsd on port 53 of an address of its own. Whoever is to ask it needs a resolv.conf that names it.</summary>
internal sealed class Rbldnsd : IDisposable
{
    private readonly Process _process;

    private readonly string _zoneFile;

    private Rbldnsd(Process process, string zoneFile, string address) =>
        (_process, _zoneFile, ResolvConf) = (process, zoneFile, $"nameserver {address}\noptions timeout:2 attempts:1\n");

    /// <summary>The text of a resolv.conf that names it.</summary>
    public string ResolvConf { get; }

    /// <summary>Starts it; it answers when this returns.</summary>
    /// <param name="address">IPv4 on the loopback interface.</param>
    /// <param name="zone">Name and type of the zone, as in <c>bl.lab:ip4set</c>.</param>
    /// <param name="text">Its records.</param>
    public static Rbldnsd Start(string address, string zone, string text)
    {
        Tool.Require("rbldnsd");
        var path = Path.GetTempFileName();
        File.WriteAllText(path, text);
        Tool.Must("chmod", "0644", path); // it gives up its rights first
        var process = Tool.Start("rbldnsd", "-n", "-u", "nobody:nogroup", "-b", $"{address}/53", $"{zone}:{path}");
        var socket = $" {BinaryPrimitives.ReadUInt32LittleEndian(IPAddress.Parse(address).GetAddressBytes()):X8}:0035 ";
        Wait.Until(
            () => process.HasExited || File.ReadAllText("/proc/net/udp").Contains(socket, StringComparison.Ordinal), () => "rbldnsd does not listen");
        Assert.False(process.HasExited, "rbldnsd has ended");
        return new Rbldnsd(process, path, address);
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        File.Delete(_zoneFile);
    }
}
