using System.Text;
using System.Text.Json;
using Postern.Native;

namespace Postern.Events;

/// <summary>Finds a client in the event log, from its end.</summary>
internal static class EventReader
{
    /// <summary>How much of the end is read.</summary>
    public const int MostBytes = 64 << 20;

    /// <summary>The last events of a client, the last one first.</summary>
    /// <param name="path">Of the event log.</param>
    /// <param name="address">The client's, in its usual form.</param>
    /// <param name="from">The sender; null: any.</param>
    /// <param name="to">A recipient; null: any.</param>
    /// <param name="most">How many.</param>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static List<JsonElement> FindLast(string path, string address, string? from, string? to, int most)
    {
        var mark = $"\"client\":{{\"address\":\"{address}\"";
        return FindLast(path, line => line.Contains(mark, StringComparison.Ordinal) && Parse(line) is { } client && Is(client, from, to) ? client : null, most);
    }

    /// <summary>The last clients that were stopped, the last one first.</summary>
    /// <param name="path">Of the event log.</param>
    /// <param name="search">A part of their address, sender or one of their recipients, in any case; empty: any client.</param>
    /// <param name="most">How many.</param>
    /// <inheritdoc cref="FindLast(string, string, string?, string?, int)" path="/exception" />
    public static List<JsonElement> FindLastStopped(string path, string search, int most) => FindLast(
        path, line => line.Contains("\"outcome\":\"stopped\"", StringComparison.Ordinal) && Parse(line) is { } client && Has(client, search) ? client : null, most);

    private static List<JsonElement> FindLast(string path, Func<string, JsonElement?> pick, int most)
    {
        using var file = SafeFile.Read(Latin1.OfText(path));
        var skipped = Math.Max(0, file.Length - MostBytes);
        file.Seek(skipped, SeekOrigin.Begin);
        using var lines = new StreamReader(file, Encoding.UTF8);
        if (skipped > 0)
            lines.ReadLine(); // the rest of one
        var found = new Queue<JsonElement>();
        while (lines.ReadLine() is { } line)
        {
            if (pick(line) is not { } client)
                continue;
            found.Enqueue(client);
            if (found.Count > most)
                found.Dequeue();
        }

        return [.. found.Reverse()];
    }

    private static JsonElement? Parse(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null; // cut by a crash or by somebody's hand
        }
    }

    private static bool Is(JsonElement client, string? from, string? to) =>
        (from is null || (client.TryGetProperty("sender", out var sender) && Same(sender, from)))
        && (to is null || (client.TryGetProperty("recipients", out var recipients) && recipients.EnumerateArray().Any(recipient => Same(recipient, to))));

    private static bool Has(JsonElement client, string search) =>
        (client.TryGetProperty("client", out var end) && end.TryGetProperty("address", out var address) && Contains(address, search))
        || (client.TryGetProperty("sender", out var sender) && Contains(sender, search))
        || (client.TryGetProperty("recipients", out var recipients) && recipients.EnumerateArray().Any(recipient => Contains(recipient, search)));

    private static bool Contains(JsonElement text, string part) => text.GetString()!.Contains(part, StringComparison.OrdinalIgnoreCase);

    private static bool Same(JsonElement text, string other) => string.Equals(text.GetString(), other, StringComparison.OrdinalIgnoreCase);
}
