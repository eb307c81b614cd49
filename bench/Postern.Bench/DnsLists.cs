namespace Postern.Bench;

/// <summary>Four DNS lists, served by an rbldnsd where bench/run lets resolv.conf point to. Two of them list every client.</summary>
internal sealed class DnsLists : IDisposable
{
    /// <summary>How many lists a client is looked up in.</summary>
    public const int Count = 4;

    /// <summary>The value of postscreen_dnsbl_sites.</summary>
    public const string Sites = "bl1.bench.example*2 bl2.bench.example bl3.bench.example bl4.bench.example*-1";

    /// <summary>Clients with these source addresses are listed.</summary>
    public const string ListedClients = "127.7.0.1-127.7.80.250";

    private const string Address = "127.0.53.1";
    private const string AddressInKernelsWords = " 0135007F:0035 ";

    private readonly ChildProcess _server;

    private DnsLists(ChildProcess server) => _server = server;

    /// <summary>Returns when it answers.</summary>
    /// <param name="folder">For its files.</param>
    public static DnsLists Serve(string folder)
    {
        const string Origin = "$SOA 600 ns.bench.example root.bench.example 1 600 300 86400 60\n:127.0.0.2:listed\n";
        File.WriteAllText(Path.Combine(folder, "listed"), Origin + "127.7.0.0/16\n");
        File.WriteAllText(Path.Combine(folder, "others"), Origin + "192.0.2.0/24\n");
        var output = Path.Combine(folder, "rbldnsd.out");
        var server = ChildProcess.StartDaemon(output, "rbldnsd", "-n", "-u", "nobody:nogroup", "-r", folder, "-b", $"{Address}/53",
            "bl1.bench.example:ip4set:listed", "bl2.bench.example:ip4set:listed", "bl3.bench.example:ip4set:others", "bl4.bench.example:ip4set:others");
        for (var left = 500; !File.ReadAllText("/proc/net/udp").Contains(AddressInKernelsWords, StringComparison.Ordinal); left--)
        {
            if (left == 0 || server.HasExited)
                throw new InvalidOperationException($"rbldnsd did not start: {File.ReadAllText(output)}");
            Thread.Sleep(10);
        }

        return new DnsLists(server);
    }

    public void Dispose() => _server.Dispose();
}
