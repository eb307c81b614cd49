namespace Postern.Dns;

/// <summary>
/// What was found and what was not found, as long as its time to live allows and at most so many entries. For use by one
/// thread at a time: <see cref="StubResolver"/> locks it.
/// </summary>
internal sealed class DnsCache(int mostEntries)
{
    private readonly Dictionary<DnsQuestion, Entry> _entries = [];
    private readonly Queue<Arrival> _arrivals = new(); // the oldest leaves first when there is no room

    private long _arrivalNumber;

    /// <summary>Entries held, expired ones included.</summary>
    public int Count => _entries.Count;

    /// <param name="now">Monotonic: the time of <see cref="Remember"/> must come from the same clock.</param>
    public DnsAnswer? Find(DnsQuestion question, TimeSpan now) =>
        _entries.TryGetValue(question, out var entry) && now < entry.Expires ? entry.Answer : null;

    /// <summary>Keeps the answer if it may be kept.</summary>
    public void Remember(DnsQuestion question, DnsAnswer answer, TimeSpan now)
    {
        if (answer.TimeToLive <= TimeSpan.Zero || mostEntries == 0)
            return;
        var number = ++_arrivalNumber;
        _entries[question] = new Entry(answer, now + answer.TimeToLive, number);
        _arrivals.Enqueue(new Arrival(question, number));

        // An arrival whose entry was overwritten since is only a leftover in the queue. The queue is kept as short as
        // twice the entries, so it is bounded too.
        while (_entries.Count > mostEntries || _arrivals.Count > 2 * mostEntries)
        {
            var oldest = _arrivals.Dequeue();
            if (_entries.TryGetValue(oldest.Question, out var entry) && entry.Number == oldest.Number)
                _entries.Remove(oldest.Question);
        }
    }

    private readonly record struct Entry(DnsAnswer Answer, TimeSpan Expires, long Number);

    private readonly record struct Arrival(DnsQuestion Question, long Number);
}
