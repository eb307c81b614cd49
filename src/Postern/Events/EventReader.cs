using System.Text;
using System.Text.Json;

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
    /// <exception cref="UnauthorizedAccessException">Not by us.</exception>
    public static List<JsonElement> FindLast(string path, string address, string? from, string? to, int most)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var skipped = Math.Max(0, file.Length - MostBytes);
        file.Seek(skipped, SeekOrigin.Begin);
        using var lines = new StreamReader(file, Encoding.UTF8);
        if (skipped > 0)
            lines.ReadLine(); // the rest of one
        var found = new Queue<JsonElement>();
        var mark = $"\"client\":{{\"address\":\"{address}\"";
        while (lines.ReadLine() is { } line)
        {
            if (!line.Contains(mark, StringComparison.Ordinal) || Parse(line) is not { } client || !Is(client, from, to))
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

    private static bool Same(JsonElement text, string other) => string.Equals(text.GetString(), other, StringComparison.OrdinalIgnoreCase);
}
