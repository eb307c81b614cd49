using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Postern.Interop.Tests;

/// <summary><c>postern what-if</c> on what a daemon has recorded, and then the same clients before a daemon with that setting.</summary>
[Collection(nameof(InteropCollection))]
public sealed class WhatIfVerbTests
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(2.5); // 1 s and 4 s

    [Fact]
    public async Task What_a_shorter_greet_wait_would_do_is_what_it_does()
    {
        using var recorded = await RecordAsync("4s");
        var answer = Ask(recorded, "postscreen_greet_wait=1s");

        using var real = await RecordAsync("1s");
        var (stopped, handedOff) = (Events(real).Count(static e => Outcome(e) == "stopped"), Events(real).Count(static e => Outcome(e) == "handed_off"));

        Assert.Equal((3, 5), (stopped, handedOff));
        AssertIn(answer.GetProperty("after").GetProperty("stopped"), stopped);
        AssertIn(answer.GetProperty("after").GetProperty("handed_off"), handedOff);
        Assert.Equal((2, 2), Bounds(answer.GetProperty("newly_let_in"))); // who talks, or leaves, after 2.5 s
        Assert.Equal((3, 3), Bounds(answer.GetProperty("sooner_decent")));
        Assert.Equal(0, answer.GetProperty("otherwise").GetInt32());
    }

    [Fact]
    public async Task What_a_longer_greet_wait_would_do_is_in_the_range()
    {
        using var recorded = await RecordAsync("1s");
        var answer = Ask(recorded, "postscreen_greet_wait=4s");

        using var real = await RecordAsync("4s");
        var stopped = Events(real).Count(static e => Outcome(e) == "stopped");

        Assert.Equal(5, stopped);
        AssertIn(answer.GetProperty("after").GetProperty("stopped"), stopped);
        Assert.Equal((3, 8), Bounds(answer.GetProperty("after").GetProperty("stopped")));
        Assert.Equal(5, answer.GetProperty("not_known").GetProperty("silence").GetInt32());
    }

    [Fact]
    public async Task What_cannot_be_answered_is_said_and_so_are_mistakes()
    {
        using var recorded = await RecordAsync("1s");

        var queues = PosternProcess.Run("what-if", "-c", recorded.ConfigDirectory, "-o", "postscreen_pre_queue_limit=20");
        var mistyped = PosternProcess.Run("what-if", "-c", recorded.ConfigDirectory, "-o", "postscreen_gret_wait=20s");
        var nothing = PosternProcess.Run("what-if", "-c", recorded.ConfigDirectory, "-o", "postscreen_greet_wait=20s", "--since", "2099-01-01");

        Assert.Equal((2, "postern what-if: postscreen_pre_queue_limit: the event log does not say how full the queues were\n"), queues);
        Assert.Equal((1, "postern what-if: postscreen_gret_wait: unknown parameter; did you mean postscreen_greet_wait?\n"), mistyped);
        Assert.Equal(2, nothing.Status);
    }

    // Three wait, one is known by then, one talks at once and one later, one leaves at once and one later.
    private static async Task<MailHost> RecordAsync(string greetWait)
    {
        var host = MailHost.Alone(null, $"postscreen_greet_wait = {greetWait}", "postscreen_greet_action = drop", "postern_event_log = $data_directory/events");
        await Task.WhenAll(
            ComeAsync(host, "127.0.8.1", null, TimeSpan.MaxValue), ComeAsync(host, "127.0.8.2", null, TimeSpan.MaxValue), ComeAsync(host, "127.0.8.3", null, TimeSpan.MaxValue),
            ComeAsync(host, "127.0.8.4", TimeSpan.Zero, TimeSpan.MaxValue), ComeAsync(host, "127.0.8.5", Between, TimeSpan.MaxValue),
            ComeAsync(host, "127.0.8.6", null, TimeSpan.Zero), ComeAsync(host, "127.0.8.7", null, Between));
        await ComeAsync(host, "127.0.8.6", null, TimeSpan.Zero);
        Assert.Equal(0, host.Postern.Stop());
        Assert.Equal(8, Events(host).Count);
        return host;
    }

    private static async Task ComeAsync(MailHost host, string address, TimeSpan? talksAfter, TimeSpan leavesAfter)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
        await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, host.Port));
        if (talksAfter is { } silence)
        {
            await Task.Delay(silence);
            await socket.SendAsync(Encoding.ASCII.GetBytes("EHLO bot\r\n"));
        }

        if (leavesAfter < TimeSpan.MaxValue)
        {
            await Task.Delay(leavesAfter);
            return;
        }

        await HearAsync(socket);
    }

    /// <summary>Until the rest of the greeting, or the hang-up, which is a reset where something was not read.</summary>
    private static async Task HearAsync(Socket socket)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var buffer = new byte[4096];
        var heard = "";
        try
        {
            while (!heard.Contains("\r\n220 ", StringComparison.Ordinal) && await socket.ReceiveAsync(buffer, patience.Token) is > 0 and var read)
                heard += Encoding.ASCII.GetString(buffer, 0, read);
        }
        catch (SocketException reason) when (reason.SocketErrorCode is SocketError.ConnectionReset)
        {
        }
    }

    private static JsonElement Ask(MailHost host, string question)
    {
        var (status, output) = PosternProcess.Run("what-if", "-c", host.ConfigDirectory, "-o", question, "--json");
        Assert.True(status == 0, output);
        return JsonDocument.Parse(output).RootElement;
    }

    private static List<JsonElement> Events(MailHost host) =>
        [.. File.ReadAllLines(Path.Combine(host.DataDirectory, "events")).Select(static line => JsonDocument.Parse(line).RootElement)];

    private static string Outcome(JsonElement client) => client.GetProperty("outcome").GetString()!;

    private static (int, int) Bounds(JsonElement bounds) => (bounds.GetProperty("at_least").GetInt32(), bounds.GetProperty("at_most").GetInt32());

    private static void AssertIn(JsonElement bounds, int number)
    {
        var (least, most) = Bounds(bounds);
        Assert.InRange(number, least, most);
    }
}
