using System.Numerics;
using System.Runtime.InteropServices;

namespace Postern.Core.Tables;

/// <summary>
/// Which of a number of answers holds for an address: the line of all addresses, cut where the answer changes. A table of a
/// million networks takes some bytes for each of them, and a look-up is a binary search.
/// </summary>
/// <typeparam name="TBits">An address: <see cref="uint"/> or <see cref="UInt128"/>.</typeparam>
internal sealed class PrefixMap<TBits>
    where TBits : unmanaged, IBinaryInteger<TBits>, IMinMaxValue<TBits>
{
    /// <summary>The answer for addresses that there is none for.</summary>
    public const int None = 0;

    private readonly NativeList<TBits> _starts; // ascending, from the first address of all
    private readonly PackedNumbers _answers; // from there to the next start

    /// <param name="prefixes">In their order. Of those that contain an address the one of the lowest rank decides about it.</param>
    /// <param name="answers">By rank.</param>
    public PrefixMap(ReadOnlySpan<RankedPrefix<TBits>> prefixes, IReadOnlyList<int> answers)
    {
        var counted = new Sweep(answers, null);
        counted.Run(prefixes); // first to know how much room they need
        _starts = new NativeList<TBits>(counted.Count);
        _answers = new PackedNumbers(counted.Count, counted.HighestAnswer);
        new Sweep(answers, _answers) { Starts = _starts }.Run(prefixes);
    }

    /// <returns>The answer for the address, or <see cref="None"/>.</returns>
    public int Find(TBits address)
    {
        var starts = _starts.Span;
        var low = 0;
        for (var count = starts.Length; count > 1;)
        {
            var half = count / 2;
            low = starts[low + half] <= address ? low + half : low;
            count -= half;
        }

        GC.KeepAlive(this);
        return _answers[low];
    }

    /// <summary>
    /// Goes through the prefixes in the order of addresses. Of two prefixes one is in the other or they are apart: those around
    /// an address are a stack, no deeper than there are lengths.
    /// </summary>
    private sealed class Sweep(IReadOnlyList<int> answers, PackedNumbers? into)
    {
        private readonly Stack<(TBits Last, int Rank)> _open = [];
        private TBits _start = TBits.Zero; // of the piece in hand
        private int _answer = None;
        private int _answerBefore = None;

        /// <summary>Takes where the pieces begin.</summary>
        public NativeList<TBits>? Starts { get; init; }

        /// <summary>How many pieces there are.</summary>
        public int Count { get; private set; }

        public int HighestAnswer { get; private set; }

        public void Run(ReadOnlySpan<RankedPrefix<TBits>> prefixes)
        {
            for (var i = 0; i < prefixes.Length; i++)
            {
                ref readonly var prefix = ref prefixes[i];
                if (i > 0 && prefix.Start == prefixes[i - 1].Start && prefix.Length == prefixes[i - 1].Length)
                    continue; // the same once more, of a higher rank
                while (_open.TryPeek(out var top) && top.Last < prefix.Start)
                    Close();
                var rank = _open.TryPeek(out var around) ? Math.Min(around.Rank, prefix.Rank) : prefix.Rank;
                _open.Push((prefix.Last, rank));
                Begin(prefix.Start, answers[rank]);
            }

            while (_open.Count > 0)
                Close();
            Keep();
        }

        private void Close()
        {
            var last = _open.Pop().Last;
            if (last != TBits.MaxValue)
                Begin(last + TBits.One, _open.TryPeek(out var around) ? answers[around.Rank] : None);
        }

        /// <summary>Another answer from here on; what was said of this very place before was about a larger network.</summary>
        private void Begin(TBits start, int answer)
        {
            if (start != _start)
                Keep();
            (_start, _answer) = (start, answer);
        }

        private void Keep()
        {
            if (Count > 0 && _answer == _answerBefore)
                return;
            Starts?.Add(_start);
            into?[Count] = _answer;
            Count++;
            _answerBefore = _answer;
            HighestAnswer = Math.Max(HighestAnswer, _answer);
        }
    }
}

/// <summary>A network that is one of many.</summary>
/// <param name="start">Its first address.</param>
/// <param name="length">The number of leading bits that count.</param>
/// <param name="rank">Below <see cref="MostRanks"/>.</param>
[StructLayout(LayoutKind.Sequential, Pack = 4)] // no gap behind the length
internal readonly struct RankedPrefix<TBits>(TBits start, int length, int rank) : IComparable<RankedPrefix<TBits>>
    where TBits : unmanaged, IBinaryInteger<TBits>, IMinMaxValue<TBits>
{
    /// <summary>How many ranks there can be.</summary>
    public const int MostRanks = 1 << RankBits;

    private const int RankBits = 24;

    private readonly uint _lengthAndRank = ((uint)length << RankBits) | (uint)rank; // the order of larger before smaller, too

    /// <summary>Its first address.</summary>
    public TBits Start { get; } = start;

    /// <summary>The number of leading bits that count.</summary>
    public int Length => (int)(_lengthAndRank >> RankBits);

    /// <summary>The lower one wins.</summary>
    public int Rank => (int)(_lengthAndRank & (MostRanks - 1));

    /// <summary>Its last address.</summary>
    public TBits Last => Start | new Prefix<TBits>(Start, Length).HostBits;

    /// <summary>By the first address, then the larger network first, then by rank.</summary>
    public int CompareTo(RankedPrefix<TBits> other)
    {
        var order = Start.CompareTo(other.Start);
        return order != 0 ? order : _lengthAndRank.CompareTo(other._lengthAndRank);
    }
}
