namespace Postern.Bench;

/// <summary>Four DNS lists, served by listd where bench/run lets resolv.conf point to. Two of them list every client.</summary>
internal sealed class DnsLists : IDisposable
{
    /// <summary>How many lists a client is looked up in.</summary>
    public const int Count = 4;

    /// <summary>The value of postscreen_dnsbl_sites.</summary>
    public const string Sites = "bl1.bench.example*2 bl2.bench.example bl3.bench.example bl4.bench.example*-1";

    /// <summary>Clients with these source addresses are listed.</summary>
    public const string ListedClients = "127.7.0.1-127.7.80.250";

    /// <summary>So are these; they are for the warm-up, so that nobody has met the others before.</summary>
    public const string ListedEarlier = "127.7.100.1-127.7.180.250";

    private const string Address = "127.0.53.1";
    private const string AddressInKernelsWords = " 0135007F:0035 ";

    private readonly ChildProcess _server;

    private DnsLists(ChildProcess server) => _server = server;

    /// <summary>Returns when it answers.</summary>
    /// <param name="tools">Where bench/run has built listd.</param>
    /// <param name="output">A file for what it prints.</param>
    public static DnsLists Serve(string tools, string output)
    {
        var server = ChildProcess.StartDaemon(output, Path.GetFullPath(Path.Combine(tools, "listd")), Address, "127.7", "bl1", "bl2");
        for (var left = 500; !File.ReadAllText("/proc/net/udp").Contains(AddressInKernelsWords, StringComparison.Ordinal); left--)
        {
            if (left == 0 || server.HasExited)
                throw new InvalidOperationException($"listd did not start: {File.ReadAllText(output)}");
            Thread.Sleep(10);
        }

        return new DnsLists(server);
    }

    public void Dispose() => _server.Dispose();
}
