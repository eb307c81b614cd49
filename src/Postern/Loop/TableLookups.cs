using System.Runtime.CompilerServices;
using Postern.Core.Tables;

namespace Postern.Loop;

/// <summary>
/// Puts questions to tables that may keep whoever asks waiting, on threads of their own, so that the loop never does. Each list of
/// tables has its own: one whose server is down keeps nobody waiting but those who ask it.
/// </summary>
/// <param name="post">Runs an action on the loop's thread.</param>
internal sealed class TableLookups(Action<Action> post) : IDisposable
{
    private const int MostThreads = 8; // for one list: as many look-ups at a time
    private const int StackSize = 256 * 1024;
    private static readonly TimeSpan Idleness = TimeSpan.FromSeconds(20);

    private readonly ConditionalWeakTable<object, Queue> _queues = [];
    private readonly ManualResetEventSlim _filesAreRead = new(initialState: true);
    private readonly CancellationTokenSource _end = new();

    /// <summary>Questions about tables that are being read wait until <see cref="EndReading"/>.</summary>
    public void BeginReading() => _filesAreRead.Reset();

    /// <summary>All tables have been read.</summary>
    public void EndReading() => _filesAreRead.Set();

    /// <summary>Has a question asked. On the loop's thread.</summary>
    /// <param name="answered">Called on the loop's thread.</param>
    public void Ask(TableQuestion question, Action answered)
    {
        var queue = _queues.GetValue(question.Asked, static _ => new Queue());
        lock (queue.Waiting)
        {
            queue.Waiting.Enqueue((question, answered));
            if (queue.IdleThreads >= queue.Waiting.Count)
            {
                Monitor.Pulse(queue.Waiting);
                return;
            }

            if (queue.Threads == MostThreads)
                return;
            queue.Threads++;
        }

        new Thread(() => Work(queue), StackSize) { IsBackground = true, Name = "tables" }.Start();
    }

    /// <summary>Begins nothing any more; a look-up that is under way ends with the process.</summary>
    public void Dispose()
    {
        _end.Cancel();
        _filesAreRead.Set();
    }

    private void Work(Queue queue)
    {
        while (Next(queue) is var (question, answered))
        {
            if (question.Wait is LookupWait.Reading)
                _filesAreRead.Wait();
            if (_end.IsCancellationRequested)
                return;
            try
            {
                question.Ask();
            }
            catch (Exception bug) when (bug is not OutOfMemoryException)
            {
                question.Warn($"internal error: {bug}".ReplaceLineEndings(" ")); // and no answer, which is an error
            }

            post(answered);
        }
    }

    /// <returns>Null: there was nothing to do for a while.</returns>
    private static (TableQuestion Question, Action Answered)? Next(Queue queue)
    {
        lock (queue.Waiting)
        {
            queue.IdleThreads++;
            while (queue.Waiting.Count == 0)
            {
                if (!Monitor.Wait(queue.Waiting, Idleness) && queue.Waiting.Count == 0)
                {
                    queue.IdleThreads--;
                    queue.Threads--;
                    return null;
                }
            }

            queue.IdleThreads--;
            return queue.Waiting.Dequeue();
        }
    }

    /// <summary>The questions to one list, and the threads that ask them.</summary>
    private sealed class Queue
    {
        public Queue<(TableQuestion Question, Action Answered)> Waiting { get; } = [];

        public int Threads { get; set; }

        public int IdleThreads { get; set; }
    }
}
