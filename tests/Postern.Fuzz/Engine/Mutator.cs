using System.Text;

namespace Postern.Fuzz.Engine;

/// <summary>Makes new inputs from old ones: flips, cuts, repeats, words of the language, halves of two inputs joined.</summary>
internal sealed class Mutator(Random random, IReadOnlyList<string> dictionary, int maxInput)
{
    private static readonly byte[] Nasty = [0, 1, 9, 10, 13, 32, 34, 36, 37, 39, 40, 44, 45, 47, 58, 60, 62, 92, 123, 125, 127, 128, 254, 255];
    private readonly byte[][] _words = [.. dictionary.Select(Encoding.Latin1.GetBytes)];

    public byte[] Next(IReadOnlyList<byte[]> pool)
    {
        var input = new List<byte>(Pick(pool));
        for (var steps = 1 << random.Next(0, 5); steps > 0; steps--)
            Change(input, pool);
        if (input.Count > maxInput)
            input.RemoveRange(maxInput, input.Count - maxInput);
        return [.. input];
    }

    private void Change(List<byte> input, IReadOnlyList<byte[]> pool)
    {
        var at = random.Next(input.Count + 1);
        var length = Math.Min(input.Count - at, 1 << random.Next(0, 8));
        switch (random.Next(9))
        {
            case 0 when at < input.Count:
                input[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1 when at < input.Count:
                input[at] = random.Next(2) == 0 ? Nasty[random.Next(Nasty.Length)] : (byte)random.Next(256);
                break;
            case 2:
                input.Insert(at, Nasty[random.Next(Nasty.Length)]);
                break;
            case 3:
                input.RemoveRange(at, length);
                break;
            case 4 when input.Count < maxInput: // the same again, possibly many times
                var piece = input.GetRange(at, length);
                for (var copies = random.Next(8) == 0 ? random.Next(1, 64) : 1; copies > 0 && input.Count < maxInput; copies--)
                    input.InsertRange(at, piece);
                break;
            case 5 or 6:
                input.InsertRange(at, Pick(_words));
                break;
            case 7: // the head of this one, the tail of another
                var other = Pick(pool);
                input.RemoveRange(at, input.Count - at);
                input.AddRange(other.AsSpan(random.Next(other.Length + 1)));
                break;
            case 8: // a piece of another in the middle
                var donor = Pick(pool);
                var from = random.Next(donor.Length + 1);
                input.InsertRange(at, donor.AsSpan(from, Math.Min(donor.Length - from, 1 << random.Next(0, 8))).ToArray());
                break;
        }
    }

    private byte[] Pick(IReadOnlyList<byte[]> from) => from.Count == 0 ? [] : from[random.Next(from.Count)];
}
