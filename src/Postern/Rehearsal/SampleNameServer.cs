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
    private readonly Dice _dice;
    private readonly byte[] _buffer = new byte[512];

    /// <param name="names">What it knows.</param>
    /// <param name="model">How long it takes.</param>
    /// <param name="dice">Which answers are late or lost.</param>
    /// <param name="agenda">Keeps its answers until they are due.</param>
    public SampleNameServer(SampleNames names, TrafficModel model, Dice dice, Agenda agenda, VirtualClock clock)
    {
        (_names, _agenda, _clock, _dice) = (names, agenda, clock, dice);
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
            if (Answer(_buffer.AsSpan(0, length)) is not { } answer || _dice.Next() < _lost)
                continue;
            _agenda.Add(
                _clock.Elapsed + TimeSpan.FromMilliseconds(Math.Round(_delay.Where(_dice.Next()) * 1000)),
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

    /// <returns>Null: that is no question.</returns>
    private byte[]? Answer(ReadOnlySpan<byte> query)
    {
        var position = HeaderLength;
        if (!DnsCodec.TryReadName(query, ref position, out var name) || position + 4 > query.Length)
            return null;
        var end = position + 4;
        var type = (DnsType)BinaryPrimitives.ReadUInt16BigEndian(query[position..]);
        var records = _names.Find(name, type);
        var answer = new MemoryStream();
        answer.Write(query[..end]);
        foreach (var record in records)
        {
            Write16(answer, PointerToQuestion);
            Write16(answer, (ushort)type);
            Write16(answer, ClassInternet);
            Write16(answer, (ushort)(record.TimeToLive >> 16));
            Write16(answer, (ushort)record.TimeToLive);
            WriteData(answer, record);
        }

        var bytes = answer.ToArray();
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(2), records.Count > 0 ? IsAnswer : (ushort)(IsAnswer | NoSuchName));
        BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(6), (ushort)records.Count);
        bytes.AsSpan(8, 4).Clear();
        return bytes;
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
