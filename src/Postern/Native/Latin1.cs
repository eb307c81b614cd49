using System.Text;

namespace Postern.Native;

/// <summary>Between the runtime's texts, which it makes of UTF-8, and those of configuration, a character a byte.</summary>
internal static class Latin1
{
    /// <summary>An argument, a variable or a path that the runtime gave us, byte by byte.</summary>
    public static string OfText(string text) => Encoding.Latin1.GetString(Encoding.UTF8.GetBytes(text));

    /// <summary>A path from the configuration, for the runtime.</summary>
    public static string ToText(string bytes) => Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(bytes));
}
