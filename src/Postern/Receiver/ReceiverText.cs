using System.Globalization;
using Postern.Core;

namespace Postern.Receiver;

/// <summary>Makes text of others fit for logs, replies and headers.</summary>
internal static class ReceiverText
{
    /// <summary>Printable ASCII stays, all else becomes <c>?</c>.</summary>
    public static string Printable(string text) => text.AsSpan().ContainsAnyExceptInRange(' ', '~')
        ? string.Create(text.Length, text, static (clean, text) =>
        {
            for (var i = 0; i < clean.Length; i++)
                clean[i] = text[i] is >= ' ' and <= '~' ? text[i] : '?';
        })
        : text;

    /// <summary>A reply line without control characters; bytes over 0x7f stay, as the client has sent them.</summary>
    public static string WithoutControls(string text) => text.AsSpan().IndexOfAnyInRange('\0', '\x1f') < 0 && !text.Contains('\x7f')
        ? text
        : string.Create(text.Length, text, static (clean, text) =>
        {
            for (var i = 0; i < clean.Length; i++)
                clean[i] = text[i] is < ' ' or '\x7f' ? '?' : text[i];
        });

    /// <summary>An address as trace headers write it (RFC 5321 §4.1.3).</summary>
    public static string Literal(IpAddress address) => address.IsIPv4 ? $"[{address}]" : $"[IPv6:{address}]";

    /// <summary>A duration as Postfix's <c>delay=</c>: seconds with two significant digits, not finer than 0.01.</summary>
    public static string Delay(TimeSpan delay)
    {
        var seconds = Math.Max(0, delay.TotalSeconds);
        if (seconds < 0.005)
            return "0";
        return seconds < 10
            ? seconds.ToString(seconds < 1 ? "0.##" : "0.#", CultureInfo.InvariantCulture)
            : seconds.ToString("0", CultureInfo.InvariantCulture);
    }
}
