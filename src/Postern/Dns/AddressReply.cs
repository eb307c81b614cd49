using System.Buffers.Binary;

namespace Postern.Dns;

/// <summary>
/// A response to a question for A records, read without allocating: for the many lookups of DNS lists, of which only
/// addresses and times matter.
/// </summary>
/// <param name="ResponseCode">0 = no error, 3 = no such name, others = the server failed or refused (RFC 1035 §4.1.1).</param>
/// <param name="IsTruncated">The TC bit: nothing else was read.</param>
/// <param name="Count">How many addresses were read.</param>
/// <param name="TimeToLive">
/// Seconds: the shortest of the A records; without any, of the SOA records in the authority section (the time of the record,
/// not its last field, as Postfix takes it); -1 without those.
/// </param>
internal readonly record struct AddressReply(int ResponseCode, bool IsTruncated, int Count, int TimeToLive)
{
    /// <summary>Most addresses of one answer that are looked at; lists answer with a handful.</summary>
    public const int MostAddresses = 64;

    private const int HeaderLength = 12;
    private const ushort ClassInternet = 1;

    /// <summary>
    /// Whether a message is a response to a query: its question must be the one that was sent, in any letter case, because
    /// some forwarders change it. (That is also why no random case is used to make forging harder, "0x20".)
    /// </summary>
    public static bool Answers(ReadOnlySpan<byte> message, ReadOnlySpan<byte> query)
    {
        if (message.Length < query.Length || (message[2] & 0xf8) != 0x80) // a response, opcode QUERY
            return false;
        if (!message[..2].SequenceEqual(query[..2]) || !message[4..6].SequenceEqual(query[4..6]))
            return false;
        for (var i = HeaderLength; i < query.Length; i++)
        {
            if (message[i] != query[i] && (!char.IsAsciiLetter((char)query[i]) || (message[i] | 0x20) != (query[i] | 0x20)))
                return false;
        }

        return true;
    }

    /// <summary>Reads a response that <see cref="Answers"/> the query.</summary>
    /// <param name="message">The response.</param>
    /// <param name="queryLength">Where its answer section begins.</param>
    /// <param name="addresses">Room for <see cref="MostAddresses"/>; a.b.c.d with a in the most significant byte.</param>
    /// <param name="reply">What was read.</param>
    /// <returns>False when it is malformed.</returns>
    /// <remarks>Aliases need no following: a recursive server puts the addresses at their end into the same section.</remarks>
    public static bool TryRead(ReadOnlySpan<byte> message, int queryLength, Span<uint> addresses, out AddressReply reply)
    {
        var code = message[3] & 0x0f;
        reply = new AddressReply(code, IsTruncated: (message[2] & 0x02) != 0, 0, -1);
        if (reply.IsTruncated || code is not (0 or DnsReply.NameError))
            return true;

        var (position, count, positive, negative) = (queryLength, 0, -1, -1);
        for (var left = BinaryPrimitives.ReadUInt16BigEndian(message[6..]); left > 0; left--)
        {
            if (!TryReadRecord(message, ref position, out var type, out var timeToLive, out var data))
                return false;
            if (type is not DnsType.A)
                continue;
            if (data.Length != 4)
                return false;
            if (count < addresses.Length)
                addresses[count++] = BinaryPrimitives.ReadUInt32BigEndian(data);
            positive = positive < 0 ? timeToLive : Math.Min(positive, timeToLive);
        }

        for (var left = BinaryPrimitives.ReadUInt16BigEndian(message[8..]); left > 0 && count == 0; left--)
        {
            if (!TryReadRecord(message, ref position, out var type, out var timeToLive, out _))
                return false;
            if (type is DnsType.Soa)
                negative = negative < 0 ? timeToLive : Math.Min(negative, timeToLive);
        }

        reply = reply with { Count = count, TimeToLive = count > 0 ? positive : negative };
        return true;
    }

    /// <param name="type">None for a record of another class than the internet's.</param>
    private static bool TryReadRecord(
        ReadOnlySpan<byte> message, ref int position, out DnsType type, out int timeToLive, out ReadOnlySpan<byte> data)
    {
        (type, timeToLive) = (DnsType.None, 0);
        data = default;
        if (!TrySkipName(message, ref position) || position + 10 > message.Length)
            return false;
        var fields = message[position..];
        if (BinaryPrimitives.ReadUInt16BigEndian(fields[2..]) == ClassInternet)
            type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(fields);
        var seconds = BinaryPrimitives.ReadUInt32BigEndian(fields[4..]);
        timeToLive = seconds > int.MaxValue ? 0 : (int)seconds; // RFC 2181 §8
        var length = BinaryPrimitives.ReadUInt16BigEndian(fields[8..]);
        if (fields.Length < 10 + length)
            return false;
        data = fields.Slice(10, length);
        position += 10 + length;
        return true;
    }

    // A compressed name ends with its first pointer.
    private static bool TrySkipName(ReadOnlySpan<byte> message, ref int position)
    {
        while (position < message.Length)
        {
            var size = message[position++];
            if (size == 0)
                return true;
            if (size >= 0xc0)
                return ++position <= message.Length;
            if (size > 63)
                return false;
            position += size;
        }

        return false;
    }
}
