using System.Text;

namespace Postern.Core.Reporting;

/// <summary>One of Postern's lines about a client and a relay target.</summary>
/// <param name="Address">The client's address.</param>
/// <param name="Port">Its port.</param>
/// <param name="Problem">Why the target did not take it; null: it did, and the session is over.</param>
internal readonly record struct RelayLine(IpAddress Address, ushort Port, string? Problem)
{
    // relayed [192.0.2.7]:40000 id=… to tcp:mx:25: 512 bytes in, …
    // relay target tcp:mx:25 does not take [192.0.2.7]:40000 id=…: Connection refused
    public static bool TryRead(ReadOnlySpan<byte> text, out RelayLine line)
    {
        line = default;
        if (text.StartsWith("relayed "u8))
        {
            if (!ClientText.TryRead(text[8..], out var relayed, out var from))
                return false;
            line = new RelayLine(relayed, from, null);
            return true;
        }

        if (text.StartsWith("warning: "u8))
            text = text[9..];
        if (!text.StartsWith("relay target "u8) || text.IndexOf(" does not take "u8) is not (> 0 and var middle))
            return false;
        var client = text[(middle + 15)..];
        if (!ClientText.TryRead(client, out var address, out var port) || client.IndexOf(": "u8) is not (> 0 and var reason))
            return false;
        line = new RelayLine(address, port, $"{Encoding.Latin1.GetString(text[..middle])}: {Encoding.Latin1.GetString(client[(reason + 2)..])}");
        return true;
    }
}
