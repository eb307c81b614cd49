using Postern.Core;
using Postern.Core.Allowlist;

namespace Postern.Storage;

/// <summary>
/// Makes room for new clients where as many are known as may be, in <see cref="EvictionOrder"/>. A sample says below which
/// rank the lowest sixteenth lies, or of that what has expired, and a walk drops it, a part of the entries at a time and only
/// while there is no room: so each new client pays for a few others, and none for all.
/// </summary>
internal sealed class AllowlistEviction(ExpiryTable table, TimeProvider clock)
{
    private const int SampleSize = 4096;
    private const int Share = 16;

    private readonly List<ulong> _sample = [];
    private ulong _bar; // ranks below it go, and of those that have it so many:
    private int _ties;
    private int _part;
    private int _partsLeft; // of this walk
    private long _gaveUpAt;
    private bool _hasGivenUp;

    /// <summary>Whether clients that were told to come back have been forgotten before they could: too many new ones come.</summary>
    public bool ForgetsSoon => _hasGivenUp && clock.GetElapsedTime(_gaveUpAt) <= EvictionOrder.ReturnTime;

    /// <summary>Drops at least one entry, if there is one.</summary>
    /// <param name="policy">By which tests to judge.</param>
    /// <param name="forget">Told of each.</param>
    public void MakeRoom(AllowlistPolicy policy, Action<IpAddress, TestExpiry> forget)
    {
        var order = new EvictionOrder(policy.Enabled, policy.Lifetimes, clock.GetUtcNow());
        for (var before = table.Count; before > 0 && table.Count == before;)
        {
            if (_partsLeft == 0)
                Begin(order);
            Step(order, forget);
        }
    }

    private void Begin(EvictionOrder order)
    {
        _partsLeft = ExpiryTable.PartCount;
        _sample.Clear();
        for (var i = 0; i < ExpiryTable.PartCount && _sample.Count < SampleSize; i++)
        {
            foreach (var (_, record) in table.Part((_part + i) % ExpiryTable.PartCount) ?? [])
                _sample.Add(order.RankOf(record));
        }

        _sample.Sort();
        var expired = _sample.FindLastIndex(rank => rank <= order.HighestExpired) + 1;
        var lowest = Math.Max(1, _sample.Count / Share);
        if (expired > 0)
            lowest = Math.Min(lowest, expired);
        _bar = _sample[lowest - 1];
        var below = _sample.FindIndex(rank => rank == _bar);
        _ties = (int)((long)(lowest - below) * table.Count / _sample.Count);
    }

    private void Step(EvictionOrder order, Action<IpAddress, TestExpiry> forget)
    {
        foreach (var (client, record) in table.Part(_part) ?? [])
        {
            var rank = order.RankOf(record);
            if (rank > _bar || (rank == _bar && _ties-- <= 0))
                continue;
            table.Remove(client);
            forget(client, record);
            if (EvictionOrder.IsAwaited(rank))
                (_hasGivenUp, _gaveUpAt) = (true, clock.GetTimestamp());
        }

        _part = (_part + 1) % ExpiryTable.PartCount;
        _partsLeft--;
    }
}
