using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using Postern.Core;
using Postern.Core.Config;
using Postern.Lmdb;
using Postern.Native;

namespace Postern.Cli;

/// <summary>Tells the configuration about this machine. What is seldom needed is asked only when it is.</summary>
internal static partial class HostFactsReader
{
    private const string NoIPv6 = "Address family not supported by protocol"; // the system's words for EAFNOSUPPORT

    public static HostFacts Read()
    {
        var hosts = new Dictionary<string, IReadOnlyList<IpAddress>>(StringComparer.Ordinal);
        return new HostFacts
        {
            HostName = System.Net.Dns.GetHostName(),
            ProcessId = Environment.ProcessId,
            IsRoot = Libc.geteuid() == 0,
            HasLmdb = LmdbLibrary.IsInstalled,
            Addresses = ReadAddresses(),
            NoIPv6Reason = Socket.OSSupportsIPv6 ? null : NoIPv6,
            FindUser = FindUser,
            FindGroup = FindGroup,
            ResolveHost = name => ResolveHost(name, hosts),
            FindPort = FindPort,
            FindPostfix = PostfixProbe.Find,
        };
    }

    private static List<InterfaceAddress> ReadAddresses()
    {
        var addresses = new List<InterfaceAddress>();
        foreach (var network in NetworkInterface.GetAllNetworkInterfaces())
        {
            if (network.OperationalStatus == OperationalStatus.Down)
                continue; // a loopback interface is "unknown"
            foreach (var own in network.GetIPProperties().UnicastAddresses)
                addresses.Add(new InterfaceAddress(IpAddress.FromBytes(own.Address.GetAddressBytes()), own.PrefixLength));
        }

        // The system's order is IPv4 first, then IPv6, whatever the interface.
        return [.. addresses.OrderByDescending(static own => own.Address.IsIPv4)];
    }

    // Each name is asked for once: the services of master.cf share the answer.
    private static IReadOnlyList<IpAddress> ResolveHost(string name, Dictionary<string, IReadOnlyList<IpAddress>> known)
    {
        if (known.TryGetValue(name, out var addresses))
            return addresses;
        try
        {
            addresses = Array.ConvertAll(
                System.Net.Dns.GetHostAddresses(name), static found => IpAddress.FromBytes(found.GetAddressBytes()));
        }
        catch (Exception error) when (error is SocketException or ArgumentException)
        {
            addresses = []; // not found, or a name service that does not answer: the caller says which name
        }

        known.Add(name, addresses);
        return addresses;
    }

    // A line is: name port/protocol aliases.
    private static int? FindPort(string name)
    {
        try
        {
            foreach (var line in File.ReadLines("/etc/services", Encoding.Latin1))
            {
                var words = line.Split('#')[0].Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
                if (words.Length < 2 || !words[1].EndsWith("/tcp", StringComparison.Ordinal))
                    continue;
                var isNamed = words[0] == name || Array.IndexOf(words, name, 2) >= 0;
                if (isNamed && int.TryParse(words[1].AsSpan(..^4), out var port))
                    return port;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // without the file there are only the ports that everybody knows
        }

        return null;
    }

    // struct passwd and struct group of Linux begin with two pointers; the numeric id is next.
    private static uint? FindUser(string name) => ReadId(GetUser(name));

    private static uint? FindGroup(string name) => ReadId(GetGroup(name));

    private static unsafe uint? ReadId(nint entry) => entry == 0 ? null : *(uint*)(entry + 2 * sizeof(nint));

    // Not thread-safe, and only called while the configuration is read.
    [LibraryImport("libc", EntryPoint = "getpwnam", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint GetUser(string name);

    [LibraryImport("libc", EntryPoint = "getgrnam", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint GetGroup(string name);
}
