using System.Runtime.InteropServices;
using Postern.Core;
using Postern.Core.Screening;

namespace Postern.Loop;

/// <summary>
/// The addresses that have clients at this moment. The entries are their own links: a dictionary would cost half as
/// much again for every parked client.
/// </summary>
internal sealed class AddressTable
{
    private readonly Dictionary<IpAddress, int> _networks = []; // few: most addresses count alone
    private ClientAddressState?[] _buckets = new ClientAddressState?[256];

    /// <summary>How many addresses there are.</summary>
    public int Count { get; private set; }

    /// <summary>How many networks there are whose addresses count as one.</summary>
    public int NetworkCount => _networks.Count;

    /// <summary>Counts one more session of an address.</summary>
    /// <param name="address">The address.</param>
    /// <param name="network">The network that the session counts for; null: none.</param>
    public ClientAddressState Enter(IpAddress address, IpAddress? network)
    {
        var state = Find(address) ?? Add(address);
        state.Concurrency++;
        var sessions = network is { } shared ? ++CollectionsMarshal.GetValueRefOrAddDefault(_networks, shared, out _) : state.Concurrency;
        state.SessionsOfNetwork = (ushort)Math.Min(sessions, ushort.MaxValue);
        return state;
    }

    /// <summary>Counts one session less; with the last one the entry goes.</summary>
    /// <param name="state">What <see cref="Enter"/> has returned.</param>
    /// <param name="network">As <see cref="Enter"/> was told.</param>
    public void Leave(ClientAddressState state, IpAddress? network)
    {
        if (network is { } shared && --CollectionsMarshal.GetValueRefOrNullRef(_networks, shared) == 0)
            _networks.Remove(shared);
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

    private ClientAddressState? Find(IpAddress address)
    {
        var state = Bucket(address);
        while (state is not null && state.Address != address)
            state = state.NextInBucket;
        return state;
    }

    private ClientAddressState Add(IpAddress address)
    {
        if (Count >= _buckets.Length * 2)
            Grow();
        Count++;
        ref var bucket = ref Bucket(address);
        return bucket = new ClientAddressState(address) { NextInBucket = bucket };
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
