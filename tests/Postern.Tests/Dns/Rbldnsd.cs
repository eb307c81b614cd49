using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Postern.Tests.Dns;

/// <summary>A running rbldnsd, the name server that real DNS lists are served by.</summary>
internal sealed class Rbldnsd : IDisposable
{
    private const string Program = "/usr/sbin/rbldnsd";
    private const string User = "nobody"; // it refuses to stay root

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("postern-");
    private readonly Process _process;

    /// <param name="zone">Name and type, as in <c>bl.example:generic</c>.</param>
    /// <param name="text">The zone's data.</param>
    public Rbldnsd(string zone, string text)
    {
        Assert.SkipUnless(File.Exists(Program), $"{Program} is not installed");
        if (OperatingSystem.IsLinux())
            File.SetUnixFileMode(_folder.FullName, (UnixFileMode)0b111_101_101);
        File.WriteAllText(Path.Combine(_folder.FullName, "zone"), text);
        using (var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp))
        {
            probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            Address = (IPEndPoint)probe.LocalEndPoint!;
        }

        _process = Process.Start(new ProcessStartInfo(
            Program, ["-n", "-b", $"127.0.0.1/{Address.Port}", "-u", User, "-w", _folder.FullName, $"{zone}:zone"])
        { RedirectStandardOutput = true, RedirectStandardError = true })!;
    }

    public IPEndPoint Address { get; }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _folder.Delete(recursive: true);
    }
}
