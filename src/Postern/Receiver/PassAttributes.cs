using System.Globalization;
using System.Text;
using Postern.Core;

namespace Postern.Receiver;

/// <summary>
/// The attribute list that follows a passed descriptor:
/// <c>client_address\0ADDR\0client_port\0PORT\0server_address\0ADDR\0server_port\0PORT\0\0</c>, in any order.
/// </summary>
internal static class PassAttributes
{
    /// <summary>More than this is not what we take for a list of attributes.</summary>
    public const int MaxLength = 4096;

    /// <summary>How far a list has been read.</summary>
    public enum Progress
    {
        /// <summary>Its end is missing.</summary>
        Incomplete,

        /// <summary>Only the final NUL: the addresses are those of the socket itself.</summary>
        Empty,

        /// <summary>All attributes are there and well-formed.</summary>
        Complete,

        /// <summary>An attribute is missing or malformed.</summary>
        Bad,
    }

    /// <param name="problem">In smtpd's words when the list is bad; otherwise null.</param>
    public static Progress Read(ReadOnlySpan<byte> received, out IpAddress client, out string? problem)
    {
        (client, problem) = (default, null);
        string? clientAddress = null, clientPort = null, serverAddress = null, serverPort = null;
        var isEmpty = true;
        while (true)
        {
            if (!TryTakeText(ref received, out var name))
                return Progress.Incomplete;
            if (name.Length == 0)
                break;
            if (!TryTakeText(ref received, out var value))
                return Progress.Incomplete;
            isEmpty = false;
            switch (name)
            {
                case "client_address": clientAddress = value; break;
                case "client_port": clientPort = value; break;
                case "server_address": serverAddress = value; break;
                case "server_port": serverPort = value; break;
            }
        }

        if (isEmpty)
            return Progress.Empty;
        problem = CheckAddress("client", clientAddress, out client)
            ?? CheckPort("client", clientPort)
            ?? CheckAddress("server", serverAddress, out _)
            ?? CheckPort("server", serverPort);
        return problem is null ? Progress.Complete : Progress.Bad;
    }

    private static bool TryTakeText(ref ReadOnlySpan<byte> received, out string text)
    {
        var end = received.IndexOf((byte)0);
        text = end < 0 ? "" : Encoding.Latin1.GetString(received[..end]);
        if (end < 0)
            return false;
        received = received[(end + 1)..];
        return true;
    }

    private static string? CheckAddress(string side, string? text, out IpAddress address)
    {
        address = default;
        if (text is null)
            return $"missing {side} address from proxy";
        if (IpAddress.TryParse(text, out address))
            return null;
        // smtpd says IPv6 of every bad server address
        var family = side == "server" || text.Contains(':') ? "IPv6" : "IPv4";
        return $"bad {family} {side} address syntax from proxy: {ReceiverText.Printable(text)}";
    }

    private static string? CheckPort(string side, string? text)
    {
        if (text is null)
            return $"missing {side} port from proxy";
        return ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _)
            ? null
            : $"bad TCP {side} port number syntax from proxy: {ReceiverText.Printable(text)}";
    }
}
