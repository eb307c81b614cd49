using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Postern.Core.Rehearsal;
using Postern.Dns;

namespace Postern.Rehearsal;

/// <summary>A DNS server on a loopback port, asked by the loop's own resolver; all of it on the loop's thread.</summary>
internal sealed class SampleNameServer : IDisposable
{
    private const int HeaderLength = 12;
    private const ushort IsAnswer = 0x8180, NoSuchName = 3, ClassInternet = 1, PointerToQuestion = 0xc00c;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private readonly SampleNames _names;
    private readonly Agenda _agenda;
    private readonly VirtualClock _clock;
    private readonly Curve _delay;
    private readonly double _lost;
    private readonly ulong _seed;
    private readonly double _ttl, _ttlSpread;
    private readonly byte[] _buffer = new byte[512];

    /// <param name="names">What it knows.</param>
    /// <param name="model">How long it takes.</param>
    /// <param name="seed">Which answers are late or lost: it depends on the name alone, and not on who else asks for what.</param>
    /// <param name="agenda">Keeps its answers until they are due.</param>
    public SampleNameServer(SampleNames names, TrafficModel model, int seed, Agenda agenda, VirtualClock clock)
    {
        (_names, _agenda, _clock, _seed) = (names, agenda, clock, (ulong)seed);
        (_ttl, _ttlSpread) = (model.Number(ModelParameter.DnsTtl), model.Number(ModelParameter.DnsTtlSpread));
        (_delay, _lost) = (model.Curve(ModelParameter.DnsDelay), model.Number(ModelParameter.DnsLost));
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _socket.Blocking = false;
    }

    /// <summary>To be watched for input.</summary>
    public int Descriptor => (int)_socket.Handle;

    /// <summary>Where it listens.</summary>
    public IPEndPoint Endpoint => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>Takes the questions that have come.</summary>
    public void OnReadable()
    {
        while (_socket.Available > 0)
        {
            EndPoint from = new IPEndPoint(IPAddress.Any, 0);
            var length = _socket.ReceiveFrom(_buffer, ref from);
            if (Answer(_buffer.AsSpan(0, length), out var dice) is not { } answer || dice.Next() < _lost)
                continue;
            _agenda.Add(
                _clock.Elapsed + TimeSpan.FromMilliseconds(Math.Round(_delay.Where(dice.Next()) * 1000)),
                () => Send(answer, from));
        }
    }

    public void Dispose() => _socket.Dispose();

    private void Send(byte[] answer, EndPoint to)
    {
        try
        {
            _socket.SendTo(answer, to);
        }
        catch (SocketException)
        {
            // who asked does not listen any more
        }
    }

    /// <param name="dice">Those of the name, for the others of its facts.</param>
    /// <returns>Null: that is no question.</returns>
    private byte[]? Answer(ReadOnlySpan<byte> query, out Dice dice)
    {
        dice = new Dice(_seed);
        var position = HeaderLength;
        if (!DnsCodec.TryReadName(query, ref position, out var name) || position + 4 > query.Length)
            return null;
        var end = position + 4;
        var type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(query[position..]);
        var records = _names.Find(name, type);
        dice = DiceOf(name, type);
        var timeToLive = (uint)Math.Round(_ttl + dice.Next() * _ttlSpread);
        var answer = new MemoryStream();
        answer.Write(query[..end]);
        foreach (var record in records)
        {
            Write16(answer, PointerToQuestion);
            Write16(answer, (ushort)type);
            Write16(answer, ClassInternet);
            Write16(answer, (ushort)(timeToLive >> 16));
            Write16(answer, (ushort)timeToLive);
            WriteData(answer, record);
        }

        if (records.Count == 0)
            WriteAuthority(answer, timeToLive);
        var bytes = answer.ToArray();
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), records.Count > 0 ? IsAnswer : (ushort)(IsAnswer | NoSuchName));
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(6), (ushort)records.Count);
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(8), (ushort)(records.Count > 0 ? 0 : 1));
        bytes.AsSpan(10, 2).Clear();
        return bytes;
    }

    // FNV-1a.
    private Dice DiceOf(string name, DnsType type)
    {
        var hash = 14695981039346656037 ^ _seed;
        foreach (var letter in name)
            hash = (hash ^ letter) * 1099511628211;
        return new Dice((hash ^ (ulong)type) * 1099511628211);
    }

    // For how long it is good that there is no such name: the SOA record of the root, which any name is below.
    private static void WriteAuthority(MemoryStream answer, uint timeToLive)
    {
        const int DataLength = 2 + 5 * sizeof(uint);
        answer.WriteByte(0);
        Write16(answer, (ushort)DnsType.Soa);
        Write16(answer, ClassInternet);
        Write16(answer, (ushort)(timeToLive >> 16));
        Write16(answer, (ushort)timeToLive);
        Write16(answer, DataLength);
        Span<byte> data = stackalloc byte[DataLength]; // two names that are the root, and five numbers
        BinaryPrimitives.WriteUInt32BigEndian(data[^sizeof(uint)..], timeToLive);
        answer.Write(data);
    }

    private static void WriteData(MemoryStream answer, DnsRecord record)
    {
        if (record.Type is DnsType.A)
        {
            Span<byte> address = stackalloc byte[16];
            record.Address.WriteBytes(address);
            Write16(answer, 4);
            answer.Write(address[12..]);
            return;
        }

        Span<byte> target = stackalloc byte[DnsCodec.MaxQueryLength];
        var length = DnsCodec.WriteName(target, record.Target);
        Write16(answer, (ushort)length);
        answer.Write(target[..length]);
    }

    private static void Write16(MemoryStream answer, ushort number)
    {
        answer.WriteByte((byte)(number >> 8));
        answer.WriteByte((byte)number);
    }
}
