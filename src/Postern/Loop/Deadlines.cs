using System.Numerics;

namespace Postern.Loop;

/// <summary>
/// One deadline a client, kept in a wheel of 1,024 slots of 10 ms. Setting and clearing cost the same with ten clients
/// and with ten thousand; a deadline further away than one turn of the wheel is passed over until its turn comes.
/// Nothing fires early; it fires at most one tick late.
/// </summary>
internal sealed class Deadlines
{
    private const int Tick = 10;
    private const int Slots = 1024;

    private readonly Client?[] _slots = new Client?[Slots];
    private readonly ulong[] _occupied = new ulong[Slots / 64];
    private long _reached;
    private int _count;

    /// <param name="now">Monotonic milliseconds.</param>
    public Deadlines(long now) => _reached = now / Tick;

    /// <summary>Sets the client's deadline, in place of an earlier one.</summary>
    /// <param name="client">Whose deadline.</param>
    /// <param name="deadline">Monotonic milliseconds.</param>
    public void Set(Client client, long deadline)
    {
        Clear(client);
        client.Deadline = deadline;
        var tick = Math.Max(_reached + 1, (deadline + Tick - 1) / Tick);
        var slot = (int)(tick % Slots);
        client.DeadlineSlot = (short)slot;
        client.Later = _slots[slot];
        client.Earlier = null;
        if (client.Later is { } later)
            later.Earlier = client;
        _slots[slot] = client;
        _occupied[slot >> 6] |= 1UL << (slot & 63);
        _count++;
    }

    /// <summary>Sets the client's deadline, in place of an earlier one.</summary>
    /// <param name="client">Whose deadline.</param>
    /// <param name="now">Monotonic milliseconds.</param>
    /// <param name="delay">From now.</param>
    public void Set(Client client, long now, TimeSpan delay) => Set(client, now + (long)Math.Ceiling(delay.TotalMilliseconds));

    /// <summary>Takes the client's deadline away, if it has one.</summary>
    public void Clear(Client client)
    {
        if (client.DeadlineSlot < 0)
            return;
        int slot = client.DeadlineSlot;
        if (client.Earlier is { } earlier)
            earlier.Later = client.Later;
        else if ((_slots[slot] = client.Later) is null)
            _occupied[slot >> 6] &= ~(1UL << (slot & 63));
        if (client.Later is { } later)
            later.Earlier = client.Earlier;
        (client.Earlier, client.Later, client.DeadlineSlot) = (null, null, -1);
        _count--;
    }

    /// <summary>Milliseconds until the next slot that holds somebody comes up; -1: nobody has a deadline.</summary>
    public int UntilNext(long now)
    {
        if (_count == 0)
            return -1;
        for (var ahead = 1; ahead <= Slots;)
        {
            var slot = (int)((_reached + ahead) % Slots);
            var rest = _occupied[slot >> 6] >> (slot & 63);
            if (rest == 0)
            {
                ahead += 64 - (slot & 63);
                continue;
            }

            ahead += BitOperations.TrailingZeroCount(rest);
            return (int)Math.Max(0, (_reached + ahead) * Tick - now);
        }

        return Slots * Tick;
    }

    /// <summary>Takes out, one by one, the clients whose time has come.</summary>
    /// <param name="now">Monotonic milliseconds.</param>
    /// <param name="due">The next of them.</param>
    public bool TryTakeDue(long now, out Client due)
    {
        for (; _reached < now / Tick; _reached++)
        {
            var slot = (int)((_reached + 1) % Slots);
            for (var client = _slots[slot]; client is not null; client = client.Later)
            {
                if (client.Deadline > now)
                    continue;
                Clear(client);
                due = client;
                return true;
            }
        }

        due = null!;
        return false;
    }
}
