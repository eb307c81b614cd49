using System.Text;
using System.Text.Json;
using Postern.Control;
using Postern.Core.Config;
using Postern.Events;

namespace Postern.Dashboard;

/// <summary>What the page shows, each thing as one line of JSON: from the daemon, from its event log, from its configuration.</summary>
/// <param name="daemon">Its control socket; null: there is none, and the page says so.</param>
/// <param name="eventLog">Its path; null: there is none.</param>
/// <param name="readConfiguration">Reads the files anew.</param>
internal sealed class DashboardFacts(ControlClient? daemon, string? eventLog, Func<ParameterListing> readConfiguration)
{
    private const int MostClients = 500;
    private const int MostRefusals = 200;
    private const int LongestSearch = 320; // an address of RFC 5321

    /// <summary>Figures and held clients: <c>{"figures":{…},"clients":[…]}</c>, or <c>{"problem":"…"}</c>.</summary>
    public string Now()
    {
        if (daemon is null)
            return Problem("set postern_control_socket = $data_directory/control in postern.cf");
        var (figures, clients) = (new List<string>(), new List<string>());
        if ((daemon.Ask(["figures"], [], figures.Add) ?? daemon.Ask(["clients", $"{MostClients}"], [], clients.Add)) is { } problem)
            return Problem(problem);
        return $$"""{"figures":{{figures.Single()}},"clients":[{{string.Join(',', clients)}}]}""";
    }

    /// <summary>The last clients that were stopped, the last one first: <c>{"refusals":[EVENT…]}</c> with events as in the event log.</summary>
    /// <param name="search">A part of an address, a sender or a recipient; empty: all.</param>
    public string Refusals(string search)
    {
        if (eventLog is null)
            return Problem("set postern_event_log = $data_directory/events in postern.cf");
        search = search.Trim();
        if (search.Length > LongestSearch)
            return Problem("what you look for is too long");
        try
        {
            var found = EventReader.FindLastStopped(eventLog, search, MostRefusals);
            return $$"""{"refusals":[{{string.Join(',', found.Select(static one => one.GetRawText()))}}]}""";
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
        {
            return Problem(refusal.Message);
        }
    }

    /// <summary>All parameters: <c>{"parameters":[{"name","value","origin"}…]}</c>; one without origin has its default.</summary>
    public string Configuration()
    {
        var listing = readConfiguration();
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            json.WriteStartArray("parameters");
            foreach (var name in ParameterListing.Known)
            {
                json.WriteStartObject();
                json.WriteString("name", name);
                json.WriteString("value", listing.TextOf(name));
                if (listing.OriginOf(name) is { } origin)
                    json.WriteString("origin", origin.ToString());
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }

    private static string Problem(string text) => $$"""{"problem":"{{JsonEncodedText.Encode(text)}}"}""";
}
