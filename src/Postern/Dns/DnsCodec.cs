using System.Buffers.Binary;
using System.Text;
using Postern.Core;

namespace Postern.Dns;

/// <summary>
/// DNS messages as bytes (RFC 1035 §4). Reading never throws and always ends: every step either moves forward in the
/// message or, in a compressed name, strictly backward.
/// </summary>
/// <remarks>
/// <code>
/// id(2) flags(2) questions(2) answers(2) authorities(2) additional(2)
/// question: name type(2) class(2)
/// record:   name type(2) class(2) ttl(4) length(2) data
/// </code>
/// </remarks>
public static class DnsCodec
{
    /// <summary>Bytes that any query fits into.</summary>
    public const int MaxQueryLength = HeaderLength + MaxNameLength + 4;

    /// <summary>Bytes of <see cref="WriteEdns"/>.</summary>
    internal const int EdnsLength = 11;

    /// <summary>
    /// The largest answer over UDP that is asked for with EDNS: what gets through everywhere in one piece
    /// (the recommendation of dnsflagday.net, 2020).
    /// </summary>
    private const ushort UdpSize = 1232;

    /// <summary>Longest name on the wire, with its length bytes and the final zero (RFC 1035 §3.1).</summary>
    private const int MaxNameLength = 255;

    private const int HeaderLength = 12;
    private const ushort ClassInternet = 1;

    /// <summary>Writes a query with recursion desired.</summary>
    /// <param name="destination">At least <see cref="MaxQueryLength"/> bytes.</param>
    /// <returns>The length; 0 when the name cannot be a domain name (an empty, 64-byte or over-long label or name).</returns>
    public static int WriteQuery(Span<byte> destination, ushort id, DnsQuestion question)
    {
        BinaryPrimitives.WriteUInt16BigEndian(destination, id);
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], 0x0100);
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], 1);
        destination[6..HeaderLength].Clear();

        var length = WriteName(destination[HeaderLength..], question.Name);
        if (length == 0)
            return 0;
        var end = HeaderLength + length;
        BinaryPrimitives.WriteUInt16BigEndian(destination[end..], (ushort)question.Type);
        BinaryPrimitives.WriteUInt16BigEndian(destination[(end + 2)..], ClassInternet);
        return end + 4;
    }

    /// <summary>Writes a query for A records with recursion desired and the id 0.</summary>
    /// <param name="destination">At least <see cref="MaxQueryLength"/> bytes.</param>
    /// <param name="prefix">The name's first labels in wire form.</param>
    /// <param name="domain">The rest, with the final zero.</param>
    /// <returns>The length; 0 when the name is too long.</returns>
    internal static int WriteAddressQuery(Span<byte> destination, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> domain)
    {
        if (prefix.Length + domain.Length > MaxNameLength)
            return 0;
        destination[..HeaderLength].Clear();
        destination[2] = 0x01; // recursion desired
        destination[5] = 1;
        prefix.CopyTo(destination[HeaderLength..]);
        var end = HeaderLength + prefix.Length + domain.Length;
        domain.CopyTo(destination[(HeaderLength + prefix.Length)..]);
        BinaryPrimitives.WriteUInt16BigEndian(destination[end..], (ushort)DnsType.A);
        BinaryPrimitives.WriteUInt16BigEndian(destination[(end + 2)..], ClassInternet);
        return end + 4;
    }

    /// <summary>
    /// Writes an OPT record (RFC 6891 §6.1.2) without options: <c>root type=41 size extended-code version flags length=0</c>.
    /// It counts once <see cref="SetEdns"/> says so.
    /// </summary>
    /// <param name="destination">Behind the question; <see cref="EdnsLength"/> bytes.</param>
    internal static void WriteEdns(Span<byte> destination)
    {
        destination[..EdnsLength].Clear();
        BinaryPrimitives.WriteUInt16BigEndian(destination[1..], (ushort)DnsType.Edns);
        BinaryPrimitives.WriteUInt16BigEndian(destination[3..], UdpSize);
    }

    /// <summary>Says in the header of a query whether there is an OPT record behind the question.</summary>
    internal static void SetEdns(Span<byte> query, bool hasEdns) => query[11] = hasEdns ? (byte)1 : (byte)0;

    /// <summary>Whether it does.</summary>
    internal static bool HasEdns(ReadOnlySpan<byte> query) => query[11] > 0;

    /// <summary>
    /// Whether a message says that its sender does not know EDNS (RFC 6891 §7): NOTIMP, or FORMERR, which may lack the question.
    /// </summary>
    /// <param name="id">Of the query that had EDNS.</param>
    internal static bool RefusesEdns(ReadOnlySpan<byte> message, ushort id) =>
        message.Length >= HeaderLength && BinaryPrimitives.ReadUInt16BigEndian(message) == id
        && (message[2] & 0xf8) == 0x80 && (message[3] & 0x0f) is 1 or 4;

    /// <summary>Writes a name in wire form, with the final zero.</summary>
    /// <returns>The length; 0 when it cannot be a domain name.</returns>
    internal static int WriteName(Span<byte> destination, string name)
    {
        var length = 0;
        foreach (var part in name.AsSpan().Split('.'))
        {
            var label = name.AsSpan(part);
            if (label.Length is 0 or > 63 || length + 1 + label.Length + 1 > MaxNameLength || label.ContainsAnyExceptInRange('!', '~') || label.Contains('\\'))
                return 0;
            destination[length++] = (byte)label.Length;
            length += Encoding.Latin1.GetBytes(label, destination[length..]);
        }

        destination[length++] = 0;
        return length;
    }

    /// <summary>Whether the message is a response to this very question: another one is a stray or a forgery, to be ignored.</summary>
    public static bool IsReplyTo(ReadOnlySpan<byte> message, ushort id, DnsQuestion question)
    {
        if (message.Length < HeaderLength || BinaryPrimitives.ReadUInt16BigEndian(message) != id)
            return false;
        if ((message[2] & 0xf8) != 0x80 || BinaryPrimitives.ReadUInt16BigEndian(message[4..]) != 1) // a response, opcode QUERY
            return false;
        var position = HeaderLength;
        return TryReadName(message, ref position, out var name)
            && position + 4 <= message.Length
            && name == question.Name
            && BinaryPrimitives.ReadUInt16BigEndian(message[position..]) == (ushort)question.Type
            && BinaryPrimitives.ReadUInt16BigEndian(message[(position + 2)..]) == ClassInternet;
    }

    /// <summary>Reads a response for which <see cref="IsReplyTo"/> said yes.</summary>
    /// <returns>Null when it is malformed. A truncated response is not read further than its header.</returns>
    public static DnsReply? ReadReply(ReadOnlySpan<byte> message)
    {
        if (message.Length < HeaderLength)
            return null;
        var responseCode = message[3] & 0x0f;
        if ((message[2] & 0x02) != 0)
            return new DnsReply(IsTruncated: true, responseCode, [], null);

        var position = HeaderLength;
        if (!TryReadName(message, ref position, out _) || position + 4 > message.Length)
            return null;
        position += 4;

        List<DnsRecord> answers = [];
        for (var left = BinaryPrimitives.ReadUInt16BigEndian(message[6..]); left > 0; left--)
        {
            if (!TryReadRecord(message, ref position, out var record))
                return null;
            if (record is not null)
                answers.Add(record);
        }

        DnsRecord? authority = null;
        for (var left = BinaryPrimitives.ReadUInt16BigEndian(message[8..]); left > 0; left--)
        {
            if (!TryReadRecord(message, ref position, out var record))
                return null;
            if (record?.Type == DnsType.Soa)
                authority ??= record;
        }

        return new DnsReply(IsTruncated: false, responseCode, answers, authority);
    }

    /// <param name="record">Null when the record is well-formed but of no use here.</param>
    private static bool TryReadRecord(ReadOnlySpan<byte> message, ref int position, out DnsRecord? record)
    {
        record = null;
        if (!TryReadName(message, ref position, out var owner) || position + 10 > message.Length)
            return false;
        var type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(message[position..]);
        var isInternet = BinaryPrimitives.ReadUInt16BigEndian(message[(position + 2)..]) == ClassInternet;
        var timeToLive = BinaryPrimitives.ReadUInt32BigEndian(message[(position + 4)..]);
        if (timeToLive > int.MaxValue)
            timeToLive = 0; // RFC 2181 §8
        var length = BinaryPrimitives.ReadUInt16BigEndian(message[(position + 8)..]);
        var start = position + 10;
        position = start + length;
        if (position > message.Length)
            return false;
        return !isInternet || TryReadData(message, start, length, new DnsRecord(owner, type, timeToLive), out record);
    }

    private static bool TryReadData(ReadOnlySpan<byte> message, int start, int length, DnsRecord bare, out DnsRecord? record)
    {
        record = null;
        var data = message.Slice(start, length);
        var end = start + length;
        string target;
        switch (bare.Type)
        {
            case DnsType.A:
            case DnsType.Aaaa:
                if (length != (bare.Type is DnsType.A ? 4 : 16))
                    return false;
                record = bare with { Address = IpAddress.FromBytes(data) };
                return true;

            case DnsType.Cname or DnsType.Reverse:
                if (!TryReadName(message, ref start, out target) || start != end)
                    return false;
                record = bare with { Target = target };
                return true;

            case DnsType.Mx:
                if (length < 3)
                    return false;
                start += 2;
                if (!TryReadName(message, ref start, out target) || start != end)
                    return false;
                record = bare with { Preference = BinaryPrimitives.ReadUInt16BigEndian(data), Target = target };
                return true;

            case DnsType.Text:
                if (!TryReadStrings(data, out target))
                    return false;
                record = bare with { Text = target };
                return true;

            case DnsType.Soa:
                if (!TryReadName(message, ref start, out _) || !TryReadName(message, ref start, out _) || start + 20 != end)
                    return false;
                record = bare with { NegativeTimeToLive = BinaryPrimitives.ReadUInt32BigEndian(message[(start + 16)..]) };
                return true;

            default:
                return true;
        }
    }

    // character-strings: a length byte and so many bytes (RFC 1035 §3.3)
    private static bool TryReadStrings(ReadOnlySpan<byte> data, out string text)
    {
        var joined = new StringBuilder(data.Length);
        text = "";
        while (!data.IsEmpty)
        {
            if (data.Length < 1 + data[0])
                return false;
            joined.Append(Encoding.Latin1.GetString(data.Slice(1, data[0])));
            data = data[(1 + data[0])..];
        }

        text = joined.ToString();
        return true;
    }

    /// <summary>Reads a name.</summary>
    /// <param name="position">Moved behind the name, also when it was malformed.</param>
    /// <param name="name">Lower case, without the final dot; a byte that is not printable, and a dot within a label, as \DDD.</param>
    internal static bool TryReadName(ReadOnlySpan<byte> message, ref int position, out string name)
    {
        name = "";
        var text = new StringBuilder(64);
        var length = 1;
        var lowest = position;
        var reading = position;
        var jumped = false;
        while (true)
        {
            if (reading >= message.Length)
                return false;
            var size = message[reading++];
            switch (size >> 6)
            {
                case 0 when size == 0:
                    if (!jumped)
                        position = reading;
                    name = text.ToString();
                    return true;

                case 0:
                    length += 1 + size;
                    if (length > MaxNameLength || reading + size > message.Length)
                        return false;
                    if (text.Length > 0)
                        text.Append('.');
                    AppendLabel(text, message.Slice(reading, size));
                    reading += size;
                    break;

                case 3:
                    if (reading >= message.Length)
                        return false;
                    var target = (size & 0x3f) << 8 | message[reading++];
                    if (!jumped)
                        position = reading;
                    jumped = true;
                    if (target >= lowest || target < HeaderLength)
                        return false; // a pointer points to a prior occurrence (RFC 1035 §4.1.4): no loops
                    lowest = reading = target;
                    break;

                default:
                    return false;
            }
        }
    }

    private static void AppendLabel(StringBuilder text, ReadOnlySpan<byte> label)
    {
        foreach (var octet in label)
        {
            switch (octet)
            {
                case (byte)'.' or (byte)'\\' or <= (byte)' ' or >= 0x7f:
                    text.Append('\\').Append((char)('0' + octet / 100)).Append((char)('0' + octet / 10 % 10)).Append((char)('0' + octet % 10));
                    break;
                case >= (byte)'A' and <= (byte)'Z':
                    text.Append((char)(octet | 0x20));
                    break;
                default:
                    text.Append((char)octet);
                    break;
            }
        }
    }
}
