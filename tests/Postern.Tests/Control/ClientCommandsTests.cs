using System.Globalization;
using System.Text.Json;
using Postern.Control;
using Postern.Core.Config;
using Postern.Core.Lanes;
using Postern.Core.Screening;
using Postern.Dns;
using Postern.Tests.Dns;
using Postern.Tests.Loop;

namespace Postern.Tests.Control;

public sealed class ClientCommandsTests
{
    private static readonly Settings Patient = new() { GreetBanner = "mx ESMTP", GreetWait = TimeSpan.FromMinutes(5), GreetAction = FailAction.Enforce };

    [Fact]
    public void A_parked_client_and_one_in_the_dialogue_are_told_with_what_is_waited_for()
    {
        using var server = new PassServer();
        using var harness = new LoopHarness(Patient, server.Path);
        using var silent = harness.Connect();
        using var talker = harness.Connect();
        LoopHarness.ReadLine(silent);
        LoopHarness.ReadLine(talker);
        talker.Send("EHLO early.example\r\n"u8);
        harness.WaitForLog("PREGREET");

        var clients = Ask(harness).Select(static line => JsonDocument.Parse(line).RootElement).OrderBy(static client => client.GetProperty("waits_for").GetString()).ToList();

        Assert.Equal(["command", "silence"], clients.Select(static client => client.GetProperty("waits_for").GetString()!));
        Assert.All(clients, static client => Assert.Equal("127.0.0.1", client.GetProperty("address").GetString()));
        Assert.All(clients, static client => Assert.Equal("smtp", client.GetProperty("service").GetString()));
        Assert.Equal(((System.Net.IPEndPoint)silent.LocalEndPoint!).Port, clients[1].GetProperty("port").GetInt32());
        var wait = clients[1].GetProperty("until").GetInt64() - clients[1].GetProperty("since").GetInt64();
        Assert.InRange(wait, 299_900, 301_000);
        Assert.False(clients[1].TryGetProperty("dnsbl_score", out _));
    }

    [Fact]
    public void A_client_in_its_lane_is_told_with_its_class_and_the_end_of_the_lane()
    {
        using var dns = new LoopbackServer(static (id, question, _) => [question.Type is DnsType.Reverse
            ? new DnsMessageBuilder(id, question).Answer(question.Name, DnsType.Reverse, 60, DnsMessageBuilder.Encode("ppp-a1.isp.example")).ToArray()
            : new DnsMessageBuilder(id, question).Answer(question.Name, DnsType.A, 60, 127, 0, 0, 1).ToArray()]);
        using var server = new PassServer();
        var slow = Patient with
        {
            GreetWait = TimeSpan.FromSeconds(1),
            Lanes = new LaneSettings { Waits = new(TimeSpan.FromSeconds(200), default, default), Keepalive = TimeSpan.FromSeconds(10) },
        };
        using var harness = new LoopHarness(slow, server.Path, nameServer: dns.Address);
        using var client = harness.Connect();
        harness.WaitForLog("LANE ENTER");

        var told = JsonDocument.Parse(Assert.Single(Ask(harness))).RootElement;

        Assert.Equal("lane", told.GetProperty("waits_for").GetString());
        Assert.Equal("generic rule=6", told.GetProperty("class").GetString());
        Assert.InRange(told.GetProperty("until").GetInt64() - told.GetProperty("since").GetInt64(), 199_000, 202_000);
    }

    [Fact]
    public void Many_clients_are_told_in_portions_each_once_and_no_more_than_asked_for()
    {
        const int Count = 2500;
        var portions = new List<int>();
        var commands = new ClientCommands(
            (first, count, into) =>
            {
                portions.Add(count);
                for (var i = first; i < Math.Min(Count, first + count); i++)
                    into.Add(new HeldClient(null, (ushort)i, $"s{i}", ClientWait.Proxy, null, null, null, 0, null));
                return first + count < Count ? first + count : -1;
            },
            new LoopQuestions(static action => action()));

        Assert.Equal(Enumerable.Range(0, Count).Select(static i => $$"""{"service":"s{{i}}","waits_for":"proxy"}"""), Ask(commands));
        Assert.Equal(1700, Ask(commands, "1700").Count);
        Assert.Empty(Ask(commands, "0"));
        Assert.All(portions, static count => Assert.InRange(count, 1, 1000));
        Assert.NotNull(commands.Answer(["all"], TextWriter.Null));
        Assert.NotNull(commands.Answer(["1", "2"], TextWriter.Null));
    }

    private static List<string> Ask(LoopHarness harness) => Ask(new ClientCommands(harness.Loop.CopyClients, new LoopQuestions(harness.Loop.Post)));

    private static List<string> Ask(ClientCommands commands, params string[] words)
    {
        using var answer = new StringWriter(CultureInfo.InvariantCulture);
        Assert.Null(commands.Answer(words, answer));
        return [.. answer.ToString().Split(answer.NewLine, StringSplitOptions.RemoveEmptyEntries)];
    }
}
