using System.Text.RegularExpressions;

namespace Postern.Interop.Tests;

/// <summary>Access lists on servers, which Postern and the real postscreen ask by themselves, without an entry in proxy_read_maps.</summary>
[Collection(nameof(InteropCollection))]
public sealed partial class ServerTableTests
{
    private static readonly string[] Parameters = ["postscreen_denylist_action = drop", "postscreen_cache_map =", "proxy_read_maps ="];

    private static readonly Dictionary<string, string> TcpReplies = new()
    {
        ["127.0.5.1"] = "200 permit\n",
        ["127.0.5.2"] = "200%20reject\n",
        ["127.0.5.3"] = "200 reject\n",
        ["127.0.5.4"] = "500 no such client\n",
        ["127.0.5.5"] = "400 come back later\n",
        ["127.0.5.6"] = "hello\n",
        ["127.0.5.7"] = "slow:200 %70ermit\n",
        ["127.0.5.8"] = "200 odd\n",
        ["127.0.5.9"] = "200 \n",
    };

    private static readonly Dictionary<string, string> SocketmapReplies = new()
    {
        ["127.0.5.1"] = "9:OK permit,",
        ["127.0.5.2"] = "11:TEMP broken,",
        ["127.0.5.3"] = "9:OK reject,",
        ["127.0.5.4"] = "9:NOTFOUND ,",
        ["127.0.5.5"] = "9:PERM away,",
        ["127.0.5.6"] = "9:OK permit;",
        ["127.0.5.7"] = "slow:9:OK permit,",
        ["127.0.5.8"] = "6:OK odd,",
        ["127.0.5.9"] = "200000:OK ",
        ["127.0.5.10"] = "12:TIMEOUT slow,",
    };

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Clients_fare_as_with_postscreen(bool isSocketmap)
    {
        var replies = isSocketmap ? SocketmapReplies : TcpReplies;
        using var server = new TableServer(isSocketmap, replies.GetValueOrDefault);
        string[] list = [$"postscreen_access_list = {server.Spec}, static:reject", .. Parameters];

        using var postscreen = MailHost.Behind(Front.Postscreen, list);
        var expected = replies.Keys.ToDictionary(static client => client, client => Fate(postscreen, client));
        using var postern = MailHost.Behind(Front.Postern, list);

        Assert.All(expected, client => Assert.Equal(client.Value, Fate(postern, client.Key)));
        Assert.Equal(2 * replies.Count, server.Keys.Count);
        Assert.Contains("ALLOWLISTED", expected["127.0.5.1"], StringComparison.Ordinal);
        Assert.Contains("table lookup error -- ignoring the remainder", expected["127.0.5.5"], StringComparison.Ordinal);
    }

    [Fact]
    public void A_socketmap_server_that_is_down_makes_the_same_lines_as_with_postscreen()
    {
        var server = new TableServer(isSocketmap: true, static _ => null);
        server.Dispose();
        string[] list = [$"postscreen_access_list = {server.Spec}, static:reject", .. Parameters];

        using var postscreen = MailHost.Behind(Front.Postscreen, list);
        var expected = Fate(postscreen, "127.0.5.1");
        using var postern = MailHost.Behind(Front.Postern, list);

        Assert.Equal(expected, Fate(postern, "127.0.5.1"));
        Assert.Contains($"connect to 127.0.0.1:{server.Port}: Connection refused", expected, StringComparison.Ordinal);
    }

    [Fact]
    public void A_tcp_server_that_is_down_is_tried_for_ten_seconds_and_its_client_is_tested()
    {
        var server = new TableServer(isSocketmap: false, static _ => null);
        server.Dispose();
        using var host = MailHost.Behind(Front.Postern, [$"postscreen_access_list = {server.Spec}, static:reject", .. Parameters]);

        var fate = Fate(host, "127.0.5.1"); // postscreen's watchdog ends the process meanwhile

        Assert.InRange(Regex.Count(fate, $"warning: connect to TCP map 127.0.0.1:{server.Port}: Connection refused\n"), 9, 10);
        Assert.EndsWith($"warning: postscreen_access_list: {server.Spec}: table lookup error -- ignoring the remainder of this access list\nPASS NEW [127.0.5.1]:PORT", fate, StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_that_hangs_keeps_nobody_waiting_but_who_asks_it()
    {
        using var server = new TableServer(isSocketmap: false, static _ => null);
        using var host = MailHost.Behind(Front.Postern, [$"postscreen_access_list = inline:{{127.0.5.1=permit}}, {server.Spec}", .. Parameters]);
        using var unlucky = host.Connect("127.0.5.2");
        Wait.Until(() => !server.Keys.IsEmpty, () => "the server is not asked");

        using var lucky = host.Connect("127.0.5.1");
        lucky.ExpectGreeting();
        host.WaitForLog("ALLOWLISTED [127.0.5.1]");
        Assert.DoesNotContain("table lookup error", host.Log, StringComparison.Ordinal);

        server.Dispose(); // and then refuses
        host.WaitForLog($"postscreen_access_list: {server.Spec}: table lookup error -- ignoring the remainder of this access list");
        unlucky.ExpectGreeting();
        host.WaitForLog("PASS NEW [127.0.5.2]");
    }

    [Fact]
    public void A_command_filter_on_a_server_that_hangs_does_not_stop_the_loop()
    {
        using var server = new TableServer(isSocketmap: false, static _ => null);
        using var host = MailHost.Behind(Front.Postern, [$"postscreen_command_filter = {server.Spec}", "postscreen_access_list =", "postscreen_bare_newline_enable = yes", .. Parameters]);
        using var talk = host.Connect("127.0.5.2");
        talk.ExpectGreeting();

        talk.Say("EHLO client.example", "421");

        host.WaitForLog($"{server.Spec}: no answer in 50 ms, which is as long as a session can wait for this table");
        host.WaitForLog($"{server.Spec} lookup error for \"EHLO client.example\"");
    }

    /// <summary>What the client sees first and what is logged of it, without what differs each time.</summary>
    private static string Fate(MailHost host, string client)
    {
        var before = host.Log.Length;
        using (var talk = host.Connect(client))
        {
            var greeting = talk.ReadLine();
            Wait.Until(() => Settled().IsMatch(host.Log[before..]), () => $"{client} got {greeting}, and nothing came of it:\n{host.Log[before..]}");
            if (greeting!.StartsWith("220", StringComparison.Ordinal))
                talk.Say("QUIT");
        }

        var lines = host.Log[before..].Split('\n').Where(static line => line.Contains("/postscreen[", StringComparison.Ordinal) && !line.Contains("DISCONNECT", StringComparison.Ordinal));
        return string.Join('\n', lines.Select(static line => Varying().Replace(line[(line.IndexOf("]: ", StringComparison.Ordinal) + 3)..], "]:PORT")));
    }

    [GeneratedRegex(@"(PASS NEW|ALLOWLISTED|DENYLISTED) \[.*\n")]
    private static partial Regex Settled();

    [GeneratedRegex(@"\]:\d+")]
    private static partial Regex Varying();
}
