using System.Buffers.Binary;
using System.Text;
using Postern.Core;
using Postern.Core.Allowlist;
using Postern.Core.Lanes;
using Postern.Core.Replay;
using Postern.Core.Reporting;
using Postern.Core.Screening;

namespace Postern.Events;

/// <summary>
/// Recorded clients, as far as a replay looks at them, in a fifth of the room that their lines take, for as long as one command needs them: no format of any file
/// that stays. Numbers are in seven bits a byte, the lowest first; what a client has not is a bit in the flags.
/// </summary>
internal sealed class PackedClient
{
    private readonly List<string> _lists = [];
    private readonly Dictionary<string, int> _listNumbers = new(StringComparer.Ordinal);
    private readonly List<Endpoint> _servers = [];
    private readonly Dictionary<Endpoint, int> _serverNumbers = [];

    [Flags]
    private enum Has
    {
        TalkedAfter = 1,
        HungUpAfter = 1 << 1,
        Waited = 1 << 2,
        HandoffTook = 1 << 3,
        Class = 1 << 4,
        Name = 1 << 5,
        Record = 1 << 6,
        Remembered = 1 << 7,
        Sender = 1 << 8,
        Recipient = 1 << 9,
        Answered = 1 << 10,
        Answers = 1 << 11,
        SaidQuit = 1 << 12,
        Stress = 1 << 13,
        ListsWereAsked = 1 << 14,
        TalkedToUs = 1 << 15,
        WasCutOff = 1 << 16,
    }

    /// <summary>Appends a client, but for its address and the time when it came.</summary>
    public void Write(RecordedClient client, ByteBuffer bytes)
    {
        Number(bytes, (int)FlagsOf(client));
        bytes.Append((byte)client.Outcome).Append((byte)client.Entrance).Append(client.Due.Columns).Append(client.Passed.Columns).Append(client.Failed.Columns).Append(client.Dropped.Columns);
        Number(bytes, (int)client.Causes);
        Number(bytes, client.Port);
        Number(bytes, NumberOf(client.Server, _servers, _serverNumbers));
        Time(bytes, client.Duration);
        Number(bytes, client.Recipients);
        if (client.TalkedAfter is { } talked)
            Time(bytes, talked);
        if (client.HungUpAfter is { } hungUp)
            Time(bytes, hungUp);
        if (client.Waited is { } waited)
            Time(bytes, waited);
        if (client.HandoffTook is { } took)
            Time(bytes, took);
        if (client.Class is { } kind)
            bytes.Append((byte)kind);
        if (client.Name is { } name)
            Text(bytes.Append((byte)name.Status), name.Name);
        if (client.Record is { } record)
            Expiry(bytes, record);
        if (client.Remembered is { } remembered)
            Expiry(bytes, remembered);
        if (client.Sender is { } sender)
            Text(bytes, sender);
        if (client.Recipient is { } recipient)
            Text(bytes, recipient);
        if (client.ListsWereAsked)
            WriteLists(client, bytes);
    }

    /// <summary>Reads one back.</summary>
    /// <param name="bytes">What <see cref="Write"/> has written.</param>
    /// <param name="address">The client's address.</param>
    /// <param name="connected">When it came.</param>
    public RecordedClient Read(ReadOnlySpan<byte> bytes, IpAddress address, DateTimeOffset connected)
    {
        var reader = new Reader { Rest = bytes };
        var has = (Has)reader.Number();
        var (outcome, entrance) = ((Outcome)reader.Byte(), (Entrance)reader.Byte());
        var (due, passed, failed, dropped) = (new TestSet(reader.Byte()), new TestSet(reader.Byte()), new TestSet(reader.Byte()), new TestSet(reader.Byte()));
        var causes = (ScreeningCause)reader.Number();
        var (port, server, duration, recipients) = ((ushort)reader.Number(), _servers[reader.Number()], reader.Time(), reader.Number());
        TimeSpan? talked = has.HasFlag(Has.TalkedAfter) ? reader.Time() : null, hungUp = has.HasFlag(Has.HungUpAfter) ? reader.Time() : null;
        TimeSpan? waited = has.HasFlag(Has.Waited) ? reader.Time() : null, took = has.HasFlag(Has.HandoffTook) ? reader.Time() : null;
        RdnsKind? kind = has.HasFlag(Has.Class) ? (RdnsKind)reader.Byte() : null;
        ReverseName? name = has.HasFlag(Has.Name) ? new ReverseName((ReverseNameStatus)reader.Byte(), reader.Text()) : null;
        TestExpiry? record = has.HasFlag(Has.Record) ? reader.Expiry() : null, remembered = has.HasFlag(Has.Remembered) ? reader.Expiry() : null;
        string? sender = has.HasFlag(Has.Sender) ? reader.Text() : null, recipient = has.HasFlag(Has.Recipient) ? reader.Text() : null;
        var (unanswered, answered, answers) = (0, (AnsweredList[]?)null, (RecordedAnswer[])[]);
        if (has.HasFlag(Has.ListsWereAsked))
        {
            unanswered = reader.Number();
            answered = has.HasFlag(Has.Answered) ? new AnsweredList[reader.Number()] : null;
            for (var i = 0; i < answered?.Length; i++)
                answered[i] = new(_lists[reader.Number()], reader.Time(), reader.Ttl());
            answers = has.HasFlag(Has.Answers) ? new RecordedAnswer[reader.Number()] : [];
            for (var i = 0; i < answers.Length; i++)
                answers[i] = new(_lists[reader.Number()], reader.Fixed());
        }

        return new RecordedClient
        {
            Connected = connected,
            Duration = duration,
            Address = address,
            Port = port,
            Server = server,
            Outcome = outcome,
            Entrance = entrance,
            Causes = causes,
            Due = due,
            Passed = passed,
            Failed = failed,
            Dropped = dropped,
            TalkedAfter = talked,
            SaidQuit = has.HasFlag(Has.SaidQuit),
            Class = kind,
            HungUpAfter = hungUp,
            Waited = waited,
            HandoffTook = took,
            UnderStress = has.HasFlag(Has.Stress),
            ListsWereAsked = has.HasFlag(Has.ListsWereAsked),
            Answers = answers,
            Answered = answered,
            Unanswered = unanswered,
            Name = name,
            Record = record,
            Remembered = remembered,
            Sender = sender,
            Recipient = recipient,
            Recipients = recipients,
            WasCutOff = has.HasFlag(Has.WasCutOff),
            TalkedToUs = has.HasFlag(Has.TalkedToUs),
        };
    }

    private void WriteLists(RecordedClient client, ByteBuffer bytes)
    {
        Number(bytes, client.Unanswered);
        if (client.Answered is { } answered)
        {
            Number(bytes, answered.Count);
            foreach (var list in answered)
            {
                Number(bytes, NumberOf(list.List, _lists, _listNumbers));
                Time(bytes, list.After);
                Number(bytes, list.TimeToLive is { } seconds ? seconds + 2L : 0);
            }
        }

        if (client.Answers.Count == 0)
            return;
        Number(bytes, client.Answers.Count);
        foreach (var answer in client.Answers)
        {
            Number(bytes, NumberOf(answer.List, _lists, _listNumbers));
            Fixed(bytes, answer.Address);
        }
    }

    private static Has FlagsOf(RecordedClient client) =>
        (client.TalkedAfter is null ? 0 : Has.TalkedAfter) | (client.HungUpAfter is null ? 0 : Has.HungUpAfter) | (client.Waited is null ? 0 : Has.Waited) | (client.HandoffTook is null ? 0 : Has.HandoffTook)
        | (client.Class is null ? 0 : Has.Class) | (client.Name is null ? 0 : Has.Name) | (client.Record is null ? 0 : Has.Record) | (client.Remembered is null ? 0 : Has.Remembered)
        | (client.Sender is null ? 0 : Has.Sender) | (client.Recipient is null ? 0 : Has.Recipient) | (client.Answered is null ? 0 : Has.Answered) | (client.Answers.Count == 0 ? 0 : Has.Answers)
        | (client.SaidQuit ? Has.SaidQuit : 0) | (client.UnderStress ? Has.Stress : 0) | (client.ListsWereAsked ? Has.ListsWereAsked : 0) | (client.TalkedToUs ? Has.TalkedToUs : 0)
        | (client.WasCutOff ? Has.WasCutOff : 0);

    private static int NumberOf<T>(T value, List<T> all, Dictionary<T, int> numbers)
        where T : notnull
    {
        if (numbers.TryGetValue(value, out var number))
            return number;
        numbers[value] = all.Count;
        all.Add(value);
        return all.Count - 1;
    }

    private static void Number(ByteBuffer bytes, long number)
    {
        var rest = (ulong)number;
        for (; rest >= 0x80; rest >>= 7)
            bytes.Append((byte)(rest | 0x80));
        bytes.Append((byte)rest);
    }

    private static void Time(ByteBuffer bytes, TimeSpan time) => Number(bytes, (long)time.TotalMilliseconds);

    private static void Text(ByteBuffer bytes, string text)
    {
        Number(bytes, Encoding.UTF8.GetByteCount(text));
        bytes.Advance(Encoding.UTF8.GetBytes(text, bytes.Reserve(Encoding.UTF8.GetMaxByteCount(text.Length))));
    }

    private static void Fixed(ByteBuffer bytes, uint number)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.Reserve(sizeof(uint)), number);
        bytes.Advance(sizeof(uint));
    }

    private static void Expiry(ByteBuffer bytes, in TestExpiry expiry)
    {
        foreach (var test in ScreeningTest.All)
            Fixed(bytes, test.ExpiryIn(expiry));
    }

    private ref struct Reader
    {
        public ReadOnlySpan<byte> Rest;

        public byte Byte()
        {
            var one = Rest[0];
            Rest = Rest[1..];
            return one;
        }

        public long LargeNumber()
        {
            var (number, shift) = (0UL, 0);
            for (; Rest[0] >= 0x80; shift += 7)
                number |= (ulong)(Byte() & 0x7f) << shift;
            return (long)(number | (ulong)Byte() << shift);
        }

        public int Number() => (int)LargeNumber();

        public TimeSpan Time() => TimeSpan.FromMilliseconds(LargeNumber());

        public int? Ttl() => LargeNumber() is > 0 and var number ? (int)(number - 2) : null;

        public string Text()
        {
            var length = Number();
            var text = Encoding.UTF8.GetString(Rest[..length]);
            Rest = Rest[length..];
            return text;
        }

        public uint Fixed()
        {
            var number = BinaryPrimitives.ReadUInt32LittleEndian(Rest);
            Rest = Rest[sizeof(uint)..];
            return number;
        }

        public TestExpiry Expiry() => new(Fixed(), Fixed(), Fixed(), Fixed(), Fixed());
    }
}
