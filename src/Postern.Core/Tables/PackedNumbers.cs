using System.Runtime.InteropServices;

namespace Postern.Core.Tables;

/// <summary>Numbers from zero to a bound, each in as few whole bytes as the bound allows.</summary>
internal sealed class PackedNumbers
{
    private readonly NativeList<byte> _bytes;
    private readonly int _size;

    /// <param name="count">How many.</param>
    /// <param name="highest">What the largest is at most.</param>
    public PackedNumbers(int count, int highest)
    {
        _size = highest < 1 << 8 ? 1 : highest < 1 << 16 ? 2 : 4;
        _bytes = new NativeList<byte>(checked(count * _size));
        _bytes.Extend(count * _size);
    }

    /// <summary>One of them.</summary>
    public int this[int index]
    {
        get
        {
            var bytes = _bytes.Span;
            var number = _size switch
            {
                1 => bytes[index],
                2 => MemoryMarshal.Read<ushort>(bytes[(2 * index)..]),
                _ => MemoryMarshal.Read<int>(bytes[(4 * index)..]),
            };
            GC.KeepAlive(this);
            return number;
        }

        set
        {
            var bytes = _bytes.Span;
            switch (_size)
            {
                case 1: bytes[index] = (byte)value; break;
                case 2: MemoryMarshal.Write(bytes[(2 * index)..], (ushort)value); break;
                default: MemoryMarshal.Write(bytes[(4 * index)..], value); break;
            }

            GC.KeepAlive(this);
        }
    }
}
