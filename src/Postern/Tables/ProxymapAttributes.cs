using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Postern.Tables;

/// <summary>A message of proxymap(8): <c>name\0value\0name\0value\0\0</c>.</summary>
internal static class ProxymapAttributes
{
    /// <returns>False when the message is not complete yet.</returns>
    public static bool TryParse(ReadOnlySpan<byte> message, [NotNullWhen(true)] out Dictionary<string, string>? attributes)
    {
        attributes = null;
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        while (TryTake(ref message, out var name))
        {
            if (name.Length == 0)
            {
                attributes = found;
                return true;
            }

            if (!TryTake(ref message, out var value))
                break;
            found[name] = value;
        }

        return false;
    }

    private static bool TryTake(ref ReadOnlySpan<byte> message, out string text)
    {
        var end = message.IndexOf((byte)0);
        text = end < 0 ? "" : Encoding.Latin1.GetString(message[..end]);
        message = end < 0 ? [] : message[(end + 1)..];
        return end >= 0;
    }
}
