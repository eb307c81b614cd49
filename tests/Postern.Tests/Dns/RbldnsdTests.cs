using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Postern.Dns;

namespace Postern.Tests.Dns;

/// <summary>The resolver against a name server that somebody else wrote.</summary>
public sealed class RbldnsdTests
{
    private const string Program = "/usr/sbin/rbldnsd";
    private const string UserOfServer = "nobody"; // it refuses to stay root

    [Fact]
    public async Task A_real_server_is_understood()
    {
        Assert.SkipUnless(File.Exists(Program), $"{Program} is not installed");
        var cancellation = TestContext.Current.CancellationToken;
        var folder = Directory.CreateTempSubdirectory("postern-");
        try
        {
            if (OperatingSystem.IsLinux())
                File.SetUnixFileMode(folder.FullName, (UnixFileMode)0b111_101_101);
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, "zone"),
                "$SOA 3000 ns.example.test admin.example.test 0 600 300 86400 77\n$NS 3000 ns.example.test\n"
                + "@ MX 10 mail.example.test\nhost A 192.0.2.1\n", cancellation);
            var port = FreePort();
            using var server = Process.Start(new ProcessStartInfo(Program,
                ["-n", "-b", $"127.0.0.1/{port}", "-u", UserOfServer, "-w", folder.FullName, "example.test:generic:zone"])
            { RedirectStandardOutput = true, RedirectStandardError = true });
            Assert.NotNull(server);
            try
            {
                // Patience instead of sleeping: until it listens, the kernel refuses at once, and that is another attempt.
                var resolver = new StubResolver(new ResolverConfiguration([new IPEndPoint(IPAddress.Loopback, port)], TimeSpan.FromSeconds(2), 1), TimeProvider.System);
                DnsAnswer exchangers;
                var started = Stopwatch.StartNew();
                do
                    exchangers = await resolver.LookUpAsync("example.test", DnsType.Mx, cancellation);
                while (exchangers.Outcome == DnsOutcome.TemporaryFailure && started.Elapsed < TimeSpan.FromSeconds(20));

                Assert.Equal("mail.example.test", Assert.Single(exchangers.Records).Target);
                Assert.Equal("192.0.2.1", Assert.Single((await resolver.LookUpAsync("host.example.test", DnsType.A, cancellation)).Records).Address.ToString());
                Assert.Equal(DnsOutcome.NoData, (await resolver.LookUpAsync("host.example.test", DnsType.Aaaa, cancellation)).Outcome);
                Assert.Equal(DnsOutcome.NoData, (await resolver.LookUpAsync("host.example.test", DnsType.Mx, cancellation)).Outcome);
                var gone = await resolver.LookUpAsync("gone.example.test", DnsType.Mx, cancellation);
                Assert.Equal(DnsOutcome.NoSuchName, gone.Outcome);
                Assert.Equal(TimeSpan.FromSeconds(77), gone.TimeToLive);
                Assert.Equal(DnsOutcome.TemporaryFailure, (await resolver.LookUpAsync("other.test", DnsType.A, cancellation)).Outcome);
            }
            finally
            {
                server.Kill();
                await server.WaitForExitAsync(CancellationToken.None);
            }
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
