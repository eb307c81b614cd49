namespace Postern.Loop;

/// <summary>
/// The clients by number. A token carries the number and how often it was given out before, so that an event that was
/// already on its way when the client left never reaches the next holder of the number. It grows by blocks, so that
/// growing copies nothing and leaves no garbage.
/// </summary>
internal sealed class ClientTable
{
    private const int BlockSize = 1024;
    private const uint UseMask = 0x3fff_ffff; // the two highest bits of a token are the loop's own

    private readonly List<Slot[]> _blocks = [];
    private int _firstFree = -1;
    private int _top;

    /// <summary>How many clients there are.</summary>
    public int Count { get; private set; }

    /// <summary>Takes a client in.</summary>
    public void Add(Client client)
    {
        if (_firstFree >= 0)
        {
            client.Index = _firstFree;
            _firstFree = At(client.Index).NextFree;
        }
        else
        {
            client.Index = _top++;
            if (client.Index / BlockSize == _blocks.Count)
                _blocks.Add(new Slot[BlockSize]);
        }

        At(client.Index).Client = client;
        Count++;
    }

    /// <summary>The client leaves; its tokens lead nowhere from now on.</summary>
    public void Remove(Client client)
    {
        ref var slot = ref At(client.Index);
        slot.Client = null;
        slot.Uses++;
        slot.NextFree = _firstFree;
        _firstFree = client.Index;
        Count--;
    }

    /// <summary>Makes the tokens given out for this client so far lead nowhere, and returns a new one.</summary>
    public ulong RenewToken(Client client)
    {
        At(client.Index).Uses++;
        return Token(client);
    }

    /// <summary>What the poller is to report for this client.</summary>
    public ulong Token(Client client) => (ulong)(At(client.Index).Uses & UseMask) << 32 | (uint)client.Index;

    /// <summary>The client of a token; null when it has left since.</summary>
    public Client? Find(ulong token)
    {
        var index = (int)(uint)token;
        if (index >= _top)
            return null;
        ref var slot = ref At(index);
        return (slot.Uses & UseMask) == (uint)(token >> 32) ? slot.Client : null;
    }

    /// <summary>The clients whose numbers are in a range.</summary>
    /// <param name="first">The lowest number.</param>
    /// <param name="count">How many numbers.</param>
    /// <param name="visit">Called for each client; must not take clients in or out.</param>
    /// <returns>The number to go on with; -1: there are none above.</returns>
    public int Visit(int first, int count, Action<Client> visit)
    {
        var end = Math.Min(_top, first + count);
        for (var i = first; i < end; i++)
        {
            if (At(i).Client is { } client)
                visit(client);
        }

        return end < _top ? end : -1;
    }

    /// <summary>Every client there is at this moment.</summary>
    public Client[] ToArray()
    {
        var all = new Client[Count];
        var count = 0;
        for (var i = 0; i < _top; i++)
        {
            if (At(i).Client is { } client)
                all[count++] = client;
        }

        return all;
    }

    private ref Slot At(int index) => ref _blocks[index / BlockSize][index % BlockSize];

    private struct Slot
    {
        public Client? Client;
        public uint Uses;
        public int NextFree;
    }
}
