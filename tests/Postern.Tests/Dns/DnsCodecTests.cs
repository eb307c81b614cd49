using CsCheck;
using Postern.Dns;

namespace Postern.Tests.Dns;

public sealed class DnsCodecTests
{
    private static readonly DnsQuestion Question = new("example.com", DnsType.Mx);

    [Fact]
    public void A_query_asks_one_question_with_recursion()
    {
        var query = new byte[DnsCodec.MaxQueryLength];

        var length = DnsCodec.WriteQuery(query, 0x1234, Question);

        byte[] expected = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7, .. "example"u8, 3, .. "com"u8, 0, 0, 15, 0, 1];
        Assert.Equal(expected, query[..length]);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a..b")]
    [InlineData("a b")]
    [InlineData("caf\xe9")]
    [InlineData("a\\b")]
    [InlineData("123456789012345678901234567890123456789012345678901234567890abcd")]
    public void A_name_that_is_none_gives_no_query(string name) =>
        Assert.Equal(0, DnsCodec.WriteQuery(new byte[DnsCodec.MaxQueryLength], 1, new DnsQuestion(name, DnsType.A)));

    [Fact]
    public void The_longest_name_fits_and_a_longer_one_gives_no_query()
    {
        var query = new byte[DnsCodec.MaxQueryLength];
        var longest = string.Join('.', Enumerable.Repeat("a", 127));

        Assert.Equal(DnsCodec.MaxQueryLength, DnsCodec.WriteQuery(query, 1, new DnsQuestion(longest, DnsType.A)));
        Assert.Equal(0, DnsCodec.WriteQuery(query, 1, new DnsQuestion("a." + longest, DnsType.A)));
    }

    [Theory]
    [InlineData(new byte[] { 3, 97, 98, 99, 0, 2, 32, 233 }, "abc \u00e9")]
    [InlineData(new byte[] { }, "")]
    public void Strings_of_a_text_record_are_joined(byte[] data, string expected)
    {
        var reply = DnsCodec.ReadReply(new DnsMessageBuilder(1, Question).Answer("a.example", DnsType.Text, 64, data).ToArray())!;

        Assert.Equal(expected, reply.Answers[0].Text);
    }

    [Fact]
    public void Records_of_known_types_are_read()
    {
        var message = new DnsMessageBuilder(1, Question)
            .Answer("EXAMPLE.com", DnsType.Mx, 60, DnsMessageBuilder.Exchanger(10, "Mail.Example.COM"))
            .Answer("example.com", DnsType.Mx, 61, DnsMessageBuilder.Exchanger(0, ""))
            .Answer("a.example", DnsType.A, 62, 192, 0, 2, 1)
            .Answer("a.example", DnsType.Aaaa, 63, [0x20, 1, .. new byte[13], 7])
            .Answer("a.example", (DnsType)99, 64, 1, 2, 3)
            .Answer("c.example", DnsType.Cname, 65, DnsMessageBuilder.Encode("d.example"))
            .Authority("example.com", 66, 67)
            .ToArray();

        Assert.True(DnsCodec.IsReplyTo(message, 1, Question));
        var reply = DnsCodec.ReadReply(message);

        Assert.NotNull(reply);
        Assert.Equal(
        [
            new DnsRecord("example.com", DnsType.Mx, 60) { Preference = 10, Target = "mail.example.com" },
            new DnsRecord("example.com", DnsType.Mx, 61),
            new DnsRecord("a.example", DnsType.A, 62) { Address = Core.IpAddress.FromBytes([192, 0, 2, 1]) },
            new DnsRecord("a.example", DnsType.Aaaa, 63) { Address = Core.IpAddress.FromBytes([0x20, 1, .. new byte[13], 7]) },
            new DnsRecord("c.example", DnsType.Cname, 65) { Target = "d.example" },
        ], reply.Answers); // a record of another type is of no use here
        Assert.Equal(new DnsRecord("example.com", DnsType.Soa, 66) { NegativeTimeToLive = 67 }, reply.Authority);
    }

    [Fact]
    public void Compressed_names_are_followed_backward_only()
    {
        byte[] toOwner = [0, 10, 4, .. "mail"u8, 0xc0, 12]; // mail. + the name of the question
        byte[] toItself = [0, 10, 0xc0, 12 + 13 + 4 + 11 + 12 + 2];

        var good = DnsCodec.ReadReply(new DnsMessageBuilder(1, Question).Answer("x", DnsType.Mx, 1, toOwner).ToArray());
        var loop = DnsCodec.ReadReply(new DnsMessageBuilder(1, Question).Answer("x", DnsType.Mx, 1, toItself).ToArray());
        var forward = DnsCodec.ReadReply(new DnsMessageBuilder(1, Question).Answer("x", DnsType.Mx, 1, 0, 10, 0xc0, 0xff).ToArray());
        var header = DnsCodec.ReadReply(new DnsMessageBuilder(1, Question).Answer("x", DnsType.Mx, 1, 0, 10, 0xc0, 4).ToArray());

        Assert.Equal("mail.example.com", good?.Answers[0].Target);
        Assert.Null(loop);
        Assert.Null(forward);
        Assert.Null(header);
    }

    [Fact]
    public void Odd_bytes_in_names_are_shown_escaped()
    {
        var reply = DnsCodec.ReadReply(new DnsMessageBuilder(1, Question).Answer("x", DnsType.Cname, 1, 3, (byte)'.', 0, 0xe9, 0).ToArray());

        Assert.Equal("\\046\\000\\233", reply?.Answers[0].Target);
    }

    [Theory]
    [InlineData(DnsType.A, new byte[] { 1, 2, 3 })]
    [InlineData(DnsType.Aaaa, new byte[] { 1, 2, 3, 4 })]
    [InlineData(DnsType.Mx, new byte[] { 0, 1 })]
    [InlineData(DnsType.Mx, new byte[] { 0, 1, 0, 0 })]
    [InlineData(DnsType.Mx, new byte[] { 0, 1, 5, 97 })]
    [InlineData(DnsType.Cname, new byte[] { 0x80, 0 })]
    [InlineData(DnsType.Soa, new byte[] { 0, 0, 1 })]
    public void Data_of_the_wrong_shape_makes_the_message_malformed(DnsType type, byte[] data) =>
        Assert.Null(DnsCodec.ReadReply(new DnsMessageBuilder(1, Question).Answer("x", type, 1, data).ToArray()));

    [Fact]
    public void Strays_and_forgeries_are_not_replies()
    {
        Assert.False(DnsCodec.IsReplyTo(new DnsMessageBuilder(2, Question).ToArray(), 1, Question));
        Assert.False(DnsCodec.IsReplyTo(new DnsMessageBuilder(1, Question, flags: 0x0100).ToArray(), 1, Question));
        Assert.False(DnsCodec.IsReplyTo(new DnsMessageBuilder(1, Question with { Type = DnsType.A }).ToArray(), 1, Question));
        Assert.False(DnsCodec.IsReplyTo(new DnsMessageBuilder(1, Question with { Name = "example.org" }).ToArray(), 1, Question));
        Assert.True(DnsCodec.IsReplyTo(new DnsMessageBuilder(1, Question with { Name = "Example.COM" }).ToArray(), 1, Question));
    }

    [Fact]
    public void A_truncated_message_is_not_read_further()
    {
        byte[] message = [.. new DnsMessageBuilder(1, Question, flags: 0x8380).Answer("x", DnsType.A, 1, 1, 2, 3, 4).ToArray().AsSpan(0, 35)];

        var reply = DnsCodec.ReadReply(message);

        Assert.True(reply?.IsTruncated);
        Assert.Equal([], reply?.Answers ?? []);
    }

    [Fact]
    public void No_datagram_makes_it_throw_or_loop() => Gen.Byte.Array[0, 300].Sample(static bytes =>
    {
        DnsCodec.IsReplyTo(bytes, 1, Question);
        DnsCodec.ReadReply(bytes)?.Judge(Question);
    });

    [Fact]
    public void No_damage_to_a_good_message_makes_it_throw_or_loop()
    {
        var good = new DnsMessageBuilder(1, Question)
            .Answer("example.com", DnsType.Cname, 60, DnsMessageBuilder.Encode("d.example"))
            .Answer("d.example", DnsType.Mx, 60, 0, 10, 4, (byte)'m', (byte)'a', (byte)'i', (byte)'l', 0xc0, 12)
            .Authority("example.com", 66, 67)
            .ToArray();

        Gen.Select(Gen.Int[0, good.Length - 1], Gen.Byte, Gen.Int[0, good.Length - 1], Gen.Byte, Gen.Int[0, good.Length]).Sample((at, value, at2, value2, length) =>
        {
            var damaged = good.ToArray();
            (damaged[at], damaged[at2]) = (value, value2);
            DnsCodec.IsReplyTo(damaged.AsSpan(0, length), 1, Question);
            DnsCodec.ReadReply(damaged.AsSpan(0, length))?.Judge(Question);
        });
    }
}
