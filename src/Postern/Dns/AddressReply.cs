using System.Buffers.Binary;

namespace Postern.Dns;

/// <summary>
/// A response to a question for A records, read without allocating: for the many lookups of DNS lists, of which only
/// addresses and times matter.
/// </summary>
/// <param name="ResponseCode">0 = no error, 3 = no such name, others = the server failed or refused (RFC 1035 §4.1.1, RFC 6891 §6.1.3).</param>
/// <param name="IsTruncated">The TC bit: nothing else was read.</param>
/// <param name="Count">How many addresses were read.</param>
/// <param name="TimeToLive">
/// Seconds: the shortest of the A records; without any, of the SOA records in the authority section (the time of the record,
/// not its last field, as Postfix takes it); -1 without those.
/// </param>
internal readonly record struct AddressReply(int ResponseCode, bool IsTruncated, int Count, int TimeToLive)
{
    /// <summary>Most addresses of one answer that are looked at; lists answer with a handful, and few with 40.</summary>
    public const int MostAddresses = 256;

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
            if (!TryReadRecord(message, ref position, out var type, out var isInternet, out var timeToLive, out var data))
                return false;
            if (type is not DnsType.A || !isInternet)
                continue;
            if (data.Length != 4)
                return false;
            if (count < addresses.Length)
                addresses[count++] = BinaryPrimitives.ReadUInt32BigEndian(data);
            positive = positive < 0 ? timeToLive : Math.Min(positive, timeToLive);
        }

        for (var left = BinaryPrimitives.ReadUInt16BigEndian(message[8..]); left > 0 && count == 0; left--)
        {
            if (!TryReadRecord(message, ref position, out var type, out var isInternet, out var timeToLive, out _))
                return false;
            if (type is DnsType.Soa && isInternet)
                negative = negative < 0 ? timeToLive : Math.Min(negative, timeToLive);
        }

        // "No error, and no address" may be an error whose code has more bits than the header has room for.
        for (var left = BinaryPrimitives.ReadUInt16BigEndian(message[10..]); left > 0 && count == 0 && code == 0; left--)
        {
            var start = position;
            if (!TryReadRecord(message, ref position, out var type, out _, out _, out _))
                break;
            if (type is DnsType.Edns && TrySkipName(message, ref start))
                code = message[start + 4] << 4;
        }

        reply = reply with { ResponseCode = code, Count = count, TimeToLive = count > 0 ? positive : negative };
        return true;
    }

    /// <summary>
    /// What a server says about an error: with EDNS as an extended error (RFC 8914), and knot-resolver as a TXT record of the
    /// additional section.
    /// </summary>
    /// <param name="message">The response.</param>
    /// <param name="queryLength">Where its answer section begins.</param>
    /// <returns>Printable and short; null: nothing.</returns>
    public static string? ExplanationIn(ReadOnlySpan<byte> message, int queryLength)
    {
        string? found = null;
        var position = queryLength;
        var left = BinaryPrimitives.ReadUInt16BigEndian(message[6..]) + BinaryPrimitives.ReadUInt16BigEndian(message[8..])
            + BinaryPrimitives.ReadUInt16BigEndian(message[10..]);
        while (left-- > 0 && found is null && TryReadRecord(message, ref position, out var type, out _, out _, out var data))
        {
            if (type is DnsType.Text && data.Length > 1)
                found = LookupProblem.Printable(data.Slice(1, Math.Min(data[0], data.Length - 1)));
            else if (type is DnsType.Edns)
                found = ExtendedError(data);
        }

        return string.IsNullOrEmpty(found) ? null : found;
    }

    /// <summary>Options: <c>code(2) length(2) data</c>; of an extended error the data is <c>info-code(2) text</c>.</summary>
    private static string? ExtendedError(ReadOnlySpan<byte> options)
    {
        const int ExtendedErrorCode = 15;
        while (options.Length >= 4)
        {
            var length = BinaryPrimitives.ReadUInt16BigEndian(options[2..]);
            if (options.Length < 4 + length)
                return null;
            if (BinaryPrimitives.ReadUInt16BigEndian(options) == ExtendedErrorCode && length >= 2)
            {
                var code = BinaryPrimitives.ReadUInt16BigEndian(options[4..]);
                return length > 2 ? LookupProblem.Printable(options.Slice(6, length - 2)) : $"extended error {code}";
            }

            options = options[(4 + length)..];
        }

        return null;
    }

    private static bool TryReadRecord(
        ReadOnlySpan<byte> message, ref int position, out DnsType type, out bool isInternet, out int timeToLive, out ReadOnlySpan<byte> data)
    {
        (type, isInternet, timeToLive) = (DnsType.None, false, 0);
        data = default;
        if (!TrySkipName(message, ref position) || position + 10 > message.Length)
            return false;
        var fields = message[position..];
        type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(fields);
        isInternet = BinaryPrimitives.ReadUInt16BigEndian(fields[2..]) == ClassInternet;
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
