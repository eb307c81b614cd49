using System.Net;
using System.Net.Sockets;
using Postern.Dns;

namespace Postern.Tests.Dns;

/// <summary>The resolver of the event loop against servers that are right, wrong, silent and gone.</summary>
public sealed class UdpResolverTests
{
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3); // what ResolverLoop's resolv.conf says

    [Fact]
    public void Addresses_come_in_the_order_of_the_answer_with_the_shortest_time()
    {
        using var server = new LoopbackServer(static (id, question, _) => [Found(id, question, (60, 2), (50, 9), (70, 4))]);
        using var loop = new ResolverLoop(server.Address);

        Assert.Equal("127.0.0.2 127.0.0.9 127.0.0.4 ttl 50", loop.Answer("2.0.0.127.bl.example"));
        Assert.Equal(0, loop.Resolver.Outstanding);
        Assert.Equal(-1, loop.Resolver.UntilNext);
    }

    [Fact]
    public void Nothing_found_holds_as_long_as_the_SOA_record()
    {
        using var server = new LoopbackServer(static (id, question, _) =>
            [new DnsMessageBuilder(id, question, flags: 0x8183).Authority("bl.example", 77, 5).ToArray()]);
        using var loop = new ResolverLoop(server.Address);

        Assert.Equal("ttl 77", loop.Answer("2.0.0.127.bl.example"));
    }

    [Fact]
    public void Nothing_found_without_SOA_record_says_no_time()
    {
        using var server = new LoopbackServer(static (id, question, _) => [new DnsMessageBuilder(id, question).ToArray()]);
        using var loop = new ResolverLoop(server.Address);

        Assert.Equal("ttl -1", loop.Answer("2.0.0.127.bl.example"));
    }

    [Fact]
    public void Wrong_ids_wrong_questions_and_garbage_are_ignored_until_the_answer_comes()
    {
        using var server = new LoopbackServer(static (id, question, _) =>
        [
            Found((ushort)(id + 1), question, (60, 66)),
            Found(id, question with { Name = "3.0.0.127.bl.example" }, (60, 66)),
            Found(id, question with { Type = DnsType.Aaaa }, (60, 66)),
            [],
            [1],
            [(byte)(id >> 8), (byte)id],
            [.. new DnsMessageBuilder(id, question, flags: 0x0100).ToArray()], // our own question sent back
            Found(id, question, (60, 2)),
        ]);
        using var loop = new ResolverLoop(server.Address);

        Assert.Equal("127.0.0.2 ttl 60", loop.Answer("2.0.0.127.bl.example"));
        Assert.Equal(1, server.Queries);
    }

    [Fact]
    public void A_server_that_changes_the_letter_case_is_understood()
    {
        using var server = new LoopbackServer(static (id, question, _) => [Found(id, question with { Name = question.Name.ToUpperInvariant() }, (60, 2))]);
        using var loop = new ResolverLoop(server.Address);

        Assert.Equal("127.0.0.2 ttl 60", loop.Answer("2.0.0.127.bL.example"));
    }

    [Theory]
    [InlineData(0x8182)] // SERVFAIL
    [InlineData(0x8185)] // REFUSED
    public void A_server_that_fails_is_passed_over(int flags)
    {
        using var bad = new LoopbackServer((id, question, _) => [new DnsMessageBuilder(id, question, flags).ToArray()]);
        using var good = new LoopbackServer(static (id, question, _) => [Found(id, question, (60, 2))]);
        using var loop = new ResolverLoop(bad.Address, good.Address);

        Assert.Equal("127.0.0.2 ttl 60", loop.Answer("2.0.0.127.bl.example"));
        Assert.Equal(1, bad.Queries);
    }

    [Fact]
    public void A_malformed_answer_is_passed_over()
    {
        using var bad = new LoopbackServer(static (id, question, _) => [Found(id, question, (60, 2))[..^2]]);
        using var good = new LoopbackServer(static (id, question, _) => [Found(id, question, (60, 3))]);
        using var loop = new ResolverLoop(bad.Address, good.Address);

        Assert.Equal("127.0.0.3 ttl 60", loop.Answer("2.0.0.127.bl.example"));
    }

    [Fact]
    public void Where_no_server_answers_well_the_lookup_has_failed_after_all_attempts()
    {
        using var bad = new LoopbackServer(static (id, question, _) => [new DnsMessageBuilder(id, question, flags: 0x8182).ToArray()]);
        using var loop = new ResolverLoop(bad.Address);

        Assert.Equal("failed", loop.Answer("2.0.0.127.bl.example"));
        Assert.Equal(2, bad.Queries);
    }

    [Fact]
    public void A_silent_server_has_its_time_and_then_the_next_is_asked()
    {
        using var silent = new LoopbackServer(static (_, _, _) => []);
        using var good = new LoopbackServer(static (id, question, _) => [Found(id, question, (60, 2))]);
        using var loop = new ResolverLoop(silent.Address, good.Address);
        loop.Ask("2.0.0.127.bl.example");
        loop.Until(() => silent.Queries == 1);

        loop.Clock.Advance(Timeout - TimeSpan.FromMilliseconds(1));
        loop.Turn();
        Assert.Equal(0, good.Queries);
        Assert.Equal(1, loop.Resolver.UntilNext);
        loop.Clock.Advance(TimeSpan.FromMilliseconds(1));
        loop.Until(() => loop.Answers.Count == 1);

        Assert.Equal("127.0.0.2 ttl 60", loop.Answers[0]);
    }

    [Fact]
    public void An_answer_that_comes_after_its_time_is_ignored()
    {
        using var late = new LoopbackServer(static (_, _, _) => []);
        using var loop = new ResolverLoop(late.Address);
        loop.Ask("2.0.0.127.bl.example");
        for (var attempt = 1; attempt <= 2; attempt++)
        {
            loop.Until(() => late.Queries == attempt);
            Assert.Empty(loop.Answers);
            loop.Clock.Advance(Timeout);
            loop.Turn();
        }

        loop.Until(() => loop.Answers.Count == 1);
        Assert.Equal("failed", loop.Answers[0]);
    }

    [Fact]
    public void Answers_of_1232_bytes_are_asked_for()
    {
        using var server = new LoopbackServer(static (id, question, _) => [Found(id, question, (60, 2))]);
        using var loop = new ResolverLoop(server.Address);

        loop.Answer("2.0.0.127.bl.example");

        Assert.Equal([1232], server.EdnsSizes);
    }

    [Theory]
    [InlineData(1, false)] // FORMERR without the question, as old servers say it
    [InlineData(1, true)]
    [InlineData(4, true)] // NOTIMP
    public void A_server_that_does_not_know_EDNS_is_asked_again_without_it_at_once_and_for_ten_minutes(int code, bool repeatsQuestion)
    {
        LoopbackServer? old = null;
        old = new LoopbackServer((id, question, _) => old!.EdnsSizes.Last() is null
            ? [Found(id, question, (60, 2))]
            : [repeatsQuestion ? new DnsMessageBuilder(id, question, 0x8180 | code).ToArray() : [(byte)(id >> 8), (byte)id, 0x81, (byte)(0x80 | code), .. new byte[8]]]);
        using var server = old;
        using var loop = new ResolverLoop(server.Address);

        for (var i = 0; i < 3; i++)
            Assert.Equal("127.0.0.2 ttl 60", loop.Answer($"{i}.0.0.127.bl.example")); // the clock stands still
        loop.Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal("127.0.0.2 ttl 60", loop.Answer("4.0.0.127.bl.example"));

        Assert.Equal([1232, null, null, null, 1232, null], server.EdnsSizes);
    }

    [Fact]
    public void A_server_that_never_answers_questions_with_EDNS_is_asked_without()
    {
        LoopbackServer? picky = null;
        picky = new LoopbackServer((id, question, _) => picky!.EdnsSizes.Last() is null ? [Found(id, question, (60, 2))] : []);
        using var server = picky;
        using var loop = new ResolverLoop(server.Address);
        loop.Ask("1.0.0.127.bl.example", 1);
        loop.Ask("2.0.0.127.bl.example", 2);
        loop.Until(() => server.Queries == 2);

        loop.Clock.Advance(Timeout);
        loop.Until(() => loop.Answers.Count == 2);

        Assert.Equal("127.0.0.2 ttl 60", loop.Answers[1]);
    }

    [Fact]
    public void Once_it_has_answered_one_silence_is_only_silence()
    {
        var isDeaf = false;
        using var server = new LoopbackServer((id, question, _) => isDeaf ? [] : [Found(id, question, (60, 2))]);
        using var loop = new ResolverLoop(server.Address);
        loop.Answer("1.0.0.127.bl.example");
        isDeaf = true;
        for (var i = 1; i <= 5; i++)
            loop.Ask($"{i}.0.0.127.bl.example", i);
        loop.Until(() => server.Queries == 6);

        loop.Clock.Advance(Timeout);
        loop.Until(() => server.Queries == 11);

        Assert.All(server.EdnsSizes, static size => Assert.Equal(1232, size));
    }

    [Fact]
    public void It_is_said_who_failed_and_how()
    {
        var answers = new Queue<Func<ushort, DnsQuestion, byte[]>>(
        [
            static (id, question) => new DnsMessageBuilder(id, question, flags: 0x8182).ToArray(),
            static (id, question) => new DnsMessageBuilder(id, question, flags: 0x8185).Additional("explanation.invalid", "blocked by DNS rebinding\u0007 protection").Edns(0, 10, 1).ToArray(),
            static (id, question) => new DnsMessageBuilder(id, question, flags: 0x8182).Edns(0, 15, 0, 18, (byte)'n', (byte)'o').ToArray(),
            static (id, question) => new DnsMessageBuilder(id, question, flags: 0x8182).Edns(0, 15, 0, 22).ToArray(),
            static (id, question) => new DnsMessageBuilder(id, question).Edns(1, 10, 1).ToArray(),
            static (id, question) => Found(id, question, (60, 2))[..^2],
        ]);
        Func<ushort, DnsQuestion, byte[]>? now = null;
        using var server = new LoopbackServer((id, question, _) => [now!(id, question)]);
        using var loop = new ResolverLoop(server.Address);
        var said = new List<string>();
        while (answers.TryDequeue(out now))
        {
            Assert.Equal("failed", loop.Answer("2.0.0.127.bl.example"));
            said.Add(loop.Problems[0]);
        }

        Assert.Equal(
            [
                $"{server.Address} answered SERVFAIL",
                $"{server.Address} answered REFUSED (blocked by DNS rebinding? protection)",
                $"{server.Address} answered SERVFAIL (no)",
                $"{server.Address} answered SERVFAIL (extended error 22)",
                $"{server.Address} answered BADVERS",
                $"{server.Address} gave an answer that cannot be read",
            ],
            said);
    }

    [Fact]
    public void Of_several_servers_that_is_named_which_said_something()
    {
        using var refuses = new LoopbackServer(static (id, question, _) => [new DnsMessageBuilder(id, question, flags: 0x8185).ToArray()]);
        var gone = Free(IPAddress.Loopback);
        using var loop = new ResolverLoop(refuses.Address, gone);
        using var unreachable = new ResolverLoop(gone);

        Assert.Equal("failed", loop.Answer("2.0.0.127.bl.example"));
        Assert.Equal($"{refuses.Address} answered REFUSED", loop.Problems[0]);
        Assert.Equal("failed", unreachable.Answer("2.0.0.127.bl.example"));
        Assert.Equal($"{gone} cannot be reached", unreachable.Problems[0]);
    }

    [Fact]
    public void A_server_that_is_not_there_does_not_cost_its_time()
    {
        var gone = Free(IPAddress.Loopback);
        using var good = new LoopbackServer(static (id, question, _) => [Found(id, question, (60, 2))]);
        using var loop = new ResolverLoop(gone, good.Address);
        for (var i = 0; i < 50; i++)
            loop.Ask($"{i}.0.0.127.bl.example", i);

        loop.Until(() => loop.Answers.Count == 50); // the clock stands still

        Assert.All(loop.Answers.Values, answer => Assert.Equal("127.0.0.2 ttl 60", answer));
    }

    [Fact]
    public void Without_any_server_every_lookup_fails_at_once_and_later_ones_succeed_when_it_is_back()
    {
        var gone = Free(IPAddress.Loopback);
        using var loop = new ResolverLoop(gone);
        for (var i = 0; i < 20; i++)
            loop.Ask($"{i}.0.0.127.bl.example", i);
        Assert.Empty(loop.Answers); // never from within the call

        loop.Until(() => loop.Answers.Count == 20);
        Assert.All(loop.Answers.Values, answer => Assert.Equal("failed", answer));
    }

    [Fact]
    public void A_truncated_answer_is_fetched_over_TCP()
    {
        using var server = new LoopbackServer(static (id, question, isTcp) =>
        {
            if (!isTcp)
                return [new DnsMessageBuilder(id, question, flags: 0x8380).ToArray()];
            var message = new DnsMessageBuilder(id, question);
            for (var i = 0; i < 300; i++)
                message.Answer(question.Name, DnsType.A, 60, 127, 0, 0, (byte)i);
            return [message.ToArray()];
        });
        using var loop = new ResolverLoop(server.Address);

        var answer = loop.Answer("2.0.0.127.bl.example");

        Assert.StartsWith("127.0.0.0 127.0.0.1 ", answer);
        Assert.EndsWith($" 127.0.0.{AddressReply.MostAddresses - 1} ttl 60", answer);
        Assert.Equal(2, server.Queries);
    }

    [Fact]
    public void What_cannot_be_fetched_over_TCP_is_asked_of_the_next_server()
    {
        using var bad = new LoopbackServer(static (id, question, isTcp) => isTcp
            ? [Found((ushort)(id + 1), question, (60, 66))]
            : [new DnsMessageBuilder(id, question, flags: 0x8380).ToArray()]);
        using var good = new LoopbackServer(static (id, question, _) => [Found(id, question, (60, 2))]);
        using var loop = new ResolverLoop(bad.Address, good.Address);

        Assert.Equal("127.0.0.2 ttl 60", loop.Answer("2.0.0.127.bl.example"));
    }

    [Fact]
    public void Servers_may_have_IPv6_addresses()
    {
        Assert.SkipUnless(Socket.OSSupportsIPv6, "this machine has no IPv6");
        using var server = new LoopbackServer(static (id, question, _) => [Found(id, question, (60, 2))], IPAddress.IPv6Loopback);
        using var loop = new ResolverLoop(server.Address);

        Assert.Equal("127.0.0.2 ttl 60", loop.Answer("2.0.0.127.bl.example"));
    }

    [Fact]
    public void Another_resolv_conf_is_noticed_within_a_second()
    {
        using var before = new LoopbackServer(static (id, question, _) => [Found(id, question, (60, 2))]);
        using var after = new LoopbackServer(static (id, question, _) => [Found(id, question, (60, 3))]);
        using var loop = new ResolverLoop(before.Address);
        Assert.Equal("127.0.0.2 ttl 60", loop.Answer("2.0.0.127.bl.example"));

        loop.Configure(after.Address);
        loop.Clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal("127.0.0.3 ttl 60", loop.Answer("2.0.0.127.bl.example"));
    }

    [Fact]
    public void Ports_are_several_and_are_renewed()
    {
        using var server = new LoopbackServer(static (id, question, _) => [Found(id, question, (60, 2))]);
        using var loop = new ResolverLoop(server.Address);

        for (var i = 0; i < 200; i++)
            loop.Answer("2.0.0.127.bl.example");
        var ports = server.Ports.ToHashSet();
        Assert.InRange(ports.Count, 2, 4); // all by one socket out of four: as likely as 4^-199
        Assert.InRange(loop.Sockets, 2, 4);

        loop.Clock.Advance(TimeSpan.FromMinutes(2));
        server.Ports.Clear();
        for (var i = 0; i < 200; i++)
            loop.Answer("2.0.0.127.bl.example");
        Assert.Empty(server.Ports.Intersect(ports));
        Assert.InRange(loop.Sockets, 2, 4);
    }

    [Fact]
    public void Ids_do_not_repeat_and_do_not_count_up()
    {
        var ids = new List<ushort>();
        using var server = new LoopbackServer((id, question, _) =>
        {
            ids.Add(id);
            return [Found(id, question, (60, 2))];
        });
        using var loop = new ResolverLoop(server.Address);

        for (var i = 0; i < 100; i++)
            loop.Answer("2.0.0.127.bl.example");

        Assert.InRange(ids.Distinct().Count(), 90, 100);
        Assert.InRange(ids.Zip(ids.Skip(1)).Count(pair => Math.Abs(pair.First - pair.Second) < 100), 0, 10);
    }

    [Fact]
    public void More_questions_than_there_is_room_for_fail()
    {
        using var silent = new LoopbackServer(static (_, _, _) => []);
        using var loop = new ResolverLoop(silent.Address);
        for (var i = 0; i <= UdpResolver.MostOutstanding; i++)
            loop.Ask("2.0.0.127.bl.example", i);

        loop.Turn();

        Assert.Equal("failed", loop.Answers[UdpResolver.MostOutstanding]);
        Assert.Single(loop.Answers);
    }

    [Fact]
    public void A_name_that_is_too_long_fails()
    {
        using var loop = new ResolverLoop(Free(IPAddress.Loopback));
        var domain = DnsMessageBuilder.Encode(string.Join('.', Enumerable.Repeat(new string('a', 49), 5)));

        loop.Resolver.Ask(DnsMessageBuilder.Encode("2.0.0.127").AsSpan()[..^1], domain, loop, 7);
        loop.Turn();

        Assert.Equal("failed", loop.Answers[7]);
    }

    private static byte[] Found(ushort id, DnsQuestion question, params (uint TimeToLive, byte Last)[] addresses)
    {
        var message = new DnsMessageBuilder(id, question);
        foreach (var (timeToLive, last) in addresses)
            message.Answer(question.Name, DnsType.A, timeToLive, 127, 0, 0, last);
        return message.ToArray();
    }

    /// <summary>Where nobody listens. On an address of its own, so that no other test's socket comes to be there meanwhile.</summary>
    private static IPEndPoint Free(IPAddress address)
    {
        if (address.Equals(IPAddress.Loopback))
            address = new IPAddress([127, 77, 0, 1]);
        using var socket = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(address, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }
}
