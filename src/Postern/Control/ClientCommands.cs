using System.Globalization;
using System.Text;
using System.Text.Json;
using Postern.Core.Screening;

namespace Postern.Control;

/// <summary>Copies what is known of the clients whose numbers are in a range; runs on the loop's thread.</summary>
/// <param name="first">The lowest number.</param>
/// <param name="count">How many numbers.</param>
/// <param name="into">Takes the clients.</param>
/// <returns>The number to go on with; -1: that was all.</returns>
internal delegate int CopyClients(int first, int count, List<HeldClient> into);

/// <summary>
/// What the control socket tells of the clients that are held: <c>clients [MOST]</c>, a line of JSON in ASCII for each.
/// They belong to the loop, so it copies them, in portions that keep no client waiting:
/// <code>{"address":"192.0.2.7","port":40000,"service":"smtp","waits_for":"silence","since":1795536000123,"until":1795536006123,"dnsbl_score":2,"dnsbl_pending":1,"class":"generic rule=6"}</code>
/// What is not known is left out; times are milliseconds since 1970 UTC.
/// </summary>
/// <param name="copy">Copies them.</param>
/// <param name="loop">Is asked.</param>
internal sealed class ClientCommands(CopyClients copy, LoopQuestions loop)
{
    private const int ClientsAtATime = 1000;

    /// <inheritdoc cref="ControlCommand" />
    public string? Answer(string[] words, TextWriter answer)
    {
        var most = int.MaxValue;
        if (words is not [] && (words is not [var text] || !int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out most)))
            return "clients takes one number: how many lines";
        using var line = new MemoryStream();
        using var json = new Utf8JsonWriter(line);
        var clients = new List<HeldClient>();
        for (var next = 0; next >= 0 && most > 0;)
        {
            var first = next;
            clients.Clear();
            next = loop.Ask(() => copy(first, ClientsAtATime, clients));
            foreach (var client in clients.Take(most))
            {
                Write(client, json);
                json.Flush();
                answer.WriteLine(Encoding.ASCII.GetString(line.GetBuffer(), 0, (int)line.Length));
                line.SetLength(0);
                json.Reset();
            }

            most -= Math.Min(most, clients.Count);
        }

        return null;
    }

    /// <summary>In snake case.</summary>
    public static string Name(ClientWait wait) => wait switch
    {
        ClientWait.Proxy => "proxy",
        ClientWait.Allowlist => "allowlist",
        ClientWait.Table => "table",
        ClientWait.Silence => "silence",
        ClientWait.DnsLists => "dns_lists",
        ClientWait.Lane => "lane",
        ClientWait.Command => "command",
        ClientWait.Server => "server",
        _ => "relayed",
    };

    private static void Write(in HeldClient client, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        if (client.Address is { } address)
        {
            json.WriteString("address", address.ToString());
            json.WriteNumber("port", client.Port);
        }

        json.WriteString("service", client.Service);
        json.WriteString("waits_for", Name(client.Wait));
        if (client.Since is { } since)
            json.WriteNumber("since", since.ToUnixTimeMilliseconds());
        if (client.Until is { } until)
            json.WriteNumber("until", until.ToUnixTimeMilliseconds());
        if (client.DnsblScore is { } score)
        {
            json.WriteNumber("dnsbl_score", score);
            json.WriteNumber("dnsbl_pending", client.DnsblPending);
        }

        if (client.Class is { } name)
            json.WriteString("class", name);
        json.WriteEndObject();
    }
}
