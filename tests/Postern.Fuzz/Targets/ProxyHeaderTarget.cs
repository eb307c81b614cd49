using Postern.Core.Config;
using Postern.Core.Proxy;

namespace Postern.Fuzz.Targets;

/// <summary>
/// What a proxy, or somebody who says that he is one, sends first. The first byte chooses <c>inet_protocols</c>; the rest
/// is the data. A header lies within the data, names addresses of the families that are on, and is read the same way
/// whatever stands behind it; what is refused has a reason.
/// </summary>
internal static class ProxyHeaderTarget
{
    public static readonly FuzzTarget Target = new(
        "proxy-header", Run, MaxInput: 1 + ProxyHeader.LongestPeek, MaxAllocated: (65_536, 200),
        ["PROXY ", "TCP4", "TCP6", "UNKNOWN", " ", "\r", "\r\n", "\0", "192.0.2.1 ", "10.0.0.010 ", "2001:db8::1 ", "::ffff:192.0.2.7 ", "0.0.0.0 ", "65535", "25",
            "\r\n\r\n\0\r\nQUIT\n", "\x20\0\0\0", "\x21\x11\0\x0c", "\x21\x21\0\x24", new string('0', 30)]);

    private static void Run(byte[] input)
    {
        if (input.Length == 0)
            return;
        var protocols = new InetProtocols(IPv4: (input[0] & 1) == 0, IPv6: (input[0] & 2) == 0);
        var data = input.AsSpan(1);
        if (!ProxyHeader.TryParse(data, protocols, out var header, out var problem))
        {
            FuzzFailure.Unless(problem.Length > 0, "a refusal has a reason");
            return;
        }

        FuzzFailure.Unless(header.Length > 0 && header.Length <= data.Length, $"a header of {header.Length} bytes in {data.Length}");
        FuzzFailure.Unless(
            ProxyHeader.TryParse(data[..header.Length], protocols, out var alone, out _) && alone == header, "what stands behind a header does not change it");
        FuzzFailure.Unless(
            !ProxyHeader.TryParse(data[..(header.Length - 1)], protocols, out _, out _), "a header without its last byte is none");
        if (!header.IsLocal)
            FuzzFailure.Unless(
                header.ClientAddress.IsIPv4 ? protocols.IPv4 || protocols.IPv6 : protocols.IPv6, "an address of a family that is off");
    }
}
