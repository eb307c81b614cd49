namespace Postern.Core.Rehearsal;

/// <summary>
/// Random numbers that are the same for the same seed on every machine and with every version of the runtime
/// (SplitMix64: Steele, Lea, Flood, OOPSLA 2014).
/// </summary>
public sealed class Dice(ulong seed)
{
    private ulong _state = seed;

    /// <summary>Evenly between 0 and 1, without 1.</summary>
    public double Next()
    {
        _state += 0x9e3779b97f4a7c15;
        var bits = (_state ^ _state >> 30) * 0xbf58476d1ce4e5b9;
        bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
        return ((bits ^ bits >> 31) >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>A whole number below <paramref name="count"/>.</summary>
    public int Next(int count) => (int)(Next() * count);

    /// <summary>
    /// Numbers between 0 and 1 in random order, one in each of <paramref name="count"/> equal parts. A share of the model is
    /// met to the head that way, so that what differs between two runs is the setting and not the luck.
    /// </summary>
    public double[] Spread(int count)
    {
        var numbers = new double[count];
        for (var i = 0; i < count; i++)
            numbers[i] = (i + Next()) / count;
        for (var i = count - 1; i > 0; i--)
        {
            var other = Next(i + 1);
            (numbers[i], numbers[other]) = (numbers[other], numbers[i]);
        }

        return numbers;
    }
}
