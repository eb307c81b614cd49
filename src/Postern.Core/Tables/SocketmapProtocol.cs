using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Postern.Core.Tables;

/// <summary>What a client and the server behind a <c>socketmap:</c> table say to each other, in netstrings (socketmap_table(5)).</summary>
/// <remarks>
/// <code>
/// C: 17:clients 192.0.2.7,      S: 9:OK permit,    S: 9:NOTFOUND ,    S: 15:TEMP try again,
/// </code>
/// </remarks>
public static class SocketmapProtocol
{
    /// <summary>The longest reply in bytes, without what makes it a netstring.</summary>
    public const int MaxReply = 100_000;

    private const int MaxDigits = 10;
    private const string BadForm = "input format error";

    /// <summary>The request for a key.</summary>
    /// <param name="map">The name by which the server knows the map; may be empty.</param>
    public static byte[] Request(string map, string key) =>
        Encoding.Latin1.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{map.Length + 1 + key.Length}:{map} {key},"));

    /// <summary>Finds the reply in what has come so far.</summary>
    /// <param name="received">From the reply's first byte.</param>
    /// <param name="reply">What the netstring holds.</param>
    /// <param name="length">Bytes of a complete reply.</param>
    /// <param name="problem">Why there will be none, in Postfix's words; null: there may be one.</param>
    /// <returns>Whether the reply is complete.</returns>
    public static bool TryRead(ReadOnlySpan<byte> received, [NotNullWhen(true)] out string? reply, out int length, out string? problem)
    {
        (reply, length, problem) = (null, 0, null);
        var payload = 0;
        for (var i = 0; i < received.Length; i++)
        {
            if (received[i] == ':' && i > 0)
            {
                var rest = received[(i + 1)..];
                if (rest.Length <= payload)
                    return false;
                if (rest[payload] == ',')
                    (reply, length) = (ListText.BeforeNul(Encoding.Latin1.GetString(rest[..payload])).ToString(), i + payload + 2);
                else
                    problem = BadForm;
                return reply is not null;
            }

            if (received[i] is < (byte)'0' or > (byte)'9' || i >= MaxDigits)
            {
                problem = BadForm;
                return false;
            }

            payload = (payload * 10) + received[i] - '0';
            if (payload > MaxReply)
            {
                problem = "input exceeds size limit";
                return false;
            }
        }

        return false;
    }

    /// <summary>Understands a reply.</summary>
    /// <param name="reply">As <see cref="TryRead"/> found it.</param>
    /// <param name="problem">Why it is no answer, in Postfix's words.</param>
    public static LookupResult Parse(string reply, out string? problem)
    {
        problem = null;
        var blank = reply.IndexOf(' ');
        var (status, text) = blank < 0 ? (reply, "") : (reply[..blank], reply[(blank + 1)..]);
        switch (status)
        {
            case "OK" when blank >= 0: return LookupResult.Found(text);
            case "OK" or "NOTFOUND": return LookupResult.NotFound;
        }

        var kind = status switch { "TEMP" => "temporary", "TIMEOUT" => "timeout", "PERM" => "permanent", _ => "unknown" };
        problem = $"socketmap server {kind} error{(text.Length > 0 ? ": " : "")}{text}";
        return LookupResult.Error;
    }
}
