using System.Globalization;
using System.Text.Json;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Postern.Reports;

/// <summary>
/// What <c>postern top</c> shows: made of the answers to <c>figures</c> and <c>clients</c> of the control socket. What an
/// answer does not have is not shown.
/// </summary>
/// <param name="before">The figures of the last time; null: this is the first, and rates are those since the start.</param>
/// <param name="now">The figures.</param>
/// <param name="clients">Some of the clients that are held.</param>
internal sealed class TopScreen(JsonElement? before, JsonElement now, IReadOnlyList<JsonElement> clients)
{
    private const int MostReasons = 6, MostLists = 4;
    private const string NameOfTime = "time";

    private readonly List<(string Text, Style Style)> _lines = [];

    /// <summary>As many lines as there is room for, none longer than the screen is wide.</summary>
    public IReadOnlyList<(string Text, Style Style)> Lines(int width, int height)
    {
        _lines.Clear();
        Head();
        Outcomes();
        Lists();
        Clients(width, height - _lines.Count - 2);
        return [.. _lines.Take(height - 1).Select(line => (Fit(line.Text, width), line.Style))];
    }

    /// <summary>The same, to be drawn.</summary>
    public IRenderable Draw(int width, int height) => new Rows(Lines(width, height).Select(static line => new Text(line.Text, line.Style)));

    private void Head()
    {
        var time = DateTimeOffset.FromUnixTimeMilliseconds(Number(now, NameOfTime));
        var up = TimeSpan.FromMilliseconds(Number(now, NameOfTime) - Number(now, "started"));
        Add($"postern top  {time:yyyy-MM-dd HH:mm:ss} UTC  up {up.Days} d {up.Hours}:{up.Minutes:00}{(Flag(now, "stress") ? "  STRESS MODE" : "")}  q quits", Flag(now, "stress") ? Warning : Bold);
        Add($"{Rate("connections"),8:0.0} connections/s  {Number(now, "held"):N0} held, {Number(now, "lanes", "standing"):N0} in slow lanes, {Number(now, "handing_off"):N0} handed over just now");
        var busy = before is { } then && Milliseconds(then) is > 0 and var span ? 100.0 * (Number(now, "cpu_ms") - Number(then, "cpu_ms")) / span : 0;
        Add($"{busy,8:0.0} % of a processor  {Number(now, "resident_bytes") / 1048576.0:0} MiB  loop answers in {Real(now, "loop_wait_ms"):0.0} ms{(Number(now, "events_lost") > 0 ? $"  {Number(now, "events_lost"):N0} events lost" : "")}");
    }

    private void Outcomes()
    {
        Add($"");
        Add($"{"",-26}{"per second",12}{"in all",14}", Bold);
        foreach (var (name, label) in ((string, string)[])[("handed_off", "to the mail server"), ("stopped", "stopped"), ("told_to_come_back", "told to come back"), ("not_taken", "not taken by the server")])
            Row(label, "outcomes", name);
        Row("known (allowlist hits)", "let_in_by", "known");
        if (!TryFind(now, out var reasons, "stopped_by") || reasons.ValueKind is not JsonValueKind.Object)
            return;
        foreach (var reason in reasons.EnumerateObject().Where(static one => one.Value.GetInt64() > 0).OrderByDescending(static one => one.Value.GetInt64()).Take(MostReasons))
            Row("  " + reason.Name.Replace('_', ' '), "stopped_by", reason.Name);
    }

    private void Lists()
    {
        if (!TryFind(now, out var lists, "dns_lists") || lists.ValueKind is not JsonValueKind.Array || lists.GetArrayLength() == 0)
            return;
        Add($"");
        Add($"{"DNS lists",-26}{"listed",12}{"not",14}{"no answer",12}{"ms",8}", Bold);
        foreach (var list in lists.EnumerateArray().OrderBy(static list => Flag(list, "well")).Take(MostLists))
        {
            var isWell = Flag(list, "well");
            Add($"{Fit(Text(list, "name"), 25),-26}{Number(list, "listed"),12:N0}{Number(list, "not_listed"),14:N0}{Number(list, "failed") + Number(list, "timed_out"),12:N0}{Real(list, "mean_ms"),8:0}{(isWell ? "" : "  " + (TryFind(list, out _, "problem") ? Text(list, "problem").Replace('_', ' ') : "OUT"))}", isWell ? Style.Plain : Warning);
        }
    }

    private void Clients(int width, int room)
    {
        var wide = Math.Clamp(width - 28, 20, 42); // the times stay where there is less room
        if (room < 2)
            return;
        Add($"");
        if (clients.Count == 0)
            Add($"No client is held", Bold);
        else
            Add($"{"Clients held".PadRight(wide)}{"wait for",-12}{"since",8}{"left",8}", Bold);
        foreach (var client in clients.Take(room - 1))
        {
            var who = TryFind(client, out _, "address") ? $"[{Text(client, "address")}]:{Number(client, "port")}" : "behind a proxy";
            if (TryFind(client, out _, "class"))
                who += $"  {Text(client, "class")}";
            Add($"{Fit(who, wide - 1).PadRight(wide)}{Fit(Text(client, "waits_for").Replace('_', ' '), 11),-12}{Seconds(client, "since", -1),8}{Seconds(client, "until", 1),8}");
        }
    }

    private void Row(string label, params ReadOnlySpan<string> path) => Add($"{label,-26}{Rate(path),12:0.00}{Number(now, path),14:N0}");

    /// <summary>A second's worth of a count, since the last time or since counting began.</summary>
    private double Rate(params ReadOnlySpan<string> path)
    {
        var (count, span) = before is { } then ? (Number(now, path) - Number(then, path), Milliseconds(then)) : (Number(now, path), Number(now, NameOfTime) - Number(now, path[0] == "connections" ? "started" : "counted_since"));
        return span <= 0 || count < 0 ? 0 : 1000.0 * count / span; // a daemon that was started anew counts from zero
    }

    private long Milliseconds(JsonElement then) => Number(now, NameOfTime) - Number(then, NameOfTime);

    private string Seconds(JsonElement client, string name, int sign) =>
        TryFind(client, out _, name) ? string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, sign * (Number(client, name) - Number(now, NameOfTime)) / 1000.0):0.0} s") : "";

    private static Style Bold => new(decoration: Decoration.Bold);

    private static Style Warning => new(Color.Red, decoration: Decoration.Bold);

    private void Add(FormattableString text) => _lines.Add((FormattableString.Invariant(text), Style.Plain));

    private void Add(FormattableString text, Style style) => _lines.Add((FormattableString.Invariant(text), style));

    private static string Fit(string text, int width) => text.Length <= width ? text : text[..Math.Max(0, width)];

    private static long Number(JsonElement json, params ReadOnlySpan<string> path) => (long)Real(json, path);

    private static double Real(JsonElement json, params ReadOnlySpan<string> path) =>
        TryFind(json, out var value, path) && value.ValueKind is JsonValueKind.Number ? value.GetDouble() : 0;

    private static bool Flag(JsonElement json, string name) => TryFind(json, out var value, name) && value.ValueKind is JsonValueKind.True;

    // Addresses and names of lists are harmless; but what is on the other end of the socket need not be.
    private static string Text(JsonElement json, string name) =>
        TryFind(json, out var value, name) && value.ValueKind is JsonValueKind.String ? new([.. value.GetString()!.Select(static one => one is >= ' ' and <= '~' ? one : '?')]) : "";

    private static bool TryFind(JsonElement json, out JsonElement value, params ReadOnlySpan<string> path)
    {
        value = json;
        foreach (var name in path)
        {
            if (value.ValueKind is not JsonValueKind.Object || !value.TryGetProperty(name, out value))
                return false;
        }

        return true;
    }
}
