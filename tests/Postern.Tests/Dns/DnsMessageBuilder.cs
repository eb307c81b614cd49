using System.Buffers.Binary;
using System.Text;
using Postern.Dns;

namespace Postern.Tests.Dns;

/// <summary>Writes responses as a server does, right and wrong ones.</summary>
internal sealed class DnsMessageBuilder
{
    private readonly List<byte> _bytes = [.. new byte[12]];

    public DnsMessageBuilder(ushort id, DnsQuestion question, int flags = 0x8180)
    {
        Set(0, id);
        Set(2, flags);
        Set(4, 1);
        Name(question.Name);
        Number((int)question.Type);
        Number(1);
    }

    public byte[] ToArray() => [.. _bytes];

    public DnsMessageBuilder Answer(string owner, DnsType type, uint timeToLive, params byte[] data) => Record(6, owner, type, timeToLive, data);

    public DnsMessageBuilder Authority(string owner, uint timeToLive, uint minimum)
    {
        var soa = new byte[22]; // two root names, five numbers
        BinaryPrimitives.WriteUInt32BigEndian(soa.AsSpan(18), minimum);
        return Record(8, owner, DnsType.Soa, timeToLive, soa);
    }

    /// <summary>An OPT record with one option.</summary>
    public DnsMessageBuilder Edns(int extendedCode, int option, params byte[] data)
    {
        Record(10, "", DnsType.Edns, (uint)extendedCode << 24, [(byte)(option >> 8), (byte)option, (byte)(data.Length >> 8), (byte)data.Length, .. data]);
        return this;
    }

    public DnsMessageBuilder Additional(string owner, string text) =>
        Record(10, owner, DnsType.Text, 0, [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)]);

    public static byte[] Encode(string name)
    {
        List<byte> bytes = [];
        foreach (var label in name.Split('.', StringSplitOptions.RemoveEmptyEntries))
        {
            bytes.Add((byte)label.Length);
            bytes.AddRange(Encoding.Latin1.GetBytes(label));
        }

        return [.. bytes, 0];
    }

    public static byte[] Exchanger(int preference, string name) => [(byte)(preference >> 8), (byte)preference, .. Encode(name)];

    private DnsMessageBuilder Record(int countAt, string owner, DnsType type, uint timeToLive, byte[] data)
    {
        Set(countAt, (_bytes[countAt] << 8 | _bytes[countAt + 1]) + 1);
        Name(owner);
        Number((int)type);
        Number(1);
        Number((int)(timeToLive >> 16));
        Number((int)(timeToLive & 0xffff));
        Number(data.Length);
        _bytes.AddRange(data);
        return this;
    }

    private void Name(string name) => _bytes.AddRange(Encode(name));

    private void Number(int value) => _bytes.AddRange([(byte)(value >> 8), (byte)value]);

    private void Set(int at, int value) => (_bytes[at], _bytes[at + 1]) = ((byte)(value >> 8), (byte)value);
}
