using CsCheck;
using Postern.Dns;

namespace Postern.Tests.Dns;

/// <summary>The quick reader against the careful one, and against bytes of all kinds.</summary>
public sealed class AddressReplyTests
{
    private static readonly DnsQuestion Question = new("2.0.0.127.bl.example", DnsType.A);
    private static readonly byte[] Query = WriteQuery(4711);

    [Fact]
    public void Aliases_are_passed_over_and_the_addresses_at_their_end_are_taken()
    {
        var message = new DnsMessageBuilder(4711, Question)
            .Answer(Question.Name, DnsType.Cname, 5, DnsMessageBuilder.Encode("a.example"))
            .Answer("a.example", DnsType.A, 60, 127, 0, 0, 2).ToArray();

        Assert.Equal("127.0.0.2 ttl 60", Read(message));
    }

    [Fact]
    public void It_reads_what_the_careful_reader_reads() =>
        Gen.Select(Gen.Byte.Array[0, 30], Gen.UInt[0, 100_000], Gen.Bool).Sample((lasts, timeToLive, negative) =>
        {
            var builder = new DnsMessageBuilder(4711, Question, negative ? 0x8183 : 0x8180);
            foreach (var last in lasts)
                builder.Answer(Question.Name, DnsType.A, timeToLive + last, 127, 0, 0, last);
            var message = builder.Authority("bl.example", timeToLive, 1).ToArray();

            var careful = DnsCodec.ReadReply(message)!;

            Assert.True(DnsCodec.IsReplyTo(message, 4711, Question));
            Assert.True(AddressReply.Answers(message, Query));
            var expected = lasts.Length == 0 ? careful.Authority!.TimeToLive : careful.Answers.Min(record => record.TimeToLive);
            Assert.Equal(string.Join(' ', [.. careful.Answers.Select(record => record.Address.ToString()), "ttl", expected]), Read(message));
        });

    [Fact]
    public void A_message_that_was_tampered_with_is_read_or_refused_but_never_throws() =>
        Gen.Select(Gen.Int[0, 200], Gen.Byte, Gen.Int[12, 200]).Sample((at, value, length) =>
        {
            var message = new DnsMessageBuilder(4711, Question).Answer(Question.Name, DnsType.A, 60, 127, 0, 0, 2).Authority("bl.example", 60, 1).ToArray();
            message[at % message.Length] = value;
            message = message[..Math.Min(length, message.Length)];

            if (!AddressReply.Answers(message, Query))
                return;
            Read(message);
            _ = AddressReply.ExplanationIn(message, Query.Length);
        });

    [Fact]
    public void Bytes_of_all_kinds_are_no_answer_or_are_read() => Gen.Byte.Array[0, 300].Sample(bytes =>
    {
        _ = AddressReply.Answers(bytes, Query);
        byte[] message = [.. new DnsMessageBuilder(4711, Question).ToArray(), .. bytes];
        (message[7], message[9], message[11]) = (3, 3, 3);
        Read(message);
        Assert.DoesNotContain(AddressReply.ExplanationIn(message, Query.Length) ?? "", char.IsControl);
    });

    private static string Read(byte[] message)
    {
        Span<uint> addresses = stackalloc uint[AddressReply.MostAddresses];
        return AddressReply.TryRead(message, Query.Length, addresses, out var reply)
            ? string.Join(' ', [.. addresses[..reply.Count].ToArray().Select(a => Core.IpAddress.FromIPv4(a).ToString()), "ttl", reply.TimeToLive])
            : "malformed";
    }

    private static byte[] WriteQuery(ushort id)
    {
        var query = new byte[DnsCodec.MaxQueryLength];
        return query[..DnsCodec.WriteQuery(query, id, Question)];
    }
}
