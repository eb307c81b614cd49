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

    /// <summary>Who is told.</summary>
    public IAnswerTaker Taker = null!;

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
}
