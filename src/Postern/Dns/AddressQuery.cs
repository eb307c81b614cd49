namespace Postern.Dns;

/// <summary>Who is told of an answer.</summary>
internal interface IAnswerTaker
{
    /// <param name="tag">What was given with the question.</param>
    /// <param name="answer">Valid until the return.</param>
    void OnAnswer(int tag, in AddressAnswer answer);
}

/// <summary>What a lookup of addresses came to.</summary>
/// <param name="addresses">a.b.c.d with a in the most significant byte, in the order of the answer; empty: there are none.</param>
/// <param name="timeToLive">Seconds; -1: not said.</param>
/// <param name="hasFailed">No server gave a usable answer.</param>
internal readonly ref struct AddressAnswer(ReadOnlySpan<uint> addresses, int timeToLive, bool hasFailed)
{
    public ReadOnlySpan<uint> Addresses { get; } = addresses;

    public int TimeToLive { get; } = timeToLive;

    public bool HasFailed { get; } = hasFailed;
}

/// <summary>A question on its way. Kept in a list by deadline, and used again.</summary>
internal sealed class AddressQuery
{
    /// <summary>The message; its first two bytes, the id, change with every try.</summary>
    public readonly byte[] Message = new byte[DnsCodec.MaxQueryLength];

    /// <summary>Length of the message.</summary>
    public int Length;

    /// <summary>Who is told of addresses; null: it is a question for records.</summary>
    public IAnswerTaker? Taker;

    /// <summary>What is asked for, when it is not IPv4 addresses that are to be read without garbage.</summary>
    public DnsQuestion Question;

    /// <summary>Who is told of the answer to <see cref="Question"/>.</summary>
    public Action<DnsAnswer>? RecordTaker;

    /// <summary>What else he is told.</summary>
    public int Tag;

    /// <summary>The place among the servers of the one who is asked first.</summary>
    public int FirstServer;

    /// <summary>How often it was sent.</summary>
    public int Tries;

    /// <summary>Monotonic milliseconds: then the next server is asked.</summary>
    public long Deadline;

    /// <summary>Where the answer is awaited; null: nowhere at the moment.</summary>
    public ServerSocket? Socket;

    /// <summary>Socket and id in the table of outstanding queries.</summary>
    public uint Key;

    /// <summary>Neighbours by deadline.</summary>
    public AddressQuery? Earlier, Later;

    public ReadOnlySpan<byte> Query => Message.AsSpan(0, Length);

    /// <summary>Reads a response to this question.</summary>
    /// <param name="addresses">Room for <see cref="AddressReply.MostAddresses"/>; filled for a <see cref="Taker"/>.</param>
    /// <param name="reply">What was read for a <see cref="Taker"/>.</param>
    /// <param name="records">What was read for a <see cref="RecordTaker"/>, else null.</param>
    public Reading Read(ReadOnlySpan<byte> message, Span<uint> addresses, out AddressReply reply, out DnsAnswer? records)
    {
        (reply, records) = (default, null);
        if (RecordTaker is null)
        {
            var isReadable = AddressReply.TryRead(message, Length, addresses, out reply) && reply.ResponseCode is 0 or DnsReply.NameError;
            return !isReadable ? Reading.Unusable : reply.IsTruncated ? Reading.Truncated : Reading.Final;
        }

        if (DnsCodec.ReadReply(message) is not { ResponseCode: 0 or DnsReply.NameError } decoded)
            return Reading.Unusable;
        if (decoded.IsTruncated)
            return Reading.Truncated;
        records = decoded.Judge(Question);
        return Reading.Final;
    }
}

/// <summary>What a response is good for.</summary>
internal enum Reading
{
    /// <summary>It is malformed, or the server failed or refused: another one is asked.</summary>
    Unusable,

    /// <summary>It did not fit: ask over TCP.</summary>
    Truncated,

    /// <summary>It is the answer.</summary>
    Final,
}
