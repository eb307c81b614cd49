namespace Postern.Rehearsal;

/// <summary>What is to happen when, by the virtual clock; of two at the same moment the first that was noted is first.</summary>
internal sealed class Agenda
{
    private readonly PriorityQueue<Action, (TimeSpan At, long Number)> _entries = new();
    private long _number;

    /// <summary>When the next entry is due, since the beginning; null: there is none.</summary>
    public TimeSpan? Next => _entries.TryPeek(out _, out var place) ? place.At : null;

    /// <param name="at">Since the beginning.</param>
    public void Add(TimeSpan at, Action action) => _entries.Enqueue(action, (at, _number++));

    /// <summary>Does what is due.</summary>
    public void Run(TimeSpan now)
    {
        while (_entries.TryPeek(out var action, out var place) && place.At <= now)
        {
            _entries.Dequeue();
            action();
        }
    }
}
