using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;
using System.Text;

namespace Postern.Dns;

/// <summary>Which servers to ask, and how patiently: what resolv.conf(5) says.</summary>
/// <param name="Servers">In the order in which they are tried; never empty.</param>
/// <param name="Timeout">For one server and one attempt.</param>
/// <param name="Attempts">Rounds over all servers.</param>
/// <param name="Rotate">Each question begins with another server.</param>
public sealed record ResolverConfiguration(IReadOnlyList<IPEndPoint> Servers, TimeSpan Timeout, int Attempts, bool Rotate = false)
{
    /// <summary>What cannot be understood of the servers, for the administrator.</summary>
    public IReadOnlyList<string> Problems { get; init; } = [];

    /// <summary>Where the system keeps it.</summary>
    public const string SystemPath = "/etc/resolv.conf";

    private const int DomainPort = 53;
    private const int MostServers = 3; // MAXNS of resolv.conf(5)
    private const int LongestTimeout = 30; // seconds, RES_MAXRETRANS
    private const int MostAttempts = 5; // RES_MAXRETRY

    /// <summary>The defaults of resolv.conf(5) with other servers.</summary>
    public static ResolverConfiguration For(IReadOnlyList<IPEndPoint> servers) => new(servers, TimeSpan.FromSeconds(5), 2);

    /// <summary>Reads the text of a resolv.conf. As in the C library, what is not understood is skipped.</summary>
    /// <param name="path">What <see cref="Problems"/> call the file.</param>
    public static ResolverConfiguration Parse(string text, string path = SystemPath)
    {
        List<IPEndPoint> servers = [];
        List<string> problems = [];
        var (timeout, attempts, rotate) = (5, 2, false);
        var number = 0;
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            number++;
            if (line.StartsWith('#') || line.StartsWith(';'))
                continue;
            var (keyword, value) = SplitWord(line);
            if (keyword is "nameserver")
            {
                var (address, _) = SplitWord(value);
                if (!TryReadServer(address, out var server))
                    problems.Add($"{path}, line {number}: nameserver \"{LookupProblem.Printable(Encoding.Latin1.GetBytes(address.ToString()))}\" is no address: left out");
                else if (servers.Count < MostServers)
                    servers.Add(server);
            }
            else if (keyword is "options")
            {
                while (!value.IsEmpty)
                {
                    (var option, value) = SplitWord(value);
                    ReadNumber(option, "timeout:", LongestTimeout, ref timeout);
                    ReadNumber(option, "attempts:", MostAttempts, ref attempts);
                    rotate |= option is "rotate";
                }
            }
        }

        if (servers.Count == 0)
        {
            servers.Add(new IPEndPoint(IPAddress.Loopback, DomainPort)); // resolv.conf(5): "the name server on the local machine"
            if (problems.Count > 0)
                problems[^1] += "; 127.0.0.1 is asked instead, as there is no other";
        }

        return new ResolverConfiguration(servers, TimeSpan.FromSeconds(timeout), attempts, rotate) { Problems = problems };
    }

    /// <summary>Reads <c>address</c> or, for a resolver on another port, <c>[address]:port</c>, which OpenBSD introduced.</summary>
    private static bool TryReadServer(ReadOnlySpan<char> text, [NotNullWhen(true)] out IPEndPoint? server)
    {
        server = null;
        ushort port = DomainPort;
        if (text.StartsWith('['))
        {
            var end = text.IndexOf("]:");
            if (end < 0 || !ushort.TryParse(text[(end + 2)..], NumberStyles.None, CultureInfo.InvariantCulture, out port) || port == 0)
                return false;
            text = text[1..end];
        }

        if (IPAddress.TryParse(text, out var address))
            server = new IPEndPoint(address, port);
        return server is not null;
    }

    private static WordAndRest SplitWord(ReadOnlySpan<char> text)
    {
        text = text.TrimStart(" \t");
        var end = text.IndexOfAny(" \t");
        return end < 0 ? new WordAndRest(text, []) : new WordAndRest(text[..end], text[end..].Trim(" \t"));
    }

    private static void ReadNumber(ReadOnlySpan<char> option, string prefix, int most, ref int value)
    {
        if (option.StartsWith(prefix) && int.TryParse(option[prefix.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            value = Math.Clamp(number, 1, most);
    }

    private readonly ref struct WordAndRest(ReadOnlySpan<char> word, ReadOnlySpan<char> rest)
    {
        private readonly ReadOnlySpan<char> _word = word;
        private readonly ReadOnlySpan<char> _rest = rest;

        public void Deconstruct(out ReadOnlySpan<char> word, out ReadOnlySpan<char> rest)
        {
            word = _word;
            rest = _rest;
        }
    }
}
