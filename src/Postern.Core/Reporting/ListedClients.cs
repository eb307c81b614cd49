using System.Text;

namespace Postern.Core.Reporting;

/// <summary>
/// Counts how many clients each DNS list has listed, each once. When there are too many to be told apart, every second one is
/// taken, then every fourth, by a number made of the address that has nothing to do with anything else. The counts are then
/// estimates: that of a list of a million clients is off by some two in a thousand.
/// </summary>
public sealed class ListedClients
{
    private const int MaxSlots = 1 << 20;
    private const int MaxLists = 1000;

    private readonly CompactTable _clients = new(MaxSlots);
    private readonly List<string> _names = [];
    private readonly Dictionary<ulong, int> _lists = [];
    private int _halvings;

    /// <summary>Whether the counts are estimates.</summary>
    public bool IsEstimate => _halvings > 0;

    /// <summary>A list has a client.</summary>
    public void Add(IpAddress address, ReadOnlySpan<byte> list)
    {
        var name = Fingerprint.Of(list);
        if (!_lists.TryGetValue(name, out var index))
        {
            if (_names.Count == MaxLists)
                return; // those that come first are many enough for a report
            _lists[name] = index = _names.Count;
            _names.Add(Encoding.Latin1.GetString(list));
        }

        var client = Fingerprint.Of(address, name);
        if (!IsTaken(client))
            return;
        if (_clients.IsFull)
        {
            _halvings++;
            _clients.Keep((key, _) => IsTaken(key));
            if (!IsTaken(client))
                return;
        }

        _clients.GetOrAdd(client) = index;
    }

    /// <summary>The lists that have listed most clients.</summary>
    public IReadOnlyList<NameCount> Top(int count)
    {
        var counts = new int[_names.Count];
        foreach (var (_, index) in _clients.Entries())
            counts[index]++;
        return [.. counts.Select((clients, index) => new NameCount(_names[index], clients << _halvings)).OrderByDescending(static list => list.Count).ThenBy(static list => list.Name, StringComparer.Ordinal).Take(count)];
    }

    private bool IsTaken(ulong client) => _halvings == 0 || client << (64 - _halvings) == 0;
}
