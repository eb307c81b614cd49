using System.Text;
using System.Text.Json;
using Postern.Control;
using Postern.Core;
using Postern.Core.Config;
using Postern.Events;
using Postern.Native;

namespace Postern.Dashboard;

/// <summary>What the page shows, each thing as one line of JSON: from the daemon, from its event log, from its configuration.</summary>
/// <param name="daemon">Its control socket; null: there is none, and the page says so.</param>
/// <param name="process">The daemon's settings.</param>
/// <param name="readConfiguration">Reads the files anew.</param>
internal sealed class DashboardFacts(ControlClient? daemon, ProcessSettings process, Func<ParameterListing> readConfiguration)
{
    private const int MostClients = 500;
    private const int MostRefusals = 200;
    private const int LongestSearch = 320; // an address of RFC 5321
    private const long RefusalPause = 1000; // milliseconds
    private const long NowLasts = 900; // milliseconds: readers of the page are many, the daemon is one

    private readonly Lock _asking = new(), _searching = new(), _refusing = new();
    private readonly TokenFile? _tokens = process.HttpTokenFile is { } path ? new TokenFile(path) : null;
    private readonly AccessFile _access = new(process.HttpAccessFile!);
    private long _refusalToldAt = -RefusalPause;
    private string _now = "";
    private long _nowIsOf = -NowLasts;

    /// <summary>Figures and held clients: <c>{"figures":{…},"clients":[…]}</c>, or <c>{"problem":"…"}</c>.</summary>
    public string Now()
    {
        lock (_asking)
        {
            if (Environment.TickCount64 - _nowIsOf >= NowLasts)
                (_now, _nowIsOf) = (AskNow(), Environment.TickCount64);
            return _now;
        }
    }

    /// <summary>The last clients that were stopped, the last one first: <c>{"refusals":[EVENT…]}</c> with events as in the event log.</summary>
    /// <param name="search">A part of an address, a sender or a recipient; empty: all.</param>
    public string Refusals(string search)
    {
        if (process.EventLog is not { } eventLog)
            return Problem("set postern_event_log = $data_directory/events in postern.cf");
        search = search.Trim();
        if (search.Length > LongestSearch)
            return Problem("what you look for is too long");
        try
        {
            lock (_searching) // one search costs a processor for half a second
            {
                var found = EventReader.FindLastStopped(eventLog, search, MostRefusals);
                return $$"""{"refusals":[{{string.Join(',', found.Select(static one => one.GetRawText()))}}]}""";
            }
        }
        catch (IOException refusal)
        {
            return Problem($"{eventLog}: {Errno.ReasonOf(refusal)}");
        }
    }

    /// <summary>All parameters: <c>{"parameters":[{"name","value","origin"}…]}</c>; one without origin has its default.</summary>
    public string Configuration()
    {
        var listing = readConfiguration();
        return WriteJson(json =>
        {
            json.WriteStartArray("parameters");
            foreach (var name in ParameterListing.Known)
            {
                json.WriteStartObject();
                json.WriteString("name", name);
                json.WriteString("value", SecretLists.HideIn(name, listing.TextOf(name)));
                if (listing.OriginOf(name) is { } origin)
                    json.WriteString("origin", origin.ToString());
                json.WriteEndObject();
            }

            json.WriteEndArray();
        });
    }

    /// <summary>What was allowed and denied: <c>{"file","may_change","entries":[{"network","allowed","when","who"}…]}</c>.</summary>
    public string Access()
    {
        try
        {
            var entries = _access.Read();
            return WriteJson(json =>
            {
                json.WriteString("file", process.HttpAccessFile);
                json.WriteBoolean("may_change", _tokens is not null);
                json.WriteStartArray("entries");
                foreach (var entry in entries)
                {
                    json.WriteStartObject();
                    json.WriteString("network", entry.Network);
                    json.WriteBoolean("allowed", entry.IsAllowed);
                    if (entry.When is not null)
                        json.WriteString("when", entry.When);
                    if (entry.Who is not null)
                        json.WriteString("who", entry.Who);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
            });
        }
        catch (Exception refusal) when (refusal is IOException or UnauthorizedAccessException)
        {
            return Problem($"{process.HttpAccessFile}: {Errno.ReasonOf(refusal)}");
        }
    }

    /// <summary>Who has this token.</summary>
    /// <param name="problem">Why there can be nobody; null: the token is wrong.</param>
    public string? FindName(string token, out string? problem)
    {
        problem = "nobody may change anything here: set postern_http_token_file, see docs/dashboard.md";
        return _tokens?.FindName(token, out problem);
    }

    /// <summary>Tells the daemon, and its log, that somebody has tried with a wrong token: once a second at most, however many there are.</summary>
    public void TellWrongToken(IpAddress from)
    {
        lock (_refusing)
        {
            if (Environment.TickCount64 - _refusalToldAt < RefusalPause)
                return;
            _refusalToldAt = Environment.TickCount64;
        }

        daemon?.Ask(["access", "refused", from.ToString()], [], static _ => { });
    }

    /// <summary>Has the daemon do it: <c>{"done":"NETWORK"}</c>, or <c>{"problem":"…"}</c>.</summary>
    /// <param name="action">As <see cref="AccessCommands"/> has it.</param>
    /// <param name="network">As somebody wrote it.</param>
    /// <param name="who">Whose token it was.</param>
    public string Change(string action, string network, string who)
    {
        if (daemon is null)
            return NoDaemon();
        if ((action + network).AsSpan().ContainsAnyExceptInRange('!', '~'))
            return Problem("write an address, such as 192.0.2.7, or a network, such as 192.0.2.0/24");
        var done = "";
        return daemon.Ask(["access", action, network, who], [], line => done = line) is { } problem ? Problem(problem) : WriteJson(json => json.WriteString("done", done));
    }

    /// <summary><c>{"problem":"…"}</c>.</summary>
    public static string Problem(string text) => WriteJson(json => json.WriteString("problem", text));

    private static string NoDaemon() => Problem("set postern_control_socket = $data_directory/control in postern.cf");

    private string AskNow()
    {
        if (daemon is null)
            return NoDaemon();
        var (figures, clients) = (new List<string>(), new List<string>());
        if ((daemon.Ask(["figures"], [], figures.Add) ?? daemon.Ask(["clients", $"{MostClients}"], [], clients.Add)) is { } problem)
            return Problem(problem);
        return $$"""{"figures":{{figures.Single()}},"clients":[{{string.Join(',', clients)}}]}""";
    }

    private static string WriteJson(Action<Utf8JsonWriter> write)
    {
        using var text = new MemoryStream();
        using (var json = new Utf8JsonWriter(text))
        {
            json.WriteStartObject();
            write(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }
}
