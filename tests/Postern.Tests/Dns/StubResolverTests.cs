using System.Net;
using System.Net.Sockets;
using Postern.Dns;

namespace Postern.Tests.Dns;

public sealed class StubResolverTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_finds_records_and_remembers_them()
    {
        using var server = new LoopbackServer(static (id, question, _) =>
            [new DnsMessageBuilder(id, question).Answer(question.Name, DnsType.Mx, 60, DnsMessageBuilder.Exchanger(10, "mail.example.com")).ToArray()]);
        var resolver = Resolver(server);

        var answer = await resolver.LookUpAsync("Example.COM.", DnsType.Mx, Cancellation);
        var again = await resolver.LookUpAsync("example.com", DnsType.Mx, Cancellation);

        Assert.Equal(DnsOutcome.Found, answer.Outcome);
        Assert.Equal("mail.example.com", Assert.Single(answer.Records).Target);
        Assert.Same(answer, again);
        Assert.Equal(1, server.Queries);
    }

    [Fact]
    public async Task Wrong_ids_wrong_questions_and_garbage_are_ignored_until_the_answer_comes()
    {
        using var server = new LoopbackServer(static (id, question, _) =>
        [
            new DnsMessageBuilder((ushort)(id + 1), question).Answer(question.Name, DnsType.A, 60, 6, 6, 6, 6).ToArray(),
            new DnsMessageBuilder(id, question with { Name = "other.example" }).Answer("other.example", DnsType.A, 60, 6, 6, 6, 6).ToArray(),
            [],
            [1, 2, 3],
            new DnsMessageBuilder(id, question).Answer(question.Name, DnsType.A, 60, 192, 0, 2, 1).ToArray(),
        ]);

        var answer = await Resolver(server).LookUpAsync("example.com", DnsType.A, Cancellation);

        Assert.Equal("192.0.2.1", Assert.Single(answer.Records).Address.ToString());
    }

    [Fact]
    public async Task A_truncated_answer_is_fetched_over_TCP()
    {
        using var server = new LoopbackServer(static (id, question, isTcp) =>
        {
            if (!isTcp)
                return [new DnsMessageBuilder(id, question, flags: 0x8380).ToArray()];
            var message = new DnsMessageBuilder(id, question);
            for (byte i = 0; i < 200; i++)
                message.Answer(question.Name, DnsType.A, 60, 192, 0, 2, i);
            return [message.ToArray()];
        });

        var answer = await Resolver(server).LookUpAsync("example.com", DnsType.A, Cancellation);

        Assert.Equal(200, answer.Records.Count);
        Assert.Equal(2, server.Queries);
    }

    [Fact]
    public async Task No_name_no_data_and_failure_are_three_things()
    {
        using var server = new LoopbackServer(static (id, question, _) =>
            [new DnsMessageBuilder(id, question, flags: question.Name switch { "gone.example" => 0x8183, "broken.example" => 0x8182, _ => 0x8180 }).ToArray()]);
        var resolver = Resolver(server);

        Assert.Equal(DnsOutcome.NoSuchName, (await resolver.LookUpAsync("gone.example", DnsType.A, Cancellation)).Outcome);
        Assert.Equal(DnsOutcome.NoData, (await resolver.LookUpAsync("empty.example", DnsType.A, Cancellation)).Outcome);
        var failure = await resolver.LookUpAsync("broken.example", DnsType.A, Cancellation);
        Assert.Equal(DnsOutcome.TemporaryFailure, failure.Outcome);
        Assert.Equal($"{server.Address}: server answered SERVFAIL", failure.Problem);
    }

    [Fact]
    public async Task Deaf_refusing_and_broken_servers_are_passed_over()
    {
        using var deaf = new LoopbackServer(static (_, _, _) => []);
        using var broken = new LoopbackServer(static (id, question, _) => [[.. new DnsMessageBuilder(id, question).Answer("x", DnsType.A, 1, 1).ToArray()]]);
        using var good = new LoopbackServer(static (id, question, _) =>
            [new DnsMessageBuilder(id, question).Answer(question.Name, DnsType.A, 60, 192, 0, 2, 1).ToArray()]);
        var resolver = new StubResolver(
            new ResolverConfiguration([deaf.Address, ClosedPort(), broken.Address, good.Address], TimeSpan.FromMilliseconds(200), 1), TimeProvider.System);

        var answer = await resolver.LookUpAsync("example.com", DnsType.A, Cancellation);

        Assert.Equal(DnsOutcome.Found, answer.Outcome);
        Assert.Equal([1, 1, 1], [deaf.Queries, broken.Queries, good.Queries]);
    }

    [Fact]
    public async Task When_nobody_answers_it_has_tried_every_round_and_says_so()
    {
        using var deaf = new LoopbackServer(static (_, _, _) => []);
        var resolver = new StubResolver(new ResolverConfiguration([deaf.Address], TimeSpan.FromMilliseconds(50), 3), TimeProvider.System);

        var answer = await resolver.LookUpAsync("example.com", DnsType.A, Cancellation);

        Assert.Equal($"{deaf.Address}: timeout", answer.Problem);
        Assert.True(SpinWait.SpinUntil(() => deaf.Queries == 3, 20_000), "the queries have not all come"); // the server reads when it gets its turn
    }

    [Fact]
    public async Task Cancelling_ends_a_lookup()
    {
        using var deaf = new LoopbackServer(static (_, _, _) => []);
        var resolver = new StubResolver(new ResolverConfiguration([deaf.Address], TimeSpan.FromMinutes(5), 1), TimeProvider.System);
        using var cancelled = new CancellationTokenSource();

        var lookup = resolver.LookUpAsync("example.com", DnsType.A, cancelled.Token);
        await cancelled.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => lookup);
    }

    [Fact]
    public async Task A_name_that_is_none_does_not_exist()
    {
        using var server = new LoopbackServer(static (_, _, _) => []);

        Assert.Equal(DnsOutcome.NoSuchName, (await Resolver(server).LookUpAsync("a..b", DnsType.A, Cancellation)).Outcome);
        Assert.Equal(0, server.Queries);
    }

    private static StubResolver Resolver(LoopbackServer server) =>
        new(new ResolverConfiguration([server.Address], TimeSpan.FromSeconds(20), 1), TimeProvider.System);

    private static IPEndPoint ClosedPort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }
}
