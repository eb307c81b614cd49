using System.Net;

namespace Postern.Dns;

/// <summary>Why a question has no usable answer: what the last server did with it.</summary>
/// <param name="Server">The server; null: none was asked.</param>
/// <param name="Code">The response code (RFC 1035 §4.1.1, RFC 6891 §6.1.3), or one of the negative ones here.</param>
/// <param name="Explanation">What the server says about it; null: nothing. Printable.</param>
internal readonly record struct LookupProblem(IPEndPoint? Server, int Code, string? Explanation = null)
{
    /// <summary>There was no answer in time.</summary>
    public const int Silent = -1;

    /// <summary>The server cannot be reached, or nothing listens there.</summary>
    public const int Unreachable = -2;

    /// <summary>What came was no DNS message, or did not fit.</summary>
    public const int Malformed = -3;

    /// <summary>Too many questions are on their way, or the name is too long.</summary>
    public const int NotAsked = -4;

    private const int MostText = 100;

    /// <summary>Whether the server has answered, with an error.</summary>
    public bool IsAnswer => Code > 0;

    /// <summary>In words, <c>127.0.0.53 answered REFUSED (blocked by DNS rebinding protection)</c>.</summary>
    public override string ToString()
    {
        var what = Code switch
        {
            Silent => "gave no answer in time",
            Unreachable => "cannot be reached",
            Malformed => "gave an answer that cannot be read",
            NotAsked => "was not asked: too many questions are on their way",
            _ => $"answered {NameOf(Code)}",
        };
        return $"{(Server is null ? "the name server" : NameOf(Server))} {what}{(Explanation is null ? "" : $" ({Explanation})")}";
    }

    /// <summary>A server as resolv.conf(5) names it.</summary>
    public static string NameOf(IPEndPoint server) => server.Port == 53 ? server.Address.ToString() : server.ToString();

    /// <summary>The name of a response code.</summary>
    public static string NameOf(int code) => code switch
    {
        1 => "FORMERR",
        2 => "SERVFAIL",
        4 => "NOTIMP",
        5 => "REFUSED",
        16 => "BADVERS",
        _ => $"response code {code}",
    };

    /// <summary>Text from the network, for the log.</summary>
    internal static string Printable(ReadOnlySpan<byte> text) =>
        string.Create(Math.Min(text.Length, MostText), text, static (printable, text) =>
        {
            for (var i = 0; i < printable.Length; i++)
                printable[i] = text[i] is >= (byte)' ' and < 0x7f ? (char)text[i] : '?';
        });
}
