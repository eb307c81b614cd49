using Postern.Core;
using Postern.Core.Screening;

namespace Postern.Loop;

/// <summary>
/// The addresses that have clients at this moment. The entries are their own links: a dictionary would cost half as
/// much again for every parked client.
/// </summary>
internal sealed class AddressTable
{
    private ClientAddressState?[] _buckets = new ClientAddressState?[256];

    /// <summary>How many addresses there are.</summary>
    public int Count { get; private set; }

    /// <summary>Counts one more session of an address.</summary>
    public ClientAddressState Enter(IpAddress address)
    {
        ref var bucket = ref Bucket(address);
        for (var state = bucket; state is not null; state = state.NextInBucket)
        {
            if (state.Address == address)
            {
                state.Concurrency++;
                return state;
            }
        }

        if (Count >= _buckets.Length * 2)
        {
            Grow();
            bucket = ref Bucket(address);
        }

        Count++;
        return bucket = new ClientAddressState(address) { Concurrency = 1, NextInBucket = bucket };
    }

    /// <summary>Counts one session less; with the last one the entry goes.</summary>
    public void Leave(ClientAddressState state)
    {
        if (--state.Concurrency > 0)
            return;
        ref var bucket = ref Bucket(state.Address);
        if (bucket == state)
        {
            bucket = state.NextInBucket;
        }
        else
        {
            var before = bucket;
            while (before!.NextInBucket != state)
                before = before.NextInBucket;
            before.NextInBucket = state.NextInBucket;
        }

        Count--;
    }

    private ref ClientAddressState? Bucket(IpAddress address) => ref _buckets[address.GetHashCode() & (_buckets.Length - 1)];

    private void Grow()
    {
        var old = _buckets;
        _buckets = new ClientAddressState?[old.Length * 2];
        foreach (var first in old)
        {
            for (var state = first; state is not null;)
            {
                var next = state.NextInBucket;
                ref var bucket = ref Bucket(state.Address);
                state.NextInBucket = bucket;
                bucket = state;
                state = next;
            }
        }
    }
}
