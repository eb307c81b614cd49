using Postern.Dns;

namespace Postern.Tests.Dns;

/// <summary>Reverse names from a name server over real sockets.</summary>
public sealed class ReverseLookupsTests
{
    private const string OfClient = "7.2.0.192.in-addr.arpa";

    [Theory]
    [InlineData("mail.example.org", "mail.example.org A 192.0.2.7", "Confirmed mail.example.org")]
    [InlineData("MAIL.Example.ORG", "mail.example.org A 192.0.2.1 192.0.2.7", "Confirmed mail.example.org")]
    [InlineData("mail.example.org", "mail.example.org A 192.0.2.1", "Unconfirmed mail.example.org")]
    [InlineData("mail.example.org", "", "Unconfirmed mail.example.org")]
    [InlineData("mail.example.org", "mail.example.org SERVFAIL", "Failed ")]
    [InlineData("one.example two.example", "two.example A 192.0.2.7", "Confirmed two.example")]
    [InlineData("one.example two.example", "one.example SERVFAIL", "Failed ")]
    [InlineData("a.example b.example c.example d.example", "d.example A 192.0.2.7", "Unconfirmed a.example")] // enough is enough
    [InlineData("not_a-.example", "not_a-.example A 192.0.2.7", "Unconfirmed not_a-.example")]
    [InlineData("evil\n.example", "", "Unconfirmed evil\\010.example")]
    [InlineData("", "", "None ")]
    [InlineData("SERVFAIL", "", "Failed ")]
    public void Name_of_a_client(string names, string addresses, string expected)
    {
        using var server = new LoopbackServer((id, question, _) => [Respond(id, question, names, addresses)]);
        using var loop = new ResolverLoop(server.Address);

        Assert.Equal(expected, Assert.Single(LookUp(loop, "192.0.2.7")).Text);
        Assert.Equal(0, loop.Resolver.Outstanding);
    }

    [Fact]
    public void IPv6_addresses_have_names_too()
    {
        const string Name = "3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";
        using var server = new LoopbackServer((id, question, _) => [question switch
        {
            { Name: Name, Type: DnsType.Reverse } => Named(id, question, "mail.example.org"),
            { Name: "mail.example.org", Type: DnsType.Aaaa } => new DnsMessageBuilder(id, question)
                .Answer(question.Name, DnsType.Aaaa, 60, [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3]).ToArray(),
            _ => Nothing(id, question),
        }]);
        using var loop = new ResolverLoop(server.Address);

        Assert.Equal("Confirmed mail.example.org", Assert.Single(LookUp(loop, "2001:db8::3")).Text);
    }

    [Fact]
    public void The_name_may_stand_behind_an_alias()
    {
        using var server = new LoopbackServer((id, question, _) => [question.Type is DnsType.Reverse
            ? new DnsMessageBuilder(id, question)
                .Answer(OfClient, DnsType.Cname, 60, DnsMessageBuilder.Encode("7.0-63.2.0.192.in-addr.arpa"))
                .Answer("7.0-63.2.0.192.in-addr.arpa", DnsType.Reverse, 60, DnsMessageBuilder.Encode("mail.example.org")).ToArray()
            : new DnsMessageBuilder(id, question).Answer(question.Name, DnsType.A, 60, 192, 0, 2, 7).ToArray()]);
        using var loop = new ResolverLoop(server.Address);

        Assert.Equal("Confirmed mail.example.org", Assert.Single(LookUp(loop, "192.0.2.7")).Text);
    }

    [Fact]
    public void Sessions_of_one_address_share_the_lookup()
    {
        using var server = new LoopbackServer((id, question, _) => [Respond(id, question, "mail.example.org", "mail.example.org A 192.0.2.7")]);
        using var loop = new ResolverLoop(server.Address);

        var answers = LookUp(loop, "192.0.2.7", "192.0.2.7", "192.0.2.7");

        Assert.Equal([0ul, 1ul, 2ul], answers.Select(static answer => answer.Token));
        Assert.Equal(2, server.Queries);
    }

    [Fact]
    public void An_answer_that_does_not_fit_is_asked_for_over_TCP()
    {
        using var server = new LoopbackServer((id, question, isTcp) => [isTcp || question.Type is not DnsType.Reverse
            ? Respond(id, question, "mail.example.org", "mail.example.org A 192.0.2.7")
            : new DnsMessageBuilder(id, question, flags: 0x8380).ToArray()]);
        using var loop = new ResolverLoop(server.Address);

        Assert.Equal("Confirmed mail.example.org", Assert.Single(LookUp(loop, "192.0.2.7")).Text);
    }

    [Fact]
    public void Garbage_from_the_server_that_was_asked_is_a_failure()
    {
        using var server = new LoopbackServer((id, question, _) => [new DnsMessageBuilder(id, question).Answer(question.Name, DnsType.Reverse, 60, 200, 1).ToArray()]);
        using var loop = new ResolverLoop(server.Address);

        Assert.Equal("Failed ", Assert.Single(LookUp(loop, "192.0.2.7")).Text);
    }

    private static List<(ulong Token, string Text)> LookUp(ResolverLoop loop, params string[] clients)
    {
        List<(ulong, string)> answers = [];
        var lookups = new ReverseLookups(loop.Resolver);
        for (var i = 0; i < clients.Length; i++)
            lookups.Ask(Ip.Of(clients[i]), (ulong)i, (token, name) => answers.Add((token, $"{name.Status} {name.Name}")));
        loop.Until(() => answers.Count == clients.Length);
        Assert.Equal(0, lookups.Count);
        return answers;
    }

    private static byte[] Respond(ushort id, DnsQuestion question, string names, string addresses)
    {
        if (question is { Name: OfClient, Type: DnsType.Reverse })
            return names == "SERVFAIL" ? Failure(id, question) : names.Length == 0 ? Nothing(id, question) : Named(id, question, names.Split(' '));

        var row = addresses.Split(' ');
        if (question.Type is not DnsType.A || row[0] != question.Name)
            return Nothing(id, question);
        if (row[1] == "SERVFAIL")
            return Failure(id, question);
        var reply = new DnsMessageBuilder(id, question);
        foreach (var address in row[2..])
            reply.Answer(question.Name, DnsType.A, 60, [.. address.Split('.').Select(byte.Parse)]);
        return reply.ToArray();
    }

    private static byte[] Named(ushort id, DnsQuestion question, params string[] names)
    {
        var reply = new DnsMessageBuilder(id, question);
        foreach (var name in names)
            reply.Answer(question.Name, DnsType.Reverse, 60, DnsMessageBuilder.Encode(name));
        return reply.ToArray();
    }

    private static byte[] Nothing(ushort id, DnsQuestion question) => new DnsMessageBuilder(id, question, flags: 0x8183).ToArray();

    private static byte[] Failure(ushort id, DnsQuestion question) => new DnsMessageBuilder(id, question, flags: 0x8182).ToArray();
}
