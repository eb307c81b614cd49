using System.Buffers.Binary;
using System.Net;

namespace Postern.Dns;

/// <summary>Who is told of an answer.</summary>
internal interface IAnswerTaker
{
    /// <param name="tag">What was given with the question.</param>
    /// <param name="answer">Valid until the return.</param>
    void OnAnswer(int tag, in AddressAnswer answer);
}

/// <summary>What a lookup of addresses came to.</summary>
internal readonly ref struct AddressAnswer
{
    /// <summary>A server has answered.</summary>
    /// <param name="reply">How, but for the addresses.</param>
    /// <param name="addresses">a.b.c.d with a in the most significant byte, in the order of the answer; empty: there are none.</param>
    /// <param name="server">Who.</param>
    public AddressAnswer(in AddressReply reply, ReadOnlySpan<uint> addresses, IPEndPoint? server)
    {
        Addresses = addresses;
        (TimeToLive, NameExists, Server) = (reply.TimeToLive, reply.ResponseCode == 0, server);
    }

    /// <summary>No server gave a usable answer.</summary>
    public AddressAnswer(in LookupProblem problem) => (TimeToLive, Server, Problem) = (-1, problem.Server, problem);

    /// <summary>a.b.c.d with a in the most significant byte, in the order of the answer; empty: there are none.</summary>
    public ReadOnlySpan<uint> Addresses { get; }

    /// <summary>Seconds; -1: not said.</summary>
    public int TimeToLive { get; }

    /// <summary>Whether the name exists, with or without addresses.</summary>
    public bool NameExists { get; }

    /// <summary>Who has answered, or was asked last; null: nobody.</summary>
    public IPEndPoint? Server { get; }

    /// <summary>Why there is no answer; null: there is one.</summary>
    public LookupProblem? Problem { get; }

    /// <summary>Whether there is none.</summary>
    public bool HasFailed => Problem is not null;
}

/// <summary>A question on its way. Kept in a list by deadline, and used again.</summary>
internal sealed class AddressQuery
{
    /// <summary>The message with EDNS; its first two bytes, the id, change with every try, and EDNS is left out where it is not understood.</summary>
    private readonly byte[] _message = new byte[DnsCodec.MaxQueryLength + DnsCodec.EdnsLength];

    private int _length;

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

    /// <summary>Whether it was last sent with EDNS.</summary>
    public bool HasEdns { get; private set; }

    /// <summary>Whether to leave out EDNS from now on, since it had no answer with it.</summary>
    public bool AvoidsEdns;

    /// <summary>What the servers asked so far did with it.</summary>
    public LookupProblem Problem;

    /// <summary>Monotonic milliseconds: then the next server is asked.</summary>
    public long Deadline;

    /// <summary>Where the answer is awaited; null: nowhere at the moment.</summary>
    public ServerSocket? Socket;

    /// <summary>Socket and id in the table of outstanding queries.</summary>
    public uint Key;

    /// <summary>Neighbours by deadline.</summary>
    public AddressQuery? Earlier, Later;

    /// <summary>Whether it can be asked: the name is not too long.</summary>
    public bool IsValid => _length > 0;

    /// <summary>Header and question, as they come back.</summary>
    public ReadOnlySpan<byte> Asked => _message.AsSpan(0, _length);

    /// <summary>What goes out.</summary>
    public ReadOnlyMemory<byte> Message => _message.AsMemory(0, HasEdns ? _length + DnsCodec.EdnsLength : _length);

    /// <summary>Makes it a question for addresses.</summary>
    public void Begin(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> domain) => Begin(DnsCodec.WriteAddressQuery(_message, prefix, domain));

    /// <summary>Makes it a question for records.</summary>
    public void Begin(DnsQuestion question) => Begin(DnsCodec.WriteQuery(_message, 0, question));

    /// <summary>It is about to go out.</summary>
    /// <param name="id">To be guessed by nobody.</param>
    /// <param name="withEdns">Whether the server understands EDNS.</param>
    public void Prepare(ushort id, bool withEdns)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_message, id);
        HasEdns = withEdns;
        DnsCodec.SetEdns(_message, withEdns);
    }

    private void Begin(int length)
    {
        (_length, Tries, AvoidsEdns, Problem) = (length, 0, false, new LookupProblem(null, LookupProblem.NotAsked));
        if (length > 0)
            DnsCodec.WriteEdns(_message.AsSpan(length));
    }

    /// <summary>Notes why a server's answer is of no use. One that says why is worth more than silence.</summary>
    public void Note(in LookupProblem problem)
    {
        if (problem.IsAnswer || !Problem.IsAnswer)
            Problem = problem;
    }

    /// <summary>Reads a response to this question.</summary>
    /// <param name="addresses">Room for <see cref="AddressReply.MostAddresses"/>; filled for a <see cref="Taker"/>.</param>
    /// <param name="reply">What was read for a <see cref="Taker"/>; for a <see cref="RecordTaker"/> its response code.</param>
    /// <param name="records">What was read for a <see cref="RecordTaker"/>, else null.</param>
    public Reading Read(ReadOnlySpan<byte> message, Span<uint> addresses, out AddressReply reply, out DnsAnswer? records)
    {
        (reply, records) = (default, null);
        if (RecordTaker is null)
        {
            if (!AddressReply.TryRead(message, _length, addresses, out reply))
                return Reading.Malformed;
            return reply.ResponseCode is not (0 or DnsReply.NameError) ? Reading.Error : reply.IsTruncated ? Reading.Truncated : Reading.Final;
        }

        if (DnsCodec.ReadReply(message) is not { } decoded)
            return Reading.Malformed;
        reply = new AddressReply(decoded.ResponseCode, decoded.IsTruncated, 0, -1);
        if (decoded.ResponseCode is not (0 or DnsReply.NameError))
            return Reading.Error;
        if (decoded.IsTruncated)
            return Reading.Truncated;
        records = decoded.Judge(Question);
        return Reading.Final;
    }
}

/// <summary>What a response is good for.</summary>
internal enum Reading
{
    /// <summary>It is malformed: another server is asked.</summary>
    Malformed,

    /// <summary>The server failed or refused: another one is asked.</summary>
    Error,

    /// <summary>It did not fit: ask over TCP.</summary>
    Truncated,

    /// <summary>It is the answer.</summary>
    Final,
}
